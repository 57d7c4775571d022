import * as E from 'fp-ts/lib/Either.js';
import { once } from 'node:events';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type Server, createServer } from 'node:http';
import { existsSync, linkSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { type AddressInfo, type Socket, connect, createServer as createNetServer } from 'node:net';
import { createServer as createHttpsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as timersWait } from 'node:timers/promises';
import {
  Subject,
  type Subscription,
  concat,
  firstValueFrom,
  ignoreElements,
  lastValueFrom,
  map,
  merge,
  of,
  takeUntil,
  timer,
} from 'rxjs';
import * as assert from 'uvu/assert';
import type { WebSocket } from 'ws';
import { endLines, frameLines, mapAsync, serve } from '../operators/index.js';
import {
  type Connection,
  type Handler,
  type ListenEvent,
  type ListenFailed,
  type Outcome,
  type SluiceError,
} from '../src/index.js';
import { createServer as createLobby } from '../src/server/index.js';
import { type WebSocketListenOptions, dialWebSocket, listenWebSocket } from '../src/websocket/index.js';
import { assertNoLeaks } from '../src/testing/leaks.js';
import { until } from './kit/line-server.js';
import { raised } from './kit/raised.js';
import { certify } from './kit/certificates.js';
import { suite } from './kit/suite.js';
import { upgrade } from './kit/websocket-frames.js';
import { dialled, knock, rawOf, server as plainServer } from './kit/websocket-peer.js';

const test = suite('WebSocket', undefined, { timeout: 10_000 });

const KB = 1_024;

interface Served {
  readonly port: number;
  readonly events: readonly ListenEvent[];
  /** How each connection ended. */
  readonly ends: readonly string[];
  readonly stop: () => Promise<void>;
}

const reasonOf = (event: ListenEvent): string => (event.type === 'refused' ? event.reason : event.type);

const ended: (outcome: Outcome) => string = E.match(
  ({ error }) => (error as SluiceError)._tag,
  () => 'finished',
);

const served = async (handler: Handler, options: WebSocketListenOptions = { port: 0 }): Promise<Served> => {
  const events: ListenEvent[] = [];
  const ends: string[] = [];
  const stop = new Subject<void>();
  const opening = new Subject<number>();
  const opened = firstValueFrom(opening);
  const over = lastValueFrom(
    listenWebSocket({
      ...options,
      onEvent: (event) => events.push(event),
      onListening: (address) => opening.next(address.port as number),
    }).pipe(
      takeUntil(stop),
      serve(handler),
      map((outcome) => ends.push(ended(outcome))),
    ),
    { defaultValue: 0 },
  );
  return {
    port: options.server === undefined ? await opened : 0,
    events,
    ends,
    stop: async () => {
      stop.next();
      await over;
    },
  };
};

const url = (port: number, path = ''): string => `ws://127.0.0.1:${port}${path}`;

const heard = (socket: WebSocket): { readonly text: () => string; readonly closed: Promise<number> } => {
  let text = '';
  socket.on('message', (bytes) => {
    text += (bytes as Buffer).toString('latin1');
  });
  return { text: () => text, closed: once(socket, 'close').then(([code]) => code as number) };
};

const shout: Handler = (bytes) =>
  bytes.pipe(
    frameLines(),
    map((line) => Buffer.from(Buffer.from(line).toString().toUpperCase())),
    endLines(),
  );

test('text and binary messages are bytes, however they are cut; a close is the end of both sides', async () => {
  const { port, ends, stop } = await served(shout);
  const ann = await dialled(url(port), []);
  const { text, closed } = heard(ann);
  ann.send('hel');
  ann.send(Buffer.from('lo\nand '));
  ann.send('good');
  ann.send('');
  ann.send('bye\n');
  await until(() => text() === 'HELLO\nAND GOODBYE\n');
  ann.close(1000);
  assert.is(await closed, 1000);
  await stop();
  assert.equal(ends, ['finished']);
});

test('what was said before the close is answered as far as that can be, and the connection is clean', async () => {
  const { port, ends, stop } = await served(shout);
  const ann = await dialled(url(port), []);
  const { text, closed } = heard(ann);
  ann.send('hi\n');
  ann.close();
  assert.is(await closed, 1005);
  assert.is(text(), 'HI\n');
  await stop();
  assert.equal(ends, ['finished']);
});

test('answers that come after a close cannot be said: that connection has failed', async () => {
  const { port, ends, stop } = await served((bytes) =>
    bytes.pipe(mapAsync(1, () => lastValueFrom(timer(100)).then(() => Buffer.from('late')))),
  );
  const ann = await dialled(url(port), []);
  ann.send('hi');
  ann.close();
  await until(() => ends.length === 1);
  assert.equal(ends, ['ConnectionReset']);
  await stop();
});

test('our end is a close, and the peer that answers it is gone', async () => {
  const { port, ends, stop } = await served(() => of(Buffer.from('bye')));
  const { text, closed } = heard(knock(url(port), []));
  assert.is(await closed, 1000);
  assert.is(text(), 'bye');
  await stop();
  assert.equal(ends, ['finished']);
});

for (const [what, code, how] of [
  ['with a code of its own', 4321, 'finished'],
  ['that goes away', 1001, 'finished'],
  ['over an error', 1011, 'ConnectionReset'],
] as const) {
  test(`a peer that closes ${what} (${code}): ${how}`, async () => {
    const { port, ends, stop } = await served(shout);
    const ann = await dialled(url(port), []);
    // 1001 is for browsers that leave a page: `close` of `ws` takes it all the same.
    ann.close(code);
    await until(() => ends.length === 1);
    assert.equal(ends, [how]);
    await stop();
  });
}

test("what `ws` finds wrong is that connection's failure: a message that is too long, a frame that is none", async () => {
  const { port, ends, stop } = await served(shout, { port: 0, maxMessage: 100 });
  const ann = await dialled(url(port), []);
  const closed = once(ann, 'close');
  ann.send('x'.repeat(101));
  assert.is((await closed)[0], 1009);
  const bob = await dialled(url(port), []);
  const cut = once(bob, 'close');
  // Not masked, as a client has to be.
  rawOf(bob).write(Buffer.from([0x82, 1, 65]));
  assert.is((await cut)[0], 1002);
  const well = await dialled(url(port), []);
  const { text } = heard(well);
  well.send('a message of no more than a hundred bytes\n');
  await until(() => text().length > 0);
  well.close();
  await stop();
  assert.equal(ends.toSorted(), ['ConnectionReset', 'ConnectionReset', 'finished']);
});

test('compression is not agreed on', async () => {
  const { port, stop } = await served(shout);
  const socket = connect(port);
  socket.write(
    'GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n' +
      'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-extensions: permessage-deflate\r\n\r\n',
  );
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1.1 101 /);
  assert.not.match(answer.toString().toLowerCase(), /extensions/);
  socket.destroy();
  await stop();
});

