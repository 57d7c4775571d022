import type { Roll } from './plan.js';

/** Lengths at which a prefix gets another byte or digit, and those around them. */
const LENGTHS = [0, 1, 2, 3, 9, 10, 127, 128, 129, 255, 256, 257, 16_384, 65_536];

/** Longer ones are of one byte again and again. */
const MIXED = 300;

/** Payloads to encode: random bytes of lengths at which encoders are wrong, `most` bytes at most. */
export const somePayloads = (most: number, roll: Roll): readonly Uint8Array[] =>
  LENGTHS.filter((length) => length <= most).map((length) =>
    length > MIXED ? new Uint8Array(length).fill(roll(256)) : Uint8Array.from({ length }, () => roll(256)),
  );
