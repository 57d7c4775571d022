// A pool and real servers on this machine: framing, pipelining, resets, peers that do not read, and what is left over.
import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import {
  EMPTY,
  type Observable,
  catchError,
  firstValueFrom,
  from,
  lastValueFrom,
  map,
  merge,
  mergeMap,
  of,
  range,
  retry,
  throwError,
  toArray,
} from 'rxjs';
import * as assert from 'uvu/assert';
import {
  type PoolOptions,
  decodeOr,
  encodeWith,
  endLines,
  frameLines,
  pool,
  protocol,
  serve,
} from '../operators/index.js';
import {
  type Connection,
  RequestLost,
  balance,
  fromAsyncIterable,
  json,
  lengthPrefixed,
  line,
  text,
  textWithin,
} from '../src/index.js';
import { assertNoLeaks } from '../src/testing/leaks.js';
import { warnings } from './kit/flow.js';
import { until } from './kit/line-server.js';
import { loopback } from './kit/loopback.js';
import { quiet } from './kit/quiet.js';
import { suite } from './kit/suite.js';

const test = suite('pool over sockets', undefined, { timeout: 10_000 });

const shout = protocol({ name: 'shout', framing: line(), message: text, session: map((said) => said.toUpperCase()) });
const errorName = (error: unknown): string => (error as Error).name;

/** A server that a test answers by hand. */
const rawServer = async (talk: (socket: Socket) => void) => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    talk(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, sockets, close };
};

for (const [depth, max] of [
  [1, 1],
  [1, 4],
  [16, 1],
  [16, 3],
] as const) {
  test(`2,000 requests over ${max} connections, ${depth} deep: every answer, in order`, async () => {
    const allGone = assertNoLeaks();
    const server = await loopback(serve(shout));
    const words = pool({ port: server.port, depth, max, protocol: shout.options });
    async function* requests(): AsyncGenerator<string> {
      for (let number = 0; number < 2_000; number++) yield `word ${number}`;
    }
    const answers = await lastValueFrom(fromAsyncIterable(requests()).pipe(words.ask(), toArray()));
    assert.equal(
      answers,
      Array.from({ length: 2_000 }, (_, number) => `WORD ${number}`),
    );
    const { made, answered, lost } = words.statistics;
    assert.equal([answered, lost], [2_000, 0]);
    assert.ok(made <= max);
    assert.equal(await words.drain(1_000).then(({ finished, cut }) => [finished, cut]), [0, 0]);
    await server.stop();
    await allGone();
  });
}

test('the requests of one turn leave in one write', async () => {
  const server = await loopback(serve(shout));
  const words = pool({ port: server.port, depth: 100, max: 1, protocol: shout.options });
  await firstValueFrom(
    words.use(({ connection, ask }) =>
      from(Array.from({ length: 50 }, () => 'hello')).pipe(
        mergeMap((word) => ask(word)),
        toArray(),
        map(() => {
          assert.is(connection.statistics.writes, 1);
        }),
      ),
    ),
  );
  words.close();
  await server.stop();
});

test('many streams at once, each with its own answers', async () => {
  const allGone = assertNoLeaks();
  const server = await loopback(serve(shout));
  const words = pool({ port: server.port, depth: 4, max: 3, waiting: 0, protocol: shout.options });
  const all = await Promise.all(
    Array.from({ length: 40 }, (_, stream) =>
      lastValueFrom(
        range(50).pipe(
          map((number) => `${stream} of ${number}`),
          words.ask(),
          toArray(),
        ),
      ),
    ),
  );
  for (const [stream, answers] of all.entries()) {
    assert.equal(
      answers,
      Array.from({ length: 50 }, (_, number) => `${stream} OF ${number}`),
    );
  }
  words.close();
  await server.stop();
  await allGone();
});

test('a server that resets in the middle: what was sent is lost, and the next request has a new connection', async () => {
  const allGone = assertNoLeaks();
  let count = 0;
  const server = await rawServer((socket) =>
    socket.on('data', (bytes) => {
      if (++count === 2) socket.resetAndDestroy();
      else socket.write(bytes);
    }),
  );
  const words = pool({ port: server.port, max: 1, reconnect: { initial: 1 }, protocol: shout.options });
  assert.is(await firstValueFrom(words.ask('one')), 'one');
  const lost = await firstValueFrom(words.ask('two')).catch((error: unknown) => error);
  assert.instance(lost, RequestLost);
  assert.is(errorName((lost as RequestLost).cause), 'ConnectionReset');
  assert.is(await firstValueFrom(words.ask('three')), 'three');
  assert.equal([words.statistics.made, words.statistics.lost], [2, 1]);
  words.close();
  server.close();
  await allGone();
});

