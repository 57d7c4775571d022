// Whole servers over loopback: npm run bench:wire
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type Plan, WrongArgument, planOf, usage } from './arguments.js';
import { Missing, buildC, output } from './build.js';
import { chart } from './chart.js';
import { compiled, source } from './files.js';
import { machine } from './machine.js';
import { markdown, targetTable } from './markdown.js';
import { RIVALS, readied } from './rivals.js';
import { type Result, coresOf, measureAll } from './rounds.js';
import { SCENARIOS, type Scenario } from './scenarios.js';
import type { Session } from './session.js';
import { TARGETS, isAbout, judge } from './targets.js';

const known = { rivals: RIVALS.map(({ name }) => name), scenarios: SCENARIOS.map(({ name }) => name) };

const chosen = <A extends { readonly name: string }>(all: readonly A[], names: readonly string[]): readonly A[] =>
  all.filter(({ name }) => names.includes(name));

const say = (line: string): void => console.log(line);

/** Descriptors that a process has besides its connections. */
const OTHERS = 100;

/** Those for which the system gives a process enough descriptors. */
const affordable = (scenarios: readonly Scenario[]): readonly Scenario[] => {
  const limit = Number(output(['sh', '-c', 'ulimit -H -n'], 'there is no sh').replace('unlimited', 'Infinity'));
  return scenarios.filter(({ title, connections }) => {
    const enough = connections + OTHERS <= limit;
    if (!enough) say(`${title}: left out, ulimit -H -n allows ${limit} descriptors only`);
    return enough;
  });
};

const measure = async ({ rounds, seconds, warmup, node, ...plan }: Plan): Promise<Session> => {
  output(['taskset', '--version'], 'there is no taskset: this needs Linux, and apt-get install util-linux');
  if (availableParallelism() < 2)
    say('There is one core only: the generator takes from the server. Compare no ratios.');
  const programs = { loadgen: buildC('loadgen.c', 'loadgen'), backend: [buildC('rivals/c/epoll.c', 'epoll')] };
  const scenarios = affordable(chosen(SCENARIOS, plan.scenarios));
  const isWanted = (scenario: Scenario, rival: string): boolean =>
    !plan.targetsOnly || TARGETS.some((target) => isAbout(target, scenario.name, rival));
  const rivals = chosen(RIVALS, plan.only).filter(({ name }) => scenarios.some((scenario) => isWanted(scenario, name)));
  const ready = readied(rivals, node, say);
  const bench = { programs, rounds, seconds, warmup, cores: coresOf(availableParallelism()), say };
  const results: Result[] = [];
  for (const scenario of scenarios) {
    const wanted = ready.filter(({ name }) => isWanted(scenario, name));
    results.push(...(await measureAll(bench, scenario, wanted)));
  }
  const servers = ready.map(({ name, title, version }) => ({ name, title, version }));
  const targets = judge(TARGETS, results);
  return { machine: machine(), rounds, seconds, servers, scenarios, results, targets };
};

const report = (session: Session, folder: string): void => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/wire.json`, `${JSON.stringify(session, null, 2)}\n`);
  writeFileSync(`${folder}/wire.md`, markdown(session));
  writeFileSync(`${folder}/wire.svg`, chart(session));
  console.log(`\n${markdown(session)}\nwritten to ${folder}: wire.json, wire.md, wire.svg\n\n${targetTable(session)}`);
};

try {
  const folders = { whole: source('results'), part: compiled('results') };
  const plan = planOf(process.argv.slice(2), known, { folders, node: process.execPath });
  if (plan.help) console.log(usage(known));
  else report(await measure(plan), plan.out);
} catch (error) {
  if (!(error instanceof WrongArgument || error instanceof Missing)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
