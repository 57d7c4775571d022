import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { type Observable, type OperatorFunction, delay, firstValueFrom, from, map, mergeMap, of, toArray } from 'rxjs';
import * as assert from 'uvu/assert';
import { type ReadBuffer, dial, listen, memory } from '../src/index.js';
import { copy, frameLengthPrefixed, mapAsync, prefixLength, serve } from '../operators/index.js';
import { suite } from './kit/suite.js';

const test = suite('readBuffer', undefined, { timeout: 20_000 });

const framed = (payloads: readonly Uint8Array[]): Buffer =>
  Buffer.concat(payloads.flatMap((payload) => [Uint8Array.of(payload.length >> 8, payload.length & 255), payload]));

const digest = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');

/** A server with the shared buffer; how it ends is not its business here. */
const sharing = async (
  handler: OperatorFunction<Uint8Array, Uint8Array>,
  body: (port: number) => Promise<void>,
): Promise<void> => {
  let stop = (): void => {};
  const port = await new Promise<number>((open) => {
    const serving = listen({ port: 0, readBuffer: 'shared', onListening: (address) => open(address.port as number) })
      .pipe(serve(handler))
      .subscribe();
    stop = () => serving.unsubscribe();
  });
  try {
    await body(port);
  } finally {
    stop();
  }
};

/** Sends all of it, in pieces, and gives the digest of the answer. */
const exchange = (port: number, bytes: Uint8Array, piece: number): Promise<string> =>
  new Promise((done, failed) => {
    const socket = connect(port, '127.0.0.1');
    const hash = createHash('sha1');
    socket.on('data', (chunk: Buffer) => hash.update(chunk));
    socket.on('end', () => done(hash.digest('hex')));
    socket.on('error', failed);
    for (let at = 0; at < bytes.length; at += piece) socket.write(bytes.subarray(at, at + piece));
    socket.end();
  });

/** Frames of all sizes, a megabyte of them, the same ones each time. */
const manyFrames = framed(Array.from({ length: 400 }, (_, index) => randomBytes((index * 37) % 5_000)));

const clients = 6;

const eachAnswers = async (handler: OperatorFunction<Uint8Array, Uint8Array>): Promise<void> =>
  sharing(handler, async (port) => {
    const pieces = [1_000, 1_371, 8_192, 65_536, 100_000, manyFrames.length];
    const answers = await Promise.all(pieces.slice(0, clients).map((piece) => exchange(port, manyFrames, piece)));
    assert.equal(
      answers,
      Array.from({ length: clients }, () => digest(manyFrames)),
    );
  });

test('shared: bytes come back as they were, from many connections at once', () => eachAnswers(map((bytes) => bytes)));

test('shared: frames that straddle reads, too', () =>
  eachAnswers((bytes) => bytes.pipe(frameLengthPrefixed(2), prefixLength(2))));

test('shared: and frames that wait in the middle of a chunk for a slow handler, once they are copied', () =>
  eachAnswers((bytes) =>
    bytes.pipe(
      frameLengthPrefixed(2),
      copy(),
      mapAsync(4, (frame) => new Promise<Uint8Array>((done) => setImmediate(done, frame))),
      prefixLength(2),
    ),
  ));

test('shared: a proxy hands on what it reads while its other side is slow', () =>
  sharing(
    (bytes) => bytes,
    (port) =>
      sharing(
        (bytes): Observable<Uint8Array> =>
          dial({ port, readBuffer: 'shared' }).pipe(
            mergeMap((upstream) => {
              bytes.pipe(upstream.writes).subscribe({ error: () => {} });
              return upstream.reads;
            }),
          ),
        async (proxy) => {
          const answers = await Promise.all([1_000, 65_536].map((piece) => exchange(proxy, manyFrames, piece)));
          assert.equal(answers, [digest(manyFrames), digest(manyFrames)]);
        },
      ),
  ));

/** What is left a moment later of what was read. */
const keptOf = async (readBuffer: ReadBuffer, keeping: OperatorFunction<Uint8Array, Uint8Array>): Promise<string[]> => {
  const [near, far] = memory({ readBuffer });
  const read = firstValueFrom(near.reads.pipe(frameLengthPrefixed(2), keeping, toArray()));
  from([framed([Buffer.from('ab'), Buffer.from('cd')])])
    .pipe(far.writes)
    .subscribe();
  of<Uint8Array>().pipe(near.writes).subscribe();
  const kept = (await read).map((frame) => Buffer.from(frame).toString('latin1'));
  far.abort();
  return kept;
};

test('poisoned: who keeps a frame without a copy is found out', async () => {
  assert.equal(await keptOf('poisoned', delay(1)), ['\xdb\xdb', '\xdb\xdb']);
  assert.equal(await keptOf('poisoned', (frames) => frames.pipe(copy(), delay(1))), ['ab', 'cd']);
  assert.equal(await keptOf('fresh', delay(1)), ['ab', 'cd']);
});

test('another one is refused', () => {
  assert.throws(
    () => listen({ port: 0, readBuffer: 'mine' as ReadBuffer }),
    /readBuffer must be .*fresh.*shared.*poisoned.*mine/,
  );
});

test.run();
