import {
  NEVER,
  Observable,
  type ObservableInput,
  ReplaySubject,
  Subject,
  type UnsubscriptionError,
  catchError,
  concat,
  concatMap as stockConcatMap,
  defer,
  from,
  groupBy,
  lastValueFrom,
  map,
  mergeMap as stock,
  of,
  range,
  take,
  takeUntil,
  tap,
  throwError,
  timer,
  toArray,
} from 'rxjs';
import type { TestScheduler } from 'rxjs/testing';
import * as assert from 'uvu/assert';
import { mapAsync } from '../operators/map-async.js';
import { mergeMap } from '../operators/merge-map.js';
import { fromAsyncIterable } from '../src/source/from-async-iterable.js';
import { Feed, Sink, settled } from './kit/flow.js';
import { marbles } from './kit/marbles.js';
import { assertParity, foreign } from './kit/parity.js';
import { suite } from './kit/suite.js';

type Helpers = Parameters<Parameters<TestScheduler['run']>[0]>[0];

const parity = suite('mergeMap, beside that of RxJS');

/** The same of both. */
const alike = (work: (operator: typeof stock) => readonly string[]): void => assert.equal(work(mergeMap), work(stock));

parity('an inner stream of which the teardown cuts all', () => {
  alike((mergeMapOf) => {
    const log: string[] = [];
    const ends = new Subject<void>();
    const all = of('a', 'b', 'c')
      .pipe(
        mergeMapOf((name) =>
          new Observable<never>(() => () => {
            log.push(name);
            all.unsubscribe();
          }).pipe(takeUntil(name === 'b' ? ends : NEVER)),
        ),
      )
      .subscribe();
    ends.next();
    return log;
  });
});

parity('all are torn down, also where a teardown throws', () => {
  alike((mergeMapOf) => {
    const log: string[] = [];
    const all = of('a', 'b', 'c')
      .pipe(
        mergeMapOf(
          (name) =>
            new Observable<never>(() => () => {
              log.push(name);
              if (name !== 'c') throw new Error(name);
            }),
        ),
      )
      .subscribe();
    try {
      all.unsubscribe();
    } catch (error) {
      log.push(...(error as UnsubscriptionError).errors.map(String));
    }
    return log;
  });
});

parity('has its type', () => {
  const same: typeof stock = mergeMap;
  assert.type(same, 'function');
});

parity('gives the same messages in the same frames, with the same subscriptions', () => {
  assertParity(
    (story, project) =>
      story.selects
        ? mergeMap(project, (outer, inner, at, within) => `${outer}${inner}${at}${within}`, story.concurrent)
        : mergeMap(project, story.concurrent),
    (story, project) =>
      story.selects
        ? stock(project, (outer, inner, at, within) => `${outer}${inner}${at}${within}`, story.concurrent)
        : stock(project, story.concurrent),
    3_000,
  );
});

parity.run();

/** What each outer value is mapped to, what comes of it, and who was subscribed to when. */
interface Case {
  readonly outer: string;
  readonly inner: Readonly<Record<string, string>>;
  readonly concurrent?: number;
  readonly leaves?: string;
  readonly expected: string;
  readonly subscribed: Readonly<Record<string, string | readonly string[]>>;
}

