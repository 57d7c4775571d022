import { ConnectionReset } from '../../errors.js';
import { copied } from './same.js';

/** What the verifier looks at, in this order. */
export const CHECKS = ['split', 'inside', 'poison', 'state', 'shared', 'end', 'reset', 'leave', 'inverse'] as const;

/** One of the things that the verifier looks at. */
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