const statusOf = async (socket: ReturnType<typeof connect>): Promise<string> => {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text.split('\r\n')[0] ?? '';
};

const asks = (port: number, headers: string, path = '/'): Promise<string> => {
  const socket = connect(port);
  socket.write(
    `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nupgrade: websocket\r\nconnection: upgrade\r\n` +
      `sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`,
  );
  setTimeout(() => socket.end(), 200);
  return statusOf(socket);
};

test("a page of somebody else's may not come, unless it is known", async () => {
  const closed = await served(shout);
  const own = `origin: http://127.0.0.1:${closed.port}\r\n`;
  assert.is(await asks(closed.port, ''), 'HTTP/1.1 101 Switching Protocols', 'no browser');
  assert.is(await asks(closed.port, own), 'HTTP/1.1 101 Switching Protocols', 'its own page');
  for (const origin of ['http://evil.example', 'null', `http://127.0.0.1:1`, 'garbage', 'https://127.0.0.1']) {
    assert.is(await asks(closed.port, `origin: ${origin}\r\n`), 'HTTP/1.1 403 Forbidden', origin);
  }
  assert.equal(new Set(closed.events.map(reasonOf)), new Set(['other-origin']));
  assert.match(JSON.stringify(closed.events[0]), /"peer":"127\.0\.0\.1:\d+"/);
  await closed.stop();

  const known = await served(shout, { port: 0, origins: ['https://example.org'] });
  assert.is(await asks(known.port, 'origin: https://example.org\r\n'), 'HTTP/1.1 101 Switching Protocols');
  assert.is(await asks(known.port, 'origin: https://example.org.evil.example\r\n'), 'HTTP/1.1 403 Forbidden');
  await known.stop();

  const asked: string[] = [];
  const decides = await served(shout, { port: 0, origins: (origin) => asked.push(origin) === 1 });
  assert.is(await asks(decides.port, 'origin: https://a\r\n'), 'HTTP/1.1 101 Switching Protocols');
  assert.is(await asks(decides.port, 'origin: https://b\r\n'), 'HTTP/1.1 403 Forbidden');
  assert.equal(asked, ['https://a', 'https://b']);
  await decides.stop();
});

