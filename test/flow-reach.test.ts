import { readFileSync } from 'node:fs';
import {
  type Observable,
  Subject,
  asapScheduler,
  bufferCount,
  catchError,
  combineLatestWith,
  concat,
  concatAll,
  concatMap as stockConcatMap,
  concatWith,
  connect,
  defer,
  delay,
  distinctUntilChanged,
  exhaustMap,
  expand,
  filter,
  finalize,
  from,
  groupBy,
  iif,
  map,
  merge,
  mergeAll,
  mergeMap as stockMergeMap,
  mergeWith,
  observeOn,
  of,
  pairwise,
  publish,
  range,
  refCount,
  repeat,
  retry,
  scan,
  share,
  shareReplay,
  skip,
  startWith,
  switchMap,
  take,
  takeUntil,
  takeWhile,
  tap,
  throwIfEmpty,
  using,
  withLatestFrom,
  zipWith,
  NEVER,
  EMPTY,
} from 'rxjs';
import * as assert from 'uvu/assert';
import { concatMap } from '../operators/concat-map.js';
import { mapAsync } from '../operators/map-async.js';
import { mergeMap } from '../operators/merge-map.js';
import { serve } from '../operators/serve.js';
import { toBatches } from '../operators/to-batches.js';
import { memory } from '../src/connection/memory.js';
import { topic } from '../src/source/topic.js';
import { Feed, Sink, settled, unpack, warnings } from './kit/flow.js';
import { suite } from './kit/suite.js';

type Values = Observable<number>;

const twenty = Array.from({ length: 20 }, (_, at) => at + 1);
const never = (): Promise<never> => new Promise(() => {});

/** Fails once, at the first 3. */
const stumbling = (): ((values: Values) => Values) => {
  let failed = false;
  return map((value) => {
    if (value !== 3 || failed) return value;
    failed = true;
    throw new Error('stumbled');
  });
};

