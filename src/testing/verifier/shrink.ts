import { onesOf } from '../deliveries.js';
import { type Attempt, attempt, trialOf } from './attempt.js';
import { type Edit, type Pass, PASSES } from './edits.js';
import type { Complaint, Judge } from './judge.js';
import type { Stream } from './stream.js';
import type { Work } from './trial.js';

/** An attempt, and what is wrong with it. */
export interface Found {
  readonly attempt: Attempt;
  readonly complaint: Complaint;
}

/** The smallest attempt that was found. */
export interface Smallest {
  readonly found: Found;
  /** Whether there was a way to find out what must come of smaller wires. */
  readonly sure: boolean;
}

/** Attempts that are made in search of a smaller one: enough for wires of some hundred bytes. */
const MOST = 2000;

/** Milliseconds that this may take, where a decoder takes its time. */
const PATIENCE = 2000;

/** A way to cut that gives the right frames, and can tell what must come of a smaller wire. */
interface Way {
  readonly cut: (length: number) => readonly number[];
  /** Whether frames come late in it, and nothing else is wrong. */
  readonly late: boolean;
  /** Whether the wire ends where a frame does. */
  readonly closed: boolean;
}

const inOneChunk = (length: number): readonly number[] => [length];

/** Whether the last byte of a wire is the last of a frame, or there is none. */
function* isClosed({ cut }: Way, stream: Stream, judge: Judge): Work<boolean> {
  const { length } = stream.wire;
  if (length === 0) return true;
  if (cut === onesOf) return (yield* judge.byByte(stream)).offsets.at(-1) === length;
  return (yield* judge.whole(stream)).early > (yield* judge.whole(stream, length - 1)).early;
}

/** Whether a way is right for a stream, and not by chance: who takes every chunk for a frame is right with one frame. */
function* isRight(way: Way, stream: Stream, judge: Judge): Work<boolean> {
  if (!(yield* judge.isRight(stream, way.cut(stream.wire.length), way.late))) return false;
  if (way.closed && !(yield* isClosed(way, stream, judge))) return false;
  return way.cut !== inOneChunk || (yield* judge.isSteady(stream));
}

/** The ways that are right: as they should be, or else but late. */
function* rightWays(stream: Stream, judge: Judge): Work<readonly Way[]> {
  const ways: Way[] = [];
  for (const late of [false, true]) {
    for (const cut of [onesOf, inOneChunk]) {
      const way = { cut, late, closed: false };
      if (yield* isRight(way, stream, judge)) ways.push({ ...way, closed: yield* isClosed(way, stream, judge) });
    }
    if (ways.length > 0) return ways;
  }
  return ways;
}

/**
 * Makes what was found as small as it gets: fewer bytes, fewer chunks, plainer bytes, while it is found still.
 *
 * What must come of a smaller wire is asked of the decoder itself, in the ways to cut in which it is right. Where
 * there is none, the wire stays as it is. Where the pieces were given, or where it hangs, all does.
 */
export function* shrink(found: Found, judge: Judge): Work<Smallest> {
  const { stream } = found.attempt;
  if (stream.pieces !== undefined || found.complaint.hung) return { found, sure: true };
  const right = yield* rightWays(stream, judge);
  return { found: yield* new Shrinking(found, right, judge).run(), sure: right.length > 0 };
}

class Shrinking {
  #best: Found;
  #tries = 0;
  readonly #until = performance.now() + PATIENCE;
  readonly #right: readonly Way[];
  readonly #judge: Judge;

  constructor(found: Found, right: readonly Way[], judge: Judge) {
    this.#best = found;
    this.#right = right;
    this.#judge = judge;
  }

  *run(): Work<Found> {
    for (let better = true; better;) {
      better = false;
      for (const pass of PASSES) while (yield* this.#improve(pass)) better = true;
    }
    return this.#best;
  }

  /** Looks for one that is smaller in this way. Answers whether there is one. */
  *#improve(pass: Pass): Work<boolean> {
    const { stream } = this.#best.attempt;
    const ends = this.#right.some(({ cut }) => cut === onesOf) ? (yield* this.#judge.byByte(stream)).offsets : [];
    for (const edit of pass(this.#best.attempt, ends)) {
      if (this.#tries++ >= MOST || performance.now() > this.#until) return false;
      const smaller = yield* this.#found(edit);
      if (smaller === undefined) continue;
      this.#best = smaller;
      return true;
    }
    return false;
  }

  /** What is found with an edit made. */
  *#found({ wire, ...edit }: Edit): Work<Found | undefined> {
    const { check, stream } = this.#best.attempt;
    const smaller = wire === stream.wire ? stream : yield* this.#restated({ ...stream, wire });
    if (smaller === undefined) return undefined;
    const tried = attempt(check, smaller, edit.sizes, edit);
    const complaint = yield* this.#judge.judge(tried);
    if (complaint === undefined) return undefined;
    for (const way of this.#right) if (!(yield* isRight(way, smaller, this.#judge))) return undefined;
    return { attempt: tried, complaint };
  }

  /** The same stream with the frames of its wire; nothing where not all ways to cut that were right agree. */
  *#restated(stream: Stream): Work<Stream | undefined> {
    const [way] = this.#right;
    if (way === undefined) return undefined;
    const { came } = yield trialOf(attempt('split', stream, way.cut(stream.wire.length)));
    const restated = { ...stream, frames: came };
    for (const { cut, late } of this.#right)
      if (!(yield* this.#judge.isRight(restated, cut(stream.wire.length), late))) return undefined;
    return restated;
  }
}
