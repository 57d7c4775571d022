import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { fileURLToPath } from 'node:url';
import {
  type Observable,
  Subject,
  defer,
  interval,
  map,
  range,
  retry,
  take,
  tap,
  toArray,
  lastValueFrom,
  merge,
} from 'rxjs';
import * as assert from 'uvu/assert';
import { dial } from '../src/connection/dial.js';
import { QueueOverflow } from '../src/errors.js';
import { flow } from '../src/flow/scope.js';
import { currentTurn } from '../src/flow/turn.js';
import { fromAsyncIterable } from '../src/source/from-async-iterable.js';
import { fromReadable } from '../src/source/from-readable.js';
import { type PausableOptions, pausable } from '../src/source/pausable.js';
import { signals } from '../src/source/signals.js';
import { Sink, refusal, settled } from './kit/flow.js';
import { suite } from './kit/suite.js';

const all = <A>(values: Observable<A>): Promise<A[]> => lastValueFrom(values.pipe(toArray()));

const outcome = async (values: Observable<unknown>): Promise<string> => {
  try {
    return `${(await all(values)).length} values`;
  } catch (error) {
    return String(error);
  }
};

/** A port that is open. */
const listening = async (): Promise<{ readonly port: number; readonly close: () => void }> => {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
};

const iterables = suite('fromAsyncIterable');

/** Counts up, and what was asked of it. */
class Counting implements AsyncIterableIterator<number> {
  pulls = 0;
  returns = 0;
  readonly #last: number;

  constructor(last = Infinity) {
    this.#last = last;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<number>> {
    this.pulls++;
    return this.pulls > this.#last ? { done: true, value: undefined } : { done: false, value: this.pulls };
  }

  async return(): Promise<IteratorResult<number>> {
    this.returns++;
    return { done: true, value: undefined };
  }
}

iterables(
  'gives what an AsyncIterable, an Iterable, a generator has, and each subscription iterates anew',
  async () => {
    async function* three(): AsyncGenerator<number> {
      yield* [1, 2, 3];
    }
    assert.equal(await all(fromAsyncIterable({ [Symbol.asyncIterator]: three })), [1, 2, 3]);
    assert.equal(await all(fromAsyncIterable(new Set([1, 2]))), [1, 2]);
    assert.equal(await all(fromAsyncIterable('ab')), ['a', 'b']);
    assert.equal(await all(fromAsyncIterable([])), []);
    const again = fromAsyncIterable([1, undefined]);
    assert.equal(
      [await all(again), await all(again)],
      [
        [1, undefined],
        [1, undefined],
      ],
    );
  },
);

iterables('pulls one at a time, and only while every valve is open', async () => {
  const source = new Counting();
  const sink = new Sink<number>(3).drink(fromAsyncIterable(source));
  await settled();
  assert.is(source.pulls, 3);
  await settled();
  assert.is(source.pulls, 3);
  sink.take(2);
  await settled();
  assert.is(source.pulls, 5);
  assert.equal(sink.take(3), [3, 4, 5]);
  assert.is(sink.late, 0);
  sink.leave();
});

iterables('a value that comes after a valve was closed waits for it', async () => {
  let come: (value: number) => void = () => {};
  const slow = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise<IteratorResult<number>>((done) => (come = (value) => done({ done: false, value }))),
    }),
  };
  const other = new Subject<number>();
  const sink = new Sink<number>(1).drink(merge(fromAsyncIterable(slow), other));
  other.next(0);
  assert.ok(sink.closed);
  come(1);
  await settled();
  assert.equal(sink.take(), [0, 1]);
  sink.leave();
});

iterables('a source that always has a value gives way to the others', async () => {
  const source = new Counting();
  const subscription = fromAsyncIterable(source).subscribe();
  for (let round = 0; round < 3; round++) await settled();
  subscription.unsubscribe();
  assert.ok(source.pulls > 500 && source.pulls < 2_000, `${source.pulls} pulls`);
});

