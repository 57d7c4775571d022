import { checkBoolean, checkInteger } from '../check.js';
import { dice } from './dice.js';

/** What a network does to a connection. Each direction is a line of its own. */
export interface NetworkOptions {
  /** How long everything is under way, in milliseconds: a connection, a byte, an end, a reset (default 0). */
  readonly latency?: number;
  /**
   * How many bytes come at once: `1` is byte by byte, `'random'` is 1 to 16 by chance (default: each write as it was
   * written). All pieces come in the same millisecond, one after another.
   */
  readonly split?: number | 'random';
  /** Joins what has come by the time that it is read, and splits only then (default false). */
  readonly coalesce?: boolean;
  /** Bytes a second that a line carries (default: any number, at once). */
  readonly bandwidth?: number;
  /** Bytes that may be under way and unread in a direction before who writes is full (default 65,536). */
  readonly window?: number;
  /** Cuts the connection when so many bytes of the client have come: both sides see a reset. */
  readonly resetAt?: number;
  /** What chance goes by (default 1): the same seed splits in the same way. */
  readonly seed?: number;
}

/** The options, checked and with their defaults. */
export interface Network {
  readonly latency: number;
  readonly split: number | 'random' | undefined;
  readonly coalesce: boolean;
  readonly bandwidth: number;
  readonly window: number;
  readonly resetAt: number;
  readonly seed: number;
  /** A number by chance, from 0 up to `below`. */
  readonly roll: (below: number) => number;
}

/** Checks the options of a network. Throws a `RangeError` or `TypeError` that names the one that is wrong. */
export const networkOf = (options: NetworkOptions): Network => {
  const { latency = 0, split, coalesce = false, bandwidth, window = 65_536, resetAt, seed = 1 } = options;
  return {
    latency: checkInteger('latency', latency, 0),
    split: split === undefined || split === 'random' ? split : checkInteger('split', split, 1),
    coalesce: checkBoolean('coalesce', coalesce),
    bandwidth: bandwidth === undefined ? Infinity : checkInteger('bandwidth', bandwidth, 1),
    window: checkInteger('window', window, 1),
    resetAt: resetAt === undefined ? Infinity : checkInteger('resetAt', resetAt, 0),
    seed: checkInteger('seed', seed, 0),
    roll: dice(seed),
  };
};

/** What differs from a network that does nothing, for people: `split random, seed 1`. */
export const shownNetwork = (options: NetworkOptions): string => {
  const { seed } = networkOf(options);
  const given = Object.entries({ ...options, seed: options.split === 'random' ? seed : undefined });
  return given
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
};
