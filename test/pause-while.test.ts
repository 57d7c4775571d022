import fc from 'fast-check';
import { BehaviorSubject, NEVER, Observable, Subject, lastValueFrom, merge, of, tap, throwError } from 'rxjs';
import * as assert from 'uvu/assert';
import { failIfIdle } from '../operators/fail-if-idle.js';
import { firstByteDeadline } from '../operators/first-byte-deadline.js';
import { frameLines } from '../operators/frame-lines.js';
import { pauseWhile } from '../operators/pause-while.js';
import { PeerIdle, PeerSilent, QueueOverflow } from '../src/errors.js';
import { memory } from '../src/connection/memory.js';
import { pausable } from '../src/source/pausable.js';
import { Feed, Sink, warnings } from './kit/flow.js';
import { peer } from './kit/held-back.js';
import { marbles } from './kit/marbles.js';
import { rounds } from './kit/quiet.js';
import { suite } from './kit/suite.js';

const test = suite('pauseWhile');

const TURNS = { t: true, f: false };

// First of all: a process is warned once.
test('warns once that a source does not obey, and fails over its limit', () => {
  const heard = warnings();
  const paused = new BehaviorSubject(true);
  const values = new Subject<number>();
  const out: unknown[] = [];
  values
    .pipe(pauseWhile(paused, { limit: 3 }))
    .subscribe({ next: (value) => out.push(value), error: (error) => out.push(error) });
  for (const value of [1, 2, 3]) values.next(value);
  assert.equal(out, []);
  values.next(4);
  heard.stop();
  assert.instance(out[0], QueueOverflow);
  assert.is((out[0] as Error).message, 'pauseWhile holds 3 values, its limit, and their source cannot be paused');
  assert.equal(heard.codes, ['SLUICE_UNREACHED']);
  assert.is(heard.messages[0], 'pauseWhile is full, and found no source above it that can be paused');
  assert.not.ok(values.observed);
  assert.not.ok(paused.observed);
});

test(
  'lets a source rest that obeys, and goes on where it stopped',
  marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
    const paused = hot('      f-----t-------f', TURNS);
    const values = cold('     --a-b---c-d---------e-|');
    const expected = '        --a-b---------(cd)--e-|';
    expectObservable(peer(values).pipe(pauseWhile(paused))).toBe(expected);
    expectSubscriptions(paused.subscriptions).toBe('^---------------------!');
  }),
);

test(
  'is not paused before it is told so, and its last word holds',
  marbles(({ cold, hot, expectObservable }) => {
    expectObservable(cold('-a|').pipe(pauseWhile(NEVER))).toBe('-a|');
    expectObservable(cold('-a|').pipe(pauseWhile(of(false)))).toBe('-a|');
    expectObservable(peer(cold('-a|')).pipe(pauseWhile(of(true)))).toBe('---');
    expectObservable(peer(hot('-a-b-c|')).pipe(pauseWhile(hot('--t|', TURNS)))).toBe('-a-----');
  }),
);

test(
  'keeps what comes all the same, and the end or the error behind it',
  marbles(({ cold, hot, expectObservable }) => {
    const paused = '  -t----f';
    expectObservable(cold('a-b-c|').pipe(pauseWhile(hot(paused, TURNS)))).toBe('a-----(bc|)');
    expectObservable(cold('a-b-c#').pipe(pauseWhile(hot(paused, TURNS)))).toBe('a-----(bc#)');
    expectObservable(cold('a--|').pipe(pauseWhile(hot(paused, TURNS)))).toBe('a-----|');
    expectObservable(cold('a--#').pipe(pauseWhile(hot(paused, TURNS)))).toBe('a--#');
  }),
);

test(
  'fails with what it is told by',
  marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
    const values = cold('-a-b-c');
    expectObservable(values.pipe(pauseWhile(hot('--t-#', TURNS)))).toBe('-a--#');
    expectSubscriptions(values.subscriptions).toBe('^---!');
    expectObservable(cold('-a').pipe(pauseWhile(throwError(() => 'error')))).toBe('#');
  }),
);

