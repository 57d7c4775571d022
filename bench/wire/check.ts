// Catches disasters: fails when ours falls far below the server that is tuned by hand. Compares within one run only, so it
// holds on any machine. npm run bench:check
import { availableParallelism } from 'node:os';
import { Missing, buildC, output } from './build.js';
import { RIVALS, readied } from './rivals.js';
import { coresOf, measureAll } from './rounds.js';
import { SCENARIOS } from './scenarios.js';

const SCENARIO = '32x64x32';
const OURS = 'sluice';
const THEIRS = 'node-data';
const LEAST = 0.7;

const say = (line: string): void => console.log(line);

/** How many messages ours answers in the time of the processor in which the other answers one. */
const ratio = async (): Promise<number> => {
  output(['taskset', '--version'], 'there is no taskset: this needs Linux, and apt-get install util-linux');
  const bench = {
    programs: { loadgen: buildC('loadgen.c', 'loadgen'), backend: [] },
    rounds: 3,
    seconds: 1,
    warmup: 0.7,
    cores: coresOf(availableParallelism()),
    say,
  };
  const servers = readied(
    RIVALS.filter(({ name }) => name === OURS || name === THEIRS),
    process.execPath,
    say,
  );
  const costs = new Map<string, number>();
  for (const scenario of SCENARIOS.filter(({ name }) => name === SCENARIO)) {
    for (const { rival, figures } of await measureAll(bench, scenario, servers)) {
      costs.set(rival, figures?.cpuPerMessage ?? Number.NaN);
    }
  }
  return (costs.get(THEIRS) ?? Number.NaN) / (costs.get(OURS) ?? Number.NaN);
};

try {
  const reached = await ratio();
  const enough = reached >= LEAST;
  const said = `answers ${reached.toFixed(2)} messages where Node's net tuned by hand answers one; at least ${LEAST} is wanted`;
  console.log(`${enough ? 'ok' : 'FAIL'}: sluice ${said}`);
  process.exitCode = enough ? 0 : 1;
} catch (error) {
  if (!(error instanceof Missing)) throw error;
  console.error(`\nNOTHING WAS MEASURED: ${error.message}\n`);
  process.exitCode = 2;
}