test('a server that ends connections after each answer: every request has one, and none is lost', async () => {
  const server = await rawServer((socket) => socket.on('data', (bytes) => socket.end(bytes)));
  const words = pool({ port: server.port, max: 2, protocol: shout.options });
  for (const word of ['one', 'two', 'three']) {
    // One after another is the point.
    // oxlint-disable-next-line no-await-in-loop
    assert.is(await firstValueFrom(words.ask(word).pipe(retry(3))), word);
  }
  assert.is(words.statistics.answered, 3);
  words.close();
  server.close();
});

test('an answer that is none ends the connection, and is why the request failed', async () => {
  const server = await rawServer((socket) => socket.on('data', () => socket.write('{"a":\n')));
  const asks = pool({ port: server.port, protocol: { framing: line(), message: json } });
  const lost = (await firstValueFrom(asks.ask({ b: 1 })).catch((error: unknown) => error)) as RequestLost;
  assert.instance(lost, RequestLost);
  assert.is(errorName(lost.cause), 'InvalidMessage');
  asks.close();
  server.close();
});

test('a request that has no bytes fails by itself, and no connection is touched', async () => {
  const server = await loopback(serve(shout));
  const words = pool({ port: server.port, protocol: { framing: line(), message: textWithin({ maxBytes: 5 }) } });
  const tooMuch = await firstValueFrom(words.ask('too much')).catch((error: unknown) => error);
  assert.instance(tooMuch, RangeError);
  assert.is(words.statistics.made, 0);
  assert.is(await firstValueFrom(words.ask('a')), 'A');
  const answers = await lastValueFrom(
    of('b', 'too much').pipe(
      words.ask(),
      catchError((error: unknown) => of(errorName(error))),
      toArray(),
    ),
  );
  assert.is(answers.at(-1), 'RangeError');
  assert.is(words.statistics.lost, 0);
  words.close();
  await server.stop();
});

test('nobody there: AcquireTimeout, with the reason', async () => {
  const server = await rawServer(() => {});
  server.close();
  const nobody = pool({ port: server.port, acquire: 250, reconnect: { initial: 5, max: 10 }, protocol: shout.options });
  const failure = (await firstValueFrom(nobody.ask('a')).catch((error: unknown) => error)) as Error;
  assert.is(failure.name, 'AcquireTimeout');
  assert.match(
    failure.message,
    /^no connection within 250 ms from 127\.0\.0\.1:\d+: 0 of 8 open, 0 busy, \d being dialled, 1 waiting$/,
  );
  assert.is(errorName(failure.cause), 'DialFailed');
  assert.ok(nobody.statistics.failed > 0);
  nobody.close();
});

test('requests and answers larger than all buffers, pipelined: neither side waits for the other for ever', async () => {
  const told = warnings();
  const big = lengthPrefixed(4);
  const server = await loopback(serve((bytes) => bytes));
  const echo = pool({ port: server.port, max: 1, depth: 64, protocol: { framing: big, message: text } });
  const word = 'x'.repeat(256 * 1024);
  const sizes = await lastValueFrom(
    fromAsyncIterable(Array.from({ length: 64 }, () => word)).pipe(
      echo.ask(),
      map(({ length }) => length),
      toArray(),
    ),
  );
  assert.equal(
    sizes,
    Array.from({ length: 64 }, () => word.length),
  );
  assert.equal(told.codes, []);
  told.stop();
  echo.close();
  await server.stop();
});

test('a server that does not read: the source rests, and what is held stays small', async () => {
  const server = await rawServer((socket) => socket.pause());
  const sink = pool({
    port: server.port,
    max: 1,
    depth: 10_000,
    protocol: { framing: lengthPrefixed(4), message: text },
  });
  let made = 0;
  function* words(): Generator<string> {
    for (; made < 5_000; made++) yield 'x'.repeat(64 * 1024);
  }
  const asking = fromAsyncIterable(words())
    .pipe(sink.ask())
    .subscribe({ error: () => {} });
  // More is taken until all buffers are full.
  assert.ok((await quiet(() => made)) > 0);
  // Two systems' buffers for a socket hold some MiB.
  assert.ok(made < 500, `${made} requests of 64 KiB were taken`);
  asking.unsubscribe();
  sink.close();
  server.close();
});

