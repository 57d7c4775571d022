import { History } from './history.js';
import { type Io, type Shell, reasonOf } from './shell.js';

/** How a script runs, and where its words go. */
export interface ScriptOptions extends Io {
  /** Takes what is wrong, with the number of its line. */
  readonly complain: (text: string) => void;
  /** Goes on after a line that fails. */
  readonly keepGoing: boolean;
  /** Shows the table of `top`, once. */
  readonly top: () => Promise<void>;
}

/** How a script ended. */
export interface ScriptEnd {
  /** Lines that failed. */
  readonly failed: number;
  /** Whether it said `quit`. */
  readonly left: boolean;
}

/** Runs lines as if they were typed, one after another, up to the first that fails, `quit`, or the end. */
export const runScript = async (
  shell: Shell,
  lines: AsyncIterable<string>,
  { complain, keepGoing, top, ...io }: ScriptOptions,
): Promise<ScriptEnd> => {
  const history = new History('');
  let [number, failed] = [0, 0];
  for await (const line of lines) {
    number++;
    history.add(line);
    try {
      const asked = await shell.run(line, io);
      if (asked === 'leave') return { failed, left: true };
      if (asked === 'history') io.print(history.lines.join('\n'));
      if (asked === 'top') await top();
    } catch (error) {
      failed++;
      complain(`line ${number}: ${line.trim()}: ${reasonOf(error)}`);
      if (!keepGoing || io.signal.aborted || shell.over.aborted) return { failed, left: false };
    }
    if (io.signal.aborted) return { failed, left: true };
  }
  return { failed, left: false };
};