iterables('return is called at once on leaving, once, and not after the end', async () => {
  const left = new Counting();
  const subscription = fromAsyncIterable(left).subscribe();
  await settled();
  const { pulls } = left;
  subscription.unsubscribe();
  assert.is(left.returns, 1);
  await settled();
  assert.is(left.pulls, pulls);

  const taken = new Counting();
  await all(fromAsyncIterable(taken).pipe(take(2)));
  await settled();
  assert.equal([taken.pulls, taken.returns], [2, 1]);

  const ended = new Counting(2);
  await all(fromAsyncIterable(ended));
  await settled();
  assert.equal([ended.pulls, ended.returns], [3, 0]);
});

iterables('leaving while a full consumer holds it up calls return, and pulls no more', async () => {
  const source = new Counting();
  const sink = new Sink<number>(2).drink(fromAsyncIterable(source));
  await settled();
  assert.is(source.pulls, 2);
  sink.leave();
  assert.is(source.returns, 1);
  sink.take();
  await settled();
  assert.is(source.pulls, 2);
});

iterables('what the iterator throws or rejects with fails the stream, and it is not asked to return', async () => {
  let returned = 0;
  const failing = (next: () => Promise<IteratorResult<number>>) =>
    fromAsyncIterable({
      [Symbol.asyncIterator]: () => ({
        next,
        return: async () => (returned++, { done: true as const, value: undefined }),
      }),
    });
  const rejects = failing(() => Promise.reject(new Error('rejected')));
  const throws = failing(() => {
    throw new Error('thrown');
  });
  const unable = fromAsyncIterable({
    [Symbol.asyncIterator]: () => {
      throw new Error('cannot begin');
    },
  });
  assert.is(await outcome(rejects), 'Error: rejected');
  assert.is(await outcome(throws), 'Error: thrown');
  assert.is(await outcome(unable), 'Error: cannot begin');
  assert.is(returned, 0);
});

iterables('promises of an Iterable are awaited, and one that is rejected ends it', async () => {
  assert.equal(await all(fromAsyncIterable([Promise.resolve(1), 2, Promise.resolve(3)])), [1, 2, 3]);
  let over = false;
  function* failing(): Generator<Promise<number>> {
    try {
      yield Promise.reject(new Error('rejected'));
    } finally {
      over = true;
    }
  }
  assert.is(await outcome(fromAsyncIterable(failing())), 'Error: rejected');
  assert.ok(over);
});

iterables('a return that fails, or is not there, harms nobody', async () => {
  for (const end of [
    () => Promise.reject(new Error('rejected')),
    () => {
      throw new Error('thrown');
    },
    undefined,
  ]) {
    const iterator = { next: async () => ({ done: false, value: 1 }), ...(end && { return: end }) };
    fromAsyncIterable({ [Symbol.asyncIterator]: () => iterator as AsyncIterator<number> })
      .subscribe()
      .unsubscribe();
    await settled();
  }
});

iterables('each value is a turn of its own, and what it causes is done before the next is pulled', async () => {
  const turns: number[] = [];
  const source = new Counting(3);
  await all(
    fromAsyncIterable(source).pipe(
      map((value) => {
        assert.is(source.pulls, value);
        assert.ok(flow.emitting !== null);
        turns.push(currentTurn());
      }),
    ),
  );
  assert.is(new Set(turns).size, 3);
  assert.not.ok(turns.includes(0));
});

iterables('takes nothing else', () => {
  for (const wrong of [undefined, null, 7, {}])
    assert.throws(() => fromAsyncIterable(wrong as Iterable<1>), refusal(TypeError, /AsyncIterable or an Iterable/));
});

iterables.run();

const readables = suite('fromReadable');

const file = fileURLToPath(import.meta.url);

readables('reads a file to its end', async () => {
  const chunks = await all(fromReadable(createReadStream(file, { highWaterMark: 1_000 })));
  const { size } = await stat(file);
  assert.is(Buffer.concat(chunks).length, size);
  assert.ok(chunks.length > 3);
});