const cases: Record<string, Case> = {
  'an outer that is silent': {
    outer: '     -----',
    inner: {},
    expected: '  -----',
    subscribed: { outer: '^----' },
  },
  'an outer that is empty': {
    outer: '     --|',
    inner: {},
    expected: '  --|',
    subscribed: { outer: '^-!' },
  },
  'an outer that fails at once': {
    outer: '     #',
    inner: {},
    expected: '  #',
    subscribed: { outer: '(^!)' },
  },
  'inners that overlap, each in its own time': {
    outer: '     -a---b----|',
    inner: { a: '  x--x--x|', b: 'y--y|' },
    expected: '  -x--xy-xy-|',
    subscribed: { outer: '^---------!', a: '-^------!', b: '-----^---!' },
  },
  'an outer that ends before its inners': {
    outer: '     -ab|',
    inner: { a: '  ---x---|', b: '-y|' },
    expected: '  ---yx---|',
    subscribed: { outer: '^--!', a: '-^------!', b: '--^-!' },
  },
  'an outer that goes on after its inners': {
    outer: '     -a----------|',
    inner: { a: '  x|' },
    expected: '  -x----------|',
    subscribed: { outer: '^-----------!', a: '-^!' },
  },
  'an outer that never ends': {
    outer: '     -a---',
    inner: { a: '  x|' },
    expected: '  -x---',
    subscribed: { outer: '^----', a: '-^!' },
  },
  'an inner that never ends': {
    outer: '     -ab|',
    inner: { a: '  -x-----', b: 'y|' },
    expected: '  --(xy)-----',
    subscribed: { outer: '^--!', a: '-^------', b: '--^!' },
  },
  'inners that are empty': {
    outer: '     -a-b-|',
    inner: { a: '  |', b: '--|' },
    expected: '  -----|',
    subscribed: { outer: '^----!', a: '-(^!)', b: '---^-!' },
  },
  'an inner that fails takes all with it': {
    outer: '     -a-b----c-|',
    inner: { a: '  x--------|', b: '--#' },
    expected: '  -x---#',
    subscribed: { outer: '^----!', a: '-^---!', b: '---^-!' },
  },
  'an outer that fails takes its inners with it': {
    outer: '     -a---#',
    inner: { a: '  x-x-x-x|' },
    expected: '  -x-x-#',
    subscribed: { outer: '^----!', a: '-^---!' },
  },
  'leaving ends everything at that frame': {
    outer: '     -a--b----|',
    inner: { a: '  x-x-x-x|', b: '--y' },
    leaves: '    -----!',
    expected: '  -x-x--',
    subscribed: { outer: '^----!', a: '-^---!', b: '----^!' },
  },
  'one at a time, in order': {
    outer: '     (abc)|',
    inner: { a: '  --x|', b: '-y|', c: 'z|' },
    concurrent: 1,
    expected: '  --x-yz|',
    subscribed: { outer: '^----!', a: '^--!', b: '---^-!', c: '-----^!' },
  },
  'two at a time': {
    outer: '     (abc)|',
    inner: { a: '  ---x|', b: '-y|', c: '--z|' },
    concurrent: 2,
    expected: '  -y-xz|',
    subscribed: { outer: '^----!', a: '^---!', b: '^-!', c: '--^--!' },
  },
  'one that waits too long for its turn misses what a hot inner said': {
    outer: '     ab|',
    inner: { a: '  ----x|' },
    concurrent: 1,
    expected: '  ----x-z|',
    subscribed: { outer: '^-!', a: '^----!' },
  },
  'failing while some wait': {
    outer: '     (abc)',
    inner: { a: '  --#', b: 'y|', c: 'z|' },
    concurrent: 1,
    expected: '  --#',
    subscribed: { outer: '^-!', a: '^-!', b: [], c: [] },
  },
  'leaving while some wait': {
    outer: '     (abc)',
    inner: { a: '  x---|', b: 'y|', c: 'z|' },
    concurrent: 1,
    leaves: '    --!',
    expected: '  x--',
    subscribed: { outer: '^-!', a: '^-!', b: [], c: [] },
  },
};

const drawn = suite('mergeMap, drawn');

for (const [name, { outer, inner, concurrent, leaves, expected, subscribed }] of Object.entries(cases)) {
  drawn(
    name,
    marbles(({ cold, hot, expectObservable, expectSubscriptions }: Helpers) => {
      const source = outer.includes('(') ? cold(outer) : hot(outer);
      const inners = new Map(Object.entries(inner).map(([letter, marble]) => [letter, cold(marble)]));
      const late = hot('-y----z|');
      const out = source.pipe(mergeMap((letter) => inners.get(letter) ?? late, concurrent));
      expectObservable(out, leaves).toBe(expected);
      for (const [who, when] of Object.entries(subscribed)) {
        expectSubscriptions((who === 'outer' ? source : inners.get(who))?.subscriptions ?? []).toBe(when as string);
      }
    }),
  );
}

drawn(
  'what project throws is the error of the stream, at once or from the queue',
  marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
    const source = hot('-a-b-c-|');
    const a = cold('    x---|');
    const project = (letter: string): Observable<string> => {
      if (letter === 'b') throw 'cannot';
      return a;
    };
    expectObservable(source.pipe(mergeMap(project))).toBe('-x-#', undefined, 'cannot');
    expectObservable(source.pipe(mergeMap(project, 1))).toBe('-x---#', undefined, 'cannot');
    expectSubscriptions(source.subscriptions).toBe(['^--!', '^----!']);
  }),
);

drawn(
  'a subscription passes through inners of other libraries',
  marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
    const source = hot('-a--b----|');
    const inner = cold('x-x-x|');
    expectObservable(source.pipe(mergeMap(() => foreign(inner))), '------!').toBe('-x-xxx-');
    expectSubscriptions(inner.subscriptions).toBe(['-^----!', '----^-!']);
    expectSubscriptions(source.subscriptions).toBe('^-----!');
  }),
);

