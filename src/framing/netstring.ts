import { checkInteger, checkObject } from '../check.js';
import { carve } from './carve.js';
import { guessProtocol } from './guess.js';
import { type InvertibleRule, DEFAULT_LIMIT, checkLimit, found, malformed, more, tooLong } from './rule.js';

/** What can be set for `netstring`. */
export interface NetstringOptions {
  /** The most payload bytes of a frame, without digits, colon and comma. Defaults to 1 MiB. */
  readonly limit?: number;
}

const ZERO = 48;
const NINE = 57;
const COLON = 58;
const COMMA = 44;

/** Digits that a length may have: enough for any that a number can hold exactly. */
const DIGITS = 16;

const text = new TextEncoder();

const shown = (byte: number): string => `0x${byte.toString(16).padStart(2, '0')}`;

/**
 * Each frame is its length in decimal digits, a colon, as many bytes of payload, and a comma: `5:hello,`.
 *
 * One length has one spelling: leading zeros are a `MalformedFrame`, and so are a missing digit, colon or comma.
 *
 * Source: D. J. Bernstein, "Netstrings", 1997.
 */
export const netstring = (options: NetstringOptions = {}): InvertibleRule => {
  const { limit = DEFAULT_LIMIT } = checkObject('options', options);
  checkLimit('limit', limit);
  return {
    name: 'netstring',
    capacity: DIGITS + limit + 2,
    judge: (front) => {
      let length = 0;
      for (let index = 0; ; index++) {
        const byte = front.at(index);
        if (byte < 0) return more;
        if (byte === COLON && index > 0) {
          const end = index + 1 + length;
          if (length > limit) return tooLong(length, limit, end + 1, guessProtocol(front));
          if (front.length > end && front.at(end) !== COMMA)
            return malformed(`${shown(front.at(end))} where a comma should end the payload`);
          return found(index + 1, length, 1);
        }
        if (byte < ZERO || byte > NINE)
          return malformed(`${shown(byte)} where a digit should stand`, guessProtocol(front));
        if (index > 0 && length === 0) return malformed('a length with a leading zero', guessProtocol(front));
        length = length * 10 + byte - ZERO;
        if (index === DIGITS) return tooLong(length, limit, Infinity, guessProtocol(front));
      }
    },
    encode: (payload) => {
      checkInteger('payload.length', payload.length, 0, limit);
      const header = text.encode(`${payload.length}:`);
      const bytes = carve(header.length + payload.length + 1);
      bytes.set(header, 0);
      bytes.set(payload, header.length);
      bytes[bytes.length - 1] = COMMA;
      return bytes;
    },
  };
};
