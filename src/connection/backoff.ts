import { checkIntegerOrNone, checkNumber, checkObject, checkTime } from '../check.js';

/** How to dial again after a failure or a loss. Times in milliseconds. */
export interface Reconnect {
  /** The longest first wait (default 100). */
  readonly initial?: number;
  /** No wait is longer than this (default 30,000). */
  readonly max?: number;
  /** What the wait is multiplied by after each failure (default 2). */
  readonly factor?: number;
  /**
   * How much of a wait is left to chance, from 0 (none) to 1 (all of it, the default: "full jitter"). Keeps a thousand
   * clients from coming back in the same instant. After "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
   */
  readonly jitter?: number;
  /** Attempts that may fail in a row, counted since the last success (default `Infinity`). */
  readonly attempts?: number;
  /**
   * How long a connection has to last for the next wait to be a first one again (default 5,000; 0: any success will do).
   * A server that accepts and hangs up is not dialled more often than one that is not there.
   */
  readonly stable?: number;
}

/** The same with its defaults, checked. */
export interface Backoff {
  readonly initial: number;
  readonly max: number;
  readonly factor: number;
  readonly jitter: number;
  readonly attempts: number;
  readonly stable: number;
}

/** Checks `reconnect`; null where it says not to dial again. */
export const backoffOf = (reconnect: Reconnect | boolean = false): Backoff | null => {
  if (reconnect === false) return null;
  const given = checkObject('reconnect', reconnect === true ? {} : reconnect);
  const { max = 30_000, factor = 2, jitter = 1, attempts = Infinity, stable = 5_000 } = given;
  checkTime('reconnect.max', max);
  const initial = checkTime('reconnect.initial', given.initial ?? Math.min(100, max));
  const backoff = {
    initial,
    max,
    factor: checkNumber('reconnect.factor', factor, 1, 1_000),
    jitter: checkNumber('reconnect.jitter', jitter, 0, 1),
    stable: checkTime('reconnect.stable', stable, 0),
    attempts: checkIntegerOrNone('reconnect.attempts', attempts, 1),
  };
  if (backoff.initial <= backoff.max) return backoff;
  throw new RangeError(`reconnect.initial must be at most reconnect.max (${max} ms), got ${initial}`);
};

/** The wait after so many failures in a row, in milliseconds. */
export const waitOf = ({ initial, max, factor, jitter }: Backoff, failures: number, random: () => number): number => {
  const longest = Math.min(max, initial * factor ** Math.max(0, failures - 1));
  return Math.round(longest * (1 - jitter + jitter * checkNumber('what random gives', random(), 0, 1)));
};
