// npm run bench:memory: bytes that it takes to watch a connection, with 100,000 of them.
// Every figure is taken in a process of its own, three times; the middle one is printed.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type MonoTypeOperatorFunction, Observable, Subject, type Subscriber, identity, timeout } from 'rxjs';
import { failIfIdle, heartbeat, keepAlive } from 'sluice/operators';
import { Link } from '../operators/link.js';
import { middle } from './micro/report.js';
import { table } from './micro/table.js';

const HOUR = 3_600_000;
const STREAMS = 100_000;

/** What an operator that watches nothing holds: what the others hold beyond it is the price of the clock. */
class Passing {
  readonly #out: Subscriber<number>;

  constructor(out: Subscriber<number>) {
    this.#out = out;
  }

  next(value: number): void {
    this.#out.next(value);
  }
}

const passing: MonoTypeOperatorFunction<number> = (source) =>
  new Observable((out) => {
    source.subscribe(new Link<number>(out, new Passing(out)));
  });

/** The same for an operator that stands on both sides of a session, as `keepAlive` does. */
class Hearing extends Passing {
  listener: Subscriber<number> | null = null;

  override next(value: number): void {
    this.listener?.next(value);
  }
}

const passingBoth: MonoTypeOperatorFunction<number> = (source) =>
  new Observable((out) => {
    const hearing = new Hearing(out);
    const messages = new Observable<number>((listener) => {
      hearing.listener = listener;
      listener.add(() => {
        hearing.listener = null;
      });
      source.subscribe(new Link<number>(out, hearing));
    });
    identity(messages).subscribe(new Link<number>(out, new Passing(out)));
  });

/** An operator, the one to compare with, and the target where there is one. */
interface Case {
  readonly operator: MonoTypeOperatorFunction<number>;
  readonly bare?: string;
  readonly under?: number;
}

const alive = { interval: HOUR, probe: 0, isKeepAlive: (message: number) => message < 0 };

const cases: Readonly<Record<string, Case>> = {
  'nothing watched': { operator: passing },
  failIfIdle: { operator: failIfIdle(HOUR), bare: 'nothing watched', under: 64 },
  heartbeat: { operator: heartbeat(HOUR, 0), bare: 'nothing watched', under: 64 },
  'timeout({ each })': { operator: timeout({ each: HOUR }), bare: 'nothing watched' },
  'nothing, on both sides': { operator: passingBoth },
  keepAlive: { operator: keepAlive(alive, identity), bare: 'nothing, on both sides', under: 64 },
};

const collect = (): number => {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc');
  globalThis.gc();
  return process.memoryUsage().heapUsed;
};

/** Bytes of heap for each of many streams, each of which has had a message. */
const memory = (operator: MonoTypeOperatorFunction<number>): number => {
  const watch = (): Subject<number> => {
    const messages = new Subject<number>();
    messages.pipe(operator).subscribe();
    messages.next(1);
    return messages;
  };
  const streams: Subject<number>[] = Array.from({ length: STREAMS });
  watch();
  const before = collect();
  for (let at = 0; at < STREAMS; at++) streams[at] = watch();
  const bytes = (collect() - before) / STREAMS;
  if (streams.length !== STREAMS) throw new Error('they have to be kept until here');
  return bytes;
};

/** One figure, from a process of its own. */
const taken = (name: string): number => {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--expose-gc', fileURLToPath(import.meta.url), name],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`${name}: ${stderr}`);
  return Number(stdout);
};

const [asked] = process.argv.slice(2);
if (asked !== undefined) {
  console.log(memory(cases[asked]?.operator ?? identity));
  process.exit();
}

const figures = new Map(Object.keys(cases).map((name) => [name, middle([taken(name), taken(name), taken(name)])]));
const rows = Object.entries(cases).map(([name, { bare, under }]) => {
  const bytes = figures.get(name) ?? 0;
  if (bare === undefined) return [name, bytes.toFixed(0), '', ''];
  const more = bytes - (figures.get(bare) ?? 0);
  const verdict = under === undefined ? '' : `under ${under}, ${more < under ? 'met' : 'NOT MET'}`;
  return [name, bytes.toFixed(0), more.toFixed(0), verdict];
});
console.log(table([[`bytes a stream, at ${STREAMS.toLocaleString('en')}`, 'all', 'for the clock', 'target'], ...rows]));
