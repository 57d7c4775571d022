import { Observable, Subject, of } from 'rxjs';
import { type RespOptions, respServer } from '../../examples/resp/resp-server.js';
import { type Connection, type MemoryOptions, memory } from '../../src/index.js';
import type { Server } from '../../src/server/index.js';

/** The store, reached over connections in memory. */
export interface RespInMemory {
  readonly server: Server<Uint8Array>;
  /** Connects, says all of it, chunk by chunk, ends, and gives all that was answered once the connection is gone. */
  readonly ask: (...chunks: readonly (string | Uint8Array)[]) => Promise<string>;
  readonly stop: () => Promise<unknown>;
}

/** Requests as an array of bulks, as clients send them. */
export const asked = (...requests: readonly (readonly (string | Uint8Array)[])[]): Buffer =>
  Buffer.concat(
    requests.flatMap((args) => [
      Buffer.from(`*${args.length}\r\n`),
      ...args.flatMap((arg) => {
        const bytes = typeof arg === 'string' ? Buffer.from(arg, 'latin1') : arg;
        return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')];
      }),
    ]),
  );

/** The store over connections in memory: to be stopped. */
export const respInMemory = async (
  options: RespOptions = {},
  how: MemoryOptions = {},
  connections = new Subject<Connection>(),
): Promise<RespInMemory> => {
  const server = respServer({
    ...options,
    listen: ({ onListening }) =>
      new Observable((out) => {
        const told = connections.subscribe(out);
        onListening?.({ name: 'memory', port: undefined, host: undefined, path: undefined });
        return told;
      }),
  });
  await server.start();
  const ask = (...chunks: readonly (string | Uint8Array)[]): Promise<string> =>
    new Promise((answered, failed) => {
      const [theirs, ours] = memory({ readBuffer: 'poisoned', ...how });
      const heard: Uint8Array[] = [];
      connections.next(theirs);
      ours.reads.subscribe({
        next: (bytes) => heard.push(bytes.slice()),
        error: (error: unknown) => failed(Object.assign(new Error(String(error)), { heard: textOf(heard) })),
        complete: () => theirs.closed.subscribe({ complete: () => answered(textOf(heard)) }),
      });
      const said = chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk));
      of(...said)
        .pipe(ours.writes)
        .subscribe({ error: () => {} });
    });
  return { server, ask, stop: () => server.stop({ drain: 1_000 }) };
};

const textOf = (chunks: readonly Uint8Array[]): string => Buffer.concat(chunks).toString('latin1');