readables('reads a file only while there is room, and closes it on leaving', async () => {
  const stream = createReadStream('/dev/zero', { highWaterMark: 1_024 });
  const sink = new Sink<Uint8Array>(4).drink(fromReadable(stream));
  const full = async (): Promise<void> => {
    while (!sink.closed) await settled();
    for (let round = 0; round < 10; round++) await settled();
  };
  await full();
  assert.is(sink.queue.length, 4);
  const { bytesRead } = stream;
  assert.ok(bytesRead <= 16 * 1_024, `${bytesRead} bytes were read`);
  sink.take(2);
  await full();
  assert.ok(stream.bytesRead > bytesRead);
  assert.is(sink.late, 0);
  sink.leave();
  assert.ok(stream.destroyed);
});

readables('a file that is not there fails the stream', async () => {
  assert.match(await outcome(fromReadable(createReadStream(`${file}.missing`))), /ENOENT/);
});

readables('destroys a stream that has nothing to give, at once', async () => {
  const silent = new PassThrough();
  const subscription = fromReadable(silent).subscribe();
  await settled();
  subscription.unsubscribe();
  assert.ok(silent.destroyed);
  await settled();
});

readables('takes a stream of objects, and one that fails in the middle', async () => {
  assert.equal(await all(fromReadable<number>(Readable.from([1, 2, 3]))), [1, 2, 3]);
  const failing = new PassThrough();
  failing.write('some');
  setTimeout(() => failing.destroy(new Error('broken')), 1);
  assert.is(await outcome(fromReadable(failing)), 'Error: broken');
});

readables('a web stream is pulled while there is room, and cancelled on leaving', async () => {
  let pulls = 0;
  let cancelled = 0;
  const stream = new ReadableStream<number>(
    {
      pull: (to) => to.enqueue(++pulls),
      cancel: () => void cancelled++,
    },
    { highWaterMark: 0 },
  );
  const sink = new Sink<number>(3).drink(fromReadable(stream));
  for (let round = 0; round < 10; round++) await settled();
  assert.is(pulls, 3);
  sink.take();
  for (let round = 0; round < 10; round++) await settled();
  assert.is(pulls, 6);
  sink.leave();
  assert.is(cancelled, 1);
});

readables('a web stream that ends, and one that fails', async () => {
  const from = (end: (to: { close(): void; error(error: Error): void }) => void) =>
    fromReadable(
      new ReadableStream<number>({
        start: (to) => {
          to.enqueue(1);
          end(to);
        },
      }),
    );
  assert.is(await outcome(from((to) => to.close())), '1 values');
  assert.is(await outcome(from((to) => setTimeout(() => to.error(new Error('broken')), 1))), 'Error: broken');
});

readables('a web stream that another reads fails the stream', async () => {
  const stream = new ReadableStream();
  stream.getReader();
  assert.match(await outcome(fromReadable(stream)), /locked/);
});

readables('takes nothing else', () => {
  for (const wrong of [undefined, null, 'file', {}, [1]])
    assert.throws(() => fromReadable(wrong as Readable), refusal(TypeError, /Node Readable or a web/));
});

readables.run();

const dialling = suite('dial');

dialling('waits for a full consumer, and dials no more when it is left meanwhile', async () => {
  const { port, close } = await listening();
  for (const leaves of [true, false]) {
    const states: string[] = [];
    const other = new Subject<unknown>();
    const sink = new Sink<unknown>(1).drink(
      merge(
        other,
        defer(() => {
          other.next('full');
          return dial({ port, onState: ({ state }) => states.push(state) });
        }),
      ),
    );
    assert.equal(states, []);
    if (leaves) sink.leave();
    sink.take();
    assert.equal(states, leaves ? [] : ['connecting']);
    sink.leave();
  }
  close();
});

dialling.run();

const pausing = suite('pausable');

/** A source that counts what is asked of it. It goes on for a while after it was told to pause. */
const device = (options: Partial<PausableOptions> = {}) => {
  const values = new Subject<number>();
  const asked: string[] = [];
  const source = pausable(values, {
    pause: () => void asked.push('pause'),
    resume: () => void asked.push('resume'),
    ...options,
  });
  return { values, asked, source };
};