/** Through what a valve must reach: one source, or two of which both have to rest. */
const chains: Record<string, (one: Values, other: Values) => Observable<unknown>> = {
  map: (one) => one.pipe(map((value) => value * 2)),
  filter: (one) => one.pipe(filter((value) => value % 2 === 0)),
  scan: (one) => one.pipe(scan((sum, value) => sum + value, 0)),
  'tap, skip, pairwise, distinctUntilChanged': (one) =>
    one.pipe(tap(), skip(1), pairwise(), map(String), distinctUntilChanged()),
  bufferCount: (one) => one.pipe(bufferCount(2)),
  share: (one) => one.pipe(share()),
  shareReplay: (one) => one.pipe(shareReplay({ bufferSize: 1, refCount: true })),
  'publish and refCount': (one) => one.pipe(publish(), refCount()),
  connect: (one) => one.pipe(connect((shared) => merge(shared, shared.pipe(map(() => 0))))),
  startWith: (one) => one.pipe(startWith(0)),
  takeUntil: (one) =>
    one.pipe(
      takeUntil(NEVER),
      takeWhile(() => true),
      take(100),
    ),
  'finalize, throwIfEmpty': (one) =>
    one.pipe(
      finalize(() => {}),
      throwIfEmpty(),
    ),
  defer: (one) => defer(() => iif(() => true, one, EMPTY)),
  using: (one) =>
    using(
      () => ({ unsubscribe: () => {} }),
      () => one,
    ),
  retry: (one) => one.pipe(stumbling(), retry(1)),
  repeat: (one) => one.pipe(take(2), repeat()),
  'catchError, with the same again': (one) =>
    one.pipe(
      stumbling(),
      catchError((_, again) => again),
    ),
  'catchError, with another': (_, other) =>
    concat(
      of(3).pipe(
        stumbling(),
        catchError(() => other),
      ),
    ),
  merge: (one, other) => merge(one, other),
  mergeWith: (one, other) => one.pipe(mergeWith(other)),
  concat: (one, other) => concat(one.pipe(take(5)), other),
  concatWith: (one, other) => one.pipe(take(1), concatWith(other)),
  withLatestFrom: (one, other) => one.pipe(withLatestFrom(other.pipe(startWith(0)))),
  combineLatestWith: (one, other) => one.pipe(startWith(0), combineLatestWith(other.pipe(startWith(0)))),
  zipWith: (one, other) => one.pipe(zipWith(other)),
  'mergeMap, outer': (one) => one.pipe(stockMergeMap((value) => of(value, value))),
  'mergeMap, inner': (one, other) => of(one, other).pipe(stockMergeMap((inner) => inner)),
  'mergeAll, inner': (one, other) => of(one, other).pipe(mergeAll()),
  'mergeMap of ours, outer': (one) => one.pipe(mergeMap((value) => of(value, value))),
  'mergeMap of ours, inner': (one, other) => of(one, other).pipe(mergeMap((inner) => inner)),
  'mergeMap of ours, both': (one, other) => one.pipe(mergeMap((value) => (value === 1 ? other : of(value)))),
  'concatMap, outer': (one) => one.pipe(stockConcatMap((value) => of(value, value))),
  'concatMap, inner': (one, other) => of(one.pipe(take(4)), other).pipe(stockConcatMap((inner) => inner)),
  'concatAll, inner': (one, other) => of(one.pipe(take(4)), other).pipe(concatAll()),
  'concatMap of ours, outer': (one) => one.pipe(concatMap((value) => of(value, value))),
  'concatMap of ours, inner': (one, other) => of(one.pipe(take(4)), other).pipe(concatMap((inner) => inner)),
  'switchMap, outer': (one) => one.pipe(switchMap((value) => of(value))),
  'switchMap, inner': (one, other) => one.pipe(switchMap(() => other)),
  'exhaustMap, inner': (one, other) => one.pipe(exhaustMap(() => other)),
  expand: (one) => one.pipe(expand((value) => (value < 100 ? of(value + 100) : EMPTY))),
  'groupBy, consumer outside': (one) =>
    one.pipe(
      groupBy((value) => value % 3),
      stockMergeMap((group) => group.pipe(map((value) => [group.key, value]))),
    ),
  'groupBy, consumer outside, mergeMap of ours': (one) =>
    one.pipe(
      groupBy((value) => value % 3),
      mergeMap((group) => group.pipe(map((value) => [group.key, value]))),
    ),
};

/** Of these, only one of the two is subscribed to at a time. */
const oneAtATime = /^concat|^catchError, with another/;

const told = warnings();

const reach = suite('a full consumer reaches its sources through');

for (const [name, chain] of Object.entries(chains)) {
  reach(name, () => {
    const [one, other] = [new Feed<number>(), new Feed<number>()];
    const sink = new Sink<unknown>(2).drink(chain(one.values, other.values));
    other.give(...twenty);
    one.give(...twenty);
    if (oneAtATime.test(name)) while (chain.length > 1 && !other.subscribed) sink.take(1);
    const feeds = [one, other].filter((feed) => feed.subscribed);
    assert.is(feeds.length, chain.length === 2 && !oneAtATime.test(name) ? 2 : 1);
    assert.ok(sink.closed);
    for (const feed of feeds) {
      const before = feed.kept.length;
      feed.give(...twenty, ...twenty);
      assert.ok(feed.kept.length >= before + 39, `${feed.kept.length - before} of 40 kept`);
    }
    for (let rounds = 0; sink.queue.length > 0; rounds++) {
      sink.take();
      assert.ok(rounds < 1_000);
    }
    for (const feed of feeds) assert.is(feed.kept.length, 0, 'and lets them go again');
    assert.is(sink.error, undefined);
    sink.leave();
    assert.not.ok(one.subscribed || other.subscribed);
  });
}

