import { checkBoolean, checkObject } from '../check.js';
import { frontOf } from './bytes-at-hand.js';
import { carve } from './carve.js';
import {
  type Front,
  type InvertibleRule,
  type Verdict,
  DEFAULT_LIMIT,
  checkLimit,
  found,
  more,
  tooLong,
} from './rule.js';

/** What ends a frame: text, which stands for its UTF-8 bytes, or bytes. */
export type Delimiter = string | Uint8Array;

/** What can be set for `delimited`. */
export interface DelimitedOptions {
  /** The most bytes of a frame, the delimiter not counted even where it is kept. Defaults to 1 MiB. */
  readonly limit?: number;
  /** Whether the delimiter stays at the end of the frame. Defaults to false. */
  readonly keep?: boolean;
}

const text = new TextEncoder();

const toBytes = (delimiter: Delimiter): Uint8Array => {
  if (typeof delimiter === 'string') return text.encode(delimiter);
  if (delimiter instanceof Uint8Array) return Uint8Array.from(delimiter);
  throw new TypeError(`delimiters must be texts or bytes, got ${String(delimiter)}`);
};

const shown = (bytes: Uint8Array): string => JSON.stringify(String.fromCharCode(...bytes));

const standsAt = (inner: Uint8Array, outer: Uint8Array, at: number): boolean =>
  inner.every((byte, index) => outer[at + index] === byte);

/** Whether `inner` stands in `outer` with something of `outer` before it and after it. */
const standsInside = (inner: Uint8Array, outer: Uint8Array): boolean => {
  for (let at = 1; at < outer.length - inner.length; at++) if (standsAt(inner, outer, at)) return true;
  return false;
};

const isBeginning = (inner: Uint8Array, outer: Uint8Array): boolean =>
  inner.length < outer.length && standsAt(inner, outer, 0);

/** Refuses a set of delimiters that leaves it open where a frame ends. */
const checkDelimiters = (set: readonly Uint8Array[]): void => {
  if (set.length === 0) throw new RangeError('delimiters must be one or more, got none');
  for (const [index, delimiter] of set.entries()) {
    if (delimiter.length === 0) throw new RangeError('a delimiter must have one byte or more, got an empty one');
    for (const other of set.slice(index + 1)) {
      if (delimiter.length === other.length && standsAt(delimiter, other, 0))
        throw new RangeError(`delimiters must differ, got ${shown(delimiter)} twice`);
    }
    const around = set.find((other) => standsInside(delimiter, other) && !isBeginning(delimiter, other));
    if (around !== undefined)
      throw new RangeError(
        `delimiters must not stand inside one another, as ${shown(delimiter)} does in ${shown(around)}`,
      );
  }
};

/** Whether all of `delimiter` but its last byte stands in the bytes at hand before `end`. */
const standsBefore = (front: Front, end: number, delimiter: Uint8Array): boolean => {
  const start = end + 1 - delimiter.length;
  if (start < 0) return false;
  for (let index = delimiter.length - 2; index >= 0; index--)
    if (front.at(start + index) !== delimiter[index]) return false;
  return true;
};

/** Whether `delimiter` stands in the bytes at hand from `start` on, as far as they go. */
const agrees = (front: Front, start: number, delimiter: Uint8Array): boolean => {
  const length = Math.min(delimiter.length, front.length - start);
  for (let index = 0; index < length; index++) if (front.at(start + index) !== delimiter[index]) return false;
  return true;
};

/**
 * Each frame ends at a delimiter: one, or whichever of several stands first.
 *
 * Of two that begin at the same place the longer counts. So where one is the beginning of another (`\r` and `\r\n`),
 * a frame that ends in the shorter waits for the next byte, or for the end of the stream: where a peer waits for the
 * answer first, give the longer one only. Delimiters that are empty, the same, or inside one another (`b` in `abc`) are
 * a `RangeError`.
 *
 * A frame of more than `limit` bytes is a `FrameTooLong`, as soon as so many have come that are no delimiter.
 *
 * Encodes a payload with the first delimiter that is not the beginning of another. A `RangeError` where the payload has
 * a delimiter in it; with `keep`, where it does not end in its only one.
 */
