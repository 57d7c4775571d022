import { oneOf } from './chance.js';
import { fnv1a, spread } from './hash.js';

/** The ways to pick a target. */
export const STRATEGIES = ['round-robin', 'least-connections', 'two-choices', 'consistent-hash'] as const;

/**
 * How a target is picked for a new connection.
 *
 * - `round-robin`: in turn, each as often as its weight says. The turns of a heavy one are spread among the others'.
 * - `least-connections`: whichever has the fewest open and under way, for its weight; by chance among equals.
 * - `two-choices`: two by chance, and the less busy of them. Nearly as even as the former, and when many balancers see
 *   the same target idle, they do not all run to it. (Mitzenmacher, "The Power of Two Choices in Randomized Load
 *   Balancing", 2001.)
 * - `consistent-hash`: the same target for the same key, in every process. When one of n targets goes, only its own
 *   keys move, a part of 1/n, and they spread over all the others. (Rendezvous hashing: Thaler and Ravishankar, 1998;
 *   with weights, Schindelhauer and Schomaker, 2005.)
 */
export type Strategy = (typeof STRATEGIES)[number];

/** What is known of a target when one is picked. */
export interface Candidate {
  readonly name: string;
  /** How much it is to get, compared with the others. */
  readonly weight: number;
  /** Connections to it, open and under way. */
  readonly connections: number;
}

/** Picks one of the candidates, of which there is one at least. `key` is what the consistent hash goes by. */
export type Picker = <A extends Candidate>(candidates: readonly A[], key: string) => A;

/** Connections for its weight. */
const load = ({ connections, weight }: Candidate): number => connections / weight;

/**
 * Everyone gains its weight at each pick, and who has most is picked and pays for all: over so many picks as the
 * weights add up to, each comes up exactly as often as its weight, and evenly spread.
 */
const inTurn = (): Picker => {
  const credit = new WeakMap<Candidate, number>();
  return (candidates) => {
    let [best] = candidates as readonly [(typeof candidates)[number]];
    let most = -Infinity;
    let total = 0;
    for (const candidate of candidates) {
      const has = (credit.get(candidate) ?? 0) + candidate.weight;
      credit.set(candidate, has);
      total += candidate.weight;
      if (has <= most) continue;
      most = has;
      best = candidate;
    }
    credit.set(best, most - total);
    return best;
  };
};

const leastBusy =
  (chance: () => number): Picker =>
  (candidates) => {
    const least = Math.min(...candidates.map(load));
    const equals = candidates.filter((candidate) => load(candidate) === least);
    return equals[oneOf(equals.length, chance)] as (typeof candidates)[number];
  };

const betterOfTwo =
  (chance: () => number): Picker =>
  (candidates) => {
    const first = oneOf(candidates.length, chance);
    const one = candidates[first] as (typeof candidates)[number];
    if (candidates.length === 1) return one;
    // Any of the others: those behind the first are one further on.
    const second = oneOf(candidates.length - 1, chance);
    const other = candidates[second < first ? second : second + 1] as (typeof candidates)[number];
    return load(other) < load(one) ? other : one;
  };

/** Every target draws a number for the key, always the same one, and the highest has it: no state, and no ring to keep. */
const byKey: Picker = (candidates, key) => {
  let [best] = candidates as readonly [(typeof candidates)[number]];
  let highest = -Infinity;
  for (const candidate of candidates) {
    const drawn = (spread(fnv1a(`${candidate.name} ${key}`)) + 0.5) / 2 ** 32;
    const score = -candidate.weight / Math.log(drawn);
    if (score <= highest) continue;
    highest = score;
    best = candidate;
  }
  return best;
};

const pickers: Readonly<Record<Strategy, (chance: () => number) => Picker>> = {
  'round-robin': inTurn,
  'least-connections': leastBusy,
  'two-choices': betterOfTwo,
  'consistent-hash': () => byKey,
};

/** A picker of its own for each balancer: that of `round-robin` knows whose turn it is. */
export const pickerOf = (strategy: Strategy, chance: () => number): Picker => pickers[strategy](chance);