test('pauses and resumes the source once each, and leaves it going', () => {
  const deeds: string[] = [];
  const source = new Subject<number>();
  const obeying = pausable(source, { pause: () => deeds.push('pause'), resume: () => deeds.push('resume') });
  const paused = new BehaviorSubject(false);
  const out: number[] = [];
  const subscription = obeying.pipe(pauseWhile(paused)).subscribe((value) => out.push(value));
  paused.next(true);
  paused.next(true);
  source.next(1);
  source.next(2);
  assert.equal([deeds, out], [['pause'], []]);
  paused.next(false);
  assert.equal(
    [deeds, out],
    [
      ['pause', 'resume'],
      [1, 2],
    ],
  );
  paused.next(true);
  source.next(3);
  subscription.unsubscribe();
  assert.equal(deeds, ['pause', 'resume', 'pause', 'resume']);
  assert.not.ok(paused.observed);
});

test('may be paused by what it emits, also while it gives what it kept', () => {
  const paused = new BehaviorSubject(false);
  const feed = new Feed<number>();
  const out: number[] = [];
  const careful = tap((value: number) => {
    out.push(value);
    if (value % 2 === 0) paused.next(true);
  });
  feed.values.pipe(pauseWhile(paused), careful).subscribe();
  feed.give(1, 2, 3, 4, 5);
  assert.equal(
    [out, feed.kept],
    [
      [1, 2],
      [3, 4, 5],
    ],
  );
  paused.next(false);
  assert.equal([out, feed.kept], [[1, 2, 3, 4], [5]]);
  paused.next(false);
  assert.equal(out, [1, 2, 3, 4, 5]);

  const heard = warnings();
  const plain = new Subject<number>();
  const kept: number[] = [];
  plain.pipe(pauseWhile(paused)).subscribe((value) => {
    kept.push(value);
    if (value < 3) plain.next(value + 10);
    if (value === 2) paused.next(true);
  });
  paused.next(true);
  for (const value of [1, 2, 3]) plain.next(value);
  paused.next(false);
  assert.equal(kept, [1, 2], 'what comes while it gives goes behind');
  paused.next(false);
  heard.stop();
  assert.equal(kept, [1, 2, 3, 11, 12]);
});

test('a consumer below that is full holds the source too, paused or not', () => {
  const paused = new BehaviorSubject(false);
  const feed = new Feed<number>();
  const sink = new Sink<number>(2).drink(feed.values.pipe(pauseWhile(paused)));
  feed.give(1, 2, 3, 4, 5, 6);
  assert.equal(
    [sink.queue, feed.kept],
    [
      [1, 2],
      [3, 4, 5, 6],
    ],
  );
  paused.next(true);
  assert.equal(sink.take(), [1, 2]);
  assert.equal(sink.queue, []);
  paused.next(false);
  assert.equal(sink.queue, [3, 4]);
  paused.next(true);
  paused.next(false);
  assert.equal(
    [sink.queue, feed.kept],
    [
      [3, 4],
      [5, 6],
    ],
  );
  assert.equal(sink.take(2), [3, 4]);
  assert.equal(sink.queue, [5, 6]);
  assert.is(sink.late, 0);
});

test('gives what it kept no faster than it is taken', () => {
  const heard = warnings();
  const paused = new BehaviorSubject(true);
  const values = new Subject<number>();
  const sink = new Sink<number>(2).drink(values.pipe(pauseWhile(paused)));
  for (let value = 1; value <= 6; value++) values.next(value);
  values.complete();
  paused.next(false);
  assert.equal(sink.queue, [1, 2]);
  assert.equal([...sink.take(), ...sink.take(), ...sink.take()], [1, 2, 3, 4, 5, 6]);
  assert.ok(sink.completed);
  assert.is(sink.most, 2);
  heard.stop();
});

test('stops in the middle of a chunk', () => {
  const paused = new BehaviorSubject(false);
  const feed = new Feed<Uint8Array>();
  const lines: string[] = [];
  feed.values.pipe(pauseWhile(paused), frameLines()).subscribe((line) => {
    lines.push(Buffer.from(line).toString());
    paused.next(lines.length % 2 === 0);
  });
  feed.give(Buffer.from('a\nb\nc\nd\ne\n'));
  assert.equal(lines, ['a', 'b']);
  paused.next(false);
  assert.equal(lines, ['a', 'b', 'c', 'd']);
  paused.next(false);
  assert.equal(lines, ['a', 'b', 'c', 'd', 'e']);
});

