import { checkBoolean, checkInteger, checkObject, checkOneOf } from '../check.js';
import { frontOf } from './bytes-at-hand.js';
import { carve } from './carve.js';
import { guessProtocol } from './guess.js';
import {
  type Front,
  type InvertibleRule,
  type Verdict,
  DEFAULT_LIMIT,
  checkLimit,
  found,
  malformed,
  more,
  tooLong,
} from './rule.js';

/** Bytes that a length field may have. */
export type Width = 1 | 2 | 3 | 4 | 6 | 8;

/** The order of the bytes of a number: the high end first, as on the network, or the low end first. */
export type ByteOrder = 'be' | 'le';

/** All that can be said about a length field. A bare width says the rest by default. */
export interface LengthPrefixedOptions {
  /** Bytes of the length field: 1, 2, 3, 4, 6 or 8. It is never signed. */
  readonly width: Width;
  /** The order of its bytes. Defaults to `'be'`, the high end first. */
  readonly order?: ByteOrder;
  /** Bytes of the frame before the length field. Defaults to 0. */
  readonly offset?: number;
  /** Whether the length counts the header too: the bytes before the length field, and the field. Defaults to false. */
  readonly includesHeader?: boolean;
  /** What to add to the length to have the bytes that it should count, where it counts others. Defaults to 0. */
  readonly adjustment?: number;
  /** Bytes to take off the front of the frame that is passed on. Defaults to the header: `offset + width`. */
  readonly strip?: number;
  /** The most bytes after the length field, whatever is stripped. Defaults to 1 MiB. */
  readonly limit?: number;
}

/** A rule that can draw its frame. */
export interface LengthPrefixedRule extends InvertibleRule {
  /** The frame in one line, part by part, for a log or for finding out what the options mean together. */
  readonly drawing: string;
}

const WIDTHS: readonly unknown[] = [1, 2, 3, 4, 6, 8];

const checkWidth = (width: unknown): number => {
  if (WIDTHS.includes(width)) return width as number;
  throw new RangeError(`width must be one of ${WIDTHS.join(', ')}, got ${String(width)}`);
};

const named: Readonly<Record<ByteOrder, string>> = { be: 'big-endian', le: 'little-endian' };

const drawn = (offset: number, length: string, shift: number, limit: number, strip: number): string => {
  const payload = shift === 0 ? 'length' : shift < 0 ? `length - ${-shift}` : `length + ${shift}`;
  const parts = [...(offset > 0 ? [`bytes (${offset})`] : []), length, `payload (${payload}, at most ${limit})`];
  return `${parts.join(' | ')}, passed on ${strip === 0 ? 'whole' : `from byte ${strip}`}`;
};

