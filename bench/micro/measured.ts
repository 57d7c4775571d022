// One figure, from a process of its own: node --expose-gc dist/bench/micro/measured.js GROUP CONTEST RUNNER [MS]
import { measure } from 'mitata';
import { type Group, NotInstalled, OURS } from './contest.js';

/** What the process prints, as JSON: nanoseconds a unit and the units of one run, or what has to be installed. */
export type Measured = { readonly ns: number; readonly units: number } | { readonly missing: string };

const [name = '', title = '', who = '', budget = '250'] = process.argv.slice(2);

const { default: group } = (await import(`./groups/${name}.js`)) as { default: Group };
const contest = group.contests.find((one) => one.name === title);
const runner = who === OURS ? contest?.ours : contest?.rivals?.[who];
if (runner === undefined) throw new RangeError(`group ${name} has no ${who} in ${title}`);

const taken = async (ms: number): Promise<Measured> => {
  const run = await runner();
  const units = await run();
  if ((await run()) !== units) throw new Error(`${who} does not do the same twice in ${title}`);
  // Once for the compiler, once for the figure. A run is milliseconds long, so that collections of garbage are in it.
  await measure(run, { min_cpu_time: 5e5 * ms });
  const { p50 } = await measure(run, { min_cpu_time: 1e6 * ms });
  return { ns: p50 / units, units };
};

const measured = await taken(Number(budget)).catch((error: unknown): Measured => {
  if (error instanceof NotInstalled) return { missing: error.message };
  throw error;
});
process.stdout.write(JSON.stringify(measured));
process.exit();
