import { cutUp, inside } from '../deliveries.js';
import type { Stream } from './stream.js';
import type { Trial, VerifyCheck } from './trial.js';

/** A stream, delivered in one way for one check. */
export interface Attempt {
  readonly check: VerifyCheck;
  readonly stream: Stream;
  /** The sizes of the chunks that its wire is cut into. */
  readonly sizes: readonly number[];
  /** Chunks that are delivered: all of them, but where it ends or is reset before. */
  readonly upTo: number;
  /** Frames after which the consumer leaves; 0 where it stays. */
  readonly leave: number;
}

export const attempt = (
  check: VerifyCheck,
  stream: Stream,
  sizes: readonly number[],
  more: Partial<Attempt> = {},
): Attempt => ({
  check,
  stream,
  sizes,
  upTo: sizes.length,
  leave: 0,
  ...more,
});

/** The bytes that are delivered. */
export const deliveredIn = ({ sizes, upTo }: Attempt): number =>
  sizes.slice(0, upTo).reduce((sum, size) => sum + size, 0);

/** The run that it takes: with chunks that nobody else has. */
export const trialOf = ({ check, stream, sizes, upTo, leave }: Attempt): Trial => ({
  check,
  chunks: cutUp(stream.wire, sizes.slice(0, upTo)).map((chunk) => (check === 'inside' ? inside(chunk) : chunk.slice())),
  leave,
});
