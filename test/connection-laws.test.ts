import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { firstValueFrom, lastValueFrom, of } from 'rxjs';
import * as assert from 'uvu/assert';
import { type Connection, type ConnectionOptions, type Place, dial, fromDuplex, listen, memory } from '../src/index.js';
import { assertNoLeaks } from '../src/testing/leaks.js';
import { RecordedConnection } from '../src/testing/recorded-connection.js';
import { type Transport, connectionLaws } from './connection-laws.js';
import { duplexPair } from './kit/duplex-pair.js';
import { MemoryPeer, type Over, type Peer, StreamPeer, dialRaw } from './kit/peer.js';
import { suite } from './kit/suite.js';

interface Opened {
  readonly near: Connection;
  readonly far: Peer;
  /** Ends what is not the connection's own. */
  readonly after?: () => void;
}

/** A transport that opens each connection apart, so that none can hide behind another. */
const transport = (name: string, seesAbort: Over, make: (options: ConnectionOptions) => Promise<Opened>): Transport => {
  const afters: (() => void)[] = [];
  let allGone: (() => Promise<void>) | undefined;
  return {
    name,
    seesAbort,
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

/** Accepted by `listen`, dialled by Node. */
const accepted = (name: string, seesAbort: Over, place: () => Place): Transport =>
  transport(name, seesAbort, async (options) => {
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
const dialled = transport('dialled', 'reset', async (options) => {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepting = once(server, 'connection') as Promise<[Socket]>;
  const near = await lastValueFrom(dial({ port: (server.address() as AddressInfo).port, ...options }));
  const [socket] = await accepting;
  server.close();
  return { near, far: new StreamPeer(socket), after: () => socket.destroy() };
});

const inMemory = transport('memory', 'reset', (options) => {
  const [near, far] = memory(options);
  return Promise.resolve({ near, far: new MemoryPeer(far), after: () => far.abort() });
});

const overDuplex = transport('fromDuplex', 'end', (options) => {
  const [near, far] = duplexPair();
  far.allowHalfOpen = true;
  return Promise.resolve({ near: fromDuplex(near, options), far: new StreamPeer(far) });
});

const unheard = { chunk: () => {}, mark: () => {}, closed: () => {} };

/** One that is recorded keeps the laws of the one that it stands for. */
const recorded = transport('recorded', 'reset', (options) => {
  const [near, far] = memory(options);
  return Promise.resolve({
    near: new RecordedConnection(near, unheard),
    far: new MemoryPeer(far),
    after: () => far.abort(),
  });
});

const freshPath = (() => {
  let made = 0;
  return (): string => {
    const path = join(tmpdir(), `sluice-laws-${process.pid}-${++made}.sock`);
    rmSync(path, { force: true });
    return path;
  };
})();

connectionLaws(accepted('tcp', 'reset', () => ({ port: 0 })));
connectionLaws(accepted('unix', 'end', () => ({ path: freshPath() })));
connectionLaws(dialled);
connectionLaws(inMemory);
connectionLaws(overDuplex);
connectionLaws(recorded);

const test = suite('fromDuplex');

test("a child process's stdio is a connection", async () => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.pipe(process.stdout)'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const connection = fromDuplex(Duplex.from({ readable: child.stdout, writable: child.stdin }), { peer: 'child' });
  assert.is(connection.peer, 'child');
  const large = new Uint8Array(300_000).map((_, at) => at % 251);
  const chunks: Uint8Array[] = [];
  connection.reads.subscribe((chunk) => chunks.push(chunk));
  of(large.subarray(0, 10), large.subarray(10, 20), large.subarray(20)).pipe(connection.writes).subscribe();
  await lastValueFrom(connection.closed, { defaultValue: undefined });
  assert.ok(Buffer.concat(chunks).equals(large), 'all of it came back');
});

test.run();
