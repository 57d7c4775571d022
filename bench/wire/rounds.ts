import type { Figures } from './figures.js';
import { runLoad } from './load.js';
import type { Ready } from './rivals.js';
import type { Scenario } from './scenarios.js';
import { type Server, startServer } from './server.js';
import { isDisturbed, settled } from './settle.js';
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

/** The first echo is asked for in the framing of ours. */
const canRun = ({ run, role }: Scenario, { framing }: Ready): boolean =>
  !('starts' in run) || role === 'import' || framing === 'u16';

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
  const turns = rivals.flatMap((rival) => {
    const command = canRun(scenario, rival) ? rival.programs[role] : undefined;
    return command === undefined ? [] : [{ rival, command, rounds: [] as Figures[], failed: null as string | null }];
  });
  for (let round = 1; round <= bench.rounds; round++) {
    for (const turn of turns.filter(({ failed }) => failed === null)) {
      try {
        const found = await measure(bench, scenario, turn.rival, turn.command);
        turn.rounds.push(found);
        const shown = `${found[by.key].toFixed(by.digits)} ${by.unit}`;
        const warning = isDisturbed(scenario, found) ? ' (disturbed: something else used the processor)' : '';
        bench.say(`${title}, round ${round}: ${turn.rival.title}: ${shown}${warning}`);
      } catch (error) {
        turn.failed = error instanceof Error ? error.message : String(error);
        bench.say(`${title}: ${turn.rival.title} failed: ${turn.failed}`);
      }
    }
  }
  return turns.map(({ rival, rounds, failed }) => ({
    scenario: name,
    rival: rival.name,
    rounds: rounds.length,
    figures: failed === null ? settled(scenario, rounds) : null,
    failed,
  }));
};