test('other paths, other methods and what is no request are refused, and others are served', async () => {
  const { port, events, stop } = await served(shout, { port: 0, at: '/chat' });
  assert.is(await asks(port, '', '/chat?room=1'), 'HTTP/1.1 101 Switching Protocols');
  assert.is(await asks(port, '', '/other'), 'HTTP/1.1 404 Not Found');
  assert.is(await asks(port, 'sec-websocket-version: 7\r\n', '/chat'), 'HTTP/1.1 400 Bad Request');
  assert.is((await fetch(`http://127.0.0.1:${port}/chat`)).status, 426);
  const garbage = connect(port);
  garbage.end('\u0016\u0003\u0001 what is this\r\n\r\n');
  assert.match(await statusOf(garbage), /^HTTP\/1.1 400/);
  assert.equal(events.map(reasonOf), ['other-path', 'no-websocket']);
  const ann = await dialled(url(port, '/chat'), []);
  const { text } = heard(ann);
  ann.send('hi\n');
  await until(() => text() === 'HI\n');
  ann.close();
  await stop();
});

test('a judge of origins that throws lets nobody from a page in, and everybody else', async () => {
  const { port, events, stop } = await served(shout, {
    port: 0,
    origins: () => {
      throw new Error('no idea');
    },
  });
  const warned = once(process, 'warning') as Promise<readonly Error[]>;
  assert.is(await asks(port, 'origin: https://a\r\n'), 'HTTP/1.1 403 Forbidden');
  assert.match((await warned)[0]?.message ?? '', /^origins threw Error: no idea/);
  assert.is(await asks(port, ''), 'HTTP/1.1 101 Switching Protocols');
  assert.equal(events.map(reasonOf), ['other-origin']);
  await stop();
});

test('a judge of origins that answers with a promise lets nobody from a page in', async () => {
  const later = (() => Promise.resolve(true)) as unknown as () => boolean;
  const { port, stop } = await served(shout, { port: 0, origins: later });
  assert.is(await asks(port, 'origin: https://a\r\n'), 'HTTP/1.1 403 Forbidden');
  await stop();
});

