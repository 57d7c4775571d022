import { checkInteger, checkObject } from '../check.js';
import { carve } from './carve.js';
import { guessProtocol } from './guess.js';
import { type InvertibleRule, DEFAULT_LIMIT, checkLimit, found, malformed, more, tooLong } from './rule.js';

/** What can be set for `varint`. */
export interface VarintOptions {
  /** The most payload bytes of a frame, the prefix not counted. Defaults to 1 MiB. */
  readonly limit?: number;
}

/** Seven bits a byte: ten bytes carry 64 bits, the last of them only one. */
const LONGEST = 10;

const sizeOf = (length: number): number => {
  let size = 1;
  for (let rest = length; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
};

/**
 * Each frame is its length as a varint, then as many bytes of payload: the delimited messages of Protocol Buffers.
 *
 * A varint (LEB128) has seven bits a byte, the lowest first, and the top bit set on all bytes but the last. One length
 * has one spelling: a prefix with bytes to spare (`80 00`), or of more than 64 bits, is a `MalformedFrame`. Lengths
 * above the limit, those beyond 2^53 included, are a `FrameTooLong`.
 *
 * Source: protobuf.dev, "Encoding", and the `writeDelimitedTo` of its Java library.
 */
export const varint = (options: VarintOptions = {}): InvertibleRule => {
  const { limit = DEFAULT_LIMIT } = checkObject('options', options);
  checkLimit('limit', limit);

  const encodeInto = (payload: Uint8Array, target: Uint8Array, at: number): number => {
    const { length } = payload;
    const header = sizeOf(checkInteger('payload.length', length, 0, limit));
    if (header + length > target.length - at) return -1;
    const start = at + header;
    let rest = length;
    for (let index = at; index < start - 1; index++) {
      target[index] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    target[start - 1] = rest;
    target.set(payload, start);
    return start + length;
  };

  return {
    name: 'varint',
    capacity: LONGEST + limit,
    judge: (front) => {
      let length = 0;
      let unit = 1;
      for (let index = 0; index < LONGEST; index++) {
        const byte = front.at(index);
        if (byte < 0) return more;
        length += (byte & 127) * unit;
        unit *= 128;
        if (byte >= 128) continue;
        if (byte === 0 && index > 0) return malformed('a length with bytes to spare', guessProtocol(front));
        if (byte > 1 && index === LONGEST - 1) break;
        if (length > limit) return tooLong(length, limit, index + 1 + length, guessProtocol(front));
        return found(index + 1, length);
      }
      return malformed('a length of more than 64 bits', guessProtocol(front));
    },
    encode: (payload) => {
      const { length } = payload;
      const bytes = carve(sizeOf(checkInteger('payload.length', length, 0, limit)) + length);
      encodeInto(payload, bytes, 0);
      return bytes;
    },
    encodeInto,
  };
};
