// Servers that are steered, over real sockets: ports, waiting dials, data in flight, dials of our own, channels.
import { createHash } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createNodeServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filter, firstValueFrom, ignoreElements, map, tap } from 'rxjs';
import * as assert from 'uvu/assert';
import { protocol } from '../operators/index.js';
import { type ListenFailed, line, text } from '../src/index.js';
import { type Client, type DialledState, type Server, type ServerEvent, createServer } from '../src/server/index.js';
import { type PlainClient, assertNoLeaks, plainClient } from '../src/testing/index.js';
import { ManualClock } from './kit/manual-clock.js';
import { quiet, rounds } from './kit/quiet.js';
import { suite } from './kit/suite.js';

const test = suite('a server, over sockets');

const lines = { name: 'lines', framing: line(), message: text } as const;
const shout = protocol<string>({ ...lines, session: (said) => said.pipe(map((word) => word.toUpperCase())) });
const mute = protocol<string>({ ...lines, session: (said) => said.pipe(ignoreElements()) });

const dialTo = async (server: Server<never>, halfOpen = false): Promise<PlainClient> =>
  plainClient({ port: server.address?.port as number }, { halfOpen });

/** How it is for somebody who is refused: the reset may come before he knows that he is connected. */
const knock = async (server: Server<never>): Promise<string> => {
  try {
    return await (
      await dialTo(server)
    ).over;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNRESET' ? 'reset' : String(error);
  }
};

/** Waits until a server has so many clients. */
const count = async ({ clients }: Server<never>, wanted: number): Promise<void> => {
  while (clients.count !== wanted) await rounds(1);
};

const failure = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'it did not fail',
    (error: unknown) => error,
  );

test(
  'a port that is in use is no disaster: it can be tried again',
  assertNoLeaks(async () => {
    const other = createNodeServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { readonly port: number };
    const server = createServer('lobby', shout, { port });
    const error = (await failure(server.start())) as ListenFailed;
    assert.equal([error._tag, error.code], ['ListenFailed', 'EADDRINUSE']);
    assert.not.ok(server.state.value.running);
    assert.equal(await server.stop(), { ended: 0, cut: [], took: 0 });
    other.close();
    await once(other, 'close');
    assert.is((await server.start()).port, port);
    assert.is((await server.start()).name, `127.0.0.1:${port}`);
    const ann = await dialTo(server);
    ann.send('hi\n');
    await ann.heard(/^HI\n$/);
    assert.is((await server.stop()).ended, 1);
    assert.is(await ann.over, 'end');
    assert.is(server.statistics.accepted, 1);
  }),
);

test(
  'listens on a Unix socket, whose clients all have one address',
  assertNoLeaks(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-'));
    const path = join(folder, 'socket');
    const server = createServer('lobby', shout, { path });
    server.rules.deny('0.0.0.0/0');
    assert.is((await server.start()).name, path);
    const [ann, bob] = [await plainClient({ path }), await plainClient({ path })];
    await count(server, 2);
    assert.equal(server.clients.named(path).length, 2);
    assert.is(server.broadcast('all'), 2);
    await Promise.all([ann.heard(/^all\n$/), bob.heard(/^all\n$/)]);
    await server.stop();
    await Promise.all([ann.over, bob.over]);
    rmSync(folder, { recursive: true });
  }),
);

test(
  'stopped before it listens, it never does',
  assertNoLeaks(async () => {
    const server = createServer('lobby', shout, { port: 0 });
    const starting = failure(server.start());
    const { ended, cut } = await server.stop();
    assert.equal([ended, cut], [0, []]);
    assert.match(
      String(await starting),
      /^ListenFailed: cannot listen on 127\.0\.0\.1:0: it was stopped before it did$/,
    );
    assert.not.ok(server.state.value.running);
    const again = await server.start();
    assert.ok((again.port as number) > 0);
    await server.abort();
  }),
);

test(
  'dials that wait are reset by a stop, and those over the bound at once',
  assertNoLeaks(async () => {
    const events: ServerEvent[] = [];
    const server = createServer('lobby', shout, { port: 0, maxWaiting: 2 });
    server.events.subscribe((event) => events.push(event));
    await server.start();
    server.pauseAccepting();
    const waiting = [await dialTo(server), await dialTo(server)];
    for (const client of waiting) client.send('unread\n');
    assert.is(await knock(server), 'reset');
    assert.is(await quiet(() => server.clients.count), 0);
    assert.is((await server.stop({ drain: 50 })).ended, 0);
    assert.equal(await Promise.all(waiting.map(({ over }) => over)), ['reset', 'reset']);
    assert.equal(
      events.map((event) => (event.type === 'refused' ? event.reason : event.type)),
      ['listening', 'too-many-waiting', 'drained'],
    );
  }),
);