test('another version, which tells its origin elsewhere, is refused, and hears which is spoken', async () => {
  const { port, events, stop } = await served(shout);
  const socket = connect(port);
  socket.write(
    'GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 8\r\n' +
      'sec-websocket-origin: http://evil.example\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1.1 400 Bad Request\r\n(.+\r\n)*sec-websocket-version: 13\r\n/);
  socket.destroy();
  assert.equal(events.map(reasonOf), ['no-websocket']);
  await stop();
});

test('at a server that there is, it is told when the port is open: now, or later', async () => {
  const http = createServer();
  const told: (number | undefined)[] = [];
  const listening = (): Subscription =>
    listenWebSocket({ server: http, onListening: ({ port }) => told.push(port) }).subscribe();
  const early = listening();
  assert.equal(told, []);
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  assert.equal(told, [port]);
  early.unsubscribe();
  listening().unsubscribe();
  assert.equal(told, [port, port]);
  listening().unsubscribe();
  assert.is(http.listenerCount('upgrade') + http.listenerCount('listening'), createServer().listenerCount('listening'));
  http.close();

  const again = createServer().listen(0, '127.0.0.1');
  await once(again, 'listening');
  const lobby = createLobby('lobby', shout, {
    port: 0,
    listen: ({ onListening }) => listenWebSocket({ server: again, ...(onListening && { onListening }) }),
  });
  await lobby.start();
  await lobby.stop();
  again.close();
});

test('what cannot be accepted ends nothing', async () => {
  const channel = 'http.server.request.start';
  let http: Server | undefined;
  const seen = (message: unknown): void => {
    http = (message as { readonly server: Server }).server;
  };
  subscribe(channel, seen);
  const { port, events, stop } = await served(shout);
  await fetch(`http://127.0.0.1:${port}`);
  unsubscribe(channel, seen);
  // As Node tells it, of a peer that is gone again, and where the system has no descriptor left.
  for (const code of ['ECONNABORTED', 'EMFILE']) http?.emit('error', Object.assign(new Error(code), { code }));
  await assertRefused(connect(port));
  assert.equal(
    events.map((event) => (event.type === 'refused' ? event.reason : [event.code, event.wait])),
    [['ECONNABORTED', 0], ['EMFILE', 100], 'backing-off'],
  );
  // And it goes on when the wait is over.
  await timersWait(150);
  const ann = await dialled(url(port), []);
  ann.close();
  await once(ann, 'close');
  await stop();
});

const assertRefused = async (socket: Socket): Promise<void> => {
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  assert.is(error.code, 'ECONNRESET');
};

test('a page that is asked for and not read is not kept for ever', async () => {
  const { port, stop } = await served(shout, {
    port: 0,
    writeDeadline: 100,
    onRequest: (_, response) => response.end(Buffer.alloc(20_000_000)),
  });
  const stuck = connect(port);
  stuck.pause();
  stuck.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await timersWait(600);
  let came = 0;
  stuck.on('data', (chunk: Buffer) => {
    came += chunk.length;
  });
  await once(
    stuck.resume().on('error', () => {}),
    'close',
  );
  assert.ok(came < 20_000_000, `${came} bytes`);
  await stop();
});

test('a Unix socket is as that of `listen`: its file has a mode, is put in place of a dead one, and is taken away', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-'));
  const path = join(folder, 'web');
  const peers: string[] = [];
  const again = async (): Promise<void> => {
    const { stop } = await served(
      (bytes, { peer, local }) => {
        peers.push(peer, local);
        return shout(bytes, undefined as never);
      },
      { path, mode: 0o640 },
    );
    assert.is(statSync(path).mode & 0o777, 0o640);
    const ann = connect(path);
    ann.write(upgrade());
    await once(ann, 'data');
    await until(() => peers.length > 0);
    ann.destroy();
    await stop();
  };
  await again();
  assert.equal(peers, [path, path]);
  assert.not(existsSync(path));
  // One that a dead process has left: bound, and nobody listens.
  const dead = createNetServer().listen(join(folder, 'dead'));
  await once(dead, 'listening');
  linkSync(join(folder, 'dead'), path);
  dead.close();
  await again();
  rmSync(folder, { recursive: true });
});

