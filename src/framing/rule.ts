import { checkFunction, checkInteger } from '../check.js';

/** The bytes at hand, counted from the start of the frame: to be looked at, not taken. */
export interface Front {
  /** How many there are. */
  readonly length: number;
  /** The byte at `index`, or -1 where none has come yet. */
  at(index: number): number;
  /** Where `byte` stands first, at `from` or after it, or -1. Ten times as fast as looking at each byte. */
  indexOf(byte: number, from: number): number;
  /**
   * The unsigned number in the `width` bytes from `index` on, the high end first unless `littleEndian` is true; they
   * must have come. Beyond 2^53 it comes out rounded, but never small. Twice as fast as looking at each byte.
   */
  uint(index: number, width: number, littleEndian?: boolean): number;
}

/**
 * Tells where frames end. A rule holds no bytes and no state, so one rule serves every connection.
 *
 * One of your own is a few lines. Lines that end in LF, without a limit on the line but with one on what is held:
 *
 *     const line: Rule = {
 *       capacity: 1024,
 *       judge: (front, seen) => {
 *         const end = front.indexOf(10, seen);
 *         return end < 0 ? more : found(0, end, 1);
 *       },
 *     };
 *
 * Whatever a rule says, no frame takes more than `capacity` bytes: the deframer sees to it.
 */
export interface Rule {
  /** What to call it, in a deframer's state and where a server shows its settings. */
  readonly name?: string;
  /** The most bytes that one frame may take up, header and trailer included: the most that is ever held for one. */
  readonly capacity: number;
  /**
   * How many bytes, at most, may be the beginning of a frame's end: 1 for CR LF, where CR may have come without its LF.
   * They are kept while a frame that is too long is skipped. Defaults to 0.
   */
  readonly tail?: number;
  /**
   * Judges the frame at the front. Its first `seen` bytes were judged before, and were not enough: a rule that looks
   * for an end begins there. `ended` says that no more bytes will come.
   */
  readonly judge: (front: Front, seen: number, ended: boolean) => Verdict;
  /** The inverse: the bytes that this rule cuts back into `payload`. A `RangeError` where there are none such. */
  readonly encode?: (payload: Uint8Array) => Uint8Array;
  /**
   * The same into `target`, from `at` on: answers where the frame ends, or -1 where `target` has no room for it, and
   * throws as `encode` does. For speed only: with it, a frame that is written at once needs no array of its own.
   */
  readonly encodeInto?: (payload: Uint8Array, target: Uint8Array, at: number) => number;
}

/** A rule that works both ways, as all that come with the package do: what it encodes, it cuts back into the same. */
export interface InvertibleRule extends Rule {
  readonly name: string;
  readonly encode: (payload: Uint8Array) => Uint8Array;
}

/** What a rule answers: `more`, `found(...)`, `tooLong(...)` or `malformed(...)`. */
export type Verdict = More | Found | TooLong | Malformed;

/** More bytes are needed to tell. */
export interface More {
  readonly answer: 'more';
}

/** The frame is `size` bytes, whether they have all come or not: the payload after `header` of them. */
export interface Found {
  readonly answer: 'found';
  readonly header: number;
  readonly payload: number;
  readonly size: number;
}

/** The frame breaks the rule's limit. */
export interface TooLong {
  readonly answer: 'too long';
  readonly got: number;
  readonly limit: number;
  readonly size: number | undefined;
  readonly guess: string | undefined;
}

/** No frame begins like this. */
export interface Malformed {
  readonly answer: 'malformed';
  readonly reason: string;
  readonly guess: string | undefined;
}

/** More bytes are needed to tell. */
export const more: Verdict = { answer: 'more' };

const noFrame = (header: number, payload: number, trailer: number): RangeError =>
  new RangeError(`a frame must have a byte or more, got ${header}, ${payload} and ${trailer}`);

const extent = { answer: 'found' as const, header: 0, payload: 0, size: 0 };

/**
 * The frame is `header` bytes that are not passed on, `payload` bytes that are, and `trailer` bytes that are not.
 * To be said as soon as it is known: nothing is judged again until that many bytes are there. A frame may have no
 * payload, but it has a byte or more in all: anything else is a `RangeError`.
 *
 * Answers with one and the same object each time, good until the next answer: a frame costs no object but itself.
 */
export const found = (header: number, payload: number, trailer = 0): Verdict => {
  const size = header + payload + trailer;
  if (!(header >= 0 && payload >= 0 && trailer >= 0 && size > 0)) throw noFrame(header, payload, trailer);
  extent.header = header;
  extent.payload = payload;
  extent.size = size;
  return extent;
};

/**
 * The frame has `got` payload bytes, or at least as many, and `limit` are allowed: a `FrameTooLong` to the reader.
 *
 * `size` is what the whole frame takes up, header and trailer included, so that it can be skipped where that is the
 * policy. Leave it out only where no end is among the bytes at hand: they are skipped, until the rule finds one.
 * `guess` says what the bytes look like.
 */
export const tooLong = (got: number, limit: number, size?: number, guess?: string): Verdict => ({
  answer: 'too long',
  got,
  limit,
  size,
  guess,
});

/** No frame begins like this, and why: a `MalformedFrame` to the reader. `guess` says what the bytes look like. */
export const malformed = (reason: string, guess?: string): Verdict => ({ answer: 'malformed', reason, guess });

/** The most payload bytes of a frame where a rule is not told otherwise: 1 MiB. */
export const DEFAULT_LIMIT = 1024 * 1024;

/** The highest limit that a rule can be given: 1 GiB. */
export const HIGHEST_LIMIT = 1024 * 1024 * 1024;

/** A limit in payload bytes, as an option. */
export const checkLimit = (name: string, value: unknown): number => checkInteger(name, value, 1, HIGHEST_LIMIT);

/** A rule, as an argument: built in, or somebody's own. */
export const checkRule = (rule: Rule): Rule => {
  if (typeof rule !== 'object' || rule === null) throw new TypeError(`rule must be a rule, got ${String(rule)}`);
  checkFunction('rule.judge', rule.judge);
  checkInteger('rule.capacity', rule.capacity, 1);
  if (rule.tail !== undefined) checkInteger('rule.tail', rule.tail, 0, rule.capacity - 1);
  return rule;
};