test(
  'nothing is lost of what was in flight when a client is paused, and it goes on where it stopped',
  assertNoLeaks(async () => {
    const server = createServer('echo', (bytes) => bytes, { port: 0 });
    await server.start();
    const ann = await dialTo(server, true);
    const sent = Buffer.alloc(4 * 1024 * 1024, 'sluice and lock ');
    ann.send(sent);
    while (server.statistics.bytesIn < 100_000) await rounds(1);
    const [client] = [...server.clients] as [Client];
    for (let pause = 0; pause < 5; pause++) {
      server.pauseListening(client);
      const held = await quiet(() => client.statistics.bytesIn);
      assert.ok(client.state.paused);
      await rounds(3);
      assert.is(client.statistics.bytesIn, held);
      server.resumeListening(client);
      await rounds(1);
    }
    ann.end();
    assert.is(await ann.over, 'end');
    const hash = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');
    assert.is(hash(ann.bytes), hash(sent));
    assert.ok(client.statistics.pausedFor >= 5 * 10);
    await server.stop();
    assert.is(server.statistics.bytesOut, sent.length);
  }),
);

test(
  'an IPv4 client that comes in over IPv6 is judged as what it is',
  assertNoLeaks(async () => {
    const server = createServer('lobby', shout, { port: 0, host: '::' });
    server.rules.deny('127.0.0.0/8');
    await server.start();
    assert.is(await knock(server), 'reset');
    assert.ok(server.rules.forget('127.0.0.0/8'));
    const ann = await dialTo(server);
    await count(server, 1);
    assert.match([...server.clients][0]?.address ?? '', /^127\.0\.0\.1:\d+$/);
    await server.abort();
    assert.is(await ann.over, 'reset');
  }),
);

test(
  'two servers that dial each other are each other’s clients, and part in order',
  assertNoLeaks(async () => {
    const heard: Record<string, string[]> = { left: [], right: [] };
    const noting = (name: string): Server<string> =>
      createServer(
        name,
        protocol<string>({
          ...lines,
          session: (said) =>
            said.pipe(
              tap((word) => heard[name]?.push(word)),
              ignoreElements(),
            ),
        }),
        { port: 0 },
      );
    const [left, right] = [noting('left'), noting('right')];
    const [{ port: leftPort }, { port: rightPort }] = [await left.start(), await right.start()];
    const there = left.connect('127.0.0.1', rightPort as number);
    const back = right.connect('127.0.0.1', leftPort as number);
    await Promise.all([count(left, 2), count(right, 2)]);
    assert.equal([...left.clients].map(({ opener }) => opener).toSorted(), ['active', 'passive']);
    assert.is(new Set([...left.clients, ...right.clients].map(({ id }) => id)).size, 4);
    assert.equal(
      [there.state.value.state, there.client?.opener, there.address],
      ['connected', 'active', `127.0.0.1:${rightPort}`],
    );
    left.send(there.client as Client, 'by the dialled');
    const opened = [...left.clients].find(({ opener }) => opener === 'passive') as Client;
    left.send(opened, 'by the accepted');
    while (heard['right']?.length !== 2) await rounds(1);
    assert.equal(heard['right']?.toSorted(), ['by the accepted', 'by the dialled']);

    const again = firstValueFrom(back.state.pipe(filter(({ state }) => state === 'waiting')));
    left.disconnect(opened);
    assert.is((await again).state, 'waiting', 'who is hung up on dials again');
    while (back.client === undefined) await rounds(1);
    await count(left, 2);
    right.disconnect(back.client);
    await Promise.all([count(left, 1), count(right, 1)]);
    assert.equal([back.state.value.state, right.dials], ['ended', []]);

    const [one, other] = await Promise.all([left.stop(), right.stop()]);
    assert.equal([one.ended + other.ended, one.cut, other.cut], [2, [], []]);
    assert.equal([there.state.value.state, left.dials], ['ended', []]);
  }),
);

