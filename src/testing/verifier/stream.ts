import { type Bytes, bytesOf } from '../deliveries.js';
import type { ErrorMatch } from './error-match.js';

/** A frame as it is written in a case: where frames are bytes, a text may stand for them, a letter for each byte. */
export type ExpectedFrame<A> = A extends Uint8Array ? A | string : A;

/** What must come out of some bytes, however they are cut. */
export interface VerifyCase<A = Uint8Array> {
  /** The bytes. An array of pieces is delivered in these pieces, and in no others. */
  readonly wire: Bytes | readonly Bytes[];
  /** All frames, in order: bytes by their content, a text for bytes (a letter each), other values by what they hold. */
  readonly frames: readonly ExpectedFrame<A>[];
  /** What it must fail with after those frames, where it must fail. */
  readonly error?: ErrorMatch;
  /**
   * The wire ends inside a frame, or its last frame is whole only because the stream ends. Without this, and without an
   * error, all frames must be there before the end, and another case may follow in the same stream.
   */
  readonly partial?: boolean;
}

/** A case, made ready. */
export interface Stream {
  readonly wire: Uint8Array;
  readonly frames: readonly unknown[];
  readonly error: ErrorMatch | undefined;
  readonly partial: boolean;
  /** The sizes of the pieces, where they are given. */
  readonly pieces: readonly number[] | undefined;
  /** Whether it is several cases, one after another. */
  readonly joined: boolean;
}

export const concatBytes = (parts: readonly Uint8Array[]): Uint8Array => {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};

const isPieces = (wire: Bytes | readonly Bytes[]): wire is readonly Bytes[] => Array.isArray(wire);

export const streamOf = ({ wire, frames, error, partial = false }: VerifyCase<unknown>): Stream => {
  const parts = (isPieces(wire) ? wire : [wire]).map(bytesOf);
  return {
    wire: concatBytes(parts),
    frames,
    error,
    partial,
    pieces: isPieces(wire) ? parts.map(({ length }) => length) : undefined,
    joined: false,
  };
};

/** Whether another stream may follow. */
const endsClean = ({ error, partial, pieces }: Stream): boolean =>
  error === undefined && !partial && pieces === undefined;

const joined = (parts: readonly Stream[]): Stream => {
  const { error, partial } = parts.at(-1) as Stream;
  return {
    wire: concatBytes(parts.map(({ wire }) => wire)),
    frames: parts.flatMap(({ frames }) => frames),
    // Not more than that it fails: an error may tell where it is in the stream.
    error: error && ((): boolean => true),
    partial,
    pieces: undefined,
    joined: true,
  };
};

/**
 * Streams of several cases one after another: all that can be followed, in order and the other way round, and before
 * each of those that cannot.
 */
export const joinedStreams = (streams: readonly Stream[]): readonly Stream[] => {
  const clean = streams.filter((stream) => endsClean(stream) && stream.wire.length > 0);
  const last = streams.filter((stream) => !endsClean(stream) && stream.pieces === undefined);
  const [only] = clean;
  if (only === undefined) return [];
  const rows = clean.length === 1 ? [[only, only]] : [clean, clean.toReversed()];
  return [...rows, ...last.map((stream) => [...clean, stream])].map(joined);
};
