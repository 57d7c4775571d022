import { subscribe } from 'node:diagnostics_channel';
import { type Socket, connect } from 'node:net';
import { type EventEmitter, once } from 'node:events';
import { networkInterfaces } from 'node:os';
import {
  EMPTY,
  NEVER,
  type Observable,
  Subject,
  concat,
  firstValueFrom,
  lastValueFrom,
  merge,
  mergeMap,
  of,
  take,
  takeUntil,
} from 'rxjs';
import * as assert from 'uvu/assert';
import { serve } from '../operators/index.js';
import {
  type Connection,
  type ListenAddress,
  type ListenEvent,
  ListenFailed,
  type ListenOptions,
  listen,
} from '../src/index.js';
import { loopback } from './kit/loopback.js';
import { assertNoLeaks } from '../src/testing/leaks.js';
import { ManualClock } from './kit/manual-clock.js';
import { freshPath } from './kit/paths.js';
import { type StreamPeer, dialRaw } from './kit/peer.js';
import { quiet, rounds } from './kit/quiet.js';
import { raised } from './kit/raised.js';
import { reasons } from './kit/reasons.js';
import { suite } from './kit/suite.js';

const test = suite('listen');
const echo = serve((bytes) => bytes);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const refused: readonly [Record<string, unknown>, typeof Error, RegExp][] = [
  [{}, TypeError, /^give either a port or a path, got neither$/],
  [{ port: 1, path: '/tmp/a' }, TypeError, /^give either a port or a path, got both$/],
  [{ port: 70_000 }, RangeError, /^port must be a whole number from 0 to 65535, got 70000$/],
  [{ port: -1 }, RangeError, /^port must be a whole number from 0 to 65535, got -1$/],
  [{ port: 1.5 }, RangeError, /^port must be a whole number .* got 1.5$/],
  [{ port: '80' }, TypeError, /^port must be a number, got "80"$/],
  [{ port: 0, host: '' }, TypeError, /^host must be a text that is not empty, got ""$/],
  [{ path: '' }, TypeError, /^path must be a text that is not empty, got ""$/],
  [{ port: 0, backlog: 0 }, RangeError, /^backlog must be a whole number from 1 to 65535, got 0$/],
  [{ port: 0, maxWaiting: -1 }, RangeError, /^maxWaiting must be a whole number from 0 to .* got -1$/],
  [{ port: 0, noDelay: 'yes' }, TypeError, /^noDelay must be true or false, got "yes"$/],
  [{ port: 0, ipv6Only: 1 }, TypeError, /^ipv6Only must be true or false, got 1$/],
  [{ port: 0, onListening: 'log' }, TypeError, /^onListening must be a function, got "log"$/],
  [{ port: 0, onEvent: {} }, TypeError, /^onEvent must be a function, got \[object Object\]$/],
  [{ port: 0, writeDeadline: 0 }, RangeError, /^writeDeadline must be a time from 1 to \d+ ms, got 0$/],
  [{ port: 0, writeDeadline: NaN }, RangeError, /^writeDeadline must be a time .* got NaN$/],
  [{ port: 0, halfClose: Infinity }, RangeError, /^halfClose must be a time .* got Infinity$/],
  [{ port: 0, writeLimit: 0 }, RangeError, /^writeLimit must be a whole number from 1 to .* got 0$/],
  [{ port: 0, scheduler: {} }, TypeError, /^scheduler must be a scheduler of RxJS, got \[object Object\]$/],
];

for (const [options, type, message] of refused) {
  test(`refuses ${JSON.stringify(options)}`, () => {
    assert.throws(() => listen(options), raised(type, message));
  });
}

test('refuses no options at all', () => {
  assert.throws(
    () => listen(undefined as unknown as ListenOptions),
    raised(TypeError, /^options must be an object, got undefined$/),
  );
});

