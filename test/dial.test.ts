import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { Subscription, concat, firstValueFrom, lastValueFrom, map, of, take } from 'rxjs';
import * as assert from 'uvu/assert';
import { serve } from '../operators/index.js';
import { Consumer } from '../src/flow/consumer.js';
import {
  type Connection,
  DialFailed,
  DialGivenUp,
  type DialOptions,
  type DialState,
  DialTimeout,
  dial,
} from '../src/index.js';
import { loopback } from './kit/loopback.js';
import { ManualClock } from './kit/manual-clock.js';
import { assertNoLeaks } from '../src/testing/leaks.js';
import { freshPath } from './kit/paths.js';
import { rounds } from './kit/quiet.js';
import { raised } from './kit/raised.js';
import { reasons } from './kit/reasons.js';
import { suite } from './kit/suite.js';

const test = suite('dial');
const echo = serve((bytes) => bytes);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const refused: readonly [Record<string, unknown>, typeof Error, RegExp][] = [
  [{}, TypeError, /^give either a port or a path, got neither$/],
  [{ port: 0 }, RangeError, /^port must be a whole number from 1 to 65535, got 0$/],
  [{ port: 1, host: 7 }, TypeError, /^host must be a text that is not empty, got 7$/],
  [{ port: 1, connectTimeout: 0 }, RangeError, /^connectTimeout must be a time from 1 to \d+ ms, got 0$/],
  [{ port: 1, noDelay: 0 }, TypeError, /^noDelay must be true or false, got 0$/],
  [{ port: 1, onState: true }, TypeError, /^onState must be a function, got true$/],
  [{ port: 1, random: 0.5 }, TypeError, /^random must be a function, got 0.5$/],
  [{ port: 1, scheduler: 1 }, TypeError, /^scheduler must be a scheduler of RxJS, got 1$/],
  [{ port: 1, reconnect: 'always' }, TypeError, /^reconnect must be an object, got "always"$/],
  [{ port: 1, reconnect: { initial: 0 } }, RangeError, /^reconnect.initial must be a time from 1 to \d+ ms, got 0$/],
  [{ port: 1, reconnect: { max: -1 } }, RangeError, /^reconnect.max must be a time from 1 to \d+ ms, got -1$/],
  [
    { port: 1, reconnect: { initial: 9, max: 8 } },
    RangeError,
    /^reconnect.initial must be at most reconnect.max \(8 ms\), got 9$/,
  ],
  [{ port: 1, reconnect: { factor: 0.5 } }, RangeError, /^reconnect.factor must be a number from 1 to 1000, got 0.5$/],
  [{ port: 1, reconnect: { jitter: 1.1 } }, RangeError, /^reconnect.jitter must be a number from 0 to 1, got 1.1$/],
  [
    { port: 1, reconnect: { attempts: 0 } },
    RangeError,
    /^reconnect.attempts must be a whole number from 1 to \d+, got 0$/,
  ],
  [{ port: 1, reconnect: { stable: -1 } }, RangeError, /^reconnect.stable must be a time from 0 to \d+ ms, got -1$/],
  [{ port: 1, writeLimit: 1.5 }, RangeError, /^writeLimit must be a whole number .* got 1.5$/],
];

for (const [options, type, message] of refused) {
  test(`refuses ${JSON.stringify(options)}`, () => {
    assert.throws(() => dial(options), raised(type, message));
  });
}

/** A port on which nobody listens. */
const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
};

/** Node's own server, with the sockets that it accepted. */
const rawServer = async (port = 0): Promise<{ server: Server; port: number; sockets: Socket[]; close: () => void }> => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    sockets.push(socket);
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { server, port: (server.address() as AddressInfo).port, sockets, close };
};

/** A state as a line: what is new in it, without the address. */
const line = (now: DialState): string => {
  if (now.state === 'connecting') return `connecting ${now.attempt}`;
  if (now.state === 'given-up') return `given up ${now.attempts}`;
  if (now.state === 'connected') return 'connected';
  return `waiting ${now.ms}${now.error === undefined ? '' : ` ${(now.error as { _tag: string })._tag}`}`;
};

interface Watched {
  readonly states: string[];
  readonly connections: Connection[];
  readonly failures: unknown[];
  readonly stop: () => void;
  /** Waits until so many states were seen. */
  readonly until: (count: number) => Promise<unknown>;
}

