import { EMPTY, Subscription, catchError, lastValueFrom, merge, mergeMap, tap } from 'rxjs';
import { checkInteger, checkObject } from '../check.js';
import type { Connection } from '../connection/connection.js';
import { dial } from '../connection/dial.js';
import { type ListenAddress, listen } from '../connection/listen.js';
import { inScope, openScope } from '../flow/scope.js';
import { machineClock } from '../time/clock.js';
import { dice } from './dice.js';
import type { Faults } from './faults/fault.js';
import { FaultLink } from './faults/fault-link.js';
import { FaultList } from './faults/fault-list.js';
import { through } from './faults/through.js';
import type { ServerPlace } from './plain-client.js';

/** Where a network with faults leads to. */
export interface FaultsOptions {
  /** The server: a port of 127.0.0.1, a port of another host, or the path of a Unix socket. */
  readonly to: number | ServerPlace;
  /** What chance goes by (default 1): the same seed gives the same chances. */
  readonly seed?: number;
}

/** A network with faults between clients and a server, on real sockets. */
export interface FaultyNetwork extends Faults {
  /** The port of 127.0.0.1 at which clients find the server now. */
  readonly port: number;
  /** How many connections go over it at the moment. */
  readonly connections: number;
  /** Resets all connections and closes the port. Resolved when nothing is left; to be called as often as one likes. */
  close(): Promise<void>;
  /** The same, for `await using network = await faults({ to: server.port })`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** How long a peer whose connection the network has closed may take to end its side, in milliseconds. */
const LINGER = 1_000;

/** A network has no deadlines of its own: a week, in milliseconds. */
const FOR_EVER = 7 * 24 * 3_600_000;

const PATIENT = { writeDeadline: FOR_EVER, halfClose: FOR_EVER };

/**
 * A network that goes wrong as you say: a port that leads to a server, and everything on the way has the faults that
 * are added, for as long as they are there.
 *
 *     const network = await faults({ to: server.port });
 *     const ann = await plainClient({ port: network.port });
 *     const slow = network.add({ type: 'latency', ms: 50, jitter: 20 });
 *     network.add({ type: 'bandwidth', bytesPerSecond: 1_000, towards: 'client' });
 *     slow.remove();
 *     network.clear();
 *     await network.close();
 *
 * Connections are made without faults, and go through as they are while there are none: bytes, ends, resets, and who
 * does not read is not read from. In virtual time and without a socket, the same is the `faults` of a story. The eight
 * faults are those of Toxiproxy. Fails with `ListenFailed`.
 */
export const faults = async (options: FaultsOptions): Promise<FaultyNetwork> => {
  const { to, seed = 1 } = checkObject('options', options);
  const {
    path,
    port: toPort,
    host,
  } = (typeof to === 'number' ? { port: to } : checkObject('to', to)) as Partial<ListenAddress>;
  const place = path === undefined ? { port: toPort as number, host: host ?? '127.0.0.1' } : { path };
  const server = dial({ ...place, ...PATIENT });
  const roll = dice(checkInteger('seed', seed, 0));
  const list = new FaultList();
  const open = new Set<Connection>();
  let links = 0;
  let port = 0;
  let accepting = Subscription.EMPTY;
  let closing: Promise<void> | undefined;
  let failure: unknown;

  const join = (client: Connection, far: Connection): void => {
    const link = new FaultLink(machineClock, roll, {
      reset: () => {
        client.abort();
        far.abort();
      },
      close: () => {
        client.end({ linger: LINGER });
        far.end({ linger: LINGER });
      },
    });
    links++;
    merge(client.closed, far.closed).subscribe({
      complete: () => {
        links--;
        link.leave();
      },
    });
    link.begin([list]);
    client.reads
      .pipe(
        through(link.toServer, () => far.abort()),
        far.writes,
      )
      .subscribe({ error: ignore });
    far.reads
      .pipe(
        through(link.toClient, () => client.abort()),
        client.writes,
      )
      .subscribe({ error: ignore });
  };

  const opened = (connection: Connection): void => {
    open.add(connection);
    connection.closed.subscribe({ complete: () => open.delete(connection) });
  };

  const openPort = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const onListening = (address: ListenAddress): void => {
        port = address.port as number;
        resolve();
      };
      const refused = (client: Connection): typeof EMPTY => {
        client.abort();
        return EMPTY;
      };
      const joined = listen({ port, onListening, ...PATIENT }).pipe(
        tap(opened),
        mergeMap((client) =>
          server.pipe(
            tap(opened),
            tap((far) => join(client, far)),
            catchError(() => refused(client)),
          ),
        ),
      );
      accepting = inScope(openScope, () => joined.subscribe({ error: reject }));
    });

  const closePort = (): void => {
    accepting.unsubscribe();
    for (const connection of open) connection.abort();
  };

  const unwatch = list.watch({
    added: () => {
      if (list.down) closePort();
    },
    removed: ({ type }) => {
      if (type !== 'down' || list.down) return;
      openPort().catch((error: unknown) => {
        failure = error;
      });
    },
  });

  const close = async (): Promise<void> => {
    unwatch();
    const gone = [...open].map(({ closed }) => lastValueFrom(closed, { defaultValue: undefined }));
    closePort();
    await Promise.all(gone);
    if (failure !== undefined) throw failure;
  };

  await openPort();

  return {
    get port() {
      return port;
    },
    get connections() {
      return links;
    },
    add: (fault) => list.add(fault),
    clear: () => list.clear(),
    close: () => (closing ??= close()),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  };
};

const ignore = (): void => {};
