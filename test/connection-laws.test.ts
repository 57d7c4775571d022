import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { type Connection, type ConnectionOptions, type Place, dial, fromDuplex, listen, memory } from '../src/index.js';
import { assertNoLeaks } from '../src/testing/leaks.js';
import { RecordedConnection } from '../src/testing/recorded-connection.js';
import { type Transport, connectionLaws } from './connection-laws.js';
import { duplexPair } from './kit/duplex-pair.js';
import { freshPath } from './kit/paths.js';
import { MemoryPeer, type Peer, StreamPeer, dialRaw } from './kit/peer.js';

interface Opened {
  readonly near: Connection;
  readonly far: Peer;
  /** Ends what is not the connection's own. */
  readonly after?: () => void;
}

/** What the peer sees when we abort, and when we go without having read all. */
type Sees = Pick<Transport, 'seesAbort' | 'seesUnread'>;

/** A transport that opens each connection apart, so that none can hide behind another. */
const transport = (name: string, sees: Sees, make: (options: ConnectionOptions) => Promise<Opened>): Transport => {
  const afters: (() => void)[] = [];
  let allGone: (() => Promise<void>) | undefined;
  return {
    name,
    ...sees,
    open: async (options = {}) => {
      allGone ??= assertNoLeaks();
      const { near, far, after } = await make(options);
      if (after !== undefined) afters.push(after);
      return { near, far };
    },
    close: async () => {
      for (const after of afters.splice(0)) after();
      await allGone?.();
      allGone = undefined;
    },
  };
};

const resets: Sees = { seesAbort: 'reset', seesUnread: 'reset' };

/** Accepted by `listen`, dialled by Node. */
const accepted = (name: string, sees: Sees, place: () => Place): Transport =>
  transport(name, sees, async (options) => {
    let far: Promise<StreamPeer> | undefined;
    const connections = listen({
      ...place(),
      ...options,
      onListening: ({ path, port }) => {
        far = dialRaw(path === undefined ? { port: port ?? 0 } : { path });
      },
    });
    const near = await firstValueFrom(connections);
    const peer = (await far) as StreamPeer;
    return { near, far: peer, after: () => peer.stream.destroy() };
  });

/** Dialled by `dial`, accepted by Node. */
const dialled = transport('dialled', resets, async (options) => {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepting = once(server, 'connection') as Promise<[Socket]>;
  const near = await lastValueFrom(dial({ port: (server.address() as AddressInfo).port, ...options }));
  const [socket] = await accepting;
  server.close();
  return { near, far: new StreamPeer(socket), after: () => socket.destroy() };
});

const inMemory = transport('memory', resets, (options) => {
  const [near, far] = memory(options);
  return Promise.resolve({ near, far: new MemoryPeer(far), after: () => far.abort() });
});

const overDuplex = transport('fromDuplex', { seesAbort: 'end', seesUnread: 'end' }, (options) => {
  const [near, far] = duplexPair();
  far.allowHalfOpen = true;
  return Promise.resolve({ near: fromDuplex(near, options), far: new StreamPeer(far) });
});

const unheard = { chunk: () => {}, mark: () => {}, closed: () => {} };

/** One that is recorded keeps the laws of the one that it stands for. */
const recorded = transport('recorded', resets, (options) => {
  const [near, far] = memory(options);
  return Promise.resolve({
    near: new RecordedConnection(near, unheard),
    far: new MemoryPeer(far),
    after: () => far.abort(),
  });
});

connectionLaws(accepted('tcp', resets, () => ({ port: 0 })));
connectionLaws(accepted('unix', { seesAbort: 'end', seesUnread: 'reset' }, () => ({ path: freshPath() })));
connectionLaws(dialled);
connectionLaws(inMemory);
connectionLaws(overDuplex);
connectionLaws(recorded);
