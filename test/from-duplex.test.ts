import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { NEVER, concat, lastValueFrom, map, of, pipe, takeWhile, tap } from 'rxjs';
import * as assert from 'uvu/assert';
import { ConnectionReset, fromDuplex, memory } from '../src/index.js';
import { frameLengthPrefixed, prefixLength } from '../operators/index.js';
import { duplexPair } from './kit/duplex-pair.js';
import { assertNoLeaks } from '../src/testing/leaks.js';
import { raised } from './kit/raised.js';
import { suite } from './kit/suite.js';

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

const refused: readonly [string, () => unknown, RegExp][] = [
  ['nothing', () => undefined, /got no stream$/],
  ['no stream', () => ({}), /got no stream$/],
  ['a stream of objects', () => new PassThrough({ objectMode: true }), /got one of objects$/],
  ['a stream of text', () => new PassThrough({ encoding: 'utf8' }), /got one of utf8 text$/],
  ['a stream that is over', () => new PassThrough().destroy(), /got one that is over, or has one side only$/],
  ['half a stream', () => Duplex.from(new PassThrough().end()).end(), /got one that is over, or has one side only$/],
];

for (const [what, make, message] of refused) {
  test(`refuses ${what}`, () => {
    assert.throws(() => fromDuplex(make() as Duplex), raised(TypeError, message));
  });
}

test('checks its options, and so does memory', () => {
  const any = (value: unknown): never => value as never;
  const [stream] = duplexPair();
  assert.throws(
    () => fromDuplex(stream, { peer: '' }),
    raised(TypeError, /^peer must be a text that is not empty, got ""$/),
  );
  assert.throws(
    () => fromDuplex(stream, { local: any(1) }),
    raised(TypeError, /^local must be a text that is not empty, got 1$/),
  );
  assert.throws(
    () => fromDuplex(stream, { halfClose: 0 }),
    raised(RangeError, /^halfClose must be a time from 1 to \d+ ms, got 0$/),
  );
  assert.throws(
    () => memory({ window: 0 }),
    raised(RangeError, /^window must be a whole number from 1 to \d+, got 0$/),
  );
  assert.throws(() => memory({ later: any('soon') }), raised(TypeError, /^later must be a function, got "soon"$/));
  assert.throws(() => memory({ names: any(['a']) }), raised(TypeError, /^names must be two texts$/));
  assert.throws(
    () => memory({ writeLimit: 0 }),
    raised(RangeError, /^writeLimit must be a whole number from 1 to \d+, got 0$/),
  );
});

test('a stream that somebody else ends, or that fails, fails with what is known of it', async () => {
  const [stream, end] = duplexPair();
  end.on('error', () => {});
  const connection = fromDuplex(stream);
  const failure = lastValueFrom(NEVER.pipe(connection.writes)).catch((error: unknown) => error);
  stream.end();
  assert.is(((await failure) as ConnectionReset).code, 'EPIPE');

  for (const [cause, code] of [
    [Object.assign(new Error('unplugged'), { code: 'EIO' }), 'EIO'],
    [new Error('unplugged'), undefined],
    [
      Object.defineProperty(new Error('secret'), 'code', {
        get: () => {
          throw new Error('do not look');
        },
      }),
      undefined,
    ],
  ] as const) {
    const [other, otherEnd] = duplexPair();
    otherEnd.on('error', () => {});
    const reading = lastValueFrom(fromDuplex(other).reads).catch((error: unknown) => error);
    other.destroy(cause);
    const error = (await reading) as ConnectionReset;
    assert.instance(error, ConnectionReset);
    assert.is(error.code, code);
    assert.is(error.cause, cause);
  }
});

test('a socket under TLS is never reset, for that is not possible', async () => {
  const gone = assertNoLeaks();
  const server = createServer((peer) => peer.on('error', () => {}).resume()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  const connection = fromDuplex(new TLSSocket(socket));
  connection.abort();
  await lastValueFrom(connection.closed, { defaultValue: undefined });
  socket.destroy();
  server.close();
  await gone();
});

test('an answer that comes in the midst of a write is not lost', async () => {
  const [near, far] = duplexPair();
  far.allowHalfOpen = true;
  const [a, b] = [fromDuplex(near), fromDuplex(far)];
  const oneLess = pipe(
    map(([left]: Uint8Array) => Uint8Array.of((left as number) - 1)),
    prefixLength(2),
  );
  b.reads.pipe(frameLengthPrefixed(2), oneLess, b.writes).subscribe({ error: () => {} });

  const heard: number[] = [];
  const counting = a.reads.pipe(
    frameLengthPrefixed(2),
    tap(([left]) => heard.push(left as number)),
    takeWhile(([left]) => left !== 100),
    oneLess,
  );
  await lastValueFrom(concat(of(Uint8Array.of(0, 1, 201)), counting).pipe(a.writes), { defaultValue: undefined });
  assert.equal(
    heard,
    Array.from({ length: 51 }, (_, index) => 200 - 2 * index),
  );
});

test.run();