test(
  'time in which a peer was not heard for the pause does not count against it',
  marbles(({ cold, hot, expectObservable }) => {
    const silent = new PeerIdle(5);
    const watched = failIfIdle<string>(5);
    const paused = '  --t----------------f-----';
    const spoke = '   -a--b--------------------';
    const alive = '   -a-----------------b----#';
    expectObservable(peer(hot(spoke)).pipe(pauseWhile(hot(paused, TURNS)), watched)).toBe(alive, undefined, silent);
    const quiet = '   -a-----------------------';
    const givenUp = ' -a----#';
    expectObservable(peer(hot(quiet)).pipe(pauseWhile(hot(paused, TURNS)), watched)).toBe(givenUp, undefined, silent);
    const welcome = firstByteDeadline<string>(5);
    const before = '  t---------f--------------';
    const shy = '     ---a---------------------';
    const heard = '   ----------a--------------';
    expectObservable(peer(cold(shy)).pipe(pauseWhile(hot(before, TURNS)), welcome)).toBe(heard);
    expectObservable(peer(NEVER).pipe(pauseWhile(NEVER), welcome)).toBe('-----#', undefined, new PeerSilent(5));
  }),
);

test('whatever is paused when, what goes in comes out', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('fed', 'plain', 'pause', 'resume', 'take', 'take'), { maxLength: 60 }),
      fc.integer({ min: 1, max: 4 }),
      (deeds, highWater) => {
        const paused = new BehaviorSubject(false);
        const feed = new Feed<string>();
        const plain = new Subject<string>();
        const sink = new Sink<string>(highWater).drink(merge(feed.values, plain).pipe(pauseWhile(paused)));
        const taken: string[] = [];
        const given: Record<string, string[]> = { fed: [], plain: [] };
        for (const [number, deed] of deeds.entries()) {
          const before = taken.length + sink.queue.length;
          if (deed === 'pause' || deed === 'resume') paused.next(deed === 'pause');
          else if (deed === 'take') taken.push(...sink.take(1));
          else {
            const value = `${deed} ${number}`;
            given[deed]?.push(value);
            if (deed === 'fed') feed.give(value);
            else plain.next(value);
          }
          if (paused.value) assert.is(taken.length + sink.queue.length, before, 'nothing comes while it is paused');
        }
        paused.next(false);
        for (let more = sink.take(); more.length > 0; more = sink.take()) taken.push(...more);
        for (const kind of ['fed', 'plain']) {
          assert.equal(
            taken.filter((value) => value.startsWith(kind)),
            given[kind],
          );
        }
        sink.leave();
        assert.not.ok(paused.observed);
        assert.not.ok(feed.subscribed);
      },
    ),
    { numRuns: 300 },
  );
});

test('lets nothing through while it is paused', () => {
  const paused = new BehaviorSubject(true);
  const out: number[] = [];
  new Observable<number>((subscriber) => {
    for (let value = 0; value < 5; value++) subscriber.next(value);
  })
    .pipe(pauseWhile(paused))
    .subscribe((value) => out.push(value));
  assert.equal(out, []);
  paused.next(false);
  assert.equal(out, [0, 1, 2, 3, 4]);
});

test('what is let go at the end may pause again: nothing waits for ever behind a gate that nobody opens', async () => {
  const [near, far] = memory();
  const paused = new BehaviorSubject(true);
  const seen: string[] = [];
  of(Buffer.from('a\nb\nc\nd\n')).pipe(far.writes).subscribe();
  const over = lastValueFrom(
    near.reads.pipe(
      pauseWhile(paused),
      frameLines(),
      tap((line) => {
        seen.push(String.fromCharCode(line[0] as number));
        if (seen.length % 2 === 1) paused.next(true);
        setTimeout(() => paused.next(false), 1);
      }),
    ),
  );
  await rounds();
  paused.next(false);
  await over;
  assert.equal(seen, ['a', 'b', 'c', 'd']);
  near.abort();
});

test.run();
