/** Chance: a whole number from 0, below what is asked for. */
type Roll = (below: number) => number;

/** The same bytes with some of them, from `at` on, changed, left out, doubled, or in another place. */
export const altered = (bytes: Buffer, at: number, roll: Roll): Buffer<ArrayBuffer> => {
  const to = Math.min(bytes.length, at + roll(9));
  const [before, part, after] = [bytes.subarray(0, at), bytes.subarray(at, to), bytes.subarray(to)];
  const ways: readonly (() => Buffer)[] = [
    () => Buffer.concat([before, after]),
    () => Buffer.concat([before, part, part, after]),
    () => Buffer.concat([before, Buffer.from(Array.from({ length: roll(6) }, () => roll(256))), after]),
    () => Buffer.concat([before, part.map((byte) => byte ^ (1 << roll(8))), after]),
    () => Buffer.concat([before, Buffer.from([roll(2) === 0 ? 0xff : 0]), after]),
    () => Buffer.concat([part, before, after]),
    () => before,
  ];
  return Buffer.from((ways[roll(ways.length)] as () => Buffer)());
};

/** Bytes in chunks of one size or another. */
export const chunked = (bytes: Uint8Array, roll: Roll): Uint8Array[] => {
  const chunks: Uint8Array[] = [];
  const most = [1, 5, 40, 2_000][roll(4)] as number;
  for (let at = 0; at < bytes.length;) {
    const size = 1 + roll(most);
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
};
