import {
  EMPTY,
  Observable,
  Subject,
  concatMap as stock,
  defer,
  delay,
  finalize,
  lastValueFrom,
  map,
  of,
  range,
  take,
  timer,
  toArray,
} from 'rxjs';
import * as assert from 'uvu/assert';
import { concatMap } from '../operators/concat-map.js';
import { Feed, Sink } from './kit/flow.js';
import { marbles } from './kit/marbles.js';
import { assertParity, foreign } from './kit/parity.js';
import { suite } from './kit/suite.js';

const parity = suite('concatMap, beside that of RxJS');

parity('has its type', () => {
  const same: typeof stock = concatMap;
  assert.type(same, 'function');
});

parity('gives the same messages in the same frames, with the same subscriptions', () => {
  assertParity(
    (story, project) =>
      story.selects
        ? concatMap(project, (outer, inner, at, within) => `${outer}${inner}${at}${within}`)
        : concatMap(project),
    (story, project) =>
      story.selects ? stock(project, (outer, inner, at, within) => `${outer}${inner}${at}${within}`) : stock(project),
    3_000,
  );
});

parity.run();

interface Case {
  readonly outer: string;
  readonly inner: Readonly<Record<string, string>>;
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
  'one inner after the other, however early its turn was asked for': {
    outer: '     -ab-------|',
    inner: { a: '  x--x|', b: 'y-y|' },
    expected: '  -x--xy-y--|',
    subscribed: { outer: '^---------!', a: '-^---!', b: '-----^--!' },
  },
  'a pause between inners, when the outer has one': {
    outer: '     -a-----b-|',
    inner: { a: '  xx|', b: 'y|' },
    expected: '  -xx----y-|',
    subscribed: { outer: '^--------!', a: '-^-!', b: '-------^!' },
  },
  'inners that go on after the outer': {
    outer: '     ab|',
    inner: { a: '  ---x|', b: '---y|' },
    expected: '  ---x---y|',
    subscribed: { outer: '^-!', a: '^---!', b: '----^---!' },
  },
  'an outer that never ends': {
    outer: '     a-----',
    inner: { a: '  x|' },
    expected: '  x-----',
    subscribed: { outer: '^-----', a: '^!' },
  },
  'an inner that never ends keeps the others waiting': {
    outer: '     ab-|',
    inner: { a: '  x-----', b: 'y|' },
    expected: '  x-----',
    subscribed: { outer: '^--!', a: '^-----', b: [] },
  },
  'inners that are empty': {
    outer: '     ab--|',
    inner: { a: '  |', b: '|' },
    expected: '  ----|',
    subscribed: { outer: '^---!', a: '(^!)', b: '-(^!)' },
  },
  'an inner that fails': {
    outer: '     abc-|',
    inner: { a: '  -x|', b: '-#', c: 'z|' },
    expected: '  -x-#',
    subscribed: { outer: '^--!', a: '^-!', b: '--^!', c: [] },
  },
  'an outer that fails does not wait for its inners': {
    outer: '     ab-#',
    inner: { a: '  -x----|', b: 'y|' },
    expected: '  -x-#',
    subscribed: { outer: '^--!', a: '^--!', b: [] },
  },
  'leaving in the middle of an inner': {
    outer: '     ab----|',
    inner: { a: '  x-|', b: 'y-y-y|' },
    leaves: '    ---!',
    expected: '  x-y-',
    subscribed: { outer: '^--!', a: '^-!', b: '--^!' },
  },
  'the same inner, again and again': {
    outer: '     aaa|',
    inner: { a: '  -x|' },
    expected: '  -x-x-x|',
    subscribed: { outer: '^--!', a: ['^-!', '--^-!', '----^-!'] },
  },
};

const drawn = suite('concatMap, drawn');

for (const [name, { outer, inner, leaves, expected, subscribed }] of Object.entries(cases)) {
  drawn(
    name,
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = hot(outer);
      const inners = new Map(Object.entries(inner).map(([letter, marble]) => [letter, cold(marble)]));
      expectObservable(source.pipe(concatMap((letter) => inners.get(letter) ?? EMPTY)), leaves).toBe(expected);
      for (const [who, when] of Object.entries(subscribed)) {
        expectSubscriptions((who === 'outer' ? source : inners.get(who))?.subscriptions ?? []).toBe(when as string);
      }
    }),
  );
}

drawn(
  'a hot inner whose turn comes late is heard from then on',
  marbles(({ hot, expectObservable, expectSubscriptions }) => {
    const inners = { a: hot('--x--x|'), b: hot('-y--y--y--|') };
    const source = hot('       (ab)--|');
    const out = source.pipe(concatMap((letter) => inners[letter as 'a' | 'b']));
    expectObservable(out).toBe('--x--x-y--|');
    expectSubscriptions(inners.b.subscriptions).toBe('------^---!');
  }),
);

drawn(
  'what project throws ends it, when its turn has come',
  marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
    const source = hot('ab---|');
    const a = cold('    x--|');
    const out = source.pipe(
      concatMap((letter) => {
        if (letter === 'b') throw 'cannot';
        return a;
      }),
    );
    expectObservable(out).toBe('x--#', undefined, 'cannot');
    expectSubscriptions(source.subscriptions).toBe('^--!');
  }),
);

