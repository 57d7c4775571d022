import type { Fault } from '../faults/fault.js';
import type { Roll } from '../faults/fault-line.js';
import type { NetworkOptions } from '../network.js';

/** A whole number from `least` to `most`, both included. */
export const between = (roll: Roll, least: number, most: number): number => least + roll(most - least + 1);

/** True once in so many times. */
export const once = (roll: Roll, times: number): boolean => roll(times) === 0;

/** One of them. */
export const oneOf = <A>(roll: Roll, some: readonly [A, ...A[]]): A => some[roll(some.length)] as A;

const FAULTS: readonly [(roll: Roll) => Fault, ...((roll: Roll) => Fault)[]] = [
  (roll) => {
    const ms = roll(oneOf(roll, [20, 500, 5_000]));
    return { type: 'latency', ms, jitter: roll(ms + 1) };
  },
  (roll) => ({ type: 'bandwidth', bytesPerSecond: between(roll, 1, 100) * oneOf(roll, [50, 1_000]) }),
  (roll) => {
    const size = between(roll, 1, oneOf(roll, [4, 40, 400]));
    return { type: 'slicer', size, variation: roll(size), ms: oneOf(roll, [0, 0, 1, 20]) };
  },
  (roll) => ({ type: 'byte-limit', bytes: roll(300) }),
  (roll) => ({ type: 'slow-close', ms: between(roll, 1, 5_000) }),
  (roll) => ({ type: 'black-hole', ...(once(roll, 3) && { ms: between(roll, 1, 5_000) }) }),
  (roll) => ({ type: 'reset', ms: roll(2_000) }),
  () => ({ type: 'down' }),
];

/** Any fault, for one connection or for a part of all. */
export const someFault = (roll: Roll): Fault => {
  const fault = oneOf(roll, FAULTS)(roll);
  if (fault.type === 'down') return fault;
  const chance = oneOf(roll, [1, 0.5, 0.2]);
  // What ends connections is not to end all that there are.
  if (fault.type === 'reset' || fault.type === 'byte-limit') return { ...fault, chance: chance / 5 };
  const towards = oneOf(roll, [undefined, 'server', 'client'] as const);
  return towards === undefined ? { ...fault, chance } : { ...fault, chance, towards };
};

/** What the network of a client is like when nothing is wrong with it. */
export const someNetwork = (roll: Roll, seed: number): NetworkOptions => ({
  seed,
  latency: roll(oneOf(roll, [1, 5, 50])),
  window: oneOf(roll, [64, 500, 4_000, 65_536]),
  coalesce: once(roll, 3),
  ...(once(roll, 8) && { split: oneOf<1 | 'random'>(roll, [1, 'random', 'random', 'random']) }),
});
