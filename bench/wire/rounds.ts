import { type Figures, runLoad } from './load.js';
import { median } from './median.js';
import type { Rival } from './rivals.js';
import type { Scenario } from './scenarios.js';
import { startServer } from './server.js';

/** What a session needs to know to measure. */
export interface Bench {
  readonly loadgen: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly warmup: number;
  readonly cores: { readonly server: number; readonly load: number };
  readonly say: (line: string) => void;
}

/** How a rival did in a scenario: the median of each figure, or why there is none. */
export interface Result {
  readonly scenario: string;
  readonly rival: string;
  readonly rounds: number;
  readonly figures: Figures | undefined;
  readonly failed: string | undefined;
}

const measure = async (bench: Bench, scenario: Scenario, command: readonly string[]): Promise<Figures> => {
  const server = await startServer(command, bench.cores.server);
  try {
    return await runLoad(bench.loadgen, bench.cores.load, [
      ...scenario.load,
      ...['--port', String(server.port), '--pid', String(server.pid)],
      ...['--duration', String(scenario.seconds ?? bench.seconds), '--warmup', String(bench.warmup)],
    ]);
  } finally {
    await server.stop();
  }
};

const medians = (all: readonly Figures[]): Figures | undefined => {
  const [first] = all;
  if (first === undefined) return undefined;
  const keys = Object.keys(first) as (keyof Figures)[];
  return Object.fromEntries(keys.map((key) => [key, median(all.map((figures) => figures[key]))])) as unknown as Figures;
};

/**
 * Measures all rivals in one scenario, in turns: A, B, C, A, B, C, ... so that what changes on the machine meanwhile
 * meets them alike. Each turn has a fresh process. Who fails once is out.
 */
export const measureAll = async (
  bench: Bench,
  scenario: Scenario,
  rivals: readonly Rival[],
): Promise<readonly Result[]> => {
  const measured = new Map<string, Figures[]>();
  const failed = new Map<string, string>();
  for (let round = 1; round <= bench.rounds; round++) {
    for (const { name, title, programs } of rivals) {
      const command = programs[scenario.role];
      if (command === undefined || failed.has(name)) continue;
      try {
        const figures = await measure(bench, scenario, command);
        measured.set(name, [...(measured.get(name) ?? []), figures]);
        const { key, unit, digits } = scenario.measure;
        bench.say(`${scenario.title}, round ${round}: ${title}: ${figures[key].toFixed(digits)} ${unit}`);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        failed.set(name, why);
        bench.say(`${scenario.title}: ${title} failed: ${why}`);
      }
    }
  }
  return rivals
    .filter(({ programs }) => programs[scenario.role] !== undefined)
    .map(({ name }) => {
      const all = measured.get(name) ?? [];
      const why = failed.get(name);
      return {
        scenario: scenario.name,
        rival: name,
        rounds: all.length,
        figures: why === undefined ? medians(all) : undefined,
        failed: why,
      };
    });
};