reach('delay and observeOn, from when what was under way has come', async () => {
  for (const operator of [delay<number>(1), observeOn<number>(asapScheduler)]) {
    const feed = new Feed<number>();
    const sink = new Sink<number>(2).drink(feed.values.pipe(operator));
    feed.give(1, 2, 3);
    await new Promise((done) => setTimeout(done, 5));
    assert.ok(sink.closed);
    feed.give(4);
    assert.is(feed.kept.length, 1);
    sink.take();
    assert.is(feed.kept.length, 0);
    sink.leave();
  }
});

reach('consumers on the way: each holds its own and no more', async () => {
  const feed = new Feed<number>();
  const sink = new Sink<number>(2).drink(
    feed.values.pipe(
      mapAsync(1, async (value) => value, { highWater: 3 }),
      concatMap((value) => of(value)),
      mapAsync(1, async (value) => value, { highWater: 3 }),
    ),
  );
  feed.give(...Array.from({ length: 500 }, (_, at) => at));
  await settled();
  assert.ok(sink.closed);
  assert.ok(feed.emitted <= 2 + 1 + 3 + 64 + 1 + 3 + 1, `${feed.emitted} are inside`);
  const got: number[] = [];
  while (got.length < 500) {
    got.push(...sink.take());
    await settled();
  }
  assert.equal(got, [...got.keys()]);
  assert.is(sink.most, 2);
  sink.leave();
});

reach.run();

const inside = suite('a consumer inside');

// Ours has to have the type of the other, too.
const flattenings: readonly (readonly [string, typeof stockMergeMap])[] = [
  ['mergeMap', stockMergeMap],
  ['mergeMap of ours', mergeMap],
];

for (const [name, flatten] of flattenings) {
  inside(`a group stops the source that feeds the group, with ${name}`, () => {
    const feed = new Feed<readonly number[]>();
    const sinks = [new Sink<number>(2), new Sink<number>(2)] as const;
    const all = feed.values
      .pipe(
        unpack(),
        groupBy((value) => value % 2),
        flatten((group) => {
          sinks[group.key as 0 | 1].drink(group);
          return NEVER;
        }),
      )
      .subscribe();
    feed.give([0, 2, 1, 4, 6], [8]);
    assert.equal(sinks[0].queue, [0, 2], 'full in the middle of a chunk');
    assert.equal(sinks[1].queue, []);
    assert.equal([...sinks[0].take(), ...sinks[0].take()], [0, 2, 4, 6, 8]);
    assert.equal(sinks[1].take(), [1]);
    all.unsubscribe();
  });

  inside(`a group that two sources feed stops both, with ${name}`, () => {
    const [one, other] = [new Feed<number>(), new Feed<number>()];
    const all = of(one.values, other.values)
      .pipe(
        flatten((values) => values),
        groupBy(() => 'all'),
        flatten((group) => group.pipe(mapAsync(1, never, { highWater: 2 }))),
      )
      .subscribe();
    one.give(1);
    other.give(2, 3, 4, 5);
    assert.is(other.kept.length, 2);
    one.give(6, 7, 8);
    assert.ok(one.kept.length >= 2, 'after one value that came to the full group');
    all.unsubscribe();
  });

  inside(`the inner of ${name} stops the outer`, () => {
    const feed = new Feed<number>();
    const out = feed.values.pipe(flatten((value) => from(twenty).pipe(delay(0), mapAsync(1, never), startWith(value))));
    const sink = new Sink<unknown>(3).drink(out);
    feed.give(...twenty);
    assert.is(sink.queue.length, 3);
    assert.ok(feed.kept.length >= 16);
    sink.leave();
  });
}

inside('the inner of concatMap stops the outer in the end', () => {
  const feed = new Feed<number>();
  const all = feed.values.pipe(concatMap((value) => NEVER.pipe(mapAsync(1, never), startWith(value)))).subscribe();
  feed.give(...Array.from({ length: 100 }, (_, at) => at));
  assert.is(feed.kept.length, 100 - 1 - 64);
  all.unsubscribe();
});

