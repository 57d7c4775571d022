// Simulates a share of the seeds, in a process of its own: the first, the last, and how many processes there are.
// Prints a line for each seed that fails and one at the end; test/alone/simulation.test.ts starts it.
import { budget } from '../../src/connection/memory-budget.js';
import { lendSlab } from '../../src/connection/slabs.js';
import { simulate } from '../../src/testing/index.js';
import { sceneOf } from './simulated.js';

const [first = 1, last = 1, every = 1] = process.argv.slice(2).map(Number);
const counts = { seeds: 0, connections: 0, complete: 0, bytes: 0, failed: 0 };
const endings: Record<string, number> = {};

for (let seed = first; seed <= last; seed += every) {
  counts.seeds++;
  try {
    // One after another: each has the whole of time to itself.
    // oxlint-disable-next-line no-await-in-loop
    const told = await simulate({ seed, ...sceneOf(seed) });
    counts.complete += told.complete;
    counts.bytes += told.said + told.heard;
    for (const [how, count] of Object.entries(told.endings)) {
      endings[how] = (endings[how] ?? 0) + count;
      counts.connections += count;
    }
  } catch (error) {
    counts.failed++;
    console.log(`${(error as Error).message}\n  again: SEED=${seed} npm test -- simulation\n`);
  }
}

// All memory for writes was given back: it is lent to so many at once, and to no more.
for (let lent = 0; lent < 8; lent++) if (lendSlab() === undefined) counts.failed++;

// Nor does the budget for the whole process count anybody who has gone.
if (budget.held > 0 || budget.holders > 0) {
  counts.failed++;
  console.log(`of the budget ${budget.held} bytes are left, held by ${budget.holders}`);
}

const { user, system } = process.cpuUsage();
console.log(`told ${JSON.stringify({ ...counts, endings, seconds: (user + system) / 1e6 })}`);
process.exitCode = counts.failed > 0 ? 1 : 0;