/** Answers with the lengths of what the server says: an operator from requests to answers, for a connection. */
const lengths =
  ({ reads, writes }: Connection) =>
  (requests: Observable<string>): Observable<number> =>
    merge(
      requests.pipe(encodeWith(text), endLines(), writes),
      reads.pipe(
        frameLines(),
        map(({ length: size }) => size),
      ),
    );

test('an operator of one’s own in place of a protocol', async () => {
  const allGone = assertNoLeaks();
  const server = await loopback(serve(shout));
  const own = pool({ port: server.port, depth: 5, protocol: lengths });
  assert.equal(await lastValueFrom(of('a', 'bcd', '').pipe(own.ask(), toArray())), [1, 3, 0]);
  own.close();
  await server.stop();
  await allGone();
});

test('an operator of one’s own: an end of the server’s is one of the connection', async () => {
  const server = await rawServer((socket) => socket.on('data', (bytes) => socket.end(bytes)));
  const own = pool({ port: server.port, max: 1, protocol: lengths });
  for (const [word, length] of [
    ['one', 3],
    ['three', 5],
  ] as const) {
    // oxlint-disable-next-line no-await-in-loop
    assert.is(await firstValueFrom(own.ask(word).pipe(retry(3))), length);
  }
  own.close();
  server.close();
});

test('an operator of one’s own that throws, or ends at once, is a connection that is lost, and none is left open', async () => {
  const allGone = assertNoLeaks();
  const server = await loopback(serve(shout));
  const failing: readonly PoolOptions<string, number>['protocol'][] = [
    () => {
      throw new Error('no');
    },
    () => () => EMPTY,
    () => () => throwError(() => new Error('no')),
  ];
  for (const protocolOfOne of failing) {
    const own = pool({ port: server.port, acquire: 250, reconnect: { initial: 5 }, protocol: protocolOfOne });
    // oxlint-disable-next-line no-await-in-loop
    assert.is(await firstValueFrom(own.ask('a')).catch(errorName), 'AcquireTimeout');
    assert.ok(own.statistics.lost > 0);
    // oxlint-disable-next-line no-await-in-loop
    await own.drain(0);
  }
  await server.stop();
  await allGone();
});

test('a pool over a balancer: what fails to dial is tried elsewhere', async () => {
  const allGone = assertNoLeaks();
  const servers = await Promise.all([0, 1, 2].map(() => loopback(serve(shout))));
  await servers[0]?.stop();
  const upstream = balance(servers.map(({ port }) => ({ port })));
  const words = pool({ dial: upstream.dial(), max: 6, protocol: shout.options });
  const answers = await Promise.all(Array.from({ length: 6 }, (_, number) => firstValueFrom(words.ask(`w${number}`))));
  assert.equal(answers, ['W0', 'W1', 'W2', 'W3', 'W4', 'W5']);
  await until(() => words.statistics.dialling === 0);
  const [gone, one, other] = upstream.targets.map(({ open }) => open);
  assert.is(gone, 0);
  assert.is((one ?? 0) + (other ?? 0), 6);
  assert.ok((one ?? 0) > 0 && (other ?? 0) > 0);
  await words.drain(1_000);
  assert.is(
    upstream.targets.reduce((sum, { open }) => sum + open, 0),
    0,
  );
  upstream.close();
  for (const server of servers.slice(1)) await server.stop();
  await allGone();
});

test('in a handler: what one client asks waits for nobody’s slow reader', async () => {
  const far = await loopback(serve(shout));
  const words = pool({ port: far.port, max: 1, depth: 8, protocol: shout.options });
  const near = await loopback(
    serve((bytes) => bytes.pipe(frameLines(), decodeOr(text, 'end'), words.ask(), encodeWith(text), endLines())),
  );
  const slow = await near.dial();
  const line64k = 'y'.repeat(60_000);
  for (let lines = 0; lines < 400; lines++) slow.send(`${line64k}\n`);
  const quick = await near.dial();
  quick.read();
  for (const word of ['one', 'two', 'three']) {
    quick.send(`${word}\n`);
    // oxlint-disable-next-line no-await-in-loop
    await quick.heard(quick.text.length + word.length + 1);
  }
  assert.is(quick.text, 'ONE\nTWO\nTHREE\n');
  assert.ok(words.statistics.answered < 400, 'the one that does not read is not asked for either');
  slow.reset();
  quick.end();
  await near.stop();
  words.close();
  await far.stop();
});

test.run();
