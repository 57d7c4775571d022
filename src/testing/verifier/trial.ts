import { ConnectionReset } from '../../errors.js';
import { copied } from './same.js';

/** What the verifier looks at, in this order. */
export const CHECKS = ['split', 'inside', 'poison', 'state', 'shared', 'end', 'reset', 'leave', 'inverse'] as const;

/**
 * What the verifier looks at. Each must give the frames and the error of the case, but the last four.
 *
 * - `split`: in one chunk, byte by byte, a frame a chunk, with empty chunks, cut at one, two and three places
 * - `inside`: each chunk is a view inside a larger buffer
 * - `poison`: each chunk is overwritten as soon as it was taken
 * - `state`: after each chunk its state is taken out, and another goes on from there (rules; functions that have it)
 * - `shared`: it cuts two streams side by side (all but Node streams)
 * - `end`: the stream ends after each byte. The frames before are the same, and what is cut short is an error, or left
 *   out, or given, in the same way however it was cut
 * - `reset`: the source fails after each byte. The frames before, and then that error (operators and Node streams)
 * - `leave`: the consumer leaves after each frame. No more come, and the source is let go of (operators)
 * - `inverse`: what is encoded is cut back into the same (where there is an `encode`)
 *
 * In none of them may anything be given after an error, or more be held than a rule's capacity.
 */
export type VerifyCheck = (typeof CHECKS)[number];

/** One run of a decoder. */
export interface Trial {
  /** What the run is for, and so what happens in it beside the delivery. */
  readonly check: VerifyCheck;
  /** What is delivered, before the end or the reset. They are the decoder's: nothing else looks at them. */
  readonly chunks: readonly Uint8Array[];
  /** Frames after which the consumer leaves, where it does. */
  readonly leave: number;
}

/** How a decoder failed. */
export interface Failed {
  readonly error: unknown;
  /** Whether it did so before the end of its input. */
  readonly early: boolean;
}

/** What came of a run. */
export interface Outcome {
  /** The frames as they are when all is over. */
  readonly frames: readonly unknown[];
  /** The same as they were when they came. */
  readonly came: readonly unknown[];
  /** For each, the bytes that had been delivered when it came. */
  readonly offsets: readonly number[];
  /** Frames that had come when all was delivered, before the end. */
  readonly early: number;
  readonly failed: Failed | undefined;
  /** What no decoder may do, whatever its frames are. */
  readonly faults: readonly string[];
  /** Whether it neither ended nor failed. */
  readonly hung: boolean;
  /** What came of a second stream, side by side with the first. */
  readonly beside?: Outcome | undefined;
}

/** Runs a decoder of its own for each trial. */
export type Runner = (trial: Trial) => Outcome | Promise<Outcome>;

/** Work that needs runs and does not care how they are made: it asks for each, and is given what came of it. */
export type Work<A> = Generator<Trial, A, Outcome>;

/** What a source fails with where it is reset. */
export const RESET = new ConnectionReset('ECONNRESET');

/** Takes down what a decoder does. */
export class Heard implements Outcome {
  readonly frames: unknown[] = [];
  readonly came: unknown[] = [];
  readonly offsets: number[] = [];
  readonly faults: string[] = [];
  early = 0;
  failed: Failed | undefined = undefined;
  hung = false;
  beside: Heard | undefined = undefined;
  #delivered = 0;
  #ending = false;

  frame(frame: unknown): void {
    if (this.failed !== undefined) {
      this.fault('it gives frames after its error');
      return;
    }
    this.frames.push(frame);
    this.came.push(copied(frame));
    this.offsets.push(this.#delivered);
  }

  /** Takes down the frames that `decode` gives, and its error. Only the first error counts. */
  take(decode: () => Iterable<unknown>): void {
    try {
      for (const frame of decode()) this.frame(frame);
    } catch (error) {
      this.fail(error);
    }
  }

  fail(error: unknown): void {
    this.failed ??= { error, early: !this.#ending };
  }

  /** A chunk is about to be delivered. */
  deliver(chunk: Uint8Array): void {
    this.#delivered += chunk.length;
  }

  /** All is delivered, and the end or a reset is about to be told. */
  end(): void {
    this.early = this.frames.length;
    this.#ending = true;
  }

  fault(what: string): void {
    if (!this.faults.includes(what)) this.faults.push(what);
  }
}

/** Writes over a chunk, so that no byte of it is what it was. */
export const overwrite = (chunk: Uint8Array): void => {
  for (const [index, byte] of chunk.entries()) chunk[index] = byte ^ 0xff;
};
