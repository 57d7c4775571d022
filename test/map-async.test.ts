import fc from 'fast-check';
import {
  EMPTY,
  NEVER,
  Subject,
  catchError,
  concatWith,
  from,
  lastValueFrom,
  of,
  take,
  throwError,
  toArray,
} from 'rxjs';
import * as assert from 'uvu/assert';
import { type MapAsyncOptions, mapAsync } from '../operators/map-async.js';
import { QueueOverflow } from '../src/errors.js';
import { Feed, Sink, refusal, settled, warnings } from './kit/flow.js';
import { suite } from './kit/suite.js';

/** Work that ends when the test says so. */
class Work {
  readonly begun: number[] = [];
  most = 0;
  readonly #under = new Map<number, { done(result: string): void; failed(error: unknown): void }>();

  readonly project = (value: number): Promise<string> => {
    this.begun.push(value);
    const promise = new Promise<string>((done, failed) => this.#under.set(value, { done, failed }));
    this.most = Math.max(this.most, this.#under.size);
    return promise;
  };

  get underWay(): number[] {
    return [...this.#under.keys()];
  }

  async end(...values: number[]): Promise<void> {
    for (const value of values) this.#take(value).done(`${value}!`);
    await settled();
  }

  async fail(value: number): Promise<void> {
    this.#take(value).failed(new Error(`${value} failed`));
    await settled();
  }

  #take(value: number): { done(result: string): void; failed(error: unknown): void } {
    const found = this.#under.get(value);
    if (found === undefined) throw new Error(`${value} is not under way`);
    this.#under.delete(value);
    return found;
  }
}

/** What comes out, as it comes. */
const listen = (options?: MapAsyncOptions, concurrency = 2) => {
  const work = new Work();
  const values = new Subject<number>();
  const heard: string[] = [];
  const subscription = values.pipe(mapAsync(concurrency, work.project, options)).subscribe({
    next: (result) => heard.push(result),
    error: (error: Error) => heard.push(`error: ${error.message}`),
    complete: () => heard.push('end'),
  });
  return { work, values, heard, subscription };
};

const test = suite('mapAsync');

test('gives results in the order of the values, however they come', async () => {
  const { work, values, heard } = listen(undefined, 3);
  for (const value of [1, 2, 3]) values.next(value);
  await work.end(3);
  await work.end(2);
  assert.equal(heard, []);
  await work.end(1);
  assert.equal(heard, ['1!', '2!', '3!']);
});

test('unordered, gives each result as soon as it is there', async () => {
  const { work, values, heard } = listen({ ordered: false }, 3);
  for (const value of [1, 2, 3]) values.next(value);
  await work.end(3);
  await work.end(1);
  assert.equal(heard, ['3!', '1!']);
});

test('a result that waits for those before it keeps its place', async () => {
  const { work, values } = listen();
  for (const value of [1, 2, 3]) values.next(value);
  await work.end(2);
  assert.equal(work.begun, [1, 2]);
  await work.end(1);
  assert.equal(work.begun, [1, 2, 3]);
});

test('completes when the last result is out, and not before', async () => {
  for (const ordered of [true, false]) {
    const { work, values, heard } = listen({ ordered });
    for (const value of [1, 2, 3]) values.next(value);
    values.complete();
    await work.end(2);
    await work.end(1);
    assert.not.ok(heard.includes('end'));
    await work.end(3);
    assert.is(heard.at(-1), 'end');
    assert.is(heard.length, 4);
  }
});

test('an empty stream is empty, a failed one fails at once, a silent one is silent', async () => {
  const heard: string[] = [];
  const hear = (name: string) => ({
    next: () => heard.push(`${name} next`),
    error: () => heard.push(`${name} error`),
    complete: () => heard.push(`${name} end`),
  });
  EMPTY.pipe(mapAsync(1, async () => 1)).subscribe(hear('empty'));
  throwError(() => 'no')
    .pipe(mapAsync(1, async () => 1))
    .subscribe(hear('failed'));
  NEVER.pipe(mapAsync(1, async () => 1)).subscribe(hear('silent'));
  assert.equal(heard, ['empty end', 'failed error']);
});

test('the first rejection ends it, also ahead of results that wait, and nothing comes after', async () => {
  const { work, values, heard } = listen(undefined, 3);
  for (const value of [1, 2, 3, 4]) values.next(value);
  await work.end(2);
  await work.fail(3);
  await work.end(1);
  assert.equal(heard, ['error: 3 failed']);
  assert.equal(work.begun, [1, 2, 3], 'what waited is not begun');
  assert.not.ok(values.observed);
});

test('what project throws ends it', async () => {
  const values = new Subject<number>();
  const heard: unknown[] = [];
  const project = (value: number): Promise<number> => {
    if (value === 2) throw new Error('cannot');
    return Promise.resolve(value);
  };
  values
    .pipe(mapAsync(4, project))
    .subscribe({ next: (value) => heard.push(value), error: (error) => heard.push(`${error}`) });
  values.next(1);
  await settled();
  values.next(2);
  values.next(3);
  await settled();
  assert.equal(heard, [1, 'Error: cannot']);
  assert.not.ok(values.observed);
});

test('the source failing ends it at once', async () => {
  const { work, values, heard } = listen();
  values.next(1);
  values.error(new Error('source'));
  await work.end(1);
  assert.equal(heard, ['error: source']);
});

test('takes what is no promise, what only has a then, and gives project the index', async () => {
  const thenable = { then: (done: (value: string) => void) => done('later') } as PromiseLike<string>;
  const project = (value: string, index: number): PromiseLike<string> | string =>
    index === 1 ? thenable : value + index;
  const got = await lastValueFrom(of('a', 'b', 'c').pipe(mapAsync(1, project), toArray()));
  assert.equal(got, ['a0', 'later', 'c2']);
  const nothings = await lastValueFrom(
    of(undefined, undefined).pipe(
      mapAsync(1, (value) => value),
      toArray(),
    ),
  );
  assert.equal(nothings, [undefined, undefined]);
});

test('leaving unsubscribes at once, begins nothing more, and forgets what is under way', async () => {
  const { work, values, heard, subscription } = listen();
  for (const value of [1, 2, 3]) values.next(value);
  subscription.unsubscribe();
  assert.not.ok(values.observed);
  await work.end(1);
  await work.fail(2);
  assert.equal(heard, []);
  assert.equal(work.begun, [1, 2]);
});

test('one who has had enough in the middle of several results gets no more', async () => {
  const work = new Work();
  const values = new Subject<number>();
  const heard: string[] = [];
  values.pipe(mapAsync(3, work.project), take(1)).subscribe((result) => heard.push(result));
  for (const value of [1, 2, 3, 4]) values.next(value);
  await work.end(2, 3, 1);
  assert.equal(heard, ['1!']);
  assert.equal(work.begun, [1, 2, 3]);
});

test('a source that emits in a loop can be stopped in it', async () => {
  let produced = 0;
  function* endless(): Generator<number> {
    while (produced < 100_000) yield produced++;
  }
  const failing = (value: number): Promise<number> => {
    if (value === 5) throw new Error('enough');
    return Promise.resolve(value);
  };
  from(endless())
    .pipe(mapAsync(50, failing))
    .subscribe({ error: () => {} });
  assert.is(produced, 6);
});

test('values that come from handling a result are taken in turn', async () => {
  const values = new Subject<number>();
  const heard: number[] = [];
  values.pipe(mapAsync(2, async (value) => value)).subscribe((value) => {
    heard.push(value);
    if (value < 3) for (const next of [value * 2 + 1, value * 2 + 2]) values.next(next);
  });
  values.next(0);
  for (let round = 0; round < 5; round++) await settled();
  assert.equal(heard, [0, 1, 2, 3, 4, 5, 6]);
});

test.run();

const flowing = suite('mapAsync, and the sources above');

const counted = (length: number): number[] => Array.from({ length }, (_, at) => at + 1);

flowing('they rest while highWater values wait, and go on when half of them are gone', async () => {
  const work = new Work();
  const feed = new Feed<number>();
  const subscription = feed.values.pipe(mapAsync(2, work.project, { highWater: 6 })).subscribe();
  feed.give(...counted(50));
  assert.is(feed.emitted, 2 + 6);
  await work.end(1, 2);
  assert.is(feed.emitted, 8, 'four wait');
  await work.end(3);
  assert.is(feed.emitted, 8 + 3, 'three waited');
  subscription.unsubscribe();
  assert.is(feed.emitted, 11);
});

flowing('sixteen or twice as many as are under way wait, if nothing else is said', () => {
  for (const [concurrency, waiting] of [
    [1, 16],
    [8, 16],
    [20, 40],
  ] as const) {
    const feed = new Feed<number>();
    const subscription = feed.values.pipe(mapAsync(concurrency, () => new Promise(() => {}))).subscribe();
    feed.give(...counted(200));
    assert.is(feed.emitted, concurrency + waiting);
    subscription.unsubscribe();
  }
});

flowing(
  'nothing is begun while a consumer below is full, and the sources rest, though some of the work ends',
  async () => {
    const work = new Work();
    const feed = new Feed<number>();
    const sink = new Sink<string>(1).drink(feed.values.pipe(mapAsync(3, work.project, { highWater: 10 })));
    feed.give(1, 2, 3, 4, 5);
    assert.equal(work.begun, [1, 2, 3]);
    await work.end(1);
    assert.ok(sink.closed);
    assert.equal(work.begun, [1, 2, 3], 'four and five wait');
    feed.give(6, 7, 8);
    assert.is(feed.emitted, 5);
    await work.end(2);
    assert.equal([work.begun.length, feed.emitted], [3, 5]);
    sink.take();
    assert.equal(work.begun, [1, 2, 3, 4, 5], 'two places are free');
    assert.is(feed.emitted, 8);
    assert.is(sink.late, 1, 'what was under way when it filled up');
    sink.leave();
  },
);

flowing('what takes the place of a stream that failed obeys the consumer below', async () => {
  const [feed, spare] = [new Feed<number>(), new Feed<number>()];
  const failing = (value: number): Promise<number> => Promise.reject(new Error(`no ${value}`));
  for (const place of [
    feed.values.pipe(
      mapAsync(1, failing),
      catchError(() => spare.values),
    ),
    feed.values.pipe(
      take(1),
      mapAsync(1, async (value) => value),
      concatWith(spare.values),
    ),
  ]) {
    const sink = new Sink<number>(3).drink(place);
    feed.give(0);
    await settled();
    spare.give(1, 2, 3, 4, 5, 6);
    assert.ok(spare.kept.length >= 3);
    sink.leave();
    spare.kept.length = 0;
  }
});

flowing(
  'any order of events: no result lost, doubled or moved, never more under way or waiting than said',
  async () => {
    const event = fc.oneof(
      { weight: 3, arbitrary: fc.record({ give: fc.integer({ min: 1, max: 20 }) }) },
      { weight: 4, arbitrary: fc.record({ end: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ take: fc.integer({ min: 1, max: 9 }) }) },
    );
    const setting = fc.record({
      concurrency: fc.integer({ min: 1, max: 5 }),
      highWater: fc.integer({ min: 1, max: 8 }),
      room: fc.integer({ min: 1, max: 5 }),
      ordered: fc.boolean(),
      events: fc.array(event, { maxLength: 25 }),
    });
    await fc.assert(
      fc.asyncProperty(setting, async ({ concurrency, highWater, room, ordered, events }) => {
        const work = new Work();
        const feed = new Feed<number>();
        const sink = new Sink<string>(room).drink(
          feed.values.pipe(mapAsync(concurrency, work.project, { highWater, ordered })),
        );
        const got: string[] = [];
        let given = 0;
        for (const doing of events) {
          if ('give' in doing) for (let count = 0; count < doing.give; count++) feed.give(++given);
          else if ('take' in doing) got.push(...sink.take(doing.take));
          else if (work.underWay.length > 0) await work.end(work.underWay[doing.end % work.underWay.length] as number);
          assert.ok(feed.emitted - work.begun.length <= highWater);
          assert.ok(sink.most <= room + concurrency);
        }
        feed.end();
        while (!sink.completed || sink.queue.length > 0) {
          got.push(...sink.take());
          await work.end(...work.underWay);
        }
        const expected = counted(given).map((value) => `${value}!`);
        assert.equal(ordered ? got : got.toSorted(), ordered ? expected : expected.toSorted());
        assert.ok(work.most <= concurrency);
        assert.equal(work.begun, counted(given));
      }),
      { numRuns: 150 },
    );
  },
);

flowing.run();

const limits = suite('mapAsync, where nothing above can be paused');

/** A Subject that gives 100 values to one that works on one of them for ever, five may wait. */
const flood = (overflow?: 'error' | 'drop-oldest' | 'drop-newest') => {
  const quiet = warnings();
  const parts = listen({ highWater: 2, limit: 5, ...(overflow && { overflow }) }, 1);
  for (const value of counted(100)) parts.values.next(value);
  quiet.stop();
  return parts;
};

limits('fails over the limit', () => {
  const { heard, values } = flood();
  assert.equal(heard, ['error: mapAsync holds 5 values, its limit, and their source cannot be paused']);
  assert.not.ok(values.observed);
});

limits('the error is a QueueOverflow that says who and how many', () => {
  let error: unknown;
  const values = new Subject<number>();
  values
    .pipe(mapAsync(1, () => new Promise(() => {}), { highWater: 2, limit: 3 }))
    .subscribe({ error: (met: unknown) => (error = met) });
  for (const value of counted(5)) values.next(value);
  assert.instance(error, QueueOverflow);
  assert.equal([(error as QueueOverflow).operator, (error as QueueOverflow).limit], ['mapAsync', 3]);
});

for (const [overflow, left] of [
  ['drop-oldest', [1, 96, 97, 98, 99, 100]],
  ['drop-newest', [1, 2, 3, 4, 5, 6]],
] as const) {
  limits(`${overflow} keeps ${left.slice(1).join(', ')}`, async () => {
    const { work, values, heard } = flood(overflow);
    values.complete();
    for (const value of left) await work.end(value);
    assert.equal(work.begun, left);
    assert.equal(heard, [...left.map((value) => `${value}!`), 'end']);
  });
}

limits('does not count what comes on subscribing, for that was in memory', async () => {
  const sum = await lastValueFrom(
    from(counted(1_000)).pipe(
      mapAsync(9, async (value) => value, { limit: 18 }),
      toArray(),
    ),
  );
  assert.is(sum.length, 1_000);
});

limits('options are checked when they are given', () => {
  const work = async (): Promise<void> => {};
  const wrong =
    (options: object): (() => unknown) =>
    () =>
      mapAsync(2, work, options as MapAsyncOptions);
  assert.throws(() => mapAsync(0, work), refusal(RangeError, /^concurrency must be a whole number from 1 .* got 0$/));
  assert.throws(() => mapAsync(1.5, work), refusal(RangeError, /^concurrency .* got 1.5$/));
  assert.throws(() => mapAsync(Infinity, work), refusal(RangeError, /^concurrency .* got Infinity$/));
  assert.throws(() => mapAsync('2' as unknown as number, work), refusal(TypeError, /^concurrency must be a number/));
  assert.throws(() => mapAsync(1, 7 as unknown as () => 1), refusal(TypeError, /^project must be a function, got 7$/));
  assert.throws(wrong({ highWater: 0 }), refusal(RangeError, /^highWater .* from 1 .* got 0$/));
  assert.throws(wrong({ limit: 15 }), refusal(RangeError, /^limit .* from 16 .* got 15$/));
  assert.throws(wrong({ overflow: 'drop' }), refusal(TypeError, /^overflow must be one of "error", .* got "drop"$/));
  assert.throws(wrong({ ordered: 'yes' }), refusal(TypeError, /^ordered must be true or false, got "yes"$/));
  mapAsync(100, work, { limit: 200 });
});

limits.run();
