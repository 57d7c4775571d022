import { type Bytes, bytesOf } from '../deliveries.js';
import { type Complaint, shownFrames, shownOutcome } from './judge.js';
import { same } from './same.js';
import { concatBytes } from './stream.js';
import type { Work } from './trial.js';

/** Makes the bytes that are cut back into a frame. A `RangeError` where there are none. */
export type Encode = (frame: never) => Bytes;

/** Frames whose bytes are not cut back into them. */
export interface NotInverse {
  readonly payloads: readonly unknown[];
  /** What they were encoded to, where they were. */
  readonly wire: Uint8Array | undefined;
  readonly complaint: Complaint;
}

/** Frames that there are bytes for, and these. */
interface Encoded {
  readonly frames: readonly unknown[];
  readonly wire: Uint8Array;
}

/** All are encoded before the first is looked at: an encoder may not write to what it gave. */
const encoded = (encode: Encode, payloads: readonly unknown[]): Encoded => {
  const frames: unknown[] = [];
  const wires: Uint8Array[] = [];
  for (const payload of payloads) {
    try {
      wires.push(bytesOf(encode(payload as never)));
      frames.push(payload);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return { frames, wire: concatBytes(wires) };
};

function* notInverse(encode: Encode, payloads: readonly unknown[]): Work<NotInverse | undefined> {
  let given: Encoded;
  try {
    given = encoded(encode, payloads);
  } catch (error) {
    const complaint = { wrong: 'encode throws', expected: 'bytes, or a RangeError', got: String(error), hung: false };
    return { payloads, wire: undefined, complaint };
  }
  const { frames, wire } = given;
  if (frames.length === 0) return undefined;
  const outcome = yield { check: 'inverse', chunks: [wire.slice()], leave: 0 };
  if (same(outcome.frames, frames) && outcome.failed === undefined) return undefined;
  const wrong = 'what is encoded is not cut back into the same';
  const complaint = { wrong, expected: shownFrames(frames), got: shownOutcome(outcome), hung: outcome.hung };
  return { payloads: frames, wire, complaint };
}

/** Encodes each payload alone, then all together. Answers with the smallest that does not come back. */
export function* inverse(
  encode: Encode,
  payloads: readonly unknown[],
  together: boolean,
): Work<NotInverse | undefined> {
  for (const payload of payloads) {
    const found = yield* notInverse(encode, [payload]);
    if (found !== undefined) return yield* smallest(encode, found);
  }
  const found = together ? yield* notInverse(encode, payloads) : undefined;
  return found && (yield* smallest(encode, found));
}

function* smallest(encode: Encode, found: NotInverse): Work<NotInverse> {
  for (const payloads of fewer(found.payloads)) {
    const smaller = yield* notInverse(encode, payloads);
    if (smaller !== undefined) return yield* smallest(encode, smaller);
  }
  return found;
}

/** One payload less, or one that is shorter or plainer. */
function* fewer(payloads: readonly unknown[]): Iterable<readonly unknown[]> {
  if (payloads.length > 1) for (const index of payloads.keys()) yield payloads.toSpliced(index, 1);
  for (const [index, payload] of payloads.entries()) {
    if (payload instanceof Uint8Array) for (const less of shorter(payload)) yield payloads.with(index, less);
  }
}

const PLAIN = 97;

function* shorter(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let size = bytes.length >> 1; size > 0; size >>= 1) yield bytes.slice(size);
  if (bytes.some((byte) => byte !== PLAIN)) yield bytes.slice().fill(PLAIN);
}
