import { dice } from '../dice.js';
import type { Attempt } from './attempt.js';
import { VerifyFailed } from './verify-failed.js';
import { type Encode, type NotInverse, inverse } from './inverse.js';
import { Judge, shownFrames } from './judge.js';
import type { Terms } from './laws.js';
import { quotedBytes } from './literal.js';
import { type Given, caseOf, counted, pasteCase, pastePayloads, piecesLiteral, whereOf } from './paste.js';
import { type Phase, type Roll, phasesOf, shares } from './plan.js';
import { type Found, shrink } from './shrink.js';
import { type Stream, joinedStreams } from './stream.js';
import { type VerifyCheck, type Work, CHECKS } from './trial.js';

/** What was tried. */
export interface VerifyReport {
  /** Cases that were given. */
  readonly cases: number;
  /** Ways of cutting that were tried. */
  readonly splits: number;
  /** All that was tried, those included. */
  readonly tried: number;
  /** The same, for each check. */
  readonly checks: Readonly<Record<VerifyCheck, number>>;
  /** Whether nothing was left out for the budget. */
  readonly complete: boolean;
  /** The budget and the seed, as they were given or by default. */
  readonly budget: number;
  readonly seed: number;
}

/** A verification, made ready. */
export interface Verification {
  readonly streams: readonly Stream[];
  /** Whether streams may follow one another. */
  readonly joined: boolean;
  readonly terms: Terms;
  /** What can be tried with a decoder of this kind. */
  readonly checks: ReadonlySet<VerifyCheck>;
  readonly encode: Encode | undefined;
  readonly payloads: readonly unknown[];
  readonly budget: number;
  readonly seed: number;
  readonly given: Given;
}

/** Tries all there is to try. Throws a `VerifyFailed` at the first that is wrong. */
export function* verify(verification: Verification): Work<VerifyReport> {
  const { streams, budget, seed } = verification;
  const judge = new Judge(verification.terms);
  const phases = yield* plan(verification, judge);
  const share = shares(phases, budget);
  const counts = Object.fromEntries(CHECKS.map((check) => [check, 0])) as Record<VerifyCheck, number>;

  const found = yield* firstWrong(attemptsOf(phases, share, dice(seed)), judge, counts);
  if (found !== undefined) throw yield* failure(found, judge, verification);
  counts.inverse = yield* tryInverse(verification, judge);
  return {
    cases: streams.length,
    splits: counts.split,
    tried: CHECKS.reduce((sum, check) => sum + counts[check], 0),
    checks: counts,
    complete: phases.every((phase) => share.get(phase) === phase.size),
    budget,
    seed,
  };
}

/** What there is to try, check by check. */
function* plan({ streams, joined, checks }: Verification, judge: Judge): Work<readonly Phase[]> {
  const phases: Phase[] = [];
  for (const stream of joined ? [...streams, ...joinedStreams(streams)] : streams) {
    const { offsets, hung } = yield* judge.byByte(stream);
    phases.push(...phasesOf(stream, offsets, checks));
    if (hung) break; // Enough to find it by, and each that hangs takes long.
  }
  return phases.toSorted((a, b) => CHECKS.indexOf(a.check) - CHECKS.indexOf(b.check));
}

function* attemptsOf(phases: readonly Phase[], share: ReadonlyMap<Phase, number>, roll: Roll): Iterable<Attempt> {
  for (const phase of phases) yield* phase.take(share.get(phase) as number, roll);
}

/** Answers how many payloads were tried. */
function* tryInverse(verification: Verification, judge: Judge): Work<number> {
  const { streams, joined, encode, payloads } = verification;
  if (encode === undefined) return 0;
  const all = [...payloads];
  for (const stream of streams) if (!stream.partial) all.push(...(yield* judge.whole(stream)).came);
  const found = yield* inverse(encode, all, joined);
  if (found !== undefined) throw notInverse(found, verification);
  return all.length;
}

/**
 * The first attempt that is wrong, made as small as it gets. Where it is not sure what must come of smaller wires,
 * other streams are looked at in the same way.
 */
function* firstWrong(
  attempts: Iterable<Attempt>,
  judge: Judge,
  counts: Record<VerifyCheck, number>,
): Work<Found | undefined> {
  let smallest: Found | undefined;
  const unsure = new Set<Stream>();
  for (const tried of attempts) {
    if (smallest !== undefined && tried.check !== smallest.attempt.check) break;
    if (unsure.has(tried.stream)) continue;
    counts[tried.check]++;
    const complaint = yield* judge.judge(tried);
    if (complaint === undefined) continue;
    const { found, sure } = yield* shrink({ attempt: tried, complaint }, judge);
    if (sure) return found;
    if (smallest === undefined || lengthOf(found) < lengthOf(smallest)) smallest = found;
    unsure.add(tried.stream);
  }
  return smallest;
}

const lengthOf = (found: Found): number => found.attempt.stream.wire.length;

/** The error for what was found. */
function* failure(
  { attempt: tried, complaint }: Found,
  judge: Judge,
  { given, budget, seed }: Verification,
): Work<VerifyFailed> {
  const smallest = caseOf(tried, yield* judge.whole(tried.stream));
  return new VerifyFailed({
    by: given.by,
    check: tried.check,
    ...complaint,
    where: whereOf(tried),
    input: [['chunks', piecesLiteral(smallest)]],
    smallest,
    test: pasteCase(given, smallest),
    budget,
    seed,
  });
}

const notInverse = ({ payloads, wire, complaint }: NotInverse, { given, budget, seed }: Verification): VerifyFailed =>
  new VerifyFailed({
    by: given.by,
    check: 'inverse',
    ...complaint,
    where: '',
    input: [
      ['payloads', shownFrames(payloads)],
      ...(wire === undefined ? [] : [['encoded', quotedBytes(wire)] as const]),
    ],
    smallest: undefined,
    test: pastePayloads(given, payloads),
    budget,
    seed,
  });

/** What was tried, in a line. */
export const shownReport = ({ cases, splits, tried, complete, budget, seed }: VerifyReport): string =>
  `verified ${counted(cases, 'case')}: ${counted(splits, 'way')} to cut them, ${tried} runs in all, ` +
  `${complete ? 'nothing left out' : 'a choice of them'} (budget ${budget}, seed ${seed})`;
