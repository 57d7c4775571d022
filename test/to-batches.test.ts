import { from as ixFrom } from 'ix/asynciterable';
import { map as ixMap } from 'ix/asynciterable/operators';
import { NEVER, Observable, Subject, concat, of, range, throwError, timer } from 'rxjs';
import * as assert from 'uvu/assert';
import { toBatches } from '../operators/to-batches.js';
import { Feed, refusal, settled, unpack } from './kit/flow.js';
import { suite } from './kit/suite.js';

const test = suite('toBatches');

const iterate = <A>(source: Observable<A>, highWater = 64): AsyncIterator<A[], undefined> =>
  toBatches({ highWater })(source)[Symbol.asyncIterator]() as AsyncIterator<A[], undefined>;

const counted = (length: number): number[] => Array.from({ length }, (_, at) => at + 1);

test('gives what came since the last pull, at least one value', async () => {
  const values = new Subject<string>();
  const batches = iterate(values);
  const first = batches.next();
  values.next('a');
  assert.equal(await first, { value: ['a'], done: false });
  values.next('b');
  values.next('c');
  assert.equal(await batches.next(), { value: ['b', 'c'], done: false });
  const waits = batches.next();
  values.next('d');
  values.complete();
  assert.equal(await waits, { value: ['d'], done: false });
  assert.equal(await batches.next(), { value: undefined, done: true });
  assert.equal(await batches.next(), { value: undefined, done: true });
});

test('what one chunk brings is one batch, also for one who waits already', async () => {
  const feed = new Feed<readonly number[]>();
  const batches = iterate(feed.values.pipe(unpack()));
  const first = batches.next();
  feed.give([1, 2, 3]);
  assert.equal((await first).value, [1, 2, 3]);
  const second = batches.next();
  feed.give([4], [5, 6]);
  assert.equal((await second).value, [4, 5, 6]);
  void batches.return?.();
});

test('subscribes at the first pull, once, and each iteration anew', async () => {
  let subscriptions = 0;
  const source = new Observable<number>((out) => {
    subscriptions++;
    out.next(subscriptions);
  });
  const batches = toBatches()(source);
  const one = batches[Symbol.asyncIterator]();
  const other = batches[Symbol.asyncIterator]();
  assert.is(subscriptions, 0);
  assert.equal((await one.next()).value, [1]);
  assert.equal((await other.next()).value, [2]);
  void one.next();
  await settled();
  assert.is(subscriptions, 2);
});

test('a break, or an error in the loop, unsubscribes at once', async () => {
  for (const leave of ['break', 'throw']) {
    const feed = new Feed<number>();
    feed.give(1, 2, 3);
    try {
      for await (const batch of toBatches({ highWater: 2 })(feed.values)) {
        assert.equal(batch, [1, 2]);
        if (leave === 'break') break;
        throw new Error('enough');
      }
    } catch (error) {
      assert.match(String(error), 'enough');
    }
    assert.not.ok(feed.subscribed);
  }
});

test("return answers those who wait, and what comes later is nobody's", async () => {
  const values = new Subject<number>();
  const batches = iterate(values);
  const waits = [batches.next(), batches.next()];
  assert.equal(await batches.return?.(), { value: undefined, done: true });
  assert.not.ok(values.observed);
  for (const one of waits) assert.equal(await one, { value: undefined, done: true });
  assert.equal(await batches.next(), { value: undefined, done: true });
});

test('return before the first pull subscribes to nothing', async () => {
  const feed = new Feed<number>();
  const batches = iterate(feed.values);
  await batches.return?.();
  assert.equal(await batches.next(), { value: undefined, done: true });
  assert.is(feed.subscriptions, 0);
});

test('an error comes after the values that came before it, once', async () => {
  const batches = iterate(
    concat(
      of(1, 2),
      throwError(() => new Error('lost')),
    ),
  );
  assert.equal(await batches.next(), { value: [1, 2], done: false });
  let failed = '';
  await batches.next().catch((error: unknown) => (failed = String(error)));
  assert.is(failed, 'Error: lost');
  assert.equal(await batches.next(), { value: undefined, done: true });
});

test('pulls that are made ahead are answered in order', async () => {
  const values = new Subject<number>();
  const batches = iterate(values);
  const pulls = [batches.next(), batches.next(), batches.next()];
  values.next(1);
  await settled();
  values.next(2);
  await settled();
  values.complete();
  assert.equal(
    (await Promise.all(pulls)).map(({ value }) => value),
    [[1], [2], undefined],
  );
});

test('the sources rest while highWater values wait, and the batch is no longer than that', async () => {
  const feed = new Feed<readonly number[]>();
  const batches = iterate(feed.values.pipe(unpack()), 4);
  const first = batches.next();
  feed.give(counted(3), counted(10), counted(2));
  assert.is(feed.emitted, 2, 'one of the ten is taken');
  const sizes = [(await first).value?.length ?? 0];
  for (let got = 4; got < 15; got += sizes.at(-1) ?? NaN) sizes.push((await batches.next()).value?.length ?? NaN);
  assert.equal(sizes, [4, 4, 4, 3]);
  void batches.return?.();
});

test('64 wait at most, if nothing else is said', async () => {
  const feed = new Feed<number>();
  const batches = iterate(feed.values);
  void batches.next();
  feed.give(...counted(500));
  assert.is(feed.emitted, 64);
  await settled();
  assert.is(feed.emitted, 128, 'one batch is taken, the next waits');
  void batches.return?.();
  assert.is(feed.emitted, 128);
});

test('what is in memory already comes whole', async () => {
  const got: number[] = [];
  for await (const batch of toBatches()(range(0, 1_000))) got.push(...batch);
  assert.equal(got, [...got.keys()]);
  assert.is(got.length, 1_000);
});

test('is what ix takes', async () => {
  const lengths: number[] = [];
  for await (const length of ixFrom(toBatches()(concat(of(1, 2, 3), timer(1)))).pipe(ixMap((batch) => batch.length)))
    lengths.push(length);
  assert.equal(lengths, [3, 1]);
});

test('one who waits for ever can still leave', async () => {
  const batches = iterate(NEVER);
  const waits = batches.next();
  await batches.return?.();
  assert.is((await waits).done, true);
});

test('its option is checked when it is given', () => {
  assert.throws(() => toBatches({ highWater: 0 }), refusal(RangeError, /^highWater must be a whole number from 1/));
  assert.throws(
    () => toBatches({ highWater: '8' as unknown as number }),
    refusal(TypeError, /^highWater must be a number, got "8"$/),
  );
});

test.run();
