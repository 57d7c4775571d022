import { VERSION } from '../version.js';
import { noteCopy } from './copies.js';
import type { Gate } from './gate.js';
import type { Valve } from './valve.js';

/**
 * What is in force while something subscribes: set by what stands further down, found by what stands further up.
 *
 * Subscribing is synchronous, so a value set for its duration reaches every source above through any stock operator
 * (`map`, `scan`, `merge`, `share`, `mergeMap`, ...), without a change to RxJS and without a parameter.
 */
export interface Scope {
  /** The valve of the nearest consumer below that can be slow. */
  readonly valve: Valve | null;
  /** The valve of the operator whose inner stream this is, where there is one: it may wait for what is in there. */
  readonly within: Valve | null;
  /** Who wants to know when a frame has begun and when it is whole: `frameDeadline`. */
  readonly frames: FrameWatch | null;
  /** What cuts the bytes of the source into frames, where something does: it knows what is not cut. */
  readonly cutter: Cutter | null;
  /** How the server is told to stop: `reads` then ends, and a frame that is cut short by that is forgotten. */
  readonly drain: DrainState | null;
}

/** What cuts bytes into frames. */
export interface Cutter {
  /** Bytes that it has, and of which nothing is cut yet. */
  readonly held: number;
  /** Whose bytes they are, once that has been found out. */
  source: CutSource | null;
}

/** Whose bytes are cut into frames. */
export interface CutSource {
  /** So many more frames were handled of what came through `gate`. It may rest from then on, for others to have their turn. */
  handled(gate: Gate, frames: number): void;
}

/** Told by `frame` about the frame that is under way. */
export interface FrameWatch {
  /** A `frame` operator has found the watch. Told once, when it is subscribed to. */
  watching(): void;
  /** The bytes at hand end inside a frame. Told once a frame. */
  begun(): void;
  /** No frame is under way any more. */
  done(): void;
}

/** Whether a server has been told to stop. */
export interface DrainState {
  readonly stopping: boolean;
  /** Calls `told` when it is, and returns how to take that back. */
  onStop(told: () => void): () => void;
}

/** The scope of a program in which nothing has been set. */
export const openScope: Scope = { valve: null, within: null, frames: null, cutter: null, drain: null };

/** What is going on at this moment. There is one thread, so there is one of these. */
export const flow: {
  scope: Scope;
  /** The source that is emitting now: a consumer that is subscribed to meanwhile takes it into its valve. */
  emitting: Gate | null;
  /** The gate that was made last, while somebody who subscribes asks how far up that has reached; undefined otherwise. */
  reached: Gate | null | undefined;
  /** Whether what is emitted now is to go before data that is queued already (keep-alive probes). */
  urgent: boolean;
  /** Whether the bytes that are emitted now are good only until the call returns: who keeps them has to copy them. */
  lent: boolean;
} = { scope: openScope, emitting: null, reached: undefined, urgent: false, lent: false };

noteCopy(VERSION);

/** Runs `work` in `scope`, with `emitting` as the source that emits, or none: then the scope alone counts. */
export const inScope = <A>(scope: Scope, work: () => A, emitting: Gate | null = null): A => {
  const scopeBefore = flow.scope;
  const emittingBefore = flow.emitting;
  flow.scope = scope;
  flow.emitting = emitting;
  try {
    return work();
  } finally {
    flow.scope = scopeBefore;
    flow.emitting = emittingBefore;
  }
};

/** Runs `work`, and whatever it emits goes before data that is queued already. */
export const urgently = (work: () => void): void => {
  const before = flow.urgent;
  flow.urgent = true;
  try {
    work();
  } finally {
    flow.urgent = before;
  }
};
