// What a group of figures is made of. A group is a file in groups/ with a `Group` as its default export; nothing else
// has to know of it.

/** Does some work, and says how many messages, frames or calls that was: the same number each time. */
export type Run = () => number | Promise<number>;

/** Sets up what is measured. Called in a process of its own, so nobody's types or garbage are in anybody's way. */
export type Runner = () => Run | Promise<Run>;

/** One thing done by us and by others. */
export interface Contest {
  readonly name: string;
  readonly ours: Runner;
  readonly rivals?: Readonly<Record<string, Runner>>;
  readonly target?: Target;
}

/** What our figure has to be: so many times a rival's at most, or so many nanoseconds more than it. */
export type Target =
  | { readonly times: number; readonly of: string }
  | { readonly under: number; readonly over: string };

export interface Group {
  /** For the list of groups. */
  readonly about: string;
  /** What one figure is the price of. */
  readonly unit: string;
  readonly contests: readonly Contest[];
}

/** Thrown by a runner whose program is not installed: it is left out, and a line says how to install it. */
export class NotInstalled extends Error {
  readonly _tag = 'NotInstalled';
}

/** The one name for our side in tables. */
export const OURS = 'ours';