const watch = (options: DialOptions): Watched => {
  const states: string[] = [];
  const connections: Connection[] = [];
  const failures: unknown[] = [];
  const onState = (now: DialState): void => {
    assert.is(now.address, `127.0.0.1:${options.port}`);
    states.push(line(now));
  };
  const dialling = dial({ ...options, onState }).subscribe({
    next: (connection) => connections.push(connection),
    error: (error: unknown) => failures.push(error),
  });
  return {
    states,
    connections,
    failures,
    stop: () => dialling.unsubscribe(),
    until: async (count) => {
      while (states.length < count) await rounds(1);
      await rounds(1);
    },
  };
};

const gone = (connection: Connection): Promise<unknown> => lastValueFrom(connection.closed, { defaultValue: null });

test('emits the connection, of the same type as an accepted one, and completes', async () => {
  const allGone = assertNoLeaks();
  const server = await loopback(echo);
  const connection = await lastValueFrom(dial({ port: server.port }));
  assert.is(connection.peer, `127.0.0.1:${server.port}`);
  assert.match(connection.local, /^127\.0\.0\.1:\d+$/);
  const heard: string[] = [];
  connection.reads.subscribe((chunk) => heard.push(Buffer.from(chunk).toString()));
  of(bytes('hello')).pipe(connection.writes).subscribe();
  await gone(connection);
  assert.equal(heard, ['hello']);
  assert.equal(reasons(await server.stop()), ['finished']);
  await allGone();
});

test('can be served as accepted ones are', async () => {
  const server = await loopback(serve((reads) => concat(of(bytes('who?')), reads.pipe(take(1)))));
  const outcome = await lastValueFrom(
    dial({ port: server.port }).pipe(serve((reads) => reads.pipe(map(() => bytes('me'))))),
  );
  assert.equal(reasons([outcome]), ['finished']);
  assert.equal(reasons(await server.stop()), ['finished']);
});

test('a Unix socket', async () => {
  const path = freshPath();
  const server = await loopback(echo, { path });
  const connection = await lastValueFrom(dial({ path }));
  assert.equal([connection.peer, connection.local], [path, path]);
  connection.end();
  connection.reads.subscribe();
  await gone(connection);
  await server.stop();
});

test('every subscription dials', async () => {
  const server = await loopback(echo);
  const dialled = dial({ port: server.port });
  const [one, other] = [await lastValueFrom(dialled), await lastValueFrom(dialled)];
  assert.is.not(one.local, other.local);
  for (const connection of [one, other]) connection.abort();
  assert.equal(reasons(await server.stop()), ['ConnectionReset', 'ConnectionReset']);
});

test('nobody there: DialFailed, in one clear line', async () => {
  const allGone = assertNoLeaks();
  const port = await freePort();
  for (const [place, message] of [
    [{ port }, `cannot connect to 127.0.0.1:${port}: ECONNREFUSED`],
    [{ path: '/nowhere/at/all.sock' }, 'cannot connect to /nowhere/at/all.sock: ENOENT'],
  ] as const) {
    let failure: unknown;
    await lastValueFrom(dial(place)).catch((error: unknown) => {
      failure = error;
    });
    assert.instance(failure, DialFailed);
    assert.is((failure as Error).message, message);
  }
  await allGone();
});

test('no answer in time: DialTimeout', async () => {
  const allGone = assertNoLeaks();
  const raw = await rawServer();
  const clock = new ManualClock();
  const { states, failures, connections } = watch({ port: raw.port, connectTimeout: 3_000, scheduler: clock });
  clock.advance(2_999);
  assert.equal(failures, []);
  clock.advance(1);
  assert.is(failures.length, 1);
  assert.instance(failures[0], DialTimeout);
  assert.is((failures[0] as Error).message, `127.0.0.1:${raw.port} did not answer within 3000 ms`);
  await rounds();
  assert.equal(states, ['connecting 1']);
  assert.equal(connections, []);
  raw.close();
  await allGone();
});

