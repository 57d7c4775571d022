// How WebSockets end, with peers of one's own making: plain sockets that say frame by frame what they like.
import * as E from 'fp-ts/lib/Either.js';
import { EventEmitter, once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { type Socket, connect } from 'node:net';
import { Duplex } from 'node:stream';
import { NEVER, Subject, concat, firstValueFrom, ignoreElements, lastValueFrom, map, of, take, takeUntil } from 'rxjs';
import * as assert from 'uvu/assert';
import { serve } from '../operators/index.js';
import type { Connection, Handler } from '../src/index.js';
import { Boundary } from '../src/connection/websocket-boundary.js';
import { type WebSocketListenOptions, dialWebSocket, listenWebSocket } from '../src/websocket/index.js';
import { duplexPair } from './kit/duplex-pair.js';
import { until } from './kit/line-server.js';
import { suite } from './kit/suite.js';
import { closing, frame, upgrade } from './kit/websocket-frames.js';
import { server as plainServer } from './kit/websocket-peer.js';

const test = suite('WebSocket: ends', undefined, { timeout: 10_000 });

const served = async (handler: Handler, options: Partial<WebSocketListenOptions> = {}) => {
  const stop = new Subject<void>();
  const opening = new Subject<number>();
  const opened = firstValueFrom(opening);
  const ends: string[] = [];
  const outcomes = listenWebSocket({
    ...(options.server === undefined && { port: 0 }),
    ...options,
    onListening: ({ port }) => opening.next(port as number),
  }).pipe(
    takeUntil(stop),
    serve(handler),
    map(
      E.match(
        ({ error }) => (error as Error).message,
        () => 'finished',
      ),
    ),
  );
  outcomes.subscribe((end) => ends.push(end));
  return { port: options.server === undefined ? await opened : 0, ends, stop: () => stop.next() };
};

/** A socket that has asked for a WebSocket and got it, and keeps its own side open. */
const upgraded = async (port: number): Promise<Socket> => {
  const socket = connect({ port, allowHalfOpen: true });
  socket.on('error', () => {});
  socket.write(upgrade());
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.match(answer.toString('latin1'), /^HTTP\/1.1 101 /);
  return socket;
};

test('our end while the peer closes is an end like any other', async () => {
  let theirs: Connection | undefined;
  const { port, ends, stop } = await served((bytes, connection) => {
    theirs = connection;
    return concat(bytes.pipe(ignoreElements()), NEVER);
  });
  const ann = await upgraded(port);
  const answer = once(ann, 'data') as Promise<[Buffer]>;
  ann.write(frame(0x8, closing(1000)));
  assert.equal((await answer)[0], Buffer.from([0x88, 2, 3, 232]));
  // It has closed, and what carries it is still there.
  theirs?.end();
  ann.end();
  await until(() => ends.length === 1);
  assert.equal(ends, ['finished']);
  stop();
});

test('who is there stays when the acceptor goes, and nobody else comes', async () => {
  const { port, ends, stop } = await served((bytes) => bytes);
  const ann = await upgraded(port);
  stop();
  const later = connect(port);
  const [error] = (await once(later, 'error')) as [NodeJS.ErrnoException];
  assert.is(error.code, 'ECONNREFUSED');
  const answer = once(ann, 'data') as Promise<[Buffer]>;
  ann.write(frame(0x2, Buffer.from('hi')));
  assert.equal((await answer)[0], Buffer.from([0x82, 2, 104, 105]));
  ann.end(frame(0x8, closing(1000)));
  await until(() => ends.length === 1);
  assert.equal(ends, ['finished']);
});

test('who closes and keeps the socket open is gone all the same, soon', async () => {
  const { port, ends, stop } = await served((bytes) => bytes, { halfClose: 60_000 });
  const ann = await upgraded(port);
  ann.write(frame(0x8, closing(1000)));
  await until(() => ends.length === 1, 4_000);
  assert.equal(ends, ['finished']);
  ann.destroy();
  stop();
});

test('a slow peer has its time to read what was written before our end', async () => {
  let theirs: Connection | undefined;
  const { port, ends, stop } = await served((_, connection) => {
    theirs = connection;
    return of(Buffer.alloc(8_000_000, 7));
  });
  const ann = await upgraded(port);
  let heard = 0;
  let last = Buffer.alloc(0);
  ann.on('data', (chunk: Buffer) => {
    heard += chunk.length;
    last = Buffer.concat([last, chunk]).subarray(-4);
    ann.pause();
    if (last.equals(Buffer.from([0x88, 2, 3, 232]))) ann.end(frame(0x8, closing(1000)));
  });
  const over = (): boolean => theirs?.state === 'ended';
  while (!over()) {
    ann.resume();
    // oxlint-disable-next-line no-await-in-loop
    await new Promise((done) => setTimeout(done, 1));
  }
  // The system has the last of it, and our close. The peer takes its time, and has something to say meanwhile.
  await new Promise((done) => setTimeout(done, 2_300));
  ann.write(frame(0x1, Buffer.from('one moment')));
  await new Promise((done) => setTimeout(done, 50));
  ann.on('data', () => ann.resume()).resume();
  await until(() => ends.length === 1);
  assert.equal(ends, ['finished']);
  await until(() => heard > 7_900_000);
  assert.equal(last, Buffer.from([0x88, 2, 3, 232]));
  stop();
});

test('what is waiting to leave is not forgotten for the answer to a ping behind it', async () => {
  let taken = 0;
  const leave = new Subject<void>();
  // As under TLS: no write is done at once.
  const raw = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _, done) => {
      taken += chunk.length;
      leave.pipe(take(1)).subscribe({ next: () => done() });
    },
  });
  const http = new EventEmitter() as Server;
  const { stop } = await served((asks) => asks.pipe(map(() => Buffer.alloc(400_000))), { server: http });
  http.emit('upgrade', asking(), raw, Buffer.alloc(0));
  raw.push(Buffer.concat([frame(0x2, Buffer.from('go')), frame(0x9, Buffer.from('ping'))]));
  const ticking = setInterval(() => leave.next(), 1);
  await until(() => taken > 400_000);
  clearInterval(ticking);
  raw.destroy();
  stop();
});

