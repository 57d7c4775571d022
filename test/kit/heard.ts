import { FrameTooLong, MalformedFrame } from '../../src/errors.js';
import { text } from './bytes.js';

/** What came out, and the error that it ended with, in a shape that uvu compares to the last letter. */
export interface Heard {
  readonly frames: readonly string[];
  readonly error: readonly unknown[] | undefined;
}

/** All that tells one error from another but the guess, which may depend on how the bytes came. */
export const thrown = (error: unknown): readonly unknown[] | undefined => {
  if (error === undefined) return undefined;
  if (error instanceof FrameTooLong) return [error.name, error.got, error.limit, error.offset];
  if (error instanceof MalformedFrame) return [error.name, error.reason, error.offset];
  return error instanceof Error ? [error.name, error.message] : ['not an Error', error];
};

/** Runs `work`, which tells `next` of each frame, and says what came of it. */
export const heard = (work: (next: (frame: Uint8Array) => void) => void): Heard => {
  const frames: string[] = [];
  try {
    work((frame) => frames.push(text(frame)));
  } catch (error) {
    return { frames, error: thrown(error) };
  }
  return { frames, error: undefined };
};
