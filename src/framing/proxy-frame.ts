import { checkInteger, checkObject } from '../check.js';
import { guessProtocol } from './guess.js';
import { type Front, type Rule, type Verdict, found, malformed, more, tooLong } from './rule.js';

/** What can be set for `proxyFrame`. */
export interface ProxyFrameOptions {
  /** The most bytes of a header of version 2, its TLVs included, from 232 to 65,551. Defaults to 4,096. */
  readonly limit?: number;
}

/** How a header of version 2 begins, and one of version 1. */
const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const WORD = Uint8Array.from('PROXY ', (letter) => letter.charCodeAt(0));

/** The longest line of version 1, its CR LF included. */
const LONGEST_LINE = 107;

/** What a header of version 2 has before its addresses, and the most that it may have in all. */
const FIXED = 16;
const LONGEST = FIXED + 0xffff;

/** Bytes of the addresses, by family: unspecified, IPv4, IPv6, Unix. */
export const ADDRESS_BYTES: readonly (number | undefined)[] = [0, 12, 36, 216];

/** The least limit: so many bytes a header with two Unix addresses has. */
const LEAST = FIXED + 216;

/** How many of the bytes at hand begin like `beginning`, all of them or as many as it has; -1 where one differs. */
const beginsLike = (front: Front, beginning: Uint8Array): number => {
  const length = Math.min(front.length, beginning.length);
  for (let index = 0; index < length; index++) if (front.at(index) !== beginning[index]) return -1;
  return length;
};

const noHeader = (front: Front): Verdict => malformed('no PROXY header begins like this', guessProtocol(front));

const judgeLine = (front: Front, seen: number): Verdict => {
  const end = front.indexOf(0x0a, seen);
  if (end >= LONGEST_LINE || (end < 0 && front.length >= LONGEST_LINE)) return tooLong(LONGEST_LINE + 1, LONGEST_LINE);
  if (end < 0) return more;
  return front.at(end - 1) === 0x0d ? found(0, end + 1) : malformed('a PROXY line that does not end in CR LF');
};

/** Why this is no header of version 2, as far as it has come; each byte is judged as soon as it is there. */
const wrongIn = (front: Front): string | undefined => {
  const [command, kind] = [front.at(12), front.at(13)];
  if (command >= 0 && command >> 4 !== 2) return `version ${command >> 4} of the PROXY protocol`;
  if (command >= 0 && (command & 0xf) > 1) return `command ${command & 0xf} of the PROXY protocol`;
  const local = command === 0x20;
  if (local || kind < 0) return undefined;
  const addresses = ADDRESS_BYTES[kind >> 4];
  if (addresses === undefined || (kind & 0xf) > 2) return `address family and protocol 0x${kind.toString(16)}`;
  const length = front.length < FIXED ? Infinity : lengthOf(front);
  return length < addresses ? `${length} bytes for addresses of ${addresses}` : undefined;
};

const lengthOf = (front: Front): number => front.at(14) * 256 + front.at(15);

const judgeBinary = (front: Front, limit: number): Verdict => {
  const wrong = wrongIn(front);
  if (wrong !== undefined) return malformed(wrong);
  if (front.length < FIXED) return more;
  const size = FIXED + lengthOf(front);
  return size > limit ? tooLong(size, limit, size) : found(0, size);
};

/**
 * A header of the PROXY protocol, version 1 or 2, whole: to be decoded with `proxyHeader`.
 *
 * A line of version 1 has 107 bytes at most; of version 2, `limit`. What begins otherwise, or is of no version, command
 * or family that there is, is a `MalformedFrame` at the first byte that shows it.
 *
 * "The PROXY protocol, versions 1 & 2", haproxy.org, section 2.
 */
export const proxyFrame = (options: ProxyFrameOptions = {}): Rule => {
  const limit = checkInteger('limit', checkObject('options', options).limit ?? 4_096, LEAST, LONGEST);
  return {
    name: 'proxyFrame',
    capacity: limit,
    judge: (front, seen) => {
      if (beginsLike(front, WORD) >= 0) return judgeLine(front, seen);
      return beginsLike(front, SIGNATURE) >= 0 ? judgeBinary(front, limit) : noHeader(front);
    },
  };
};
