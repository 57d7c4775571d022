// Where a message ends (RFC 4271, section 4.1), and what its header may say (section 6.1):
//
//     +- 16 ---------------+- 2 ------+- 1 --+- length - 19 --+
//     | ff ff ff .. ff ff  |  length  | type | body           |
//     +--------------------+----------+------+----------------+
//      <------- stripped ------------> <------ frame -------->
import { type Front, type InvertibleRule, type Verdict, found, malformed, more } from 'sluice';
import { type SessionFault, badMessageLength, badMessageType, notSynchronized } from './faults.js';

const MARKER = 16;
const BEFORE_TYPE = MARKER + 2;
const HEADER = BEFORE_TYPE + 1;
const LONGEST = 4_096;

/** How long a message of each type is at least, its header included, and at most. */
const LENGTHS: ReadonlyMap<number, readonly [least: number, most: number]> = new Map([
  [1, [29, LONGEST]], // OPEN
  [2, [23, LONGEST]], // UPDATE
  [3, [21, LONGEST]], // NOTIFICATION
  [4, [HEADER, HEADER]], // KEEPALIVE
]);

const refused = (reason: string, fault: SessionFault): Verdict => malformed(reason, undefined, fault);

const wrongLength = (length: number): Verdict =>
  refused(`a length of ${length}`, badMessageLength([length >> 8, length & 255]));

/** Judges a header as it comes: each byte of it is refused as soon as it is there, and none of the body is waited for. */
const judge = (front: Front, seen: number): Verdict => {
  const come = Math.min(front.length, MARKER);
  for (let at = seen; at < come; at++) {
    if (front.at(at) !== 0xff) return refused('the marker is not all ones', notSynchronized());
  }
  if (front.length < BEFORE_TYPE) return more;
  const length = front.uint(MARKER, 2);
  if (length < HEADER || length > LONGEST) return wrongLength(length);
  if (front.length < HEADER) return more;
  const type = front.at(BEFORE_TYPE);
  const lengths = LENGTHS.get(type);
  if (lengths === undefined) return refused(`a message of type ${type}`, badMessageType([type]));
  if (length < lengths[0] || length > lengths[1]) return wrongLength(length);
  return found(BEFORE_TYPE, length - BEFORE_TYPE);
};

/** Messages from their type on, each behind its marker and its length. */
export const messageRule: InvertibleRule = {
  name: 'bgp',
  capacity: LONGEST,
  judge,
  encode: (payload) => {
    const length = BEFORE_TYPE + payload.length;
    const [least, most] = LENGTHS.get(payload[0] ?? 0) ?? [Infinity, 0];
    if (length < least || length > most)
      throw new RangeError(`payload must be one message, got ${payload.length} bytes`);
    const bytes = new Uint8Array(length);
    bytes.fill(0xff, 0, MARKER);
    bytes.set([length >> 8, length & 255], MARKER);
    bytes.set(payload, BEFORE_TYPE);
    return bytes;
  },
};