const write = (bytes: Uint8Array, value: number, offset: number, width: number, order: ByteOrder): void => {
  const step = order === 'be' ? -1 : 1;
  let index = order === 'be' ? offset + width - 1 : offset;
  for (let rest = value, count = 0; count < width; count++, index += step) {
    bytes[index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
};

/**
 * Each frame says in a header how long it is.
 *
 *     +- offset -+- width --+- length ----------+
 *     | anything |  length  | payload           |
 *     +----------+----------+-------------------+
 *      <----- stripped ---->                        unless `strip` says otherwise
 *
 * The number of bytes after the length field is `length + adjustment`, less `offset + width` where the length counts
 * the header too. It is checked against `limit` as soon as the header is whole: more is a `FrameTooLong`, as is a
 * length beyond 2^53; less than nothing, or less than has to be stripped, is a `MalformedFrame`. Both say so where the
 * bytes look like another protocol, or where the length would do in the other byte order. Options that allow no frame
 * at all are a `RangeError`.
 *
 * Encodes a payload with its header. What is stripped and is not the length is written as zeros. Where the length
 * field is not stripped (`strip` up to `offset`), the payload brings it, and it has to be right.
 *
 * The knobs are those of Netty's LengthFieldBasedFrameDecoder, and `includesHeader`.
 */
export const lengthPrefixed = (options: Width | LengthPrefixedOptions): LengthPrefixedRule => {
  if (typeof options === 'object' && options !== null) return made(options);
  // A handler asks for its rule at each connection: a bare width gets the same one each time.
  const rule = bare.get(options) ?? made({ width: options });
  bare.set(options, rule);
  return rule;
};

const bare = new Map<Width, LengthPrefixedRule>();

const made = (given: LengthPrefixedOptions): LengthPrefixedRule => {
  const width = checkWidth(given.width);
  const order = checkOneOf<ByteOrder>('order', given.order ?? 'be', ['be', 'le']);
  const little = order === 'le';
  const offset = checkInteger('offset', given.offset ?? 0, 0, DEFAULT_LIMIT);
  const limit = checkLimit('limit', given.limit ?? DEFAULT_LIMIT);
  const header = offset + width;
  const strip = checkInteger('strip', given.strip ?? header, 0, header + limit);
  if (strip > offset && strip < header)
    throw new RangeError(
      `strip must not cut the length field in two: at most ${offset} or at least ${header}, got ${strip}`,
    );
  /** The highest length that the field can say and a number can hold. */
  const highest = Math.min(256 ** width - 1, Number.MAX_SAFE_INTEGER);
  /** The fewest bytes that have to follow the length field. */
  const least = Math.max(0, strip - header);
  const counted = checkBoolean('includesHeader', given.includesHeader ?? false) ? header : 0;
  const adjustment = checkInteger('adjustment', given.adjustment ?? 0, least + counted - highest, limit + counted);
  /** What to add to a length to have the bytes that follow the length field. */
  const shift = adjustment - counted;

  /** How many bytes a payload may have to be encoded. */
  const fewest = Math.max(least, shift) + header - strip;
  const most = Math.min(limit, highest + shift) + header - strip;

  const encodeInto = (payload: Uint8Array, target: Uint8Array, at: number): number => {
    const size = strip + checkInteger('payload.length', payload.length, fewest, most);
    if (size > target.length - at) return -1;
    const length = size - header - shift;
    // What is stripped and is not the length is zero.
    if (strip !== width || offset > 0) target.fill(0, at, at + strip);
    target.set(payload, at + strip);
    if (strip > offset) write(target, length, at + offset, width, order);
    else if (frontOf(target.subarray(at, at + size)).uint(offset, width, little) !== length)
      throw new RangeError(`the payload brings its own length, which must be ${length}`);
    return at + size;
  };

  /** Says so, where the length in the other byte order would do. */
  const guessOrder = (front: Front): string | undefined => {
    const length = front.uint(offset, width, !little);
    if (width === 1 || length + shift < least || length + shift > limit) return undefined;
    return `in ${named[little ? 'be' : 'le']} order the length would be ${length}`;
  };

  const refused = (front: Front, body: number): Verdict => {
    const guess = guessProtocol(front) ?? guessOrder(front);
    return body > limit
      ? tooLong(body, limit, header + body, guess)
      : malformed(`its length is ${body - shift}, which is less than its header takes`, guess);
  };

  return {
    name: `lengthPrefixed(${width})`,
    capacity: header + Math.min(limit, highest + shift),
    drawing: drawn(offset, `length (${width}, ${named[order]})`, shift, limit, strip),
    judge: (front) => {
      if (front.length < header) return more;
      const body = front.uint(offset, width, little) + shift;
      return body >= least && body <= limit ? found(strip, header + body - strip) : refused(front, body);
    },
    encode: (payload) => {
      const bytes = carve(strip + checkInteger('payload.length', payload.length, fewest, most));
      encodeInto(payload, bytes, 0);
      return bytes;
    },
    encodeInto,
  };
};

/**
 * Two bytes of length, the low end first, that count themselves: a payload of 5 bytes is `07 00` and the payload.
 *
 * Speaks to a peer built on a C++ TCP server library that is known for it and sends its own byte order on x86
 * ("variable-size" message demarcation). `limit` is in payload bytes and defaults to all that the length can say, 65,533.
 * A length below 2 is a `MalformedFrame`: such a peer would go on for ever.
 */
export const selfCounting = (options: { readonly limit?: number } = {}): LengthPrefixedRule => {
  const limit = checkInteger('limit', checkObject('options', options).limit ?? 65_533, 1, 65_533);
  return lengthPrefixed({ width: 2, order: 'le', includesHeader: true, limit });
};
