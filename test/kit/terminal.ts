import { type Program, installed, start } from './program.js';
import { Screen } from './screen.js';

/** Whether programs can be given a terminal here. */
export const hasTerminals = installed('python3');

/** How long something may take to be shown, in milliseconds. */
const PATIENCE = 15_000;

/** The keys that have no letter. */
export const KEYS = {
  enter: '\r',
  tab: '\t',
  up: '\u001b[A',
  ctrlC: '\u0003',
  ctrlD: '\u0004',
};

/** `sluice` at a terminal of its own, and somebody at its keyboard. */
export class Terminal {
  readonly #program: Program;
  #seen = 0;

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const command = [process.execPath, 'dist/lib/src/cli/main.js', ...args];
    this.#program = start('python3', ['test/kit/terminal.py', '40', '160', ...command], {
      TERM: 'xterm',
      SLUICE_HISTORY: '',
      ...env,
    });
  }

  /** Presses keys, each once the one before has been read: what is read in one piece is taken for pasted. */
  press(...keys: readonly string[]): void {
    this.#tell({ keys });
  }

  /** Types a line, and Enter. */
  line(text: string): void {
    this.press(text, KEYS.enter);
  }

  /** Takes the terminal away, as a connection that breaks does. */
  hangUp(): void {
    this.#program.hush();
  }

  resize(rows: number, columns: number): void {
    this.#tell({ size: [rows, columns] });
  }

  /** Waits until something is shown that has not been waited for yet, and gives it. */
  async shows(pattern: RegExp): Promise<RegExpExecArray> {
    const late = new Promise<never>((_, reject) => {
      const fail = (): void => reject(new Error(`${pattern} was not shown:\n${this.screen.text}`));
      setTimeout(fail, PATIENCE).unref();
    });
    const match = await Promise.race([this.#program.printed(pattern, this.#seen), late]);
    this.#seen += match.index + match[0].length;
    return match;
  }

  /** The modes that the terminal is in: ECHO, ICANON and ISIG where a program has left it alone. */
  async modes(): Promise<string> {
    this.#tell({ modes: true });
    return (await this.shows(/<modes ([^>]*)>/))[1] as string;
  }

  /** What is on the screen now. */
  get screen(): Screen {
    return new Screen(this.#program.output());
  }

  get exited(): Program['exited'] {
    return this.#program.exited;
  }

  #tell(what: unknown): void {
    this.#program.say(`${JSON.stringify(what)}\n`);
  }
}
