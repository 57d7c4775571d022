// What it costs to be limited: nanoseconds a message of a rate limit that lets everything through, and of one that has
// had enough, beside an operator of RxJS that does nothing. Spread over connections, as many messages in a chunk as it
// says. Every figure is taken in a process of its own, three times; the middle one is printed. npm run bench:limits
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { measure } from 'mitata';
import { type MonoTypeOperatorFunction, Observable, Subject, identity, map } from 'rxjs';
import { pausable, rateLimit } from 'sluice';
import { limitRate } from 'sluice/operators';

type Frames = MonoTypeOperatorFunction<Uint8Array>;

const CONNECTIONS = 16;
/** More than can come. */
const PLENTY = 1e12;

const messages = { messages: PLENTY };
const both = { messages: PLENTY, bytes: PLENTY };
/** So that all but the first is too much. */
const nearlyNothing = { messages: 0.001, messageBurst: 1 };

/** An operator for each connection. */
const cases: Record<string, () => (connection: number) => Frames> = {
  'map, which does nothing': () => () => map(identity),
  'each connection by itself': () => () => limitRate(messages),
  'and its bytes': () => () => limitRate(both),
  'all together': () => {
    const all = rateLimit(messages);
    return () => limitRate(all);
  },
  'by a key for each': () => {
    const each = rateLimit(messages);
    return (connection) => limitRate(each, { key: connection });
  },
  'by a key for each message': () => {
    const each = rateLimit(messages);
    return (connection) => limitRate(each, { key: () => connection });
  },
  'drops none': () => () => limitRate(messages, { policy: 'drop' }),
  'drops all but one': () => () => limitRate(nearlyNothing, { policy: 'drop' }),
  'answers all but one': () => () => limitRate(nearlyNothing, { policy: (message) => message }),
};

/** Takes a chunk apart, as a frame operator does. */
const apart = (chunks: Observable<readonly Uint8Array[]>): Observable<Uint8Array> =>
  new Observable((out) =>
    chunks.subscribe({
      next: (chunk) => {
        for (const frame of chunk) out.next(frame);
      },
    }),
  );

/** Nanoseconds a message, with so many in a chunk. */
const taken = async (name: string, count: number): Promise<number> => {
  const made = cases[name]?.() ?? (() => identity);
  const connections = Array.from({ length: CONNECTIONS }, (_, connection) => {
    const chunks = new Subject<readonly Uint8Array[]>();
    pausable(chunks, { pause: () => {}, resume: () => {} })
      .pipe(apart, made(connection))
      .subscribe();
    return chunks;
  });
  const chunk = Array.from({ length: count }, () => new Uint8Array(32));
  const round = (): void => {
    for (const chunks of connections) chunks.next(chunk);
  };
  const { p50 } = await measure(round, { min_cpu_time: 5e8 });
  return p50 / count / CONNECTIONS;
};

const middle = (figures: readonly number[]): number => figures.toSorted((a, b) => a - b)[figures.length >> 1] ?? 0;

const alone = (name: string, count: number): number => {
  const run = [fileURLToPath(import.meta.url), name, String(count)];
  const { stdout, stderr, status } = spawnSync(process.execPath, run, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name}: ${stderr}`);
  return Number(stdout);
};

const [title, inChunk] = process.argv.slice(2);

if (title !== undefined) {
  console.log(await taken(title, Number(inChunk)));
  process.exit();
}

for (const count of [64, 1]) {
  console.log(`\nns a message, ${count} a chunk`);
  let base: number | undefined;
  for (const name of Object.keys(cases)) {
    const figure = middle([alone(name, count), alone(name, count), alone(name, count)]);
    const more = base === undefined ? '' : `   ${(figure - base).toFixed(1).padStart(8)} more`;
    base ??= figure;
    console.log(`  ${name.padEnd(30)}${figure.toFixed(1).padStart(8)}${more}`);
  }
}