test('opens the port when it is subscribed to, and closes it when it is not any more', async () => {
  const gone = assertNoLeaks();
  const server = await loopback(echo);
  assert.is(server.address.name, `127.0.0.1:${server.port}`);
  assert.is(server.address.host, '127.0.0.1');
  const peer = await server.dial();
  peer.read().send('hello');
  assert.is(await peer.heard(5), 'hello');
  peer.end();
  assert.equal(reasons(await server.stop()), ['finished']);
  assert.is(await peer.over, 'end');
  await gone();
  const [error] = (await once(connect(server.port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException];
  assert.is(error.code, 'ECONNREFUSED');
});

test('nothing is left of one that is unsubscribed at once, or before the port is open', async () => {
  const gone = assertNoLeaks();
  const free = await loopback(echo);
  await free.stop();
  for (const host of ['127.0.0.1', 'localhost']) {
    let listening = false;
    listen({ port: free.port, host, onListening: () => (listening = true) })
      .subscribe()
      .unsubscribe();
    const later = listen({ port: free.port, host, onListening: () => (listening = true) }).subscribe();
    await Promise.resolve();
    later.unsubscribe();
    await rounds();
    assert.not(listening);
    const [error] = (await once(connect(free.port, host), 'error')) as [NodeJS.ErrnoException];
    assert.is(error.code, 'ECONNREFUSED');
  }
  await gone();
});

test('a port in use fails the stream, in one clear line', async () => {
  const server = await loopback(echo);
  let failure: unknown;
  await lastValueFrom(listen({ port: server.port })).catch((error: unknown) => {
    failure = error;
  });
  assert.instance(failure, ListenFailed);
  const { message, code, address, _tag } = failure as ListenFailed;
  assert.is(message, `cannot listen on 127.0.0.1:${server.port}: it is in use`);
  assert.equal([_tag, code, address], ['ListenFailed', 'EADDRINUSE', `127.0.0.1:${server.port}`]);
  const peer = await server.dial();
  peer.read().send('still there');
  assert.is(await peer.heard(11), 'still there');
  peer.end();
  await server.stop();
});

test('so does a host that is not ours, and a path that cannot be', async () => {
  for (const [place, message] of [
    [{ port: 0, host: '203.0.113.1' }, 'cannot listen on 203.0.113.1:0: it is no address of this machine'],
    [{ path: '/nowhere/at/all.sock' }, 'cannot listen on /nowhere/at/all.sock: no such directory, or not permitted'],
  ] as const) {
    let failure: unknown;
    await lastValueFrom(listen(place)).catch((error: unknown) => {
      failure = error;
    });
    assert.instance(failure, ListenFailed);
    assert.is((failure as Error).message, message);
  }
});

test('backs off for as long as its scheduler says', async () => {
  const scheduler = new ManualClock();
  const events: ListenEvent[] = [];
  const sockets: (Socket & { readonly server?: EventEmitter })[] = [];
  subscribe('net.server.socket', (message) => sockets.push((message as { socket: Socket }).socket));
  const server = await loopback(echo, { scheduler, onEvent: (event) => events.push(event) });
  const first = await server.dial();
  sockets.at(-1)?.server?.emit('error', Object.assign(new Error('none left'), { code: 'EMFILE' }));
  assert.equal(events, [{ type: 'accept-failed', code: 'EMFILE', wait: 100 }]);
  scheduler.advance(99);
  assert.is(await server.knock().read().over, 'reset');
  assert.is(events.length, 2);
  scheduler.advance(1);
  const second = await server.dial();
  second.read().send('here');
  assert.is(await second.heard(4), 'here');
  for (const peer of [first.read(), second]) peer.end();
  await server.stop();
  assert.is(events.length, 2);
});

test('a peer that is gone before it is accepted (ECONNABORTED) is an event, and keeps nobody waiting', async () => {
  const events: ListenEvent[] = [];
  const sockets: (Socket & { readonly server?: EventEmitter })[] = [];
  subscribe('net.server.socket', (message) => sockets.push((message as { socket: Socket }).socket));
  const server = await loopback(echo, { onEvent: (event) => events.push(event) });
  const first = await server.dial();
  sockets.at(-1)?.server?.emit('error', Object.assign(new Error('gone'), { code: 'ECONNABORTED' }));
  assert.equal(events, [{ type: 'accept-failed', code: 'ECONNABORTED', wait: 0 }]);
  const second = await server.dial();
  second.read().send('here');
  assert.is(await second.heard(4), 'here');
  for (const peer of [first.read(), second]) peer.end();
  await server.stop();
  assert.is(events.length, 1);
});

test('a Unix socket', async () => {
  const path = freshPath();
  const server = await loopback(
    serve((reads, { peer, local }) => concat(of(bytes(`${peer} ${local} `)), reads)),
    { path },
  );
  assert.equal(server.address, { name: path, path, host: undefined, port: undefined });
  const peer = await server.dial();
  peer.read().send('x');
  peer.end();
  await peer.over;
  assert.is(peer.text, `${path} ${path} x`);
  assert.equal(reasons(await server.stop()), ['finished']);
});

test('an abort that follows an end at once leaves no socket open', async () => {
  const gone = assertNoLeaks();
  const server = await loopback((connections) =>
    connections.pipe(
      serve((_, connection) => {
        setImmediate(() => {
          connection.end();
          connection.abort();
        });
        return NEVER;
      }),
    ),
  );
  const peer = (await server.dial()).read();
  await peer.over;
  peer.stream.destroy();
  assert.equal(reasons(await server.stop()), ['ConnectionAborted']);
  await gone();
});

test('several addresses by merge', async () => {
  const gone = assertNoLeaks();
  const path = freshPath();
  const addresses: ListenAddress[] = [];
  const stop = new Subject<void>();
  const both = merge(
    listen({ port: 0, onListening: (address) => addresses.push(address) }),
    listen({ path, onListening: (address) => addresses.push(address) }),
  );
  const outcomes = lastValueFrom(both.pipe(takeUntil(stop), echo, take(2)));
  await rounds();
  const port = addresses.find((address) => address.port !== undefined)?.port ?? 0;
  for (const peer of [await dialRaw({ port }), await dialRaw({ path })]) {
    peer.read().send('hi');
    assert.is(await peer.heard(2), 'hi');
    peer.end();
    await peer.over;
  }
  await outcomes;
  await gone();
});

const withIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
const ipv6 = (title: string, body: () => Promise<void>): void => (withIpv6 ? test(title, body) : test.skip(title));
if (!withIpv6) console.log('no IPv6 here: three tests of it are skipped');

const localNames = serve((reads, { peer, local }) => concat(of(bytes(`${peer} ${local}`)), reads));

ipv6('IPv6', async () => {
  const server = await loopback(localNames, { host: '::1' });
  assert.is(server.address.name, `[::1]:${server.port}`);
  const peer = await server.dial();
  peer.read().end();
  await peer.over;
  assert.match(peer.text, new RegExp(`^\\[::1\\]:\\d+ \\[::1\\]:${server.port}$`));
  await server.stop();
});

ipv6('on :: both, and an IPv4 peer is shown as one', async () => {
  const server = await loopback(localNames, { host: '::' });
  const peer = await dialRaw({ port: server.port, host: '127.0.0.1' });
  peer.read().end();
  await peer.over;
  assert.match(peer.text, new RegExp(`^127\\.0\\.0\\.1:\\d+ 127\\.0\\.0\\.1:${server.port}$`));
  await server.stop();
});

ipv6('ipv6Only', async () => {
  const server = await loopback(localNames, { host: '::', ipv6Only: true });
  const [error] = (await once(connect(server.port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException];
  assert.is(error.code, 'ECONNREFUSED');
  const peer = await dialRaw({ port: server.port, host: '::1' });
  peer.read().end();
  await peer.over;
  await server.stop();
});

test('noDelay is on unless it is turned off', async () => {
  const sockets: object[] = [];
  subscribe('net.server.socket', (message) => sockets.push((message as { socket: object }).socket));
  for (const [options, expected] of [
    [{}, true],
    [{ noDelay: true }, true],
    [{ noDelay: false }, false],
  ] as const) {
    sockets.length = 0;
    const server = await loopback(echo, options);
    const peer = await server.dial();
    peer.read().end();
    await peer.over;
    await server.stop();
    const [socket] = sockets as Record<symbol, unknown>[];
    const mark = Object.getOwnPropertySymbols(socket ?? {}).find(({ description }) => description === 'kSetNoDelay');
    assert.is(Boolean(socket?.[mark ?? Symbol('none')]), expected, JSON.stringify(options));
  }
});

test('a hook that throws is a warning, and ends nothing', async () => {
  const warnings: string[] = [];
  const heard = (warning: Error): void => {
    warnings.push(warning.message);
  };
  process.on('warning', heard);
  const opening = new Subject<ListenAddress>();
  const opened = firstValueFrom(opening);
  const serving = listen({
    port: 0,
    onListening: (address) => {
      opening.next(address);
      throw new Error('in the hook');
    },
  })
    .pipe(echo)
    .subscribe();
  const peer = await dialRaw({ port: (await opened).port ?? 0 });
  peer.read().send('hi');
  assert.is(await peer.heard(2), 'hi');
  serving.unsubscribe();
  await peer.over;
  process.off('warning', heard);
  assert.is(warnings.length, 1);
  assert.match(warnings[0] ?? '', /^onListening threw Error: in the hook/);
});

// ── those who wait ────────────────────────────────────────────────────────────────────────────────────────────────

/** A handler that greets by number, echoes, and ends when it hears a full stop. */
const greeting = (
  log: string[],
): ((reads: Observable<Uint8Array>, connection: Connection) => Observable<Uint8Array>) => {
  let served = 0;
  return (reads, { statistics }) => {
    log.push(`${++served}: ${statistics.bytesIn} read`);
    return concat(of(bytes(`#${served}`)), reads.pipe(take(1)));
  };
};

for (const concurrency of [1, 3]) {
  test(`${concurrency} at a time, the others wait unread and in order`, async () => {
    const log: string[] = [];
    const server = await loopback(serve(greeting(log), { concurrency }));
    const peers: StreamPeer[] = [];
    for (let made = 0; made < 10; made++) {
      const peer = await server.dial();
      peers.push(peer.read());
      await rounds(1);
    }
    // The last ones say what they want first: it is not read, nor are they served before the others.
    for (const peer of peers.slice(concurrency)) peer.send('early');
    await rounds();
    assert.is(log.length, concurrency);
    for (const [index, peer] of peers.entries()) {
      await peer.heard(2);
      assert.match(peer.text, new RegExp(`^#${index + 1}`));
      assert.is(log.length, Math.min(10, index + concurrency));
      if (index < concurrency) peer.send('go');
      peer.end();
      assert.is(await peer.over, 'end');
      await rounds(2);
    }
    assert.ok(
      log.every((line) => line.endsWith(': 0 read')),
      log.join(),
    );
    assert.equal(
      reasons(await server.stop()),
      Array.from({ length: 10 }, () => 'finished'),
    );
    assert.equal(
      peers.slice(concurrency).map(({ text }) => text.replace(/^#\d+/, '')),
      Array.from({ length: 10 - concurrency }, () => 'early'),
    );
  });
}

test('too many who wait are refused, and the acceptor says so', async () => {
  const gone = assertNoLeaks();
  const events: ListenEvent[] = [];
  const server = await loopback(
    serve(() => NEVER, { concurrency: 1 }),
    {
      maxWaiting: 2,
      onEvent: (event) => events.push(event),
    },
  );
  const peers: StreamPeer[] = [];
  for (let made = 0; made < 7; made++) {
    peers.push(server.knock().read());
    await rounds(1);
  }
  // One is served, one is next, two wait.
  const over = await Promise.all(peers.slice(4).map((peer) => peer.over));
  assert.equal(over, ['reset', 'reset', 'reset']);
  assert.equal(
    events.map((event) => (event.type === 'refused' ? event.reason : event.type)),
    ['too-many-waiting', 'too-many-waiting', 'too-many-waiting'],
  );
  assert.ok(events.every((event) => 'peer' in event && /^127\.0\.0\.1:\d+$/.test(event.peer)));
  server.cut();
  assert.equal(
    await Promise.all(peers.map((peer) => peer.over)),
    Array.from({ length: 7 }, () => 'reset'),
  );
  await gone();
});

test('none wait when none may', async () => {
  const events: ListenEvent[] = [];
  const server = await loopback(
    serve(() => NEVER, { concurrency: 1 }),
    { maxWaiting: 0, onEvent: (event) => events.push(event) },
  );
  const peers = [server.knock(), server.knock(), server.knock()];
  await quiet(() => events.length);
  assert.is(events.length, 1);
  server.cut();
  await Promise.all(peers.map((peer) => peer.read().over));
});

test('unsubscribing closes no connection that was emitted', async () => {
  const gone = assertNoLeaks();
  const accepted: Connection[] = [];
  const opening = new Subject<ListenAddress>();
  const opened = firstValueFrom(opening);
  const listening = listen({ port: 0, onListening: (address) => opening.next(address) }).subscribe((connection) =>
    accepted.push(connection),
  );
  const peer = await dialRaw({ port: (await opened).port ?? 0 });
  await rounds();
  listening.unsubscribe();
  await rounds();
  const [connection] = accepted as [Connection];
  connection.reads.pipe(connection.writes).subscribe();
  peer.read().send('hello');
  assert.is(await peer.heard(5), 'hello');
  peer.end();
  await peer.over;
  await gone();
});

test('unsubscribing while connections come leaves none half accepted', async () => {
  const gone = assertNoLeaks();
  let served = 0;
  const server = await loopback((connections) =>
    connections.pipe(
      take(3),
      mergeMap((connection) => {
        served++;
        return merge(EMPTY, connection.reads).pipe(connection.writes);
      }),
    ),
  );
  const peers = Array.from({ length: 20 }, () => connect(server.port, '127.0.0.1'));
  const closed = peers.map(
    (peer) =>
      new Promise((done) => {
        peer
          .on('error', () => {})
          .on('connect', () => peer.end())
          .on('close', done)
          .resume();
      }),
  );
  await server.over;
  await Promise.all(closed);
  assert.is(served, 3);
  await gone();
});

test('a peer that resets before it is served is its own concern', async () => {
  const gone = assertNoLeaks();
  const first = new Subject<Uint8Array>();
  let served = 0;
  const server = await loopback(serve((reads) => (++served === 1 ? first : reads), { concurrency: 1 }));
  const peers: StreamPeer[] = [];
  for (let made = 0; made < 6; made++) {
    peers.push(await server.dial());
    await rounds(1);
  }
  peers[1]?.reset();
  peers[3]?.reset();
  peers[5]?.send('hello');
  await rounds();
  first.complete();
  for (const index of [0, 2, 4, 5]) peers[index]?.read().end();
  for (const index of [0, 2, 4, 5]) assert.is(await peers[index]?.over, 'end');
  assert.is(peers[5]?.text, 'hello');
  assert.equal(reasons(await server.stop()), [
    'finished',
    'ConnectionReset',
    'finished',
    'ConnectionReset',
    'finished',
    'finished',
  ]);
  await gone();
});

test.run();