/** A request as an HTTP server would hand it over. */
const asking = (): IncomingMessage => {
  const headers = Object.fromEntries(
    upgrade()
      .toString()
      .split('\r\n')
      .slice(1, -2)
      .map((line) => line.split(': ') as [string, string]),
  );
  return { method: 'GET', url: '/', headers } as unknown as IncomingMessage;
};

test('who breaks the protocol hears why, also while it goes on sending', async () => {
  const { port, ends, stop } = await served((bytes) => bytes, { maxMessage: 1_000 });
  const ann = await upgraded(port);
  let heard = Buffer.alloc(0);
  ann.on('data', (chunk: Buffer) => {
    heard = Buffer.concat([heard, chunk]);
  });
  ann.write(frame(0x2, Buffer.alloc(2_000_000)));
  await once(ann, 'end');
  assert.equal(heard, Buffer.from([0x88, 2, 1009 >> 8, 1009 & 255]));
  ann.end();
  await until(() => ends.length === 1);
  assert.equal(ends, [
    'the connection was reset (WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: a message of more than 1000 bytes)',
  ]);
  stop();
});

test('a message that drips has its time; one after the other, and pings between, are none that drips', async () => {
  const { port, ends, stop } = await served((bytes) => bytes, { messageDeadline: 400 });
  const [ann, bob] = [await upgraded(port), await upgraded(port)];
  bob.resume();
  const slow = frame(0x2, Buffer.alloc(40), { fin: false });
  const begun = performance.now();
  let at = 0;
  const drip = setInterval(() => {
    ann.write(at < slow.length ? slow.subarray(at++, at) : frame(0x9, Buffer.alloc(1)));
    // The end of one and the beginning of the next, in fragments.
    const parts = [frame(0x2, Buffer.from('a'), { fin: false }), frame(0x0, Buffer.alloc(0))];
    const bytes = Buffer.concat([...parts, ...parts]);
    bob.write(bytes.subarray(7, 7 + 13));
  }, 20);
  bob.write(frame(0x2, Buffer.from('a'), { fin: false }));
  await until(() => ends.length > 0);
  const took = performance.now() - begun;
  clearInterval(drip);
  assert.equal(ends, ['a frame took longer than 400 ms to arrive']);
  assert.ok(took >= 400, `${took} ms`);
  assert.not(bob.readableEnded);
  ann.destroy();
  bob.destroy();
  stop();
});

