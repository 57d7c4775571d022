import type { InvertibleRule } from 'sluice';

/** Bytes of payload in each frame. */
export const PAYLOAD = 32;

/** A stream of frames as a network delivers it. */
export interface Wire {
  readonly name: string;
  readonly frames: number;
  /** Bytes of a chunk. */
  readonly chunk: number;
}

export const wires: readonly Wire[] = [
  { name: '64 KiB chunks', frames: 100_000, chunk: 65_536 },
  { name: '1,500 B chunks', frames: 100_000, chunk: 1_500 },
  { name: '1 B chunks', frames: 2_000, chunk: 1 },
];

/** Letters, so that they end no line and are no delimiter. */
const payload = new Uint8Array(PAYLOAD).fill(0x61);

/** The chunks as Node gives them: Buffers, each with memory of its own. */
export const chunksOf = (rule: InvertibleRule, { frames, chunk }: Wire): readonly Buffer[] => {
  const stream = Buffer.concat(Array.from({ length: frames }, () => rule.encode(payload)));
  const chunks: Buffer[] = [];
  for (let at = 0; at < stream.length; at += chunk) {
    const part = stream.subarray(at, at + chunk);
    const own = Buffer.allocUnsafeSlow(part.length);
    own.set(part);
    chunks.push(own);
  }
  return chunks;
};
