import { type Figures, medians } from './figures.js';
import { runLoad } from './load.js';
import type { Ready } from './rivals.js';
import type { Scenario } from './scenarios.js';
import { type Server, startServer } from './server.js';
import { runStarts } from './start.js';

/** What measures, and how long. */
export interface Bench {
  /** The generator, and what stands behind a proxy. */
  readonly programs: { readonly loadgen: string; readonly backend: readonly string[] };
  readonly rounds: number;
  readonly seconds: number;
  readonly warmup: number;
  readonly cores: { readonly server: number; readonly load: number };
  readonly say: (line: string) => void;
}

/** The first core for the server, the second for the load; one core only has to do for both. */
export const coresOf = (available: number): Bench['cores'] => ({ server: 0, load: available > 1 ? 1 : 0 });

/** How a server did in a scenario: the medians, or why there are none. */
export interface Result {
  readonly scenario: string;
  readonly rival: string;
  readonly rounds: number;
  readonly figures: Figures | null;
  readonly failed: string | null;
}

const withServers = async <A>(
  bench: Bench,
  scenario: Scenario,
  command: readonly string[],
  use: (server: Server) => Promise<A>,
): Promise<A> => {
  const backend = scenario.role === 'proxy' ? await startServer(bench.programs.backend, bench.cores.load) : undefined;
  try {
    const to = backend === undefined ? [] : [String(backend.port)];
    const server = await startServer([...command, ...to], bench.cores.server);
    try {
      return await use(server);
    } finally {
      await server.stop();
    }
  } finally {
    await backend?.stop();
  }
};

const measure = (bench: Bench, scenario: Scenario, rival: Ready, command: readonly string[]): Promise<Figures> => {
  const { run, role } = scenario;
  if ('starts' in run) return runStarts(role === 'import' ? role : 'echo', command, bench.cores.server, run.starts);
  return withServers(bench, scenario, command, ({ port, pid }) =>
    runLoad(bench.programs.loadgen, bench.cores.load, [
      ...run.load,
      ...['--port', String(port), '--pid', String(pid), '--framing', rival.framing],
      ...['--duration', String(scenario.seconds ?? bench.seconds)],
      ...['--warmup', String((scenario.warmup ?? bench.warmup) + rival.warmup)],
    ]),
  );
};

/** A server or a generator that is asked for all that it can do is busy for more of the time than this. */
const BUSY = 0.9;

/** Whether neither was busy where one of them should have been: something else was. */
const isDisturbed = ({ measure: { key } }: Scenario, { serverLoad, generatorLoad }: Figures): boolean =>
  (key === 'cpuPerMessage' || key === 'cpuPerConnection') && serverLoad < BUSY && generatorLoad < BUSY;

/** The medians of the rounds that nothing disturbed; of all, where there is no other. */
const settled = (scenario: Scenario, all: readonly Figures[]): Figures => {
  const quiet = all.filter((round) => !isDisturbed(scenario, round));
  return medians(quiet.length > 0 ? quiet : all);
};

/**
 * Measures all servers in one scenario, in turns: A, B, C, A, B, C, ... so that what changes on the machine meanwhile
 * meets them alike. Each turn has a fresh process. Who fails once is out.
 */
export const measureAll = async (
  bench: Bench,
  scenario: Scenario,
  rivals: readonly Ready[],
): Promise<readonly Result[]> => {
  const { role, measure: by, name, title } = scenario;
  const able = rivals.filter(({ programs }) => programs[role] !== undefined);
  const measured = new Map<string, Figures[]>(able.map((rival) => [rival.name, []]));
  const failed = new Map<string, string>();
  for (let round = 1; round <= bench.rounds; round++) {
    for (const rival of able) {
      if (failed.has(rival.name)) continue;
      try {
        const found = await measure(bench, scenario, rival, rival.programs[role] as readonly string[]);
        measured.get(rival.name)?.push(found);
        const shown = `${found[by.key].toFixed(by.digits)} ${by.unit}`;
        const warning = isDisturbed(scenario, found) ? ' (disturbed: something else used the processor)' : '';
        bench.say(`${title}, round ${round}: ${rival.title}: ${shown}${warning}`);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        failed.set(rival.name, why);
        bench.say(`${title}: ${rival.title} failed: ${why}`);
      }
    }
  }
  return able.map((rival) => {
    const all = measured.get(rival.name) ?? [];
    const why = failed.get(rival.name) ?? null;
    return {
      scenario: name,
      rival: rival.name,
      rounds: all.length,
      figures: why === null ? settled(scenario, all) : null,
      failed: why,
    };
  });
};