drawn(
  'a subscription passes through an inner of another library',
  marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
    const source = hot(' aa---|');
    const inner = cold('-x-x|');
    expectObservable(source.pipe(concatMap(() => foreign(inner))), '------!').toBe('-x-x-x-');
    expectSubscriptions(inner.subscriptions).toBe(['^---!', '----^-!']);
  }),
);

drawn(
  'a result selector is given both values and both counts',
  marbles(({ cold, hot, expectObservable }) => {
    const source = hot('ab---|');
    const inner = cold('x-y|');
    const out = source.pipe(
      concatMap(
        () => inner,
        (...all) => all.join(''),
      ),
    );
    expectObservable(out).toBe('p-qr-s|', { p: 'ax00', q: 'ay01', r: 'bx10', s: 'by11' });
    expectObservable(source.pipe(concatMap(() => inner, undefined))).toBe('x-yx-y|');
  }),
);

drawn.run();

const inputs = suite('concatMap, inners of every kind');

const all = <A>(values: Observable<A>): Promise<A[]> => lastValueFrom(values.pipe(toArray()));

inputs('arrays, promises that take their time, generators', async () => {
  assert.equal(await all(of(1, 2).pipe(concatMap((value) => [value, -value]))), [1, -1, 2, -2]);
  const slower = (value: number): Promise<number> => new Promise((done) => setTimeout(done, 6 - 2 * value, value));
  assert.equal(await all(of(1, 2, 3).pipe(concatMap(slower))), [1, 2, 3]);
  async function* twice(value: number): AsyncGenerator<number> {
    yield value;
    yield value;
  }
  assert.equal(await all(of(1, 2).pipe(concatMap(twice))), [1, 1, 2, 2]);
});

inputs('a promise that is rejected', async () => {
  const out = of(1, 2).pipe(concatMap((value) => (value === 2 ? Promise.reject(new Error('no')) : [value])));
  const heard: unknown[] = [];
  await new Promise<void>((done) => {
    out.subscribe({ next: (value) => heard.push(value), error: (error: Error) => (heard.push(error.message), done()) });
  });
  assert.equal(heard, [1, 'no']);
});

inputs('each is finalized before the next is begun', () => {
  const heard: string[] = [];
  const inner = (name: string, values: Observable<unknown>) =>
    defer(() => {
      heard.push(`begin ${name}`);
      return values.pipe(finalize(() => heard.push(`end ${name}`)));
    });
  const gate = new Subject<void>();
  of('a', 'b', 'c')
    .pipe(concatMap((name) => inner(name, name === 'a' ? gate : EMPTY)))
    .subscribe();
  gate.complete();
  assert.equal(heard, ['begin a', 'end a', 'begin b', 'end b', 'begin c', 'end c']);
});

inputs('a source that emits in a loop can be stopped in it', () => {
  let produced = 0;
  const endless = new Observable<number>((out) => {
    while (!out.closed && produced < 1_000) out.next(produced++);
  });
  endless
    .pipe(
      concatMap((value) => of(value)),
      take(3),
    )
    .subscribe();
  assert.is(produced, 3);
});

inputs.run();

const ours = suite('concatMap, what RxJS has not');

ours('five thousand that wait and all end at once need no stack, in one call or from a timer', async () => {
  for (const begin of [of(0), timer(1)]) {
    const first = begin.pipe(
      delay(1),
      map(() => -1),
    );
    const served = range(0, 5_000).pipe(concatMap((value) => (value === 0 ? first : of(value))));
    const got = await all(served);
    assert.is(got.length, 5_000);
    assert.equal(got.slice(-3), [4_997, 4_998, 4_999]);
  }
});

ours('the source rests while 64 wait, and goes on when half of them are gone', () => {
  const feed = new Feed<number>();
  const ends: (() => void)[] = [];
  const work = feed.values.pipe(concatMap(() => new Observable<never>((out) => void ends.push(() => out.complete()))));
  const subscription = work.subscribe();
  feed.give(...Array.from({ length: 200 }, (_, at) => at));
  assert.is(feed.emitted, 1 + 64);
  for (let done = 0; done < 31; done++) ends.shift()?.();
  assert.is(feed.emitted, 65);
  ends.shift()?.();
  assert.is(feed.emitted, 65 + 32);
  subscription.unsubscribe();
  assert.is(feed.emitted, 65 + 32, 'leaving asks for nothing more');
});

ours('an inner that is subscribed to late is in the scope of the consumer below', async () => {
  const [feed, inner] = [new Feed<number>(), new Feed<number>()];
  const sink = new Sink<number>(2).drink(
    feed.values.pipe(concatMap((value) => (value === 1 ? timer(1) : inner.values))),
  );
  feed.give(1, 2);
  await new Promise((done) => setTimeout(done, 5));
  inner.give(10, 11, 12, 13);
  assert.is(sink.queue.length, 2);
  assert.is(inner.kept.length, 3, 'the timer gave one value');
  const got = sink.take();
  while (sink.queue.length > 0) got.push(...sink.take());
  assert.equal(got, [0, 10, 11, 12, 13]);
  sink.leave();
});

ours.run();
