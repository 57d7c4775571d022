// Where a packet ends: a byte that says what it is, its length as a varint of four bytes at most, and that many bytes.
import { type Front, type InvertibleRule, type Verdict, found, malformed, more, tooLong } from 'sluice';
import { faultOf } from './packets.js';

const LONGEST = 4;
const CONNECT = 0x10;

/**
 * Whole packets of `limit` bytes at most after their length; the header is part of the frame, for it says what the rest
 * is. What cannot be a packet is refused by its first byte.
 */
export const packets = (limit: number): InvertibleRule => {
  const judge = (front: Pick<Front, 'at'>): Verdict => {
    const fault = faultOf(front.at(0));
    if (fault !== undefined) return malformed(fault);
    let length = 0;
    for (let index = 1; index <= LONGEST; index++) {
      const byte = front.at(index);
      if (byte < 0) return more;
      length += (byte & 127) * 128 ** (index - 1);
      if (byte >= 128) continue;
      return length > limit ? tooLong(length, limit, index + 1 + length) : found(0, index + 1 + length);
    }
    return malformed('a length of more than four bytes');
  };
  return {
    name: 'mqtt',
    capacity: 1 + LONGEST + limit,
    judge,
    encode: (packet) => {
      const verdict = judge({ at: (index) => packet[index] ?? -1 });
      if (verdict.answer === 'found' && verdict.size === packet.length) return packet;
      throw new RangeError(`payload must be one packet of ${limit} bytes at most, got ${packet.length} bytes`);
    },
  };
};

/** The same for who has not said who it is: the first packet is a CONNECT, and a smaller one. */
export const firstPacket = (limit: number, rest: InvertibleRule): InvertibleRule => {
  const { capacity, judge } = packets(limit);
  return {
    ...rest,
    capacity,
    judge: (front, seen, ended) =>
      front.at(0) === CONNECT ? judge(front, seen, ended) : malformed('the first packet is no CONNECT'),
  };
};
