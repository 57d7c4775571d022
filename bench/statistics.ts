// What it costs to be watched: nanoseconds a message of a `protocol` that is served as it is, and by `createServer`, which
// counts; and what its events cost when nobody listens, and when somebody does. Frames of 32 bytes come back as they are.
// The connections are mere stand-ins and the messages mere bytes, so that nothing else is measured. Every figure is taken in a process of its own,
// three times; the middle one is printed.
import { spawnSync } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { fileURLToPath } from 'node:url';
import * as t from 'io-ts';
import { measure } from 'mitata';
import { NEVER, Observable, Subject, from } from 'rxjs';
import { type Connection, fixed } from 'sluice';
import { protocol, serve } from 'sluice/operators';
import { type Server, createServer } from 'sluice/server';

const asItIs = new t.Type<Uint8Array, Uint8Array, Uint8Array>(
  'bytes',
  (value): value is Uint8Array => value instanceof Uint8Array,
  (bytes) => t.success(bytes),
  (bytes) => bytes,
);

const echo = protocol<Uint8Array>({
  name: 'echo',
  framing: fixed(32),
  message: asItIs,
  frameDeadline: 0,
  session: (messages) => messages,
});

/** As many as keep the machine from being better at one than it is at many. */
const CONNECTIONS = 16;

/** Enough of a connection to be served: what comes is given, what goes is forgotten. */
const standIn = (bytes: Observable<Uint8Array>, id: number): Connection => ({
  id,
  peer: `127.0.0.1:${id}`,
  local: '127.0.0.1:7000',
  reads: bytes,
  writes: (chunks) => new Observable((out) => chunks.subscribe({ error: (error: unknown) => out.error(error) })),
  closed: NEVER,
  state: 'open',
  resting: false,
  statistics: { openedAt: 0, bytesIn: 0, bytesOut: 0, chunksIn: 0, writes: 0, buffered: 0, pausedFor: 0 },
  end: () => {},
  abort: () => {},
});

const served = (connections: Observable<Connection>): Server<Uint8Array> => {
  const server = createServer('echo', echo, {
    listen: ({ onListening }) => {
      onListening?.({ name: 'here', host: undefined, port: undefined, path: undefined });
      return connections;
    },
  });
  void server.start();
  return server;
};

const ignore = (): void => {};

/** How connections are served. */
const cases: Record<string, (connections: Observable<Connection>) => void> = {
  serve: (connections) => void connections.pipe(serve(echo)).subscribe(),
  'createServer, nobody listens': (connections) => void served(connections),
  'and who listens to channel connected': (connections) => {
    subscribe('sluice:server:connected', ignore);
    served(connections);
  },
  'and who listens to channel message': (connections) => {
    subscribe('sluice:server:message', ignore);
    served(connections);
  },
  'and who listens to all events': (connections) => void served(connections).events.subscribe(ignore),
};

/** Nanoseconds a message, with so many in a chunk. */
const taken = async (name: string, messages: number): Promise<number> => {
  const reads = Array.from({ length: CONNECTIONS }, () => new Subject<Uint8Array>());
  cases[name]?.(from(reads.map(standIn)));
  const chunk = new Uint8Array(32 * messages);
  const round = (): void => {
    for (const bytes of reads) bytes.next(chunk);
  };
  const { p50 } = await measure(round, { min_cpu_time: 1e9 });
  return p50 / messages / CONNECTIONS;
};

const middle = (figures: readonly number[]): number => figures.toSorted((a, b) => a - b)[figures.length >> 1] ?? 0;

const alone = (name: string, messages: number): number => {
  const run = [fileURLToPath(import.meta.url), name, String(messages)];
  const { stdout, stderr, status } = spawnSync(process.execPath, run, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name}: ${stderr}`);
  return Number(stdout);
};

const [name, messages] = process.argv.slice(2);

if (name !== undefined) {
  console.log(await taken(name, Number(messages)));
  process.exit();
}

for (const count of [64, 1]) {
  console.log(`\nns a message, ${count} a chunk`);
  let base: number | undefined;
  for (const title of Object.keys(cases)) {
    const figure = middle([alone(title, count), alone(title, count), alone(title, count)]);
    const more = base === undefined ? '' : `   ${(figure - base).toFixed(1).padStart(8)} more`;
    base ??= figure;
    console.log(`  ${title.padEnd(40)}${figure.toFixed(1).padStart(8)}${more}`);
  }
}
