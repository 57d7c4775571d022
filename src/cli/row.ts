import type { Call } from './call.js';
import type { Given } from './kinds.js';

/** What whoever types the lines is asked to do after a command. */
export type Asked = 'leave' | 'history' | 'top';

/** What a command comes to: nothing more, or something that only the one who typed it can do. */
export type Answer = Asked | void | Promise<Asked | void>;

/** One command: the words it is typed with, what it is for, and what it does. */
export interface Row {
  /** Its words. Those in capitals stand for what is given, see `kinds`. */
  readonly pattern: string;
  readonly words: readonly string[];
  /** What it does, in a line. */
  readonly help: string;
  /** Whether it goes on until a key is pressed. */
  readonly live: boolean;
  readonly run: (given: Readonly<Record<string, unknown>>, call: Call) => Answer;
}

/** A row of the grammar. What the pattern's capitals were read as is what `run` is given. */
export const row = <Pattern extends string>(
  pattern: Pattern,
  help: string,
  run: (given: Given<Pattern>, call: Call) => Answer,
): Row => ({
  pattern,
  words: pattern.split(' '),
  help,
  live: false,
  run: (given, call) => run(given as Given<Pattern>, call),
});

/** The same rows, which go on until a key is pressed. */
export const untilKey = (rows: readonly Row[]): readonly Row[] => rows.map((one) => ({ ...one, live: true }));

/** Two rows: what it shows for people, and with `--json` at its end for programs. */
export const shown = <Pattern extends string>(
  pattern: Pattern,
  help: string,
  run: (given: Given<Pattern>, call: Call, json: boolean) => Answer,
): readonly Row[] => [
  row(pattern, help, (given, call) => run(given, call, false)),
  row(`${pattern} --json`, 'the same, as JSON for programs', (given, call) => run(given as Given<Pattern>, call, true)),
];