pausing('pause and resume are called in turn, when the consumer is full and when it has room', () => {
  const { values, asked, source } = device();
  const sink = new Sink<number>(2).drink(source);
  values.next(1);
  assert.equal(asked, []);
  values.next(2);
  assert.equal(asked, ['pause']);
  sink.take();
  assert.equal(asked, ['pause', 'resume']);
  values.next(3);
  values.next(4);
  sink.take();
  assert.equal(asked, ['pause', 'resume', 'pause', 'resume']);
  sink.leave();
});

pausing('what comes in spite of pause is kept, in order, and goes before resume', () => {
  const { values, asked, source } = device();
  const sink = new Sink<number>(2).drink(source);
  for (const value of [1, 2, 3, 4, 5]) values.next(value);
  assert.equal(sink.queue, [1, 2]);
  assert.equal(sink.take(3), [1, 2, 3]);
  assert.equal(asked, ['pause']);
  assert.equal(sink.take(), [4, 5]);
  assert.equal(asked, ['pause', 'resume']);
  assert.is(sink.late, 0);
  sink.leave();
});

pausing('what comes while what was kept is given goes behind it', () => {
  const { values, source } = device();
  const sink = new Sink<number>(1);
  sink.drink(source.pipe(tap((value) => value === 2 && values.next(4))));
  for (const value of [1, 2, 3]) values.next(value);
  assert.equal([...sink.take(1), ...sink.take(1), ...sink.take(1), ...sink.take(1)], [1, 2, 3, 4]);
  sink.leave();
});

pausing('the end, and an error, wait for what is kept', () => {
  for (const how of ['error', 'complete'] as const) {
    const { values, asked, source } = device();
    const sink = new Sink<number>(1).drink(source);
    for (const value of [1, 2, 3]) values.next(value);
    values[how](new Error('broken'));
    const taken = [...sink.take(1), ...sink.take(1)];
    assert.not.ok(sink.completed || sink.error);
    assert.equal([...taken, ...sink.take(1)], [1, 2, 3]);
    assert.is(String(sink.error), how === 'error' ? 'Error: broken' : 'undefined');
    assert.is(sink.completed, how === 'complete');
    assert.equal(asked, ['pause'], 'nobody is left to resume');
  }
});

pausing('an end while nothing is kept comes at once', () => {
  const { values, source } = device();
  const sink = new Sink<number>(2).drink(source);
  values.next(1);
  values.complete();
  assert.ok(sink.completed);
});

pausing('one that does not obey fails the stream over the limit', () => {
  const { values, source } = device({ limit: 3 });
  const sink = new Sink<number>(1).drink(source);
  for (const value of [1, 2, 3, 4]) values.next(value);
  assert.is(sink.error, undefined);
  values.next(5);
  assert.instance(sink.error, QueueOverflow);
  assert.is((sink.error as QueueOverflow).limit, 3);
  assert.not.ok(values.observed);
});

pausing('one that leaves while it rests leaves the source going', () => {
  const { values, asked, source } = device();
  const sink = new Sink<number>(1).drink(source);
  values.next(1);
  values.next(2);
  sink.leave();
  assert.not.ok(values.observed);
  assert.equal(asked, ['pause', 'resume']);
  const again = new Sink<number>(9).drink(source);
  values.next(3);
  assert.equal(again.queue, [3]);
  again.leave();
  assert.equal(asked, ['pause', 'resume']);
});

pausing('a consumer that is full already pauses the source on subscribing', () => {
  const { values, asked, source } = device();
  const other = new Subject<number>();
  const sink = new Sink<number>(1).drink(
    merge(
      other,
      defer(() => {
        other.next(0);
        return source;
      }),
    ),
  );
  assert.equal(asked, ['pause']);
  values.next(1);
  assert.equal(sink.take(1), [0]);
  assert.equal(asked, ['pause']);
  assert.equal(sink.take(1), [1]);
  assert.equal(asked, ['pause', 'resume']);
  sink.leave();
});