test(
  'a dial waits and tries again, until it is given up, or told to stop',
  assertNoLeaks(async () => {
    const clock = new ManualClock();
    const server = createServer('lobby', mute, { port: 0, scheduler: clock });
    await server.start();
    const nobody = createNodeServer().listen(0, '127.0.0.1');
    await once(nobody, 'listening');
    const { port } = nobody.address() as { readonly port: number };
    nobody.close();
    await once(nobody, 'close');

    const states: string[] = [];
    const shown = (state: DialledState): string => ('ms' in state ? `${state.state} ${state.ms}` : state.state);
    const events: string[] = [];
    server.events.subscribe((event) => {
      if (event.type === 'dial') events.push(shown(event.state));
    });
    const dialled = server.connect('127.0.0.1', port, { reconnect: { initial: 100, jitter: 0, attempts: 3 } });
    dialled.state.subscribe((state) => states.push(shown(state)));
    const until = async (length: number): Promise<void> => {
      while (states.length < length) await rounds(1);
    };
    await until(2);
    clock.advance(100);
    await until(4);
    clock.advance(200);
    await until(6);
    assert.equal(states, ['connecting', 'waiting 100', 'connecting', 'waiting 200', 'connecting', 'given-up']);
    assert.equal(events, states);
    assert.equal(server.dials, []);
    dialled.disconnect();
    assert.is(dialled.state.value.state, 'given-up');

    const endless = server.connect('127.0.0.1', port, { reconnect: { initial: 100, jitter: 0 } });
    await firstValueFrom(endless.state.pipe(filter(({ state }) => state === 'waiting')));
    assert.equal(server.dials, [endless]);
    endless.disconnect();
    endless.disconnect();
    assert.equal([endless.state.value.state, server.dials], ['ended', []]);
    clock.advance(10_000);

    const single = server.connect('127.0.0.1', port, { reconnect: false });
    const last = await firstValueFrom(single.state.pipe(filter(({ state }) => state === 'given-up')));
    assert.match(String((last as { readonly error: unknown }).error), /ECONNREFUSED/);

    const late = server.connect('127.0.0.1', port);
    await firstValueFrom(late.state.pipe(filter(({ state }) => state === 'waiting')));
    await server.stop();
    assert.is(late.state.value.state, 'ended');
    clock.advance(60_000);
  }),
);

test(
  'a peer that was dialled once, without retries, is over when its connection is',
  assertNoLeaks(async () => {
    const far = createServer('far', shout, { port: 0 });
    const near = createServer('near', mute, { port: 0 });
    const { port } = await far.start();
    await near.start();
    const dialled = near.connect('127.0.0.1', port as number, { reconnect: false, onState: () => {} });
    await count(near, 1);
    await count(far, 1);
    far.broadcast('hello');
    while ([...near.clients][0]?.statistics.messagesIn !== 1) await rounds(1);
    assert.is(dialled.client?.statistics.messagesIn, 1);
    await far.stop();
    while (dialled.state.value.state !== 'ended') await rounds(1);
    assert.equal(near.dials, []);
    await near.stop();
  }),
);

test(
  'the same events are on the channels of the process, under their names',
  assertNoLeaks(async () => {
    const heard: unknown[] = [];
    const told: unknown[] = [];
    const hear = (event: unknown): number => heard.push(event);
    const server = createServer('lobby', shout, { port: 0 });
    subscribe('sluice:server:connected', hear);
    subscribe('sluice:server:message', hear);
    subscribe('sluice:server:drained', hear);
    server.events.subscribe((event) => told.push(event));
    await server.start();
    const ann = await dialTo(server);
    ann.send('hi\n');
    await ann.heard(/HI/);
    await server.stop();
    await ann.over;
    for (const name of ['connected', 'message', 'drained']) unsubscribe(`sluice:server:${name}`, hear);
    assert.equal(
      heard.map((event) => (event as ServerEvent).type),
      ['connected', 'message', 'message', 'drained'],
    );
    assert.ok(heard.every((event) => told.includes(event)));
    assert.is((heard[0] as ServerEvent).server, 'lobby');
  }),
);

test(
  'a server that is started by a handler of another is its own',
  assertNoLeaks(async () => {
    const inner = createServer('inner', mute, { port: 0 });
    const outer = createServer(
      'outer',
      protocol<string>({
        ...lines,
        session: (said) =>
          said.pipe(
            tap(() => void inner.start()),
            ignoreElements(),
          ),
      }),
      { port: 0 },
    );
    await outer.start();
    const ann = await dialTo(outer);
    ann.send('start\n');
    while (!inner.state.value.running) await rounds(1);
    outer.pauseListening();
    const bob = await dialTo(inner);
    bob.send('hi\n');
    while (inner.statistics.messagesIn !== 1) await rounds(1);
    await outer.stop();
    assert.ok(inner.state.value.running);
    await inner.stop();
    await Promise.all([ann.over, bob.over]);
  }),
);

test(
  'what is no client of a server is refused by name, and one that is gone is harmless',
  assertNoLeaks(async () => {
    const [one, other] = [createServer('one', shout, { port: 0 }), createServer('other', shout, { port: 0 })];
    await one.start();
    const ann = await dialTo(one);
    await count(one, 1);
    const [client] = [...one.clients] as [Client];
    const foreign = /^client must be one of server other, got one of another$/;
    for (const wrong of [
      () => other.send(client, 'x'),
      () => other.disconnect(client),
      () => other.pauseListening(client),
    ]) {
      assert.throws(wrong, (error: Error) => error instanceof TypeError && foreign.test(error.message));
    }
    await one.stop();
    await ann.over;
    assert.not.ok(one.send(client, 'x'));
    one.disconnect(client);
    one.pauseListening(client);
    one.resumeListening(client);
    client.enter('nowhere');
    client.exit('nowhere');
    assert.equal([client.state.connected, client.state.paused, [...one.clients.rooms]], [false, false, []]);
    assert.is(client.statistics.buffered, 0);
  }),
);

test.run();
