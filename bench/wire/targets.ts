import type { Figures } from './figures.js';
import type { Result } from './rounds.js';

/** What is to be reached: a figure of ours, as it is or against another's of the same session. */
export interface Target {
  readonly scenario: string;
  /** Whose figure it is: ours, in one form or the other. */
  readonly ours: string;
  readonly figure: keyof Figures;
  readonly against?: string;
  readonly how: 'ratio' | 'difference' | 'value';
  readonly bound: 'at most' | 'at least';
  readonly wanted: number;
  readonly unit: string;
}

/** A target and what was measured; undefined where it was not. */
export interface Judged extends Target {
  readonly reached: number | undefined;
  readonly met: boolean | undefined;
}

const echoes = (scenario: string, wanted: Readonly<Record<string, number>>, ours = 'sluice'): readonly Target[] =>
  Object.entries(wanted).map(([against, ratio]) => ({
    scenario,
    ours,
    figure: 'cpuPerMessage',
    against,
    how: 'ratio',
    bound: 'at most',
    wanted: ratio,
    unit: '',
  }));

const ECHOES = ['32x64x32', '512x64x32', '32x64x1', '16384x64x4', '32x1000x1'];

/** Server CPU per message: ratios to the server tuned by hand, to Effect 4 and to Netty, each in its best form. */
export const TARGETS: readonly Target[] = [
  ...echoes('32x64x32', { 'node-data': 1.15, 'effect-batched': 0.95, netty: 0.8 }),
  ...echoes('512x64x32', { 'node-data': 1.15, 'effect-batched': 0.8, netty: 1 }),
  ...echoes('32x64x1', { 'node-data': 1.1, 'effect-batched': 0.95, netty: 1.2 }),
  ...echoes('16384x64x4', { 'node-data': 1.15, 'effect-batched': 0.7 }),
  ...echoes('32x1000x1', { 'node-data': 1.1, 'effect-batched': 0.8, netty: 1.2 }),
  ...ECHOES.flatMap((scenario) => echoes(scenario, { 'node-static': 1.15 }, 'sluice-shared')),
  {
    scenario: 'accept',
    ours: 'sluice',
    figure: 'connectionsPerSecond',
    against: 'node-data',
    how: 'ratio',
    bound: 'at least',
    wanted: 0.85,
    unit: '',
  },
  {
    scenario: 'idle',
    ours: 'sluice',
    figure: 'memoryPerConnection',
    against: 'node-data',
    how: 'ratio',
    bound: 'at most',
    wanted: 1.3,
    unit: '',
  },
  { scenario: 'drain', ours: 'sluice', figure: 'took', how: 'value', bound: 'at most', wanted: 2_000, unit: ' ms' },
  {
    scenario: 'import',
    ours: 'sluice',
    figure: 'took',
    against: 'rxjs',
    how: 'difference',
    bound: 'at most',
    wanted: 60,
    unit: ' ms',
  },
  { scenario: 'first-echo', ours: 'sluice', figure: 'took', how: 'value', bound: 'at most', wanted: 250, unit: ' ms' },
];

/** Whether a target is about this server in this scenario. */
export const isAbout = (target: Target, scenario: string, rival: string): boolean =>
  target.scenario === scenario && (rival === target.ours || rival === target.against);

const reachedBy = (target: Target, results: readonly Result[]): number | undefined => {
  const of = (rival: string): number | undefined =>
    results.find((result) => result.scenario === target.scenario && result.rival === rival)?.figures?.[target.figure];
  const ours = of(target.ours);
  if (ours === undefined || target.against === undefined) return ours;
  const theirs = of(target.against);
  if (theirs === undefined) return undefined;
  return target.how === 'ratio' ? ours / theirs : ours - theirs;
};

/** Holds what was measured against what is wanted. */
export const judge = (targets: readonly Target[], results: readonly Result[]): readonly Judged[] =>
  targets.map((target) => {
    const reached = reachedBy(target, results);
    if (reached === undefined) return { ...target, reached, met: undefined };
    return {
      ...target,
      reached,
      met: target.bound === 'at most' ? reached <= target.wanted : reached >= target.wanted,
    };
  });
