import { onesOf, waysToCut } from '../deliveries.js';
import { type Attempt, attempt } from './attempt.js';
import type { Stream } from './stream.js';
import type { VerifyCheck } from './trial.js';

/** A whole number from 0 up to `below`. */
export type Roll = (below: number) => number;

/** Attempts of one kind. */
export interface Phase {
  readonly check: VerifyCheck;
  /** How many there are. */
  readonly size: number;
  /** So many of them: all, or some by chance. */
  readonly take: (count: number, roll: Roll) => Iterable<Attempt>;
}

const listed = (check: VerifyCheck, size: number, at: (index: number) => Attempt): Phase => ({
  check,
  size,
  *take(count, roll) {
    if (count >= size) for (let index = 0; index < size; index++) yield at(index);
    else for (const index of some(count, size, roll)) yield at(index);
  },
});

/** So many different numbers below `below`, in order. */
const some = (count: number, below: number, roll: Roll): readonly number[] => {
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(roll(below));
  return [...chosen].toSorted((a, b) => a - b);
};

const choices = (of: number, count: number): number => {
  let all = 1;
  for (let index = 0; index < count; index++) all = (all * Math.max(0, of - index)) / (index + 1);
  return all;
};

/** Every choice of so many places to cut at. */
const cutAt = (stream: Stream, places: number): Phase => {
  const { length } = stream.wire;
  return {
    check: 'split',
    size: choices(length - 1, places),
    *take(count, roll) {
      if (count >= this.size) {
        for (const sizes of waysToCut(length, places)) yield attempt('split', stream, sizes);
        return;
      }
      for (let index = 0; index < count; index++) {
        const ends = [...some(places, length - 1, roll).map((place) => place + 1), length];
        yield attempt('split', stream, sizesTo(ends));
      }
    },
  };
};

/** The sizes of pieces that end there. */
const sizesTo = (ends: readonly number[]): readonly number[] => ends.map((end, index) => end - (ends[index - 1] ?? 0));

/** All that is tried with a stream. `offsets` says where its frames end. */
export const phasesOf = (
  stream: Stream,
  offsets: readonly number[],
  checks: ReadonlySet<VerifyCheck>,
): readonly Phase[] =>
  (stream.pieces === undefined ? freely(stream, offsets) : asGiven(stream, stream.pieces)).filter(
    ({ check, size }) => size > 0 && checks.has(check),
  );

/** The pair at `index` of all (cut, at) with 0 < cut < at. */
const pairAt = (index: number): readonly [cut: number, at: number] => {
  const row = Math.floor((Math.sqrt(8 * index + 1) + 1) / 2);
  return [index - (row * (row - 1)) / 2 + 1, row + 1];
};

const freely = (stream: Stream, offsets: readonly number[]): Phase[] => {
  const { length } = stream.wire;
  const ones = onesOf(length);
  const byMessage = sizesTo([...new Set([...offsets, length])]);
  const rounds = [[length], ones, byMessage];
  const row = (check: VerifyCheck, rows: readonly (readonly number[])[]): Phase =>
    listed(check, rows.length, (index) => attempt(check, stream, rows[index] as readonly number[]));
  const inTwo = (check: VerifyCheck): Phase =>
    listed(check, length + 1, (at) => attempt(check, stream, [at, length - at]));
  return [
    row('split', [...rounds, [0, ...ones.flatMap(() => [1, 0])]]),
    listed('split', length + 1, (at) => attempt('split', stream, [at, 0, length - at])),
    ...[1, 2, 3].map((places) => cutAt(stream, places)),
    ...(['inside', 'poison', 'state', 'shared'] as const).flatMap((check) => [row(check, rounds), inTwo(check)]),
    listed('end', length, (at) => attempt('end', stream, [at, length - at], { upTo: 1 })),
    listed('end', length, (at) => attempt('end', stream, [...onesOf(at), length - at], { upTo: at })),
    listed('end', choices(length - 1, 2), (index) => {
      const [cut, at] = pairAt(index);
      return attempt('end', stream, [cut, at - cut, length - at], { upTo: 2 });
    }),
    listed('reset', length + 1, (at) => attempt('reset', stream, [at, length - at], { upTo: 1 })),
    listed('reset', length + 1, (at) => attempt('reset', stream, [...onesOf(at), length - at], { upTo: at })),
    ...rounds.map((sizes) =>
      listed('leave', stream.frames.length, (index) => attempt('leave', stream, sizes, { leave: index + 1 })),
    ),
  ];
};

const asGiven = (stream: Stream, pieces: readonly number[]): Phase[] => [
  ...(['split', 'inside', 'poison', 'state', 'shared'] as const).map((check) =>
    listed(check, 1, () => attempt(check, stream, pieces)),
  ),
  listed('end', pieces.length, (upTo) => attempt('end', stream, pieces, { upTo })),
  listed('reset', pieces.length + 1, (upTo) => attempt('reset', stream, pieces, { upTo })),
  listed('leave', stream.frames.length, (index) => attempt('leave', stream, pieces, { leave: index + 1 })),
];

/** How many of each phase, so that they are no more than `budget` together: the small ones whole, the large in part. */
export const shares = (phases: readonly Phase[], budget: number): ReadonlyMap<Phase, number> => {
  const given = new Map<Phase, number>();
  let left = budget;
  for (const [index, phase] of phases.toSorted((a, b) => a.size - b.size).entries()) {
    const count = Math.min(phase.size, Math.floor(left / (phases.length - index)));
    given.set(phase, count);
    left -= count;
  }
  return given;
};
