import type { Names } from './complete.js';
import type { Asked } from './row.js';

/** Why a command did not do what it was to do. */
export class Complaint extends Error {
  override readonly name = 'Complaint';
  /** Where in the line, where it was the line that was wrong. */
  readonly at: number | undefined;

  constructor(reason: string, at?: number) {
    super(reason);
    this.at = at;
  }
}

/** What went wrong, for people. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The same under a line that was typed: where it is the line that is wrong, a mark shows the place. */
export const marked = (error: unknown, indent: number): string => {
  const at = error instanceof Complaint ? error.at : undefined;
  return at === undefined ? reasonOf(error) : `${' '.repeat(indent + at)}^ ${reasonOf(error)}`;
};

/** What a command has to do with: where its words go, and what stops it. */
export interface Io {
  /** Takes what it says, a line or several at a time. */
  readonly print: (text: string) => void;
  /** Whether so much waits to be shown that what goes on for ever should leave something out. */
  readonly full: () => boolean;
  /** Stops what would go on for long: `show events`, `wait`. */
  readonly signal: AbortSignal;
}

/** What lines are typed into: the servers of this process, or those of another one behind its control socket. */
export interface Shell {
  /** The words that a line may go on from: those of the server whose context was entered. */
  readonly context: readonly string[];
  /** Aborted once it can be used no more. */
  readonly over: AbortSignal;
  /** Runs a line, to its end. Rejects with what went wrong. */
  readonly run: (line: string, io: Io) => Promise<Asked | undefined>;
  /** What there is of a kind, for Tab. */
  readonly names: Names;
  /** Says goodbye. The owner of the servers drains them, and cuts that short when the signal says so. */
  readonly leave: (io: Io) => Promise<void>;
}

/** What is shown before a line: `sluice(lobby)> `. */
export const promptOf = ({ context }: Pick<Shell, 'context'>): string =>
  context.length === 0 ? 'sluice> ' : `sluice(${context.at(-1)})> `;
