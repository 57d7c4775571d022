// What it costs to watch a peer: nanoseconds a message, and bytes a connection, beside RxJS `timeout({ each })`.
// Every figure is taken in a process of its own, three times; the middle one is printed.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type MonoTypeOperatorFunction, Observable, Subject, identity, map, pipe, timeout } from 'rxjs';
import { pausable } from 'sluice';
import { failIfIdle, heartbeat, keepAlive } from 'sluice/operators';

const HOUR = 3_600_000;

/** An operator, and a stock one that does not watch: two of them for `keepAlive`, which stands on both sides of a session. */
interface Case {
  readonly operator: MonoTypeOperatorFunction<number>;
  readonly bare: string | undefined;
}

const bare = map<number, number>(identity);
const alive = { interval: HOUR, probe: 0, isKeepAlive: (message: number) => message < 0 };

const cases: Record<string, Case> = {
  map: { operator: bare, bare: undefined },
  failIfIdle: { operator: failIfIdle(HOUR), bare: 'map' },
  heartbeat: { operator: heartbeat(HOUR, 0), bare: 'map' },
  'timeout({ each })': { operator: timeout({ each: HOUR }), bare: 'map' },
  'map, twice': { operator: pipe(bare, bare), bare: undefined },
  keepAlive: { operator: keepAlive(alive, identity), bare: 'map, twice' },
};

/** Takes a chunk apart, as a frame operator does. */
const apart = (chunks: Observable<readonly number[]>): Observable<number> =>
  new Observable((out) => chunks.subscribe({ next: (chunk) => chunk.forEach((message) => out.next(message)) }));

/** A connection that is watched: what comes in chunks goes through the operator a message at a time. */
const connection = (operator: MonoTypeOperatorFunction<number>): Subject<readonly number[]> => {
  const chunks = new Subject<readonly number[]>();
  pausable(chunks, { pause: () => {}, resume: () => {} })
    .pipe(apart, operator)
    .subscribe();
  return chunks;
};

/** Nanoseconds a message, with so many in a chunk, spread over a thousand connections. */
const speed = (operator: MonoTypeOperatorFunction<number>, messages: number): number => {
  const connections = Array.from({ length: 1_000 }, () => connection(operator));
  const chunk = Array.from({ length: messages }, (_, index) => index);
  const rounds = (count: number): void => {
    for (let round = 0; round < count; round++) for (const chunks of connections) chunks.next(chunk);
  };
  rounds(Math.ceil(300 / messages));
  let count = 0;
  const started = performance.now();
  while (performance.now() < started + 700) {
    rounds(1);
    count += connections.length * messages;
  }
  return ((performance.now() - started) * 1e6) / count;
};

/** Bytes of heap for each of 100,000 watched streams, each of which has had a message. */
const memory = (operator: MonoTypeOperatorFunction<number>): number => {
  const count = 100_000;
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error('run with --expose-gc');
  const watch = (): Subject<number> => {
    const messages = new Subject<number>();
    messages.pipe(operator).subscribe();
    messages.next(1);
    return messages;
  };
  const streams: Subject<number>[] = Array.from({ length: count });
  watch();
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < count; index++) streams[index] = watch();
  collect();
  const bytes = (process.memoryUsage().heapUsed - before) / count;
  if (streams.length !== count) throw new Error('they have to be kept until here');
  return bytes;
};

const measures: Record<string, (operator: MonoTypeOperatorFunction<number>) => number> = {
  'ns a message, 64 a chunk': (operator) => speed(operator, 64),
  'ns a message, 1 a chunk': (operator) => speed(operator, 1),
  'bytes a stream, at 100,000': memory,
};

/** One figure, from a process of its own. */
const taken = (name: string, measure: string): number => {
  const flags = ['--expose-gc', fileURLToPath(import.meta.url), name, measure];
  const { stdout, stderr, status } = spawnSync(process.execPath, flags, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name}, ${measure}: ${stderr}`);
  return Number(stdout);
};

const middle = (figures: readonly number[]): number => figures.toSorted((a, b) => a - b)[figures.length >> 1] ?? 0;

const [name, measure] = process.argv.slice(2);

if (name !== undefined && measure !== undefined) {
  console.log(measures[measure]?.(cases[name]?.operator ?? identity));
  process.exit();
}

for (const each of Object.keys(measures)) {
  console.log(`\n${each}`);
  const figures = new Map<string, number>();
  for (const [title, { bare: base }] of Object.entries(cases)) {
    const figure = middle([taken(title, each), taken(title, each), taken(title, each)]);
    figures.set(title, figure);
    const more =
      base === undefined ? '' : `   ${(figure - (figures.get(base) ?? 0)).toFixed(1).padStart(8)} over ${base}`;
    console.log(`  ${title.padEnd(20)}${figure.toFixed(1).padStart(10)}${more}`);
  }
}
