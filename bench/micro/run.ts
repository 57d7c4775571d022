// npm run bench: nanoseconds for each thing that is done per message, beside whoever else does it.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { arch, cpus, platform } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Contest, type Group, OURS } from './contest.js';
import type { Measured } from './measured.js';
import { type Result, figuresTable, judge, middle, ratiosTable, targetsLine } from './report.js';
import { type Request, chosen, readRequest } from './request.js';

const HELP = `npm run bench -- [GROUP ...] [--only TEXT] [--quick] [--rounds N] [--json]

  GROUP          a group, or a part of its name (default: all)
  --only TEXT    only what has TEXT in its name
  --quick        one short round: a first look, in a quarter of the time
  --rounds N     how often each figure is taken, in turns; the middle one counts (default 3)
  --json         figures and nothing else, as JSON

Every figure comes from a process of its own. To see where the time of one goes, after npm run build:
  node --expose-gc --cpu-prof dist/bench/micro/measured.js GROUP CONTEST ours

Groups:`;

// Named from the sources: a compiled file whose source is gone is no group.
const names = readdirSync(new URL('../../../bench/micro/groups/', import.meta.url))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length))
  .toSorted();

const load = async (name: string): Promise<Group> => {
  const { default: group } = (await import(`./groups/${name}.js`)) as { default: Group };
  return group;
};

const script = fileURLToPath(new URL('./measured.js', import.meta.url));

/** One figure. */
const taken = (group: string, contest: string, runner: string, budget: number): Measured => {
  const args = ['--expose-gc', script, group, contest, runner, String(budget)];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${runner} in ${group}, ${contest}: ${stderr}`);
  return JSON.parse(stdout) as Measured;
};

const missing = new Set<string>();

/** All take their turns in each round, so that a slow minute of the machine is everybody's. */
const held = (group: string, contest: Contest, { rounds, budget }: Request): Result => {
  const figures = new Map<string, number[]>([OURS, ...Object.keys(contest.rivals ?? {})].map((name) => [name, []]));
  const units = new Set<number>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, list] of figures) {
      const measured = taken(group, contest.name, name, budget);
      if ('missing' in measured) {
        missing.add(measured.missing);
        figures.delete(name);
        continue;
      }
      list.push(measured.ns);
      units.add(measured.units);
    }
  }
  if (units.size > 1) throw new Error(`not all did the same work in ${contest.name}: ${[...units].join(', ')}`);
  return { group, contest, figures: new Map([...figures].map(([name, list]) => [name, middle(list)])) };
};

const say = (text: string): void => {
  if (!request.json) console.log(text);
};

/** What was asked for, or the end: a mistake on the command line needs no stack. */
const understood = (): { readonly request: Request; readonly wanted: readonly string[] } => {
  try {
    const request = readRequest(process.argv.slice(2));
    return { request, wanted: chosen(names, request.groups) };
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP} ${names.join(', ')}`);
    return process.exit(2);
  }
};

const { request, wanted } = understood();
if (request.help) {
  const groups = await Promise.all(names.map(async (name) => `  ${name.padEnd(13)}  ${(await load(name)).about}`));
  console.log([HELP, ...groups].join('\n'));
  process.exit();
}

const machine = { node: process.version, cpu: cpus()[0]?.model ?? '', platform: platform(), arch: arch() };
say(`${machine.node}, ${machine.cpu}, ${machine.platform} ${machine.arch}`);

const results: Result[] = [];
for (const name of wanted) {
  const { contests, unit } = await load(name);
  const those: Result[] = [];
  for (const contest of contests) if (contest.name.includes(request.only)) those.push(held(name, contest, request));
  if (those.length > 0) say(`\n${name}: ns a ${unit}\n${figuresTable(those)}\n\n${ratiosTable(those)}`);
  results.push(...those);
}
if (results.length === 0) {
  console.error(`nothing in ${wanted.join(', ')} has ${JSON.stringify(request.only)} in its name`);
  process.exit(2);
}
say(`\n${targetsLine(results)}`);
for (const line of missing) say(line);

if (request.json) {
  const shown = results.map((result) => ({
    group: result.group,
    contest: result.contest.name,
    ns: Object.fromEntries(result.figures),
    target: result.contest.target,
    met: judge(result)?.met,
  }));
  console.log(
    JSON.stringify({ date: new Date().toISOString(), machine, rounds: request.rounds, results: shown }, null, 2),
  );
}
