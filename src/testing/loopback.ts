import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Socket } from 'node:net';
import { setImmediate as round } from 'node:timers/promises';
import { type OperatorFunction, Subject, tap } from 'rxjs';
import { drain } from '../../operators/drain.js';
import { serve } from '../../operators/serve.js';
import { checkBoolean, checkTime } from '../check.js';
import type { Connection, ConnectionOptions } from '../connection/connection.js';
import { type ListenAddress, listen } from '../connection/listen.js';
import type { Handled, Handler, Outcome } from '../server/outcome.js';
import { PlainClient, type PlainClientOptions, connected } from './plain-client.js';

/** How a loopback is set up. What can be set for connections goes to every one that it accepts. */
export interface LoopbackOptions extends ConnectionOptions {
  /** Listens on a Unix socket in a folder of its own, in place of a port (default false). */
  readonly unix?: boolean;
  /** How long `stop` waits for connections to end by themselves, in milliseconds (default 1,000; 0: cuts them at once). */
  readonly drain?: number;
}

/** An operator from connections to outcomes, such as `serve(handler, { concurrency: 1 })`. */
export interface Serving {
  readonly serving: OperatorFunction<Connection, Outcome>;
}

/** A real server on this machine, for the time of a test. */
export interface Loopback {
  /** The port; 0 for a Unix socket. */
  readonly port: number;
  readonly address: ListenAddress;
  /** What was accepted so far, in order. */
  readonly connections: readonly Connection[];
  /** How connections ended, so far. */
  readonly outcomes: readonly Outcome[];
  /** A new client of Node's own, connected. */
  dial(options?: PlainClientOptions): Promise<PlainClient>;
  /**
   * Stops in order: what has come is still answered, then every connection is ended, and those that have not ended by
   * the deadline are cut (`DrainTimeout`). Gives all outcomes once nothing is left of the server and of its clients.
   * Fails with what the server's stream failed with. To be called as often as one likes.
   */
  stop(): Promise<readonly Outcome[]>;
  /** The same, for `await using server = await loopback(handler)`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A real server on a free port of 127.0.0.1, and clients for it.
 *
 *     const server = await loopback(frameFixed(4));
 *     const ann = await server.dial();
 *     ann.end('abcd');
 *     await ann.heard(/^abcd$/);
 *     assert.equal((await server.stop()).map(ending), ['finished']);
 *
 * Takes a handler, a `protocol`, or `{ serving }`: an operator from connections to outcomes. Fails with `ListenFailed`.
 * The clients are Node's own sockets. In virtual time and without a socket, tests are told by `marbles`.
 */
export const loopback = async (
  served: Handler | Handled | Serving,
  { unix, drain: patience, ...options }: LoopbackOptions = {},
): Promise<Loopback> => {
  const serving = typeof served === 'object' && served !== null && 'serving' in served ? served.serving : serve(served);
  const stopping = new Subject<void>();
  const draining = drain(stopping, checkTime('drain', patience ?? 1_000, 0), serving);
  const connections: Connection[] = [];
  const outcomes: Outcome[] = [];
  const sockets = new Set<Socket>();
  const folder = checkBoolean('unix', unix ?? false) ? mkdtempSync(join(tmpdir(), 'sluice-')) : undefined;
  const cleanUp = async (): Promise<void> => {
    await Promise.all([...sockets].map(gone));
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  };

  let ended!: Promise<void>;
  const address = await new Promise<ListenAddress>((onListening, failed) => {
    const accepted = listen({
      ...(folder === undefined ? { port: 0 } : { path: join(folder, 'socket') }),
      ...options,
      onListening,
    }).pipe(tap((connection) => connections.push(connection)));
    ended = new Promise((resolve, reject) => {
      accepted.pipe(draining).subscribe({
        next: (outcome) => outcomes.push(outcome),
        error: reject,
        complete: resolve,
      });
    });
    ended.catch(failed);
  }).catch(async (error: unknown) => {
    await cleanUp();
    throw error;
  });

  const stop = async (): Promise<readonly Outcome[]> => {
    // What the clients of this very process have sent by now is let in: one round to accept them, the others to read.
    for (let rounds = 0; rounds < 3; rounds++) await round();
    stopping.next();
    try {
      await ended;
    } finally {
      await cleanUp();
    }
    return outcomes;
  };
  let stopped: Promise<readonly Outcome[]> | undefined;
  const { port = 0, path } = address;

  return {
    port,
    address,
    connections,
    outcomes,
    dial: async (how) => {
      const socket = await connected(path === undefined ? { port } : { path }, how);
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      return new PlainClient(socket);
    },
    stop: () => (stopped ??= stop()),
    [Symbol.asyncDispose]: async () => {
      await (stopped ??= stop());
    },
  };
};

const gone = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.once('close', () => resolve()).destroy();
  });
