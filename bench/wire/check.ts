// Catches disasters: fails when ours falls far below the server that is tuned by hand. Compares within one run only, so it
// holds on any machine. npm run bench:check
import { compileC } from './loadgen.js';
import { rivals } from './rivals.js';
import { measureAll } from './rounds.js';
import { SCENARIOS } from './scenarios.js';

const LEAST = 0.7;
const SCENARIO = '32x64x32';

const scenario = SCENARIOS.find(({ name }) => name === SCENARIO);
if (scenario === undefined) throw new Error(`there is no scenario ${SCENARIO}`);
const compared = rivals(process.execPath).filter(({ name }) => name === 'sluice' || name === 'node-data');

const results = await measureAll(
  {
    loadgen: compileC('loadgen.c', 'loadgen'),
    rounds: 3,
    seconds: 1,
    warmup: 0.7,
    cores: { server: 0, load: 1 },
    say: (line) => console.log(line),
  },
  scenario,
  compared,
);
const [ours, theirs] = ['sluice', 'node-data'].map((name) => {
  const rate = results.find(({ rival }) => rival === name)?.figures?.messagesPerSecond;
  if (rate === undefined) throw new Error(`${name} could not be measured`);
  return rate;
}) as [number, number];

const ratio = ours / theirs;
const verdict = ratio < LEAST ? 'FAIL' : 'ok';
console.log(
  `${verdict}: sluice carries ${ratio.toFixed(2)} of what Node tuned by hand does, at least ${LEAST} is wanted`,
);
process.exitCode = ratio < LEAST ? 1 : 0;