drawn(
  'a chain behind it that has enough stops it',
  marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
    const source = hot('-a--b----|');
    const inner = cold('x-x-x|');
    const out = source.pipe(
      map((value) => value),
      mergeMap(() => inner),
      take(3),
    );
    expectObservable(out).toBe('-x-x(x|)');
    expectSubscriptions(source.subscriptions).toBe('^---!');
    expectSubscriptions(inner.subscriptions).toBe(['-^--!', '----(^!)']);
  }),
);

drawn.run();

const inputs = suite('mergeMap, inners of every kind');

const all = <A>(values: Observable<A>): Promise<A[]> => lastValueFrom(values.pipe(toArray()));

inputs('arrays, texts, promises, iterators', async () => {
  assert.equal(await all(of(1, 2).pipe(mergeMap((value) => [value, value * 10]))), [1, 10, 2, 20]);
  assert.equal(await all(of('ab', 'c').pipe(mergeMap((value) => value))), ['a', 'b', 'c']);
  assert.equal(await all(of(1, 2).pipe(mergeMap(async (value) => value * 2))), [2, 4]);
  assert.equal(await all(of(3).pipe(mergeMap((value) => new Set([value])))), [3]);
  async function* twice(value: number): AsyncGenerator<number> {
    yield value;
    yield value;
  }
  assert.equal(await all(of(4).pipe(mergeMap(twice))), [4, 4]);
  assert.equal(
    await all(of(1, 2).pipe(mergeMap((value) => of(value).pipe(mergeMap((same) => [same, same]))))),
    [1, 1, 2, 2],
  );
});

inputs('a promise that is rejected, and what is no input at all, fail the stream', async () => {
  const projects: (() => ObservableInput<never>)[] = [
    () => Promise.reject(new Error('no')),
    () => 1 as unknown as Observable<never>,
  ];
  for (const project of projects) {
    let failed = '';
    await all(of(1).pipe(mergeMap(project))).catch((error: unknown) => (failed = String(error)));
    assert.match(failed, /no|provided '1'/);
  }
});

inputs('a result selector is given both values and both counts', async () => {
  const selected = of('a', 'b').pipe(
    mergeMap(
      (value) => [value, '-'],
      (outer, inner, at, within) => [outer, inner, at, within],
    ),
  );
  assert.equal(await all(selected), [
    ['a', 'a', 0, 0],
    ['a', '-', 0, 1],
    ['b', 'b', 1, 0],
    ['b', '-', 1, 1],
  ]);
  const limited = of(1, 2, 3).pipe(mergeMap((value) => timer(0).pipe(map(() => value)), undefined, 1));
  assert.equal(await all(limited), [1, 2, 3]);
});

inputs('a source that emits in a loop can be stopped in it', () => {
  let produced = 0;
  const endless = new Observable<number>((out) => {
    while (!out.closed && produced < 1_000) out.next(produced++);
  });
  endless
    .pipe(
      mergeMap((value) => of(value)),
      take(3),
    )
    .subscribe();
  assert.is(produced, 3);
  produced = 0;
  of(1)
    .pipe(
      mergeMap(() => endless),
      take(3),
    )
    .subscribe();
  assert.is(produced, 3);
});

inputs('a failure from an iterable, later on, reaches the end', async () => {
  function* failing(): Generator<number> {
    yield 1;
    throw new Error('while iterating');
  }
  const heard: unknown[] = [];
  await new Promise<void>((done) => {
    timer(1)
      .pipe(mergeMap(failing))
      .subscribe({ next: (value) => heard.push(value), error: (error: Error) => (heard.push(error.message), done()) });
  });
  assert.equal(heard, [1, 'while iterating']);
});

inputs('values that come from handling a value are taken in turn', () => {
  const loop = new Subject<number>();
  const heard: number[] = [];
  loop.pipe(mergeMap((value) => of(value), 1)).subscribe((value) => {
    if (value < 3) loop.next(value + 1);
    heard.push(value);
  });
  loop.next(1);
  const like: number[] = [];
  const again = new Subject<number>();
  again.pipe(stock((value) => of(value), 1)).subscribe((value) => {
    if (value < 3) again.next(value + 1);
    like.push(value);
  });
  again.next(1);
  assert.equal(heard, like);
});

inputs.run();

const ours = suite('mergeMap, what RxJS has not');

ours('five thousand that wait and are all told to stop at once are served, from a timer, too', async () => {
  for (const begin of [of(0), timer(1)]) {
    const stop = new ReplaySubject<number>(1);
    const served = all(range(0, 5_000).pipe(mergeMap((value) => concat(NEVER.pipe(takeUntil(stop)), of(value)), 10)));
    begin.subscribe(stop);
    assert.is(new Set(await served).size, 5_000);
  }
});