export const delimited = (
  delimiters: Delimiter | readonly Delimiter[],
  options: DelimitedOptions = {},
): InvertibleRule => {
  const { limit = DEFAULT_LIMIT, keep = false } = checkObject('options', options);
  const set = [delimiters].flat().map(toBytes);
  checkDelimiters(set);
  checkLimit('limit', limit);
  checkBoolean('keep', keep);

  const longestFirst = set.toSorted((a, b) => b.length - a.length);
  const longest = (longestFirst[0] as Uint8Array).length;
  const tail = longest - 1;
  /** Bytes of a delimiter that are passed on with the frame, and that are not, where there is one delimiter. */
  const [kept, cut] = keep ? [longest, 0] : [0, longest];
  /** For each, those that it is the beginning of: the longest first. */
  const longer = new Map(set.map((one) => [one, longestFirst.filter((other) => isBeginning(one, other))]));
  const written = set.find((one) => longer.get(one)?.length === 0) as Uint8Array;
  /** Whether any is the beginning of another. */
  const nested = set.some((one) => longer.get(one)?.length !== 0);
  const lastBytes = new Set(set.map((one) => one[one.length - 1] as number));
  const [onlyLast] = lastBytes;

  /** Where the last byte of some delimiter stands first, at `from` or after it. */
  const nextEnd = (front: Front, from: number): number => {
    if (lastBytes.size === 1) return front.indexOf(onlyLast as number, from);
    for (let index = from; index < front.length; index++) if (lastBytes.has(front.at(index))) return index;
    return -1;
  };

  /** The longest delimiter that ends at `end`, where the last byte of one stands. */
  const endingAt = (front: Front, end: number): Uint8Array | undefined => {
    const last = front.at(end);
    for (const one of longestFirst) if (one[one.length - 1] === last && standsBefore(front, end, one)) return one;
    return undefined;
  };

  /** Of the delimiters that begin with `shorter`, the longest that stands at `start`, or may when more has come. */
  const longestAt = (front: Front, start: number, shorter: Uint8Array, ended: boolean): Uint8Array =>
    longer.get(shorter)?.find((one) => agrees(front, start, one) && !(ended && start + one.length > front.length)) ??
    shorter;

  /** How many of the last bytes at hand may be the beginning of a delimiter. */
  const begun = (front: Front): number => {
    for (let count = Math.min(tail, front.length); count > 0; count--) {
      const start = front.length - count;
      if (set.some((one) => one.length > count && agrees(front, start, one))) return count;
    }
    return 0;
  };

  /** No end has come. What may be the beginning of one does not count to the limit. */
  const open = (front: Front, ended: boolean): Verdict => {
    const { length } = front;
    if (length <= limit || length - (ended ? 0 : begun(front)) <= limit) return more;
    return tooLong(limit + 1, limit);
  };

  const judge = (front: Front, seen: number, ended: boolean): Verdict => {
    const { length } = front;
    for (let end = nextEnd(front, Math.max(0, seen - tail)); end >= 0; end = nextEnd(front, end + 1)) {
      const shorter = endingAt(front, end);
      if (shorter === undefined) continue;
      const start = end + 1 - shorter.length;
      const delimiter = nested ? longestAt(front, start, shorter, ended) : shorter;
      const size = start + delimiter.length;
      if (start > limit) return tooLong(limit + 1, limit, size <= length ? size : undefined);
      if (size > length) return more;
      return keep ? found(0, size) : found(0, start, delimiter.length);
    }
    return open(front, ended);
  };

  /** Whether the one delimiter that there is stands with its last byte at `end`: most often its last two bytes tell. */
  const stands = (front: Front, end: number): boolean =>
    end >= tail &&
    (tail === 0 || (front.at(end - 1) === written[tail - 1] && (tail === 1 || standsBefore(front, end, written))));

  /** The same as `judge` where there is one delimiter, and nothing to choose from: in two thirds of the time. */
  const judgeOne = (front: Front, seen: number, ended: boolean): Verdict => {
    for (let from = Math.max(0, seen - tail); ;) {
      const end = front.indexOf(onlyLast as number, from);
      if (end < 0) return open(front, ended);
      const start = end - tail;
      if (stands(front, end)) return start > limit ? tooLong(limit + 1, limit, end + 1) : found(0, start + kept, cut);
      from = end + 1;
    }
  };

  return {
    name: `delimited(${set.map(shown).join(', ')})`,
    capacity: limit + longest,
    tail,
    judge: set.length === 1 ? judgeOne : judge,
    encode: (payload) => {
      const bytes = keep ? payload : carve(payload.length + written.length);
      if (!keep) {
        bytes.set(payload, 0);
        bytes.set(written, payload.length);
      }
      const verdict = judge(frontOf(bytes), 0, false);
      if (verdict.answer === 'found' && verdict.payload === payload.length) return bytes;
      if (verdict.answer === 'too long')
        throw new RangeError(`payload must have ${limit} bytes at most before a delimiter, got ${payload.length}`);
      throw new RangeError(`payload must have ${keep ? 'one delimiter, at its end' : 'no delimiter in it'}`);
    },
  };
};
