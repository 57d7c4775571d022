import { checkInteger, checkObject } from '../check.js';
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

const isDigit = (byte: number): boolean => byte >= ZERO && byte <= NINE;

const shown = (byte: number): string => `0x${byte.toString(16).padStart(2, '0')}`;

const noComma = (byte: number): Verdict => malformed(`${shown(byte)} where a comma should end the payload`);

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

  /** What to say of digits that no frame follows, `byte` after them: out of `judge`, which is to be short. */
  const refused = (front: Front, digits: number, length: number, byte: number): Verdict => {
    if (digits > DIGITS) return tooLong(length, limit, Infinity, guessProtocol(front));
    if (byte < 0) return more;
    if (isDigit(byte)) return malformed('a length with a leading zero', guessProtocol(front));
    if (byte === COLON && digits > 0) return tooLong(length, limit, digits + length + 2, guessProtocol(front));
    return malformed(`${shown(byte)} where a digit should stand`, guessProtocol(front));
  };

  return {
    name: 'netstring',
    capacity: DIGITS + limit + 2,
    judge: (front) => {
      let length = 0;
      let digits = 0;
      let byte = front.at(0);
      while (isDigit(byte) && digits <= DIGITS && (length > 0 || digits === 0)) {
        length = length * 10 + byte - ZERO;
        byte = front.at(++digits);
      }
      if (byte !== COLON || digits === 0 || length > limit) return refused(front, digits, length, byte);
      const last = front.at(digits + 1 + length);
      return last < 0 || last === COMMA ? found(digits + 1, length, 1) : noComma(last);
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