inside('a group stops its source also where a delay stands between', async () => {
  const feed = new Feed<number>();
  const all = feed.values
    .pipe(
      groupBy(() => 'all'),
      stockMergeMap((group) => group.pipe(observeOn(asapScheduler), mapAsync(1, never, { highWater: 2 }))),
    )
    .subscribe();
  feed.give(1, 2, 3);
  await settled();
  feed.give(4);
  assert.is(feed.kept.length, 1);
  all.unsubscribe();
});

inside('a group below a concatMap of ours stops what is above that, though its values come from promises', async () => {
  const feed = new Feed<number>();
  const all = feed.values
    .pipe(
      concatMap(async (value) => value),
      groupBy(() => 'all'),
      stockMergeMap((group) => group.pipe(mapAsync(1, never, { highWater: 2 }))),
    )
    .subscribe();
  feed.give(...Array.from({ length: 500 }, (_, at) => at));
  await settled();
  const { emitted } = feed;
  assert.ok(emitted <= 3 + 64 + 1, `${emitted} have come`);
  await settled();
  assert.is(feed.emitted, emitted);
  all.unsubscribe();
});

inside('each branch of a shared source stops it, if both feed the same consumer', () => {
  for (const slow of [0, 1]) {
    const feed = new Feed<number>();
    const branches = [mapAsync<number, number>(1, slow === 0 ? never : async (value) => value, { highWater: 2 })];
    branches.push(mapAsync<number, number>(1, slow === 1 ? never : async (value) => value, { highWater: 2 }));
    const shared = feed.values.pipe(share());
    const sink = new Sink<number>(100).drink(merge(...branches.map((branch) => shared.pipe(branch))));
    feed.give(...twenty);
    assert.is(feed.kept.length, 17, `branch ${slow} has one under way and two that wait`);
    sink.leave();
  }
});

inside('each branch of connect stops the source', () => {
  const feed = new Feed<number>();
  const sink = new Sink<number>(100).drink(
    feed.values.pipe(
      connect((values) =>
        merge(
          values.pipe(
            filter((value) => value % 2 === 0),
            mapAsync(1, never, { highWater: 2 }),
          ),
          values.pipe(filter((value) => value % 2 === 1)),
        ),
      ),
    ),
  );
  feed.give(...twenty);
  assert.is(feed.kept.length, 14, 'after 2, 4 and 6');
  sink.leave();
});

inside('values that are fed back do not stop the inner stream that they come from, for ever', () => {
  const quiet = warnings();
  for (const depth of [1, 2]) {
    const pages = new Subject<number>();
    const page = new Feed<number>();
    const fetch = concatMap<number, Observable<number>>((number) => (number === 0 ? page.values : EMPTY));
    const fetched = depth === 1 ? pages.pipe(fetch) : pages.pipe(concatMap((number) => of(number).pipe(fetch)));
    const sink = new Sink<number>(1_000).drink(fetched.pipe(tap((number) => pages.next(number))));
    pages.next(0);
    page.give(...Array.from({ length: 200 }, (_, at) => at + 1));
    page.end();
    assert.is(page.kept.length, 0);
    assert.is(sink.queue.length, 200);
    sink.leave();
  }
  quiet.stop();
  assert.equal(quiet.messages, ['concatMap is full, and found no source above it that can be paused']);
});

inside('a Subject that many feed does not stop them: there one slow peer would stop the others', () => {
  const room = new Subject<number>();
  const feeds = [new Feed<number>(), new Feed<number>()] as const;
  const peers = feeds.map((feed) => {
    const own = feed.values.pipe(
      tap((value) => room.next(value)),
      filter(() => false),
    );
    return new Sink<number>(1_000).drink(merge(own, room.pipe(concatMap((value) => of(value)))));
  });
  const slow = new Sink<number>(2).drink(room);
  feeds[0].give(...twenty);
  feeds[1].give(...twenty);
  assert.ok(slow.closed);
  assert.equal([feeds[0].kept.length, feeds[1].kept.length], [0, 0]);
  for (const peer of peers) assert.is(peer.queue.length, 40);
  for (const peer of [...peers, slow]) peer.leave();
});