test('where a message is under way is known however its bytes are cut', () => {
  const parts: readonly (readonly [frame: Buffer, whole: boolean])[] = [
    [frame(0x2, Buffer.from('a')), true],
    [frame(0x1, Buffer.alloc(0)), true],
    [frame(0x2, Buffer.alloc(300), { fin: false }), false],
    [frame(0x9, Buffer.from('ping')), false],
    [frame(0x0, Buffer.alloc(70_000), { fin: false }), false],
    [frame(0x0, Buffer.alloc(125)), true],
    [Buffer.from([0x82, 3, 1, 2, 3]), true],
    [frame(0xa, Buffer.alloc(0)), true],
  ];
  for (const size of [1, 2, 7, 64_000]) {
    const boundary = new Boundary();
    for (const [bytes, whole] of parts) {
      for (let at = 0; at < bytes.length; at += size) {
        boundary.pass(bytes.subarray(at, at + size));
        assert.is(boundary.unfinished, !whole || at + size < bytes.length, `in chunks of ${size}`);
      }
    }
    const all = Buffer.concat(parts.map(([bytes]) => bytes));
    assert.is(boundary.pass(Buffer.concat([all, all.subarray(0, 3)])), true);
    assert.is(boundary.unfinished, true);
  }
});

test('a message in too many fragments, or a frame in too many crumbs, is no message', async () => {
  const { port, ends, stop } = await served((bytes) => bytes);
  const ann = await upgraded(port);
  const fragments = Array.from({ length: 1_025 }, (_, at) =>
    frame(at === 0 ? 0x2 : 0, Buffer.from('x'), { fin: false }),
  );
  ann.write(Buffer.concat(fragments));
  const [farewell] = (await once(ann, 'data')) as [Buffer];
  assert.is(farewell.readUInt16BE(2), 1008);
  ann.end();
  stop();

  const http = new EventEmitter() as Server;
  const crumbs = await served((bytes) => bytes, { server: http });
  const [near, far] = duplexPair();
  http.emit('upgrade', asking(), near, Buffer.alloc(0));
  far.resume();
  const bytes = frame(0x2, Buffer.alloc(20_000));
  await eachByte(far, bytes.subarray(0, 4_000));
  assert.equal(crumbs.ends, []);
  await eachByte(far, bytes.subarray(4_000, 4_200));
  await until(() => crumbs.ends.length === 1);
  for (const end of [...ends, ...crumbs.ends]) assert.match(end, /WS_ERR_TOO_MANY_BUFFERED_PARTS/);
  crumbs.stop();
});

/** Each byte in a chunk of its own. */
const eachByte = async (stream: Duplex, bytes: Uint8Array): Promise<void> => {
  for (const byte of bytes) {
    // oxlint-disable-next-line no-await-in-loop
    await new Promise((done) => stream.write(Buffer.from([byte]), done));
  }
};

test('dials a server that agrees on no subprotocol; a close ends both sides there', async () => {
  const { url, first, http } = await plainServer(false);
  const handled = lastValueFrom(dialWebSocket(url).pipe(serve(() => of(Buffer.from('hi')))));
  const peer = await first;
  const heard: string[] = [];
  peer.on('message', (bytes) => heard.push((bytes as Buffer).toString()));
  const [code] = (await once(peer, 'close')) as [number];
  assert.is(code, 1000);
  assert.equal(heard, ['hi'], 'and no empty message for an end');
  assert.ok(E.isRight(await handled));
  http.close();
});

test.run();
