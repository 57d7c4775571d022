import type { TruncatedPolicy } from '../../framing/deframer.js';
import { matches, sameError } from './error-match.js';
import { same } from './same.js';
import type { Stream } from './stream.js';
import { type Outcome, RESET } from './trial.js';

/** What is asked of a decoder beside its frames. */
export interface Terms {
  /** Whether a frame has to be there as soon as its last byte is. */
  readonly prompt: boolean;
  /** What must become of a frame that the end cuts short; nothing where any of it will do. */
  readonly truncated: TruncatedPolicy | undefined;
  /** Whether a frame may be a view of its chunk until the call returns. */
  readonly views: boolean;
}

// Each answers what is wrong, in words, and with nothing where all is well.

/** How many frames, from the first, are those that are expected. */
export const rightFrames = (frames: readonly unknown[], expected: readonly unknown[]): number => {
  const wrong = frames.findIndex((frame, index) => index >= expected.length || !same(frame, expected[index]));
  return wrong < 0 ? frames.length : wrong;
};

/** Of a run to the end, by what the case says. */
export const wrongByCase = ({ frames, error }: Stream, { came, failed }: Outcome): string | undefined => {
  if (failed !== undefined && error === undefined) return 'it fails';
  if (!same(came, frames)) return 'the frames are wrong';
  if (error === undefined) return undefined;
  if (failed === undefined) return 'it does not fail';
  return matches(error, failed.error) ? undefined : 'it fails with another error';
};

/** Whether a frame came at the end that should have come before. */
export const isLate = ({ error, partial }: Stream, { early, frames }: Outcome): boolean =>
  error === undefined && !partial && early < frames.length;

/** Of a run that gave the right frames, and poisoned its chunks or did not. */
export const wrongByKeeping = (
  stream: Stream,
  outcome: Outcome,
  poisoned: boolean,
  { views, prompt }: Terms,
): string | undefined => {
  const changed = !same(outcome.frames, stream.frames);
  if (changed && !poisoned) return 'a frame changes after it was given';
  if (changed && !views) return 'a frame is a view of its chunk';
  if (!prompt || !isLate(stream, outcome)) return undefined;
  return `only ${outcome.early} of ${outcome.frames.length} frames come before the end`;
};

/** Of two runs with the same bytes, cut in different ways, the frames being the same. */
export const unlike = ({ early, failed }: Outcome, whole: Outcome, { prompt }: Terms): string | undefined => {
  if ((failed === undefined) !== (whole.failed === undefined))
    return 'whether it fails depends on how the bytes are cut';
  if (failed !== undefined && !sameError(failed.error, whole.failed?.error))
    return 'its error depends on how the bytes are cut';
  if (!prompt) return undefined;
  if (early !== whole.early) return `${early} frames come before the end, and ${whole.early} in one chunk`;
  if (failed?.early === whole.failed?.early) return undefined;
  return 'whether its error comes before the end depends on how the bytes are cut';
};

/** Of a stream that ends before its time, however it is cut. `afterFrame`: it ends where a frame does. */
export const wrongAtEnd = (
  stream: Stream,
  { frames, early, failed }: Outcome,
  afterFrame: boolean,
  { truncated }: Terms,
): string | undefined => {
  const right = rightFrames(frames, stream.frames);
  if (early > right) return 'a frame before the end is wrong';
  if (frames.length > right + 1) return 'it makes several frames of one that the end cuts short';
  if (truncated === undefined || failed?.early === true) return undefined;
  if (frames.length > right && truncated !== 'emit') return 'it gives a frame that the end cuts short';
  if (failed !== undefined && truncated !== 'error') return 'it fails over a frame that the end cuts short';
  if (truncated === 'error' && failed === undefined && right === early && !afterFrame)
    return 'it does not fail over a frame that the end cuts short';
  return undefined;
};

/** Of a stream whose source fails. Where it has failed by itself before, there is nothing to say. */
export const wrongAtReset = (
  stream: Stream,
  { frames, early, failed }: Outcome,
  { prompt }: Terms,
): string | undefined => {
  if (failed === undefined) return 'it swallows the error of its source';
  if (failed.early) return undefined;
  if (failed.error !== RESET) return 'it fails with another error than its source';
  if (prompt && frames.length > early) return 'it gives a frame when its source fails';
  return rightFrames(frames, stream.frames) < frames.length ? 'a frame before the reset is wrong' : undefined;
};

/** Of a consumer that has left after so many frames. */
export const wrongAfterLeaving = (stream: Stream, { frames }: Outcome, leave: number): string | undefined => {
  if (frames.length > leave) return 'it gives frames after its consumer has left';
  return rightFrames(frames, stream.frames) < frames.length ? 'a frame is wrong' : undefined;
};
