// Whole servers over loopback: npm run bench:wire
import { compileC } from './loadgen.js';
import { WrongArgument, planOf, usage } from './arguments.js';
import { rivals } from './rivals.js';
import { measureAll } from './rounds.js';
import { SCENARIOS } from './scenarios.js';

const known = { rivals: rivals('node').map(({ name }) => name), scenarios: SCENARIOS.map(({ name }) => name) };

try {
  const plan = planOf(process.argv.slice(2), known, { out: 'bench/results', node: process.execPath });
  if (plan.help) {
    console.log(usage(known));
    process.exit(0);
  }
  const chosen = <A extends { readonly name: string }>(all: readonly A[], names: readonly string[]): readonly A[] =>
    names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
  const bench = {
    loadgen: compileC('loadgen.c', 'loadgen'),
    rounds: plan.rounds,
    seconds: plan.seconds,
    warmup: plan.warmup,
    cores: { server: 0, load: 1 },
    say: (line: string) => console.log(line),
  };
  for (const scenario of chosen(SCENARIOS, plan.scenarios)) {
    const results = await measureAll(bench, scenario, chosen(rivals(plan.node), plan.only));
    console.log(`\n${scenario.title}`);
    for (const { rival, figures } of results)
      if (figures !== undefined)
        console.log(
          `  ${rival.padEnd(16)} ${figures.cpuPerMessage.toFixed(3)} us CPU, ${(figures.messagesPerSecond / 1e6).toFixed(3)} M/s, p50 ${figures.p50} p99 ${figures.p99} us, ${figures.memory.toFixed(0)} MB, loads ${figures.serverLoad.toFixed(2)} / ${figures.generatorLoad.toFixed(2)}`,
        );
    console.log();
  }
} catch (error) {
  if (!(error instanceof WrongArgument)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
