import * as E from 'fp-ts/lib/Either.js';
import { type Interface, type Key, createInterface } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';
import { complete, explain, inText } from './complete.js';
import { grammar } from './grammar.js';
import type { History } from './history.js';
import { parse } from './parse.js';
import { type Shell, marked, promptOf } from './shell.js';
import { topScreen } from './top.js';

/** Bytes that may wait for a terminal before live output leaves out what it does not take. */
const BEHIND = 256 * 1024;

/** What a shell is typed into. */
export interface TerminalOptions {
  readonly input: ReadStream;
  readonly output: WriteStream;
  readonly history: History;
  /** Ends it, as Ctrl-D does. */
  readonly signal: AbortSignal;
}

/** Lets somebody type lines at a terminal, until `quit`, Ctrl-D, or the end of the shell. */
export const terminal = (shell: Shell, options: TerminalOptions): Promise<void> => new Terminal(shell, options).run();

/** A command under way: what stops it, and whether any key does. */
interface Running {
  readonly controller: AbortController;
  readonly live: boolean;
}

class Terminal {
  readonly #shell: Shell;
  readonly #options: TerminalOptions;
  readonly #typed: string[] = [];
  #lines: Interface | null = null;
  #running: Running | null = null;
  #ended = false;
  #wake = (): void => {};

  constructor(shell: Shell, options: TerminalOptions) {
    this.#shell = shell;
    this.#options = options;
  }

  async run(): Promise<void> {
    const { signal } = this.#options;
    signal.addEventListener('abort', this.#end);
    this.#shell.over.addEventListener('abort', this.#end);
    try {
      for (;;) {
        const line = await this.#nextLine();
        if (line === undefined || (await this.#obey(line))) return;
      }
    } finally {
      signal.removeEventListener('abort', this.#end);
      this.#shell.over.removeEventListener('abort', this.#end);
      this.#close();
    }
  }

  readonly #end = (): void => {
    this.#ended = true;
    this.#running?.controller.abort();
    this.#wake();
  };

  // -- lines ---------------------------------------------------------------------------------------------------------

  /** Node's own line editor. It has the keyboard for as long as it is open. */
  #open(): Interface {
    const { input, output, history } = this.#options;
    const lines = createInterface({
      input,
      output,
      history: history.lines.toReversed(),
      historySize: 1_000,
      completer: this.#complete,
    });
    lines.on('line', (line) => {
      // The key that ends live output is Enter.
      if (this.#watching && line === '') return;
      this.#typed.push(line);
      this.#wake();
    });
    lines.on('SIGINT', this.#interrupted);
    lines.on('close', () => {
      if (this.#lines !== lines) return;
      output.write('\n');
      this.#end();
    });
    // After the editor's own listener: what it is told of is in the line already.
    input.on('keypress', this.#pressed);
    return lines;
  }

  #close(): void {
    const lines = this.#lines;
    this.#lines = null;
    this.#options.input.off('keypress', this.#pressed);
    lines?.close();
  }

  async #nextLine(): Promise<string | undefined> {
    for (;;) {
      const line = this.#typed.shift();
      if (line !== undefined || this.#ended) return line;
      this.#lines ??= this.#open();
      this.#lines.setPrompt(promptOf(this.#shell));
      // What was typed ahead stays, and the cursor behind it.
      this.#lines.prompt(true);
      await new Promise<void>((woken) => {
        this.#wake = woken;
      });
    }
  }

  /** Runs a line; true when it was to leave. */
  async #obey(line: string): Promise<boolean> {
    const { history, output } = this.#options;
    history.add(line);
    const indent = promptOf(this.#shell).length;
    const understood = parse(grammar, this.#shell.context, line);
    const controller = new AbortController();
    this.#running = { controller, live: E.isRight(understood) && understood.right.row.live };
    const print = (text: string): void => void output.write(`${text}\n`);
    if (this.#running.live) print('(any key ends this)');
    const full = (): boolean => output.writableLength > BEHIND;
    try {
      const asked = await this.#shell.run(line, { print, full, signal: controller.signal });
      if (asked === 'history') print(history.lines.join('\n'));
      if (asked === 'top') await this.#top(controller.signal);
      return asked === 'leave';
    } catch (error) {
      print(marked(error, indent));
      return false;
    } finally {
      this.#running = null;
    }
  }

  async #top(signal: AbortSignal): Promise<void> {
    this.#close();
    await topScreen(this.#shell, { ...this.#options, signal, seconds: 1 });
  }

  // -- keys ----------------------------------------------------------------------------------------------------------

  readonly #complete = (line: string, done: (error: null, result: [string[], string]) => void): void => {
    void this.#offer(line, done);
  };

  async #offer(line: string, done: (error: null, result: [string[], string]) => void): Promise<void> {
    const { context, names } = this.#shell;
    let result: [string[], string] = [[], ''];
    try {
      const { words, begun } = await complete(grammar, context, line, names);
      result = [[...words], begun];
    } catch {
      // The shell has gone: there is nothing to offer.
    }
    done(null, result);
  }

  /** Whether live output is shown that nobody has ended yet: what is typed after that key is the next line. */
  get #watching(): boolean {
    return this.#running !== null && this.#running.live && !this.#running.controller.signal.aborted;
  }

  readonly #pressed = (text: string | undefined, _key: Key): void => {
    const lines = this.#lines;
    if (lines === null) return;
    if (this.#watching) {
      this.#running?.controller.abort();
      erase(lines);
    }
    if (this.#running !== null || text !== '?') return;
    const before = lines.line.slice(0, lines.cursor - 1);
    if (inText(grammar, this.#shell.context, before)) return;
    lines.write(null, { name: 'backspace' });
    this.#options.output.write(`\n${explain(grammar, this.#shell.context, before).join('\n')}\n`);
    lines.prompt(true);
  };

  /** Ctrl-C: forgets what was typed, lines that wait for their turn too, and stops what runs. */
  readonly #interrupted = (): void => {
    const lines = this.#lines;
    this.#typed.length = 0;
    if (this.#running !== null) this.#running.controller.abort();
    else if (lines !== null) {
      const hint = lines.line === '' ? ' (quit or Ctrl-D leaves)' : '';
      erase(lines);
      this.#options.output.write(`^C${hint}\n`);
      this.#wake();
    }
  };
}

/** Empties the line that is being typed. */
const erase = (lines: Interface): void => {
  lines.write(null, { ctrl: true, name: 'e' });
  lines.write(null, { ctrl: true, name: 'u' });
};