pausing('what pause or resume throws fails the stream', () => {
  const wrong = (): never => {
    throw new Error('the device is gone');
  };
  const unpausable = device({ pause: wrong });
  const sink = new Sink<number>(1).drink(unpausable.source);
  unpausable.values.next(1);
  assert.is(String(sink.error), 'Error: the device is gone');
  const unresumable = device({ resume: wrong });
  const other = new Sink<number>(1).drink(unresumable.source);
  unresumable.values.next(1);
  other.take();
  assert.is(String(other.error), 'Error: the device is gone');
});

pausing('a source that emits in a loop can be stopped in it', async () => {
  let produced = 0;
  const loop = range(0, 1_000).pipe(map(() => produced++));
  await all(pausable(loop, { pause: () => {}, resume: () => {} }).pipe(take(3)));
  assert.is(produced, 3);
});

pausing('makes a timer one that obeys', async () => {
  let going = true;
  const ticks = defer(() => interval(1).pipe(map((count) => (going ? count : -1))));
  const source = pausable(ticks, { pause: () => (going = false), resume: () => (going = true) });
  const sink = new Sink<number>(3).drink(source);
  while (sink.queue.length < 3) await new Promise((done) => setTimeout(done, 1));
  await new Promise((done) => setTimeout(done, 5));
  assert.is(sink.queue.length, 3);
  assert.not.ok(going);
  sink.leave();
  assert.ok(going);
});

pausing('a new attempt begins anew', async () => {
  let attempts = 0;
  const failing = defer(() => {
    if (++attempts < 3) throw new Error('not yet');
    return range(0, 2);
  });
  const got = await all(pausable(failing, { pause: () => {}, resume: () => {} }).pipe(retry(5)));
  assert.equal([attempts, got], [3, [0, 1]]);
});

pausing('options are checked when they are given', () => {
  const values = new Subject<number>();
  const nothing = (): void => {};
  const wrong = (options: unknown) => (): unknown => pausable(values, options as PausableOptions);
  assert.throws(wrong(undefined), refusal(TypeError, /^options must be an object, got undefined$/));
  assert.throws(wrong({}), refusal(TypeError, /^pause must be a function, got undefined$/));
  assert.throws(wrong({ pause: nothing }), refusal(TypeError, /^resume must be a function, got undefined$/));
  assert.throws(
    wrong({ pause: nothing, resume: nothing, limit: 0 }),
    refusal(RangeError, /^limit .* from 1 .* got 0$/),
  );
});

pausing.run();

const signalling = suite('signals');

signalling('a thousand subscribers are one listener a signal, and none when they have left', () => {
  const stop = signals('SIGUSR2', 'SIGHUP');
  const listeners = (): number[] => [process.listenerCount('SIGUSR2'), process.listenerCount('SIGHUP')];
  assert.equal(listeners(), [0, 0]);
  const heard: string[] = [];
  const waiting = Array.from({ length: 1_000 }, () => stop.subscribe((name) => heard.push(name)));
  assert.equal(listeners(), [1, 1]);
  process.emit('SIGHUP', 'SIGHUP');
  assert.is(heard.length, 1_000);
  assert.equal([...new Set(heard)], ['SIGHUP']);
  for (const one of waiting) one.unsubscribe();
  assert.equal(listeners(), [0, 0]);
});

signalling('hears a signal of the system, by name', async () => {
  const heard = lastValueFrom(signals('SIGUSR2').pipe(take(1)));
  process.kill(process.pid, 'SIGUSR2');
  assert.is(await heard, 'SIGUSR2');
  assert.is(process.listenerCount('SIGUSR2'), 0);
});

signalling('names are checked when they are given', () => {
  assert.throws(() => signals(), refusal(TypeError, /at least one signal/));
  assert.throws(() => signals('SIGFOO' as 'SIGHUP'), refusal(TypeError, /^signals must be one of .* got "SIGFOO"$/));
  assert.throws(() => signals('SIGKILL'), refusal(TypeError, /got "SIGKILL"$/));
});

signalling.run();