test('noDelay is on unless it is turned off', async () => {
  const sockets: Record<symbol, unknown>[] = [];
  subscribe('net.client.socket', (message) => sockets.push((message as { socket: Record<symbol, unknown> }).socket));
  const raw = await rawServer();
  for (const [options, expected] of [
    [{}, true],
    [{ noDelay: false }, false],
  ] as const) {
    sockets.length = 0;
    const connection = await lastValueFrom(dial({ port: raw.port, ...options }));
    const [socket = {}] = sockets;
    const mark = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'kSetNoDelay');
    assert.is(Boolean(socket[mark ?? Symbol('none')]), expected);
    connection.abort();
  }
  raw.close();
});

// ── again and again ───────────────────────────────────────────────────────────────────────────────────────────────

test('dials again with full jitter, up to max, and gives up after so many attempts', async () => {
  const allGone = assertNoLeaks();
  const port = await freePort();
  const clock = new ManualClock();
  const chances = [0.5, 0, 0.999, 1];
  const { states, failures, until } = watch({
    port,
    scheduler: clock,
    reconnect: { initial: 100, max: 350, factor: 2, attempts: 5 },
    random: () => chances.shift() ?? 1,
  });
  await until(2);
  clock.advance(49);
  await rounds(2);
  assert.equal(states, ['connecting 1', 'waiting 50 DialFailed']);
  clock.advance(1);
  await until(4);
  clock.advance(0);
  await until(6);
  clock.advance(350);
  await until(8);
  clock.advance(350);
  await until(10);
  assert.equal(states, [
    'connecting 1',
    'waiting 50 DialFailed',
    'connecting 2',
    'waiting 0 DialFailed',
    'connecting 3',
    'waiting 350 DialFailed',
    'connecting 4',
    'waiting 350 DialFailed',
    'connecting 5',
    'given up 5',
  ]);
  assert.is(failures.length, 1);
  const [failure] = failures as [DialGivenUp];
  assert.instance(failure, DialGivenUp);
  assert.is(failure.message, `gave up on 127.0.0.1:${port} after 5 attempts`);
  assert.is(failure.attempts, 5);
  assert.instance(failure.cause, DialFailed);
  await allGone();
});

test('without jitter the waits are what they are, and an attempt that takes too long counts', async () => {
  const raw = await rawServer();
  const clock = new ManualClock();
  const { states, failures, stop } = watch({
    port: raw.port,
    scheduler: clock,
    connectTimeout: 1_000,
    reconnect: { initial: 10, factor: 3, jitter: 0, attempts: 3 },
  });
  clock.advance(1_000);
  clock.advance(10);
  clock.advance(1_000);
  clock.advance(30);
  clock.advance(1_000);
  assert.equal(states, [
    'connecting 1',
    'waiting 10 DialTimeout',
    'connecting 2',
    'waiting 30 DialTimeout',
    'connecting 3',
    'given up 3',
  ]);
  assert.is(failures.length, 1);
  stop();
  raw.close();
});

test('a server that accepts and hangs up is dialled less and less often, until a connection has lasted', async () => {
  const allGone = assertNoLeaks();
  const clock = new ManualClock();
  const { port, sockets, close } = await rawServer();
  const { states, connections, until, stop } = watch({
    port,
    scheduler: clock,
    reconnect: { initial: 100, max: 500, jitter: 0, stable: 1_000 },
  });
  const lose = async (lasted: number): Promise<number> => {
    const seen = connections.length;
    while (connections.length === seen - 1 || sockets.length < seen) await rounds(1);
    clock.advance(lasted);
    connections.at(-1)?.reads.subscribe({ error: () => {} });
    sockets.at(-1)?.resetAndDestroy();
    const told = states.length;
    while (states.length === told) await rounds(1);
    return Number(states.at(-1)?.split(' ')[1]);
  };
  const waits: number[] = [];
  for (const lasted of [0, 0, 999, 0, 1_000, 0]) {
    await until(3 * waits.length + 2);
    const wait = await lose(lasted);
    waits.push(wait);
    clock.advance(wait);
  }
  assert.equal(waits, [100, 200, 400, 500, 100, 100]);
  stop();
  close();
  for (const connection of connections) connection.abort();
  await allGone();
});