test('who is refused and keeps its side open is gone all the same', async () => {
  const { port, stop } = await served(shout, { port: 0, at: '/chat' });
  const stays = connect({ port, allowHalfOpen: true });
  stays.write(
    'GET /other HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n' +
      'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await once(stays.resume(), 'end');
  const lost = once(stays, 'error') as Promise<readonly NodeJS.ErrnoException[]>;
  // What comes to a socket that is gone is answered by a reset; to one that is only half closed, by nothing.
  const more = setInterval(() => stays.write('more'), 20);
  assert.match((await lost)[0]?.code ?? '', /^(ECONNRESET|EPIPE)$/);
  clearInterval(more);
  await stop();
});

test('of several at one server each path is for one, and what nobody wants is refused once', async () => {
  const http = createServer().listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  const one = await served(shout, { server: http, at: '/one' });
  const two = await served(shout, { server: http, at: '/two' });
  assert.is(await asks(port, '', '/three'), 'HTTP/1.1 404 Not Found');
  assert.is(await asks(port, '', '/two'), 'HTTP/1.1 101 Switching Protocols');
  assert.equal([...one.events, ...two.events].map(reasonOf), ['other-path']);
  for (const options of [{ server: http, at: '/one' }, { server: http }]) {
    const failure: unknown = await lastValueFrom(listenWebSocket(options)).catch((error: unknown) => error);
    assert.is((failure as ListenFailed).code, 'EADDRINUSE');
  }
  await two.stop();
  const again = await served(shout, { server: http, at: '/two' });
  await Promise.all([one.stop(), again.stop()]);
  http.close();
  http.closeAllConnections();
});

test('who asks for nothing is cut off after the handshake timeout', async () => {
  const { port, stop } = await served(shout, { port: 0, handshakeTimeout: 300 });
  const idle = connect(port);
  idle.write('GET / HTTP/1.1\r\n');
  const since = performance.now();
  await once(idle.resume(), 'close');
  assert.ok(performance.now() - since < 5_000);
  await stop();
});

test('a page and a WebSocket are on one port; or both at a server that there is', async () => {
  const own = await served(shout, { port: 0, onRequest: (_, response) => response.end('a page') });
  assert.is(await (await fetch(`http://127.0.0.1:${own.port}`)).text(), 'a page');
  await own.stop();

  const http = createServer((_, response) => response.end('theirs')).listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  const one = await served(shout, { server: http, at: '/one' });
  const two = await served(() => of(Buffer.from('two')), { server: http, at: '/two' });
  const ann = await dialled(url(port, '/one'), []);
  const said = heard(ann);
  ann.send('hi\n');
  await until(() => said.text() === 'HI\n');
  const { text, closed } = heard(knock(url(port, '/two'), []));
  await closed;
  assert.is(text(), 'two');
  assert.is(await (await fetch(`http://127.0.0.1:${port}`)).text(), 'theirs');
  ann.close();
  await Promise.all([one.stop(), two.stop()]);
  assert.is(http.listenerCount('upgrade'), 0, 'nothing is left at the server');
  http.close();
  http.closeAllConnections();
});

test('connections wait unread while a consumer is busy, and too many are refused', async () => {
  const open = new Subject<void>();
  const taken: Connection[] = [];
  const events: ListenEvent[] = [];
  let port = 0;
  const subscription = listenWebSocket({
    port: 0,
    maxWaiting: 1,
    onEvent: (event) => events.push(event),
    onListening: (address) => {
      port = address.port as number;
    },
  })
    .pipe(
      mapAsync(1, (connection: Connection) => {
        taken.push(connection);
        return firstValueFrom(open);
      }),
    )
    .subscribe();
  await until(() => port > 0);
  const sockets: WebSocket[] = [];
  for (let count = 0; count < 40 && events.length === 0; count++) {
    // One after the other.
    // oxlint-disable-next-line no-await-in-loop
    await dialled(url(port), []).then(
      (socket) => sockets.push(socket),
      () => {},
    );
  }
  assert.equal(events.map(reasonOf), ['too-many-waiting']);
  assert.is(taken.length, 1);
  subscription.unsubscribe();
  for (const connection of taken) connection.abort();
  for (const socket of sockets) socket.terminate();
});

test('a peer that never reads is not read from; one that floods is read as fast as it is handled', async () => {
  const allGone = assertNoLeaks();
  let handled = 0;
  const { port, ends, stop } = await served(
    (bytes, connection) =>
      merge(
        bytes.pipe(
          map((chunk) => {
            handled += chunk.length;
            return connection.statistics.buffered < 10_000 * KB ? chunk : Buffer.alloc(0);
          }),
        ),
      ),
    { port: 0, writeDeadline: 1_000 },
  );
  const stuck = await dialled(url(port), []);
  stuck.pause();
  const chunk = Buffer.alloc(64 * KB);
  const flood = (): void => {
    while (stuck.readyState === stuck.OPEN && stuck.bufferedAmount < 1_000 * KB) stuck.send(chunk);
    if (stuck.readyState === stuck.OPEN) setTimeout(flood, 5);
  };
  flood();
  const well = await dialled(url(port), []);
  const { text } = heard(well);
  well.send('are you well?');
  await until(() => text() === 'are you well?');
  await until(() => ends.length === 1, 8_000);
  assert.equal(ends, ['WriteStalled']);
  assert.ok(handled < 32_000 * KB, `${handled} bytes were taken from it`);
  stuck.terminate();
  well.close();
  await stop();
  await allGone();
});

test("dials a server of anybody's, and fails by name where there is none", async () => {
  const { url: where, first, http } = await plainServer();
  const handled = lastValueFrom(
    dialWebSocket(where, { headers: { 'x-who': 'ann' } }).pipe(
      serve((bytes) => concat(of(Buffer.from('hi')), bytes.pipe(ignoreElements()))),
    ),
  );
  const peer = await first;
  const { text } = heard(peer);
  await until(() => text() === 'hi');
  peer.close(1000);
  assert.is(ended(await handled), 'finished');
  http.close();

  const failure = async (dial: ReturnType<typeof dialWebSocket>): Promise<string> => {
    try {
      await lastValueFrom(dial);
      return 'connected';
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.match(await failure(dialWebSocket('ws://127.0.0.1:1')), /127\.0\.0\.1:1.*ECONNREFUSED/);
  const told = await failure(dialWebSocket('ws://ann:secret@127.0.0.1:1/chat?token=secret'));
  assert.is(told, 'cannot connect to ws://127.0.0.1:1/chat: ECONNREFUSED');
  const plain = createServer((_, response) => response.end('no')).listen(0, '127.0.0.1');
  await once(plain, 'listening');
  const { port } = plain.address() as AddressInfo;
  assert.match(await failure(dialWebSocket(url(port))), /Unexpected server response: 200|ws:/);
  plain.removeAllListeners('request').on('request', () => {});
  assert.match(await failure(dialWebSocket(url(port), { connectTimeout: 100 })), /100 ms/);
  plain.close();
  plain.closeAllConnections();
});

test('over TLS: a server of HTTPS that there is, and each side knows what is spoken, and with whom', async () => {
  const root = certify({ name: 'a root' });
  const own = certify({ name: 'localhost', hosts: ['localhost', '127.0.0.1'], by: root });
  const https = createHttpsServer({ key: own.key, cert: own.cert }).listen(0, '127.0.0.1');
  await once(https, 'listening');
  const { port } = https.address() as AddressInfo;
  const seen: (string | undefined)[] = [];
  const { ends, stop } = await served(
    (bytes, connection) => {
      seen.push(connection.tls?.protocol);
      return bytes;
    },
    { server: https },
  );
  const connection = await lastValueFrom(dialWebSocket(`wss://127.0.0.1:${port}`, { ca: root.cert }));
  seen.push(connection.tls?.protocol, connection.tls?.certificate?.subject, String(connection.tls?.authorized));
  const half = Buffer.alloc(300_000, 1);
  let echoed = 0;
  connection.reads.subscribe((chunk) => (echoed += chunk.length));
  await lastValueFrom(of(half, half).pipe(connection.writes), { defaultValue: undefined });
  await lastValueFrom(connection.closed, { defaultValue: undefined });
  assert.is(echoed, 600_000);
  assert.equal(seen, ['TLSv1.3', 'TLSv1.3', 'CN=localhost', 'true']);
  await until(() => ends.length === 1);
  assert.equal(ends, ['finished']);
  const stranger: unknown = await lastValueFrom(dialWebSocket(`wss://127.0.0.1:${port}`)).catch(
    (error: unknown) => error,
  );
  assert.match((stranger as Error).message, /^cannot connect to wss:\/\/127\.0\.0\.1:\d+\/: UNABLE_TO_/);
  await stop();
  https.close();
  https.closeAllConnections();
});

test('both ends ours: each side ends by itself', async () => {
  const { port, ends, stop } = await served((bytes) =>
    concat(bytes.pipe(ignoreElements()), of(Buffer.from('after your end'))),
  );
  const connection = await lastValueFrom(dialWebSocket(url(port)));
  const told: string[] = [];
  connection.reads.subscribe((chunk) => told.push(Buffer.from(chunk).toString()));
  await lastValueFrom(of(Buffer.from('question')).pipe(connection.writes), { defaultValue: undefined });
  await lastValueFrom(connection.closed, { defaultValue: undefined });
  await stop();
  assert.equal(told, ['after your end']);
  assert.equal(ends, ['finished']);
});

test('a port that is taken fails the stream, by name', async () => {
  const { port, stop } = await served(shout);
  const second = lastValueFrom(listenWebSocket({ port }));
  await second.then(
    () => assert.unreachable(),
    (error: unknown) => raised(Error, /EADDRINUSE/)(error),
  );
  await stop();
});

test.run();
