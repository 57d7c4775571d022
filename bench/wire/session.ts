import type { Machine } from './machine.js';
import type { Result } from './rounds.js';
import type { Scenario } from './scenarios.js';
import type { Judged } from './targets.js';

/** All that was measured in one go: what the reports are written from. */
export interface Session {
  readonly machine: Machine;
  readonly rounds: number;
  readonly seconds: number;
  readonly servers: readonly { readonly name: string; readonly title: string; readonly version: string }[];
  readonly scenarios: readonly Scenario[];
  readonly results: readonly Result[];
  readonly targets: readonly Judged[];
}

/** The results of one scenario, best first; those that failed come last. */
export const ranked = ({ results }: Session, { name, measure }: Scenario): readonly Result[] =>
  results
    .filter(({ scenario }) => scenario === name)
    .toSorted((a, b) => (a.figures?.[measure.key] ?? Infinity) - (b.figures?.[measure.key] ?? Infinity));

/** As the tables and the chart call it. */
export const titleOf = ({ servers }: Session, name: string): string =>
  servers.find((server) => server.name === name)?.title ?? name;
