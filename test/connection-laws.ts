import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import {
  BehaviorSubject,
  EMPTY,
  NEVER,
  type Observable,
  Subject,
  concat,
  concatMap,
  finalize,
  from,
  ignoreElements,
  lastValueFrom,
  map,
  merge,
  mergeMap,
  of,
  take,
  throwError,
  timer,
  toArray,
} from 'rxjs';
import * as assert from 'uvu/assert';
import { pauseWhile } from '../operators/pause-while.js';
import { Consumer } from '../src/flow/consumer.js';
import { urgently } from '../src/flow/scope.js';
import { type Connection, type ConnectionOptions, fromAsyncIterable } from '../src/index.js';
import { ManualClock } from './kit/manual-clock.js';
import type { Over, Peer } from './kit/peer.js';
import { quiet, rounds } from './kit/quiet.js';
import { raised } from './kit/raised.js';
import { suite } from './kit/suite.js';

/** A way to carry bytes, with what a test needs to know of it. */
export interface Transport {
  readonly name: string;
  /** A connection of ours, and its peer. */
  readonly open: (options?: ConnectionOptions) => Promise<{ readonly near: Connection; readonly far: Peer }>;
  /** What the peer sees of `abort()`: a reset, where there is such a thing. */
  readonly seesAbort: Over;
  /** What the peer sees when we are gone and have not read all that it sent. */
  readonly seesUnread: Over;
  /** What the peer sees when we are gone in the midst of writing, all read (default: an end, as of one who has said all). */
  readonly seesGone?: Over;
  /** How a peer that goes without a word may be seen by who reads (default: as one that has ended). */
  readonly leaving?: readonly string[];
  /** Fails unless all that `open` made is gone again. Called after every law. */
  readonly close: () => Promise<void>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const plain = (chunk: Uint8Array): string => Buffer.from(chunk).toString('latin1');
const hash = (data: Uint8Array | string): string =>
  createHash('sha1')
    .update(typeof data === 'string' ? Buffer.from(data, 'latin1') : data)
    .digest('hex');

/** All that a stream did, in order, as it goes on: values as text, then `|`, or the tag of its error. */
const record = (stream: Observable<Uint8Array>): { readonly seen: string[]; readonly over: Promise<void> } => {
  const seen: string[] = [];
  const over = new Promise<void>((done) => {
    stream.subscribe({
      next: (chunk) => seen.push(plain(chunk)),
      error: (error: { readonly _tag?: string; readonly message: string }) => {
        seen.push(`#${error._tag ?? error.message}`);
        done();
      },
      complete: () => {
        seen.push('|');
        done();
      },
    });
  });
  return { seen, over };
};

const gone = (connection: Connection): Promise<unknown> => lastValueFrom(connection.closed, { defaultValue: null });

/** Chunks without end, or `count` of them, that can be paused: pulled one by one. */
const pulled = (size: number, count = Infinity): Observable<Uint8Array> =>
  fromAsyncIterable(
    (async function* () {
      for (let made = 0; made < count; made++) yield new Uint8Array(size).fill(made);
    })(),
  );

const KB = 1024;
const MB = 1024 * KB;

/** The laws of a connection, each once, for any transport. */
export const connectionLaws = ({
  name,
  open,
  seesAbort,
  seesUnread,
  seesGone = 'end',
  leaving = ['|'],
  close,
}: Transport): void => {
  const laws = suite(name);
  const law = (title: string, body: () => Promise<void>): void =>
    laws(title, async () => {
      await body();
      await close();
    });

  // ── what comes in ─────────────────────────────────────────────────────────────────────────────────────────────────

  law('the first bytes are not lost, however late somebody reads', async () => {
    const { near, far } = await open();
    far.send('hello');
    far.end();
    await rounds();
    const { seen, over } = record(near.reads);
    await over;
    assert.is(seen.join(''), 'hello|');
    await gone(near);
  });

  law('nor when this side has ended meanwhile', async () => {
    const { near, far } = await open();
    far.read().send('hello');
    near.end();
    assert.is(await far.over, 'end');
    far.end();
    await rounds();
    const { seen, over } = record(near.reads);
    await over;
    assert.is(seen.join(''), 'hello|');
    await gone(near);
  });

  law('what was not read is there for the next who reads', async () => {
    const { near, far } = await open();
    const writing = record(NEVER.pipe(near.writes));
    far.send('one');
    assert.is(plain(await lastValueFrom(near.reads.pipe(take(1)))), 'one');
    far.send('two');
    await rounds();
    assert.is(plain(await lastValueFrom(near.reads.pipe(take(1)))), 'two');
    near.abort();
    await writing.over;
    await gone(near);
  });

  law('reads has one subscriber at a time, and says so to a second', async () => {
    const { near, far } = await open();
    const first = record(near.reads);
    const second = record(near.reads);
    far.send('a');
    far.end();
    await first.over;
    assert.equal(first.seen, ['a', '|']);
    assert.equal(second.seen, [`#reads of connection ${near.id} has a subscriber already`]);
    await gone(near);
  });

  law('a source that is paused stops reading: the peer is slowed, and nothing is lost', async () => {
    const { near, far } = await open();
    const consumer = new Consumer('a slow one', 1);
    let chunks = 0;
    let size = 0;
    const digest = createHash('sha1');
    const done = new Promise<void>((complete) => {
      consumer.subscribe(() =>
        near.reads.subscribe({
          next: (chunk) => {
            size += chunk.length;
            digest.update(chunk);
            if (++chunks < 10) consumer.valve.close();
          },
          complete,
        }),
      );
    });
    const block = new Uint8Array(16 * KB).map((_, at) => at * 31 + (at >> 8));
    const expected = createHash('sha1');
    for (let sent = 0; sent < 12 * MB; sent += block.length) {
      far.send(block);
      expected.update(block);
    }
    far.end();
    const took = await quiet(() => far.sent);
    assert.ok(took < 10 * MB, `the peer got rid of ${took} bytes`);
    assert.ok(size <= 64 * KB, `${size} bytes came through a closed valve`);
    assert.is(near.statistics.bytesIn, size);
    for (let openings = 0; openings < 10; openings++) {
      consumer.valve.open();
      await rounds(1);
    }
    await done;
    assert.is(size, 12 * MB);
    assert.is(digest.digest('hex'), expected.digest('hex'));
    await gone(near);
  });

  law('two sources of one slow consumer rest together, and neither loses anything', async () => {
    const pairs = [await open(), await open()];
    const consumer = new Consumer('a slow one', 1);
    const heard = pairs.map(() => '');
    const ended: number[] = [];
    for (const [index, { near }] of pairs.entries()) {
      consumer.subscribe(() =>
        near.reads.subscribe({
          next: (chunk) => {
            heard[index] += plain(chunk);
            consumer.valve.close();
          },
          complete: () => ended.push(index),
        }),
      );
    }
    const said = Array.from({ length: 100 }, (_, index) => String(index).padStart(1_000, '.'));
    for (const part of said) for (const { far } of pairs) far.send(part);
    for (const { far } of pairs) far.end();
    while (ended.length < 2) {
      await rounds(1);
      consumer.valve.open();
    }
    for (const text of heard) assert.is(text, said.join(''));
    for (const { near } of pairs) await gone(near);
  });

  law('nothing is emitted after the end, nor after unsubscribing', async () => {
    const { near, far } = await open();
    for (let sent = 0; sent < 50; sent++) far.send(new Uint8Array(2 * KB));
    const events: string[] = [];
    const reading = near.reads.subscribe({
      next: () => {
        events.push('next');
        if (events.length === 2) near.abort();
      },
      error: () => events.push('error'),
      complete: () => events.push('complete'),
    });
    await gone(near);
    await rounds();
    assert.equal(events, ['next', 'next', 'error']);
    reading.unsubscribe();

    const other = await open();
    for (let sent = 0; sent < 50; sent++) other.far.send(new Uint8Array(2 * KB));
    let came = 0;
    const stopped = other.near.reads.subscribe(() => {
      if (++came === 2) stopped.unsubscribe();
    });
    await gone(other.near);
    await rounds();
    assert.is(came, 2);
  });

  // ── what goes out ─────────────────────────────────────────────────────────────────────────────────────────────────

  law('a half-close is served to the end of slow answers', async () => {
    const { near, far } = await open();
    const outcome = record(
      near.reads.pipe(
        mergeMap((chunk) => from(chunk)),
        concatMap((byte) => timer(2).pipe(map(() => Uint8Array.of(byte, 0x2e)))),
        near.writes,
      ),
    );
    far.read().send('abc');
    far.end();
    assert.is(await far.over, 'end');
    assert.is(far.text, 'a.b.c.');
    await outcome.over;
    assert.equal(outcome.seen, ['|']);
    await gone(near);
  });

  law('what is written after reading to the end is sent', async () => {
    const { near, far } = await open();
    far.read().send('abc');
    far.end();
    const all = await lastValueFrom(near.reads.pipe(toArray()));
    const { seen, over } = record(of(bytes(`${all.length > 0}`)).pipe(near.writes));
    await over;
    assert.equal(seen, ['|']);
    assert.is(await far.over, 'end');
    assert.is(far.text, 'true');
    await gone(near);
  });

  law('writes completes when all is flushed and the end is sent, and not before', async () => {
    const { near, far } = await open();
    const { seen, over } = record(pulled(64 * KB, 160).pipe(near.writes));
    await quiet(() => near.statistics.bytesOut);
    assert.equal(seen, []);
    far.read();
    await over;
    assert.is(near.statistics.bytesOut, 10 * MB);
    assert.equal(seen, ['|']);
    assert.is(await far.over, 'end');
    assert.is(far.text.length, 10 * MB);
    far.end();
    near.reads.subscribe();
    await gone(near);
  });

  law('a chunk of 8 MB arrives whole', async () => {
    const { near, far } = await open();
    const large = new Uint8Array(8 * MB).map((_, at) => at * 7 + (at >> 9));
    of(large, bytes('end')).pipe(near.writes).subscribe();
    far.read();
    assert.is(await far.over, 'end');
    assert.is(far.text.length, 8 * MB + 3);
    assert.is(hash(far.text.slice(0, -3)), hash(large));
    assert.is(far.text.slice(-3), 'end');
    far.end();
    near.reads.subscribe();
    await gone(near);
  });

  law('what waits is not changed by what is written after it', async () => {
    const { near, far } = await open();
    const said = new Subject<Uint8Array>();
    said.pipe(near.writes).subscribe();
    const reused = Buffer.from('?');
    for (const pair of ['ab', 'cd', 'ef']) {
      for (const letter of pair) said.next(bytes(letter));
      await rounds(2);
    }
    said.next(reused);
    await rounds(2);
    reused.write('!');
    said.complete();
    assert.is(await far.read().over, 'end');
    assert.is(far.text, 'abcdef?');
    far.end();
    near.reads.subscribe();
    await gone(near);
  });

  law('nor by what is written to others', async () => {
    const { near, far } = await open();
    const other = await open();
    const [said, alsoSaid] = [new Subject<Uint8Array>(), new Subject<Uint8Array>()];
    said.pipe(near.writes).subscribe();
    record(alsoSaid.pipe(other.near.writes));
    let size = 0;
    for (let unread = 0; unread < 3; unread = near.statistics.buffered > 0 ? unread + 1 : 0) {
      for (const letter of [0x61, 0x62]) said.next(new Uint8Array(8 * KB).fill(letter));
      size += 16 * KB;
      await turn();
    }
    for (let more = 0; more < 3; more++) {
      for (const letter of [0x79, 0x7a]) alsoSaid.next(new Uint8Array(8 * KB).fill(letter));
      await turn();
    }
    said.complete();
    assert.is(await far.read().over, 'end');
    assert.is(far.text.length, size);
    assert.is(far.text.search(/[^ab]/), -1);
    other.near.abort();
    far.end();
    near.reads.subscribe();
    await gone(near);
  });

  law('answers given while one chunk is handled leave in one write', async () => {
    const { near, far } = await open();
    near.reads
      .pipe(
        mergeMap((chunk) => from(chunk).pipe(map((letter) => Uint8Array.of(letter, 0x21)))),
        near.writes,
      )
      .subscribe();
    far.read().send('abcdefgh');
    assert.is(await far.heard(16), 'a!b!c!d!e!f!g!h!');
    assert.is(near.statistics.writes, near.statistics.chunksIn);
    far.end();
    await gone(near);
  });

  law('answers given later are gathered to the end of the turn', async () => {
    const { near, far } = await open();
    let go = (): void => {};
    const ready = new Promise<void>((done) => {
      go = done;
    });
    from(Array.from({ length: 32 }, (_, index) => index))
      .pipe(
        mergeMap((index) => ready.then(() => Promise.resolve()).then(() => Uint8Array.of(65 + index))),
        (answers) => merge(answers, NEVER),
        near.writes,
      )
      .subscribe({ error: () => {} });
    far.read();
    go();
    await far.heard(32);
    assert.is(near.statistics.writes, 1);
    assert.is(near.statistics.bytesOut, 32);
    near.abort();
    await gone(near);
  });

  law('what is urgent goes before what is queued, and not into the midst of a chunk', async () => {
    const { near, far } = await open();
    const said = new Subject<Uint8Array>();
    said.pipe(near.writes).subscribe();
    said.next(new Uint8Array(10 * MB).fill(0x2d));
    said.next(bytes('data1'));
    said.next(bytes('data2'));
    urgently(() => said.next(bytes('PING1')));
    await quiet(() => near.statistics.bytesOut);
    assert.ok(near.statistics.bytesOut < 10 * MB, 'the large chunk is under way');
    said.next(bytes('data3'));
    urgently(() => said.next(bytes('PING2')));
    said.complete();
    far.read();
    assert.is(await far.over, 'end');
    assert.is(far.text.slice(10 * MB), 'PING1PING2data1data2data3');
    assert.is(far.text.search(/[^-]/), 10 * MB);
    far.end();
    near.reads.subscribe();
    await gone(near);
  });

  law('a peer that asks and never reads is held to a bound, and closed after the write deadline', async () => {
    const clock = new ManualClock();
    const { near, far } = await open({ scheduler: clock, writeDeadline: 10_000 });
    const { seen, over } = record(pulled(KB).pipe(near.writes));
    await quiet(() => near.statistics.bytesOut);
    assert.ok(near.statistics.buffered <= 72 * KB, `${near.statistics.buffered} bytes are held`);
    // Crumbs do not put it off.
    for (let second = 0; second < 9; second++) {
      clock.advance(1_000);
      far.sip();
      await rounds(2);
    }
    assert.equal(seen, []);
    clock.advance(1_000);
    await over;
    assert.equal(seen, ['#WriteStalled']);
    await gone(near);
    assert.is(near.statistics.buffered, 0);
  });

  law('also one that does not take the last of it', async () => {
    const clock = new ManualClock();
    const { near } = await open({ scheduler: clock, writeDeadline: 10_000, halfClose: 20_000 });
    const said = new Subject<Uint8Array>();
    const { seen, over } = record(said.pipe(near.writes));
    for (let unread = 0; unread < 3; unread = near.statistics.buffered > 0 ? unread + 1 : 0) {
      said.next(new Uint8Array(16 * KB));
      await turn();
    }
    said.complete();
    await rounds();
    clock.advance(10_000);
    await rounds();
    // In memory the last of it has left already; then it is the end that the peer leaves unread.
    clock.advance(10_000);
    await over;
    assert.ok(['#WriteStalled', '|'].includes(seen.join()), seen.join());
    await gone(near);
  });

  law('a source that cannot be paused may go so far, and no further', async () => {
    const { near } = await open({ writeLimit: MB });
    const said = new Subject<Uint8Array>();
    const { seen, over } = record(said.pipe(near.writes));
    for (let sent = 0; sent < 64 * MB && seen.length === 0; sent += 64 * KB) said.next(new Uint8Array(64 * KB));
    await over;
    assert.equal(seen, ['#WriteOverflow']);
    assert.not(said.observed);
    await gone(near);
    assert.is(near.statistics.buffered, 0);
  });

  law('writes is used once, and not after the end', async () => {
    const { near, far } = await open();
    const first = record(EMPTY.pipe(near.writes));
    const second = record(EMPTY.pipe(near.writes));
    await first.over;
    assert.equal(first.seen, ['|']);
    assert.equal(second.seen, [`#writes of connection ${near.id} is in use already`]);
    far.end();
    near.reads.subscribe();
    await gone(near);

    const other = await open();
    other.near.end();
    assert.equal(record(EMPTY.pipe(other.near.writes)).seen, [`#this side of connection ${other.near.id} has ended`]);
    other.far.end();
    other.near.reads.subscribe();
    await gone(other.near);
  });

  law('an empty chunk is nothing', async () => {
    const { near, far } = await open();
    const empty = new Uint8Array(0);
    const { over } = record(of(empty, new Uint8Array(64 * KB + 1), empty, empty).pipe(near.writes));
    far.read();
    await over;
    assert.is(await far.over, 'end');
    assert.is(near.statistics.writes, 2);
    far.end();
    near.reads.subscribe();
    await gone(near);
  });

  law('what is no bytes is an error of that stream', async () => {
    // In a time that stands still: the end is met by the peer's, and not by a deadline.
    const { near, far } = await open({ scheduler: new ManualClock() });
    far.read().send('unread');
    let left = false;
    const wrong = concat(of(bytes('a'), 'b' as unknown as Uint8Array), NEVER).pipe(
      finalize(() => {
        left = true;
      }),
    );
    const { seen, over } = record(wrong.pipe(near.writes));
    await over;
    assert.equal(seen, ['#writes takes bytes (Uint8Array), got string']);
    assert.ok(left, 'its source is left');
    assert.is(await far.over, 'end');
    assert.is(far.text, 'a');
    far.end();
    await gone(near);
  });

  // ── how it ends ───────────────────────────────────────────────────────────────────────────────────────────────────

  law('unsubscribing writes destroys the connection', async () => {
    const { near, far } = await open();
    near.writes(NEVER).subscribe().unsubscribe();
    assert.is(await far.read().over, seesGone);
    await gone(near);
    assert.equal(record(near.reads).seen, ['#ConnectionReset']);

    const unread = await open();
    unread.far.read().send('unread');
    await rounds();
    unread.near.writes(NEVER).subscribe().unsubscribe();
    assert.is(await unread.far.over, seesUnread);
    await gone(unread.near);
  });

  law('also while the last of it is being flushed', async () => {
    for (const ended of [false, true]) {
      const { near } = await open();
      const said = new Subject<Uint8Array>();
      const writing = said.pipe(near.writes).subscribe();
      for (let unread = 0; unread < 3; unread = near.statistics.buffered > 0 ? unread + 1 : 0) {
        said.next(new Uint8Array(16 * KB));
        await turn();
      }
      if (!ended) said.next(new Uint8Array(MB));
      near.end();
      writing.unsubscribe();
      await gone(near);
    }
  });

  law('unsubscribing reads destroys it when nothing is being written, and else does not', async () => {
    const { near, far } = await open();
    near.reads.subscribe().unsubscribe();
    far.read();
    await far.over;
    await gone(near);

    const other = await open();
    const said = new Subject<Uint8Array>();
    const { seen, over } = record(said.pipe(other.near.writes));
    other.near.reads.subscribe().unsubscribe();
    await rounds();
    other.far.read();
    said.next(bytes('still here'));
    assert.is(await other.far.heard(10), 'still here');
    said.complete();
    await over;
    assert.equal(seen, ['|']);
    other.far.end();
    await gone(other.near);
  });

  law('an end, a reset and an abort are told apart', async () => {
    const ended = await open();
    const end = record(ended.near.reads);
    ended.far.end();
    await end.over;
    assert.equal(end.seen, ['|']);
    await gone(ended.near);

    const cut = await open();
    const [reading, writing] = [
      record(cut.near.reads),
      record(merge(of(bytes('unread')), NEVER).pipe(cut.near.writes)),
    ];
    await rounds();
    cut.far.reset();
    await Promise.all([reading.over, writing.over]);
    assert.equal(reading.seen, ['#ConnectionReset']);
    assert.equal(writing.seen, ['#ConnectionReset']);
    await gone(cut.near);

    const left = await open();
    const both = [record(left.near.reads), record(NEVER.pipe(left.near.writes))] as const;
    left.far.read();
    left.near.abort();
    left.near.abort();
    assert.equal(
      both.map(({ seen }) => seen),
      [['#ConnectionAborted'], ['#ConnectionAborted']],
    );
    assert.is(await left.far.over, seesAbort);
    await gone(left.near);
    assert.equal(record(left.near.reads).seen, ['#ConnectionAborted']);
    assert.equal(record(EMPTY.pipe(left.near.writes)).seen, ['#ConnectionAborted']);
  });

  law('to write to one who has gone is to be reset', async () => {
    const { near, far } = await open();
    const said = new Subject<Uint8Array>();
    const reading = record(near.reads);
    const writing = record(said.pipe(near.writes));
    await rounds();
    far.leave();
    await reading.over;
    assert.ok(leaving.includes(reading.seen.join()), reading.seen.join());
    while (writing.seen.length === 0) {
      said.next(bytes('hello?'));
      await rounds(1);
    }
    // Where the reading has failed, so has all.
    assert.equal(writing.seen, reading.seen[0] === '|' ? ['#ConnectionReset'] : reading.seen);
    await gone(near);
  });

  law('abort does not wait for a peer that does not read', async () => {
    const { near } = await open();
    const { seen } = record(pulled(64 * KB).pipe(near.writes));
    await quiet(() => near.statistics.bytesOut);
    near.abort();
    assert.equal(seen, ['#ConnectionAborted']);
    await gone(near);
  });

  law('abort is heeded also while the end is being sent', async () => {
    for (const written of [0, 1, 16 * MB]) {
      const { near, far } = await open();
      const { seen } = record(merge(of(new Uint8Array(written)), NEVER).pipe(near.writes));
      await rounds();
      near.end();
      near.abort();
      assert.equal(seen, ['#ConnectionAborted']);
      await far.read().over;
      await gone(near);
    }
  });

  law('end flushes what is written, and the peer may still send', async () => {
    const { near, far } = await open();
    const said = new Subject<Uint8Array>();
    const writing = record(said.pipe(near.writes));
    const reading = record(near.reads);
    said.next(bytes('bye'));
    near.end();
    near.end();
    assert.not(said.observed);
    assert.is(await far.read().over, 'end');
    assert.is(far.text, 'bye');
    await writing.over;
    assert.equal(writing.seen, ['|']);
    far.send('so long');
    far.end();
    await reading.over;
    assert.equal(reading.seen.join(''), 'so long|');
    await gone(near);
  });

  law('an end is answered by an end when nobody writes', async () => {
    const { near, far } = await open();
    near.reads.subscribe();
    far.read().end();
    assert.is(await far.over, 'end');
    await gone(near);
  });

  law('when the program fails, its answers arrive and then the end, whatever the peer still sends', async () => {
    const { near, far } = await open();
    const failing = near.reads.pipe(
      take(1),
      mergeMap(() =>
        concat(
          of(new Uint8Array(200 * KB).fill(0x61)),
          throwError(() => new Error('no more')),
        ),
      ),
    );
    const { seen, over } = record(failing.pipe(near.writes));
    for (let sent = 0; sent < 6 * MB; sent += 64 * KB) far.send(new Uint8Array(64 * KB));
    await over;
    assert.equal(seen, ['#no more']);
    await rounds();
    assert.is(await far.read().over, 'end');
    assert.is(far.text.length, 200 * KB);
    far.end();
    await gone(near);
  });

  law('a peer that does not end after that has a second', async () => {
    const clock = new ManualClock();
    const { near, far } = await open({ scheduler: clock });
    record(throwError(() => new Error('no')).pipe(near.writes));
    assert.is(await far.read().over, 'end');
    await rounds();
    clock.advance(999);
    await rounds();
    far.send('I am still here');
    await rounds();
    let closed = false;
    near.closed.subscribe({
      complete: () => {
        closed = true;
      },
    });
    assert.not(closed);
    clock.advance(2);
    await gone(near);
  });

  law('half closed, it may go on for as long as it gets on', async () => {
    const clock = new ManualClock();
    const { near, far } = await open({ scheduler: clock, halfClose: 10_000 });
    const said = new Subject<Uint8Array>();
    const reading = record(near.reads);
    const writing = record(said.pipe(near.writes));
    far.read().end();
    await reading.over;
    for (let letter = 0; letter < 5; letter++) {
      clock.advance(8_000);
      said.next(bytes('x'));
      await far.heard(letter + 1);
      await rounds(1);
    }
    assert.equal(writing.seen, []);
    clock.advance(20_000);
    await writing.over;
    assert.equal(writing.seen, ['#HalfCloseTimeout']);
    assert.equal(reading.seen, ['|']);
    await gone(near);
  });

  law('and a peer that only goes on sending what nobody reads does not get on', async () => {
    const clock = new ManualClock();
    const { near, far } = await open({ scheduler: clock, halfClose: 10_000 });
    near.reads.pipe(take(1), ignoreElements(), near.writes).subscribe();
    far.read().send('a');
    assert.is(await far.over, 'end');
    await rounds();
    for (let second = 0; second < 9; second++) {
      far.send('more');
      clock.advance(1_000);
      await rounds(2);
    }
    assert.ok(near.statistics.bytesIn > 30, 'it is read, and forgotten');
    clock.advance(1_001);
    await gone(near);
  });

  law("one that is reset before it is read is nobody else's concern", async () => {
    const reset = await open();
    const other = await open();
    reset.far.reset();
    await rounds();
    const { seen, over } = record(reset.near.reads);
    await over;
    assert.ok(['|', '#ConnectionReset'].includes(seen.join()), seen.join());
    await gone(reset.near);
    const later = await open();
    for (const { near, far } of [other, later]) {
      near.reads.pipe(near.writes).subscribe();
      far.read().send('hello');
      assert.is(await far.heard(5), 'hello');
      far.end();
      await gone(near);
    }
  });

  law('a teardown that throws ends this connection, and is its error', async () => {
    const { near, far } = await open();
    const broken = near.reads.pipe((source) => merge(source, NEVER).pipe(take(1)), tearingDown('in teardown'));
    const { seen, over } = record(broken.pipe(near.writes));
    far.read().send('a');
    await over;
    assert.equal(seen, ['#in teardown']);
    assert.is(await far.over, 'end');
    assert.is(far.text, 'a');
    far.end();
    await gone(near);

    const other = await open();
    const hidden = record(concat(other.near.reads.pipe(tearingDown('within')), of(bytes('x'))).pipe(other.near.writes));
    other.far.read().end();
    await hidden.over;
    assert.equal(hidden.seen, ['#within']);
    await gone(other.near);
  });

  law('the statistics are right', async () => {
    const before = Date.now();
    const { near, far } = await open();
    near.reads
      .pipe(
        map((chunk) => chunk.slice(1)),
        near.writes,
      )
      .subscribe();
    far.read().send('12345');
    await far.heard(4);
    await rounds(1);
    const { openedAt, ...counts } = near.statistics;
    assert.ok(openedAt >= before && openedAt <= Date.now());
    assert.equal(counts, { bytesIn: 5, bytesOut: 4, chunksIn: 1, writes: 1, buffered: 0, pausedFor: 0 });
    far.end();
    await gone(near);
    assert.is(near.statistics.bytesIn, 5);
  });

  law('says how long its reading has rested, and whether it does', async () => {
    const clock = new ManualClock();
    const { near, far } = await open({ scheduler: clock });
    const paused = new BehaviorSubject(true);
    const reading = near.reads.pipe(pauseWhile(paused)).subscribe();
    far.send('12345');
    await rounds();
    assert.ok(near.resting);
    clock.advance(20);
    assert.is(near.statistics.pausedFor, 20);
    paused.next(false);
    await rounds();
    assert.is(near.statistics.bytesIn, 5);
    assert.not.ok(near.resting);
    clock.advance(20);
    paused.next(true);
    far.send('678');
    await rounds();
    assert.is(near.statistics.bytesIn, 5);
    clock.advance(10);
    reading.unsubscribe();
    clock.advance(10);
    assert.is(near.statistics.pausedFor, 30);
    assert.not.ok(near.resting);
    near.abort();
    await gone(near);
  });

  law('says where it stands', async () => {
    const { near, far } = await open();
    assert.is(near.state, 'open');
    const answers = new Subject<Uint8Array>();
    const { over } = record(answers.pipe(near.writes));
    near.reads.subscribe();
    far.end();
    await rounds();
    assert.is(near.state, 'peer-ended');
    answers.next(new Uint8Array(15 * MB));
    await rounds();
    assert.is(near.state, 'peer-ended');
    answers.complete();
    assert.is(near.state, 'flushing');
    far.read();
    await over;
    await gone(near);
    assert.is(near.state, 'closed');
  });

  law('and so when it is the first to end; the peer then has as long as it is given', async () => {
    const clock = new ManualClock();
    const { near, far } = await open({ scheduler: clock });
    near.reads.subscribe({ error: () => {} });
    near.end({ linger: 20 });
    await far.read().over;
    await rounds();
    assert.is(near.state, 'ended');
    clock.advance(19);
    await rounds();
    assert.is(near.state, 'ended');
    clock.advance(2);
    await gone(near);
    assert.is(near.state, 'closed');

    const second = await open({ scheduler: clock });
    second.near.reads.subscribe({ error: () => {} });
    second.near.end();
    await second.far.read().over;
    clock.advance(20_000);
    await rounds();
    assert.is(second.near.state, 'ended');
    second.near.end({ linger: 5 });
    clock.advance(6);
    await gone(second.near);
    assert.throws(() => second.near.end({ linger: -1 }), raised(RangeError, /^linger must be a time from 0 to /));
  });

  laws.run();
};

const tearingDown =
  (message: string) =>
  <A>(source: Observable<A>): Observable<A> =>
    source.pipe(
      finalize(() => {
        throw new Error(message);
      }),
    );