inside.run();

const warning = suite('the warning that nothing above can be paused');

warning('has not come so far but for the Subject, which the tests above have none of otherwise', () => {
  told.stop();
  assert.equal(told.messages, ['sink is full, and found no source above it that can be paused']);
});

warning('does not come for sources that have their values in memory', async () => {
  const quiet = warnings();
  const work = [
    range(1, 1_000).pipe(mapAsync(1, never)).subscribe(),
    from(twenty)
      .pipe(
        repeat(9),
        mergeMap(() => NEVER, 1),
      )
      .subscribe(),
    of(...twenty, ...twenty, ...twenty, ...twenty)
      .pipe(concatMap(() => NEVER))
      .subscribe(),
  ];
  const batches = toBatches()(range(1, 1_000))[Symbol.asyncIterator]();
  const first = (await batches.next()).value as readonly number[];
  assert.is(first.length, 1_000);
  quiet.stop();
  assert.equal(quiet.messages, []);
  for (const one of work) one.unsubscribe();
});

/** What is full, behind a Subject, after so many values. */
const unreachable: Record<string, (values: Observable<number>) => { unsubscribe(): void }> = {
  mapAsync: (values) => values.pipe(mapAsync(1, never)).subscribe(),
  mergeMap: (values) => values.pipe(mergeMap(() => NEVER, 2)).subscribe(),
  serve: (values) =>
    values
      .pipe(
        map(() => memory()[0]),
        serve(() => NEVER, { concurrency: 1 }),
      )
      .subscribe(),
  'connection.writes': (values) =>
    values
      .pipe(
        map(() => new Uint8Array(8_192)),
        memory()[0].writes,
      )
      .subscribe(),
  toBatches: (values) => {
    const iterator = toBatches()(values)[Symbol.asyncIterator]();
    void iterator.next();
    return { unsubscribe: () => void iterator.return?.() };
  },
  topic: (values) => {
    const news = topic<number>({ policy: 'pause', highWater: 2 });
    const reader = new Sink<number>(1).drink(news.stream());
    values.subscribe((value) => news.publish(value));
    return { unsubscribe: () => reader.leave() };
  },
};

for (const [name, consume] of Object.entries(unreachable)) {
  warning(`comes from ${name}, by that name, and once`, async () => {
    const loud = warnings();
    for (let again = 0; again < 2; again++) {
      const values = new Subject<number>();
      const consumer = consume(values);
      for (let value = 0; value < 100; value++) values.next(value);
      await settled();
      consumer.unsubscribe();
    }
    loud.stop();
    assert.equal(
      loud.messages.filter((message) => !message.startsWith('sink')),
      [`${name} is full, and found no source above it that can be paused`],
    );
    assert.is(loud.codes[0], 'SLUICE_UNREACHED');
  });
}

warning('goes the way of all warnings of the process, with a remedy', async () => {
  const { warnUnreached } = await import('../src/flow/warning.js');
  const heard = new Promise<Error>((come) => process.once('warning', come));
  warnUnreached('a name of its own');
  warnUnreached('a name of its own');
  const { name, message, code, detail } = (await heard) as Error & { readonly code: string; readonly detail: string };
  assert.is(name, 'SluiceWarning');
  assert.is(code, 'SLUICE_UNREACHED');
  assert.match(message, /^a name of its own is full/);
  assert.match(detail, /pausable\(source\)/);
});

warning('two copies of the package, which do not see each other, are named with their versions, once', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    readonly version: string;
  };
  const loud = warnings();
  const scope = new URL('../src/flow/scope.js', import.meta.url).href;
  await import(`${scope}?second`);
  await import(`${scope}?third`);
  loud.stop();
  assert.equal(
    [loud.codes, loud.messages],
    [['SLUICE_COPIES'], [`two copies of sluice are loaded, ${version} and ${version}`]],
  );
});

warning.run();