test('dials again when a connection is gone; attempts are counted since the last success', async () => {
  const allGone = assertNoLeaks();
  const clock = new ManualClock();
  const port = await freePort();
  const { states, connections, until, stop } = watch({
    port,
    scheduler: clock,
    reconnect: { initial: 100, jitter: 0, attempts: 3 },
  });
  await until(2);
  clock.advance(100);
  await until(4);
  // Two have failed; the third succeeds, and all begins anew.
  const first = await rawServer(port);
  clock.advance(200);
  await until(6);
  assert.is(connections.length, 1);
  connections[0]?.reads.subscribe({ error: () => {} });
  clock.advance(5_000);
  first.close();
  await rounds();
  clock.advance(0);
  await until(7);
  clock.advance(100);
  await until(9);
  clock.advance(100);
  await until(11);
  const second = await rawServer(port);
  clock.advance(200);
  await until(13);
  assert.is(connections.length, 2);
  assert.equal(states, [
    'connecting 1',
    'waiting 100 DialFailed',
    'connecting 2',
    'waiting 200 DialFailed',
    'connecting 3',
    'connected',
    'waiting 100',
    'connecting 1',
    'waiting 100 DialFailed',
    'connecting 2',
    'waiting 200 DialFailed',
    'connecting 3',
    'connected',
  ]);
  stop();
  connections[1]?.abort();
  second.close();
  await allGone();
});

test('dials only while there is room below', async () => {
  const raw = await rawServer();
  const consumer = new Consumer('a busy one', 1);
  const states: string[] = [];
  const connections: Connection[] = [];
  consumer.valve.close();
  // One that is left while it waits does nothing when there is room.
  consumer
    .subscribe(() => dial({ port: raw.port, onState: (now) => states.push(line(now)) }).subscribe())
    .unsubscribe();
  const dialling = consumer.subscribe(() =>
    dial({ port: raw.port, onState: (now) => states.push(line(now)) }).subscribe((connection) =>
      connections.push(connection),
    ),
  );
  await rounds();
  assert.equal(states, []);
  consumer.valve.open();
  while (connections.length < 1) await rounds(1);
  assert.equal(states, ['connecting 1', 'connected']);
  dialling.unsubscribe();
  connections[0]?.abort();
  raw.close();
});

// ── leaving ───────────────────────────────────────────────────────────────────────────────────────────────────────

for (const stage of ['connecting 1', 'waiting 100', 'connected', 'given up 1']) {
  test(`unsubscribing when told "${stage}" leaves nothing`, async () => {
    const allGone = assertNoLeaks();
    const raw = await rawServer();
    const port = stage === 'waiting 100' || stage === 'given up 1' ? await freePort() : raw.port;
    const connections: Connection[] = [];
    const states: string[] = [];
    const dialling = new Subscription();
    const attempts = stage === 'given up 1' ? 1 : 9;
    dialling.add(
      dial({
        port,
        reconnect: { initial: 100, jitter: 0, attempts },
        onState: (now) => {
          states.push(line(now));
          if (line(now).startsWith(stage)) dialling.unsubscribe();
        },
      }).subscribe({ next: (connection) => connections.push(connection), error: () => assert.unreachable() }),
    );
    while (!dialling.closed) await rounds(1);
    await rounds();
    assert.ok(states.at(-1)?.startsWith(stage), states.join());
    assert.equal(connections, []);
    raw.close();
    await allGone();
  });
}

test('unsubscribing at once, while it connects and while it waits leaves nothing', async () => {
  const allGone = assertNoLeaks();
  const raw = await rawServer();
  const nobody = await freePort();
  for (const turns of [0, 1, 2, 3]) {
    for (const port of [raw.port, nobody]) {
      const { stop, connections, failures } = watch({ port, reconnect: { initial: 10_000 } });
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      stop();
      const before = connections.length;
      await rounds(3);
      assert.is(connections.length, before);
      assert.equal(failures, []);
      for (const connection of connections) connection.abort();
    }
  }
  const waiting = watch({ port: nobody, reconnect: { initial: 10_000, jitter: 0 } });
  await waiting.until(2);
  waiting.stop();
  raw.close();
  await allGone();
});

test('unsubscribing closes no connection that was emitted', async () => {
  const server = await loopback(echo);
  const { connections, until, stop } = watch({ port: server.port, reconnect: true });
  await until(2);
  stop();
  const [connection] = connections as [Connection];
  const heard = firstValueFrom(connection.reads);
  concat(of(bytes('still here')))
    .pipe(connection.writes)
    .subscribe();
  assert.is(Buffer.from(await heard).toString(), 'still here');
  await gone(connection);
  await server.stop();
});

test.run();
