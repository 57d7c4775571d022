// What backpressure costs, and what it saves. With --expose-gc: npm run bench:flow
import { bench, group, run, summary } from 'mitata';
import { Subject, concatMap as stockConcatMap, from, lastValueFrom, map, mergeMap as stockMergeMap, of } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import { concatMap, mapAsync, mergeMap } from 'sluice/operators';
import { Consumer } from '../src/flow/consumer.js';
import { Gate } from '../src/flow/gate.js';
import { openScope } from '../src/flow/scope.js';
import { Valve } from '../src/flow/valve.js';
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

console.log();

const nothing = (): void => {};

/** A valve that many sources have found, of which some wait at it. */
const valveOf = (sources: number, waiting: number): (() => void) => {
  const valve = new Valve();
  const gates = Array.from({ length: sources }, () => new Gate({ ...openScope, valve }));
  const stopped = gates.slice(0, waiting);
  return () => {
    valve.close();
    for (const gate of stopped) gate.wait(nothing);
    valve.open();
  };
};

group('a valve closes and opens', () => {
  summary(() => {
    for (const sources of [1, 10_000]) bench(`${sources} sources, none of them stopped`, valveOf(sources, 0));
    bench('10,000 sources, 1 of them stopped', valveOf(10_000, 1));
    bench('10,000 sources, 100 of them stopped', valveOf(10_000, 100));
  });
});

group('a value passes', () => {
  const consumer = new Consumer('bench', 64);
  const { gate } = consumer.subscribe(() => ({ gate: new Gate() }));
  const taker = { next: nothing, error: nothing, complete: nothing };
  summary(() => {
    bench('next', () => taker.next());
    bench('a look at the gate, then next', () => {
      if (!gate.closed) gate.next(taker, 1);
    });
  });
});

const VALUES = Array.from({ length: 1_000 }, (_, at) => at);

const pushed = (operator: OperatorFunction<number, unknown>): (() => void) => {
  const source = new Subject<number>();
  source.pipe(operator).subscribe();
  return () => {
    for (const value of VALUES) source.next(value);
  };
};

group('1,000 values, each to one other', () => {
  summary(() => {
    bench('mergeMap of RxJS', pushed(stockMergeMap((value) => of(value))));
    bench('mergeMap', pushed(mergeMap((value) => of(value))));
    bench('concatMap of RxJS', pushed(stockConcatMap((value) => of(value))));
    bench('concatMap', pushed(concatMap((value) => of(value))));
    bench('map, for comparison', pushed(map((value) => value)));
  });
});

const awaited = (operator: OperatorFunction<number, number>) => (): Promise<number> =>
  lastValueFrom(from(VALUES).pipe(operator));
const work = async (value: number): Promise<number> => value;

group('1,000 values, each to a promise, 4 at a time', () => {
  summary(() => {
    bench('mergeMap of RxJS, unordered', awaited(stockMergeMap(work, 4)));
    bench('mergeMap, unordered', awaited(mergeMap(work, 4)));
    bench('mapAsync, unordered', awaited(mapAsync(4, work, { ordered: false })));
    bench('mapAsync, ordered', awaited(mapAsync(4, work)));
    bench('concatMap of RxJS, one at a time', awaited(stockConcatMap(work)));
    bench('concatMap, one at a time', awaited(concatMap(work)));
  });
});

await run();