ours('five thousand that wait behind one, and end as soon as they begin, need no stack', async () => {
  for (const concurrent of [1, 10]) {
    const first = new Subject<number>();
    let count = 0;
    const served = range(0, 5_001).pipe(mergeMap((value) => (value < concurrent ? first : of(value)), concurrent));
    let completed = false;
    served.subscribe({ next: () => count++, complete: () => (completed = true) });
    await settled();
    first.complete();
    assert.is(count, 5_001 - concurrent);
    assert.ok(completed);
  }
});

ours('the sources rest while 64 wait, and go on when half of them are gone', () => {
  const feed = new Feed<number>();
  const ends: (() => void)[] = [];
  const work = feed.values.pipe(
    mergeMap(() => new Observable<never>((out) => void ends.push(() => out.complete())), 2),
  );
  const subscription = work.subscribe();
  feed.give(...Array.from({ length: 200 }, (_, at) => at));
  assert.is(feed.emitted, 2 + 64);
  for (let done = 0; done < 31; done++) ends.shift()?.();
  assert.is(feed.emitted, 66, 'thirty-three wait');
  ends.shift()?.();
  assert.is(feed.emitted, 66 + 32, 'thirty-two waited, and were joined by as many');
  while (ends.length > 0) ends.shift()?.();
  assert.is(feed.emitted, 200);
  subscription.unsubscribe();
});

ours('nothing is started while a consumer below is full, and little is held', () => {
  const feed = new Feed<number>();
  let started = 0;
  const sink = new Sink<number>(2).drink(
    feed.values.pipe(
      mergeMap((value) =>
        defer(() => {
          started++;
          return of(value, value);
        }),
      ),
    ),
  );
  feed.give(...Array.from({ length: 50 }, (_, at) => at));
  assert.is(started, 1);
  assert.is(feed.emitted, 1, 'the source rests before it is asked in vain');
  const got: number[] = [];
  while (sink.queue.length > 0) got.push(...sink.take(1));
  assert.equal(
    got,
    Array.from({ length: 100 }, (_, at) => at >> 1),
  );
  sink.leave();
});

ours('what cannot be paused is passed on in the order of RxJS, also while a consumer below is full', () => {
  const heard = [mergeMap, stock].map((operator) => {
    const values = new Subject<number>();
    const sink = new Sink<number>(2).drink(
      values.pipe(
        operator((value: number) => of(value)),
        tap((value) => {
          if (value === 3) values.next(6);
        }),
      ),
    );
    for (const value of [1, 2, 3, 4, 5]) values.next(value);
    const got: number[] = [];
    while (sink.queue.length > 0) got.push(...sink.take());
    sink.leave();
    return got;
  });
  assert.equal(heard[0], heard[1]);
});

ours('a hot inner stream is subscribed to at once, so that nothing of it is missed', async () => {
  const groups = (operator: typeof mergeMap): Promise<number[]> =>
    lastValueFrom(
      fromAsyncIterable([Array.from({ length: 12 }, (_, at) => at)]).pipe(
        stockConcatMap((values) => from(values)),
        groupBy((value) => value % 4),
        operator((group) => group),
        mapAsync(1, async (value) => value, { highWater: 1 }),
        toArray(),
      ),
    );
  assert.equal(await groups(mergeMap), await groups(stock));
});

ours('one that fails or ends lets go of everything that waits', () => {
  const feed = new Feed<number>();
  const fails = new Subject<never>();
  let caught = 0;
  feed.values.pipe(mergeMap((value) => (value === 0 ? fails : NEVER), 1)).subscribe({ error: () => caught++ });
  feed.give(...Array.from({ length: 100 }, (_, at) => at));
  assert.is(feed.kept.length, 35);
  fails.error(new Error('over'));
  assert.is(caught, 1);
  assert.not.ok(feed.subscribed);
  assert.is(feed.kept.length, 35, 'and nothing was asked for on the way out');
});

ours('what takes the place of a stream that failed is in the scope of the consumer below', () => {
  const [feed, spare] = [new Feed<number>(), new Feed<number>()];
  const sink = new Sink<number>(2).drink(
    feed.values.pipe(
      mergeMap((value) => (value === 3 ? throwError(() => 'three') : of(value))),
      catchError(() => spare.values),
    ),
  );
  feed.give(3);
  spare.give(1, 2, 3, 4, 5);
  assert.is(spare.kept.length, 3);
  sink.leave();
});

ours.run();
