// What backpressure saves: npm run bench:flow. What it costs is among the groups of npm run bench.
import { MB, flood, pipeline, silentReaders, stalledProxy } from '../test/kit/flow-load.js';

const say = (what: string, figures: Readonly<Record<string, string | number>>): void => {
  const shown = Object.entries(figures).map(([name, figure]) => `${name} ${figure}`);
  console.log(`${what}\n    ${shown.join(', ')}`);
};

const mb = (bytes: number): string => `${(bytes / MB).toFixed(2)} MB`;
const ms = (time: number): string => `${time.toFixed(1)} ms`;
const most = (values: readonly number[]): number => Math.max(...values);

for (const [program, where] of [
  ['inside', 'inside the handler'],
  ['after', 'after mergeMap over all connections'],
] as const) {
  const { taken, grownAtMost, framesDone, framesHeldAtMost, bytesIn } = await flood(program);
  say(`(a) a client pushes 256 MB at 1 ms for each KiB, mapAsync(4) ${where}; after one second:`, {
    'the process grew by': mb(grownAtMost),
    'the system took': mb(taken),
    'the server read': mb(bytesIn),
    'frames done': framesDone,
    'frames held at most': framesHeldAtMost,
  });
}

for (const clients of [1, 8]) {
  const { taken, took, during, closedAfter } = await silentReaders(clients, 1_000);
  say(`(b) ${clients} of an echo write 256 MB and never read; the write deadline is 1,000 ms:`, {
    'waiting for one, at most': mb(during.bufferedAtMost),
    'all buffers': mb(during.buffers),
    'the process grew by': mb(during.grownAtMost),
    'the system took': mb(taken),
    'another was answered within': ms(most(took)),
    'all closed after': ms(closedAfter),
  });
}

const proxy = await stalledProxy(256 * MB);
say('(c) a proxy whose far end reads nothing, then everything; the near end has 256 MB:', {
  'the near end was stopped': String(proxy.stopped),
  'the system took': mb(proxy.taken),
  'waiting in the proxy': mb(proxy.bufferedAtMost),
  'the far end got in the end': mb(proxy.received),
});

const requests = await pipeline(1_000_000);
say('a million requests of 7 bytes in one go:', {
  'answered after': ms(requests.took),
  'out of order': requests.wrong,
  'another was answered within': ms(most(requests.others)),
  'waiting at most': mb(requests.bufferedAtMost),
});
