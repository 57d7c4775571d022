// Rate limits: what goes through and when, who waits for whom, and what becomes of what is one too many.
import fc from 'fast-check';
import { Subject, type Subscription, concatMap, from, map, merge, pipe, timer } from 'rxjs';
import * as assert from 'uvu/assert';
import { copy } from '../operators/copy.js';
import { drain } from '../operators/drain.js';
import { endLines } from '../operators/end-lines.js';
import { failIfIdle } from '../operators/fail-if-idle.js';
import { frameLines } from '../operators/frame-lines.js';
import { type RatePolicy, limitRate } from '../operators/limit-rate.js';
import { serve } from '../operators/serve.js';
import { PeerIdle, QueueOverflow, RateExceeded } from '../src/errors.js';
import { type Connection, networkOf, rateLimit } from '../src/index.js';
import { assertNoLeaks } from '../src/testing/leaks.js';
import { everySplit, marbles as story } from '../src/testing/marbles.js';
import { bytes } from './kit/bytes.js';
import { Feed, Sink, unpack, warnings } from './kit/flow.js';
import { peer } from './kit/held-back.js';
import { loopback } from './kit/loopback.js';
import { ManualClock } from './kit/manual-clock.js';
import { marbles } from './kit/marbles.js';
import { quiet } from './kit/quiet.js';
import { suite } from './kit/suite.js';

const test = suite('limitRate');

/** One at once, and another every 2 ms. */
const two = { messages: 500, messageBurst: 1 };

// First of all: a process is warned once.
test('warns once that a source does not obey, and fails over its limit', () => {
  const heard = warnings();
  const values = new Subject<number>();
  const clock = new ManualClock();
  const out: unknown[] = [];
  values
    .pipe(limitRate({ messages: 1, scheduler: clock }))
    .subscribe({ next: (value) => out.push(value), error: (error: unknown) => out.push(error) });
  for (let value = 0; value <= 65_536; value++) values.next(value);
  assert.equal(out, [0]);
  values.next(-1);
  heard.stop();
  assert.instance(out[1], QueueOverflow);
  assert.is((out[1] as Error).message, 'limitRate holds 65536 values, its limit, and their source cannot be paused');
  assert.equal(heard.codes, ['SLUICE_UNREACHED']);
  assert.is(heard.messages[0], 'limitRate is full, and found no source above it that can be paused');
  assert.not.ok(values.observed);
});

// ── what becomes of a message ───────────────────────────────────────────────────────────────────────────────────────

test(
  'slows down: what is too much waits, in order, and the source rests',
  marbles(({ cold, expectObservable, expectSubscriptions }) => {
    const values = cold('     --(abc)-----d-----|');
    const expected = '        --a-b-c-----d-----|';
    expectObservable(peer(values).pipe(limitRate(two))).toBe(expected);
    expectSubscriptions(values.subscriptions).toBe('^-----------------!');
  }),
);

test(
  'the end, and an error, come after what waits',
  marbles(({ cold, expectObservable }) => {
    expectObservable(peer(cold('(abc|)')).pipe(limitRate(two))).toBe('a-b-(c|)');
    expectObservable(peer(cold('(abc#)')).pipe(limitRate(two))).toBe('a-b-(c#)');
    expectObservable(cold('(abc|)').pipe(limitRate(two))).toBe('a-b-(c|)');
    expectObservable(cold('-|').pipe(limitRate(two))).toBe('-|');
    expectObservable(cold('-#').pipe(limitRate(two))).toBe('-#');
  }),
);

test(
  'drops, answers or disconnects, and lets the rest through at once',
  marbles(({ cold, expectObservable }) => {
    const values = (): typeof cold extends never ? never : ReturnType<typeof cold<string>> => cold('--abc-d---|');
    expectObservable(values().pipe(limitRate(two, { policy: 'drop' }))).toBe('--a-c-d---|');
    expectObservable(values().pipe(limitRate(two, { policy: (value) => `no ${value}` }))).toBe('--axc-d---|', {
      a: 'a',
      c: 'c',
      d: 'd',
      x: 'no b',
    });
    const over = new RateExceeded('messages', 500);
    expectObservable(values().pipe(limitRate(two, { policy: 'disconnect' }))).toBe('--a#', undefined, over);
  }),
);

test(
  'a burst goes at once, and comes back with quiet',
  marbles(({ cold, expectObservable }) => {
    const values = '         (abcde) 10ms (fghi) 13ms (jkl)';
    const drops = limitRate<string>({ messages: 100, messageBurst: 3 }, { policy: 'drop' });
    expectObservable(cold(values).pipe(drops)).toBe('(abc)-- 10ms f----- 13ms (jk)');
  }),
);

test(
  'a rate may be a fraction, and a second is a second',
  marbles(({ cold, expectObservable }) => {
    expectObservable(peer(cold('(abc)')).pipe(limitRate({ messages: 0.1 }))).toBe('a 9999ms b 9999ms c');
    expectObservable(peer(cold('(abcdefgh)')).pipe(limitRate({ messages: 3 }))).toBe(
      '(abc) 329ms d 332ms e 332ms f 333ms g 332ms h',
    );
  }),
);

test(
  'counts bytes: a message that is larger than the bucket goes when that is full, and those behind it wait longer',
  marbles(({ cold, expectObservable }) => {
    const sizes = { a: 4, b: 10, c: 1, d: 30, e: 1 };
    const sized = (policy: 'slow-down' | 'drop') =>
      limitRate<keyof typeof sizes>({ bytes: 1_000, byteBurst: 10 }, { policy, size: (name) => sizes[name] });
    const values = cold<keyof typeof sizes>('(abcde)');
    // 6 are left of 10: b takes 4 ms more, c 1; d waits for all 10, and leaves 20 to pay off; e comes after that.
    expectObservable(peer(values as never).pipe(sized('slow-down') as never)).toBe('a---bc---------d 20ms e');
    expectObservable(values.pipe(sized('drop'))).toBe('(ace)');
  }),
);

test('what has no bytes of its own needs to be told how many', () => {
  const failures: unknown[] = [];
  const told = { error: (error: unknown) => failures.push(error) };
  from(['a'])
    .pipe(limitRate<string>({ bytes: 5 }))
    .subscribe(told);
  assert.match(String(failures[0]), /^TypeError: size must be given where bytes are limited, and messages are string$/);
  const throws = (): never => {
    throw new Error('thrown');
  };
  const shared = rateLimit({ messages: 1, bytes: 1 });
  for (const policy of ['slow-down', 'drop'] as const) {
    from(['a'])
      .pipe(limitRate<string>({ bytes: 5 }, { size: throws, policy }))
      .subscribe(told);
    from(['a'])
      .pipe(limitRate<string>(shared, { size: () => 1, key: throws, policy }))
      .subscribe(told);
  }
  assert.equal(
    failures.slice(1).map(String),
    Array.from({ length: 4 }, () => 'Error: thrown'),
  );
});

// ── who shares ──────────────────────────────────────────────────────────────────────────────────────────────────────

test(
  'given numbers, every subscription has its own bucket; given a limit, all share it and take turns',
  marbles(({ cold, expectObservable }) => {
    const values = '(abc)';
    const own = limitRate<string>(two);
    expectObservable(peer(cold(values)).pipe(own)).toBe('a-b-c');
    expectObservable(peer(cold(values)).pipe(own)).toBe('a-b-c');
    const shared = limitRate<string>(rateLimit(two));
    const tens = { a: 'A', b: 'B', c: 'C' };
    expectObservable(merge(peer(cold(values)).pipe(shared), peer(cold(values, tens)).pipe(shared))).toBe(
      'a-b-A-c-B-C',
      { ...tens, A: 'A', B: 'B', C: 'C', a: 'a', b: 'b', c: 'c' },
    );
  }),
);

test(
  'who comes later does not go ahead of those who wait, whatever his policy',
  marbles(({ cold, expectObservable }) => {
    const shared = rateLimit(two);
    expectObservable(peer(cold('(abc)')).pipe(limitRate(shared))).toBe('a-b-c');
    expectObservable(cold('--d-e-f').pipe(limitRate(shared, { policy: 'drop' }))).toBe('------f');
  }),
);

test(
  'a key has a bucket of its own: of the connection, or of the message',
  marbles(({ cold, expectObservable }) => {
    const byKey = rateLimit(two);
    for (const key of ['one', 2]) {
      expectObservable(peer(cold('(ab)')).pipe(limitRate(byKey, { key }))).toBe('a-b');
    }
    expectObservable(peer(cold('(ab)')).pipe(limitRate(byKey, { key: 'one' }))).toBe('----a-b');
    const byMessage = rateLimit(two);
    const key = (message: string): string => message.toLowerCase();
    expectObservable(cold('(aAbBaB)').pipe(limitRate(byMessage, { key, policy: 'drop' }))).toBe('(ab)');
  }),
);

test('so many keys and no more have a bucket: the one that was not asked for longest is forgotten', () => {
  const clock = new ManualClock();
  const limit = rateLimit({ messages: 1, keys: 2, scheduler: clock });
  const ask = (...names: string[]): string => {
    const out: string[] = [];
    from(names)
      .pipe(limitRate(limit, { key: (name: string) => name, policy: 'drop' }))
      .subscribe((name) => out.push(name));
    return out.join('');
  };
  assert.is(ask('a', 'b', 'a', 'b'), 'ab');
  assert.is(ask('a', 'c', 'a'), 'c');
  assert.is(ask('b'), 'b', 'it was forgotten for c');
  assert.is(limit.statistics.keys, 2);
  assert.equal(limit.statistics, { passed: 4, slowed: 0, dropped: 4, answered: 0, disconnected: 0, keys: 2 });
});

test('the key of one who is still there is not forgotten, however many others come: he has one bucket, not two', () => {
  const clock = new ManualClock();
  const limit = rateLimit({ messages: 1, messageBurst: 3, keys: 2, scheduler: clock });
  const out: string[] = [];
  const connection = (): Subject<string> => {
    const said = new Subject<string>();
    said.pipe(limitRate(limit, { key: 'ann', policy: 'drop' })).subscribe((word) => out.push(word));
    return said;
  };
  const others = (): void => {
    const names = Array.from({ length: 9 }, (_, index) => index);
    from(names)
      .pipe(limitRate(limit, { key: (name: number) => name, policy: 'drop' }))
      .subscribe();
  };
  const first = connection();
  first.next('1');
  others();
  const second = connection();
  for (const word of ['2', '3', '4']) second.next(word);
  first.next('5');
  // Who says as whom a message is has the same bucket.
  from(['6'])
    .pipe(limitRate(limit, { key: () => 'ann', policy: 'drop' }))
    .subscribe((word) => out.push(word));
  assert.equal([out.join(''), limit.statistics.keys], ['123', 3]);
  limit.set({ messages: 1_000 });
  clock.advance(1);
  first.next('7');
  second.next('8');
  assert.is(out.join(''), '1237', 'a change is for those too');
  first.complete();
  others();
  second.next('9');
  assert.is(out.join(''), '1237');
  second.complete();
  assert.is(limit.statistics.keys, 2);
  others();
  connection().next('0');
  assert.is(out.join(''), '12370', 'once nobody is there any more, it is forgotten as others are');
});

test('a size that is none, or a key that is like no other, fails: it would let everything through', () => {
  const failures: unknown[] = [];
  const told = { error: (error: unknown) => failures.push(String(error)) };
  for (const size of [NaN, -1, Infinity]) {
    for (const policy of ['drop', 'slow-down'] as const) {
      from(['a'])
        .pipe(limitRate<string>({ bytes: 5 }, { size: () => size, policy }))
        .subscribe(told);
    }
  }
  const limit = rateLimit({ messages: 1 });
  for (const key of [{}, undefined, null, Symbol('a')]) {
    from(['a'])
      .pipe(limitRate(limit, { key: () => key as never }))
      .subscribe(told);
  }
  assert.equal(failures, [
    ...[NaN, NaN, -1, -1, Infinity, Infinity].map((got) => `RangeError: size must give a number of bytes, got ${got}`),
    ...['object', 'undefined', 'object', 'symbol'].map(
      (got) => `TypeError: key must give a text or a number, got ${got}`,
    ),
  ]);
});

test('an address is counted with those that its owner has too', () => {
  const of = (name: string): string => networkOf({ peer: name });
  assert.is(of('192.0.2.1:5'), '192.0.2.1');
  assert.is(of('[2001:db8:0:1:2:3:4:5]:6'), '2001:db8:0:1::/64');
  assert.is(of('[2001:db8:0:1::9]:7'), '2001:db8:0:1::/64');
  assert.is(of('[::1]:7'), '::/64');
  assert.is(of('[::ffff:192.0.2.1]:7'), '192.0.2.1');
  assert.is(of('/run/a.sock'), '/run/a.sock');
  assert.is(of('ann'), 'ann');
});

// ── live ────────────────────────────────────────────────────────────────────────────────────────────────────────────

test('can be changed while it is in force, for who waits too, and counts', () => {
  const clock = new ManualClock();
  const limit = rateLimit({ messages: 1, scheduler: clock });
  assert.equal(limit.limits, { messages: 1, messageBurst: 1, bytes: Infinity, byteBurst: Infinity });
  const feed = new Feed<number>();
  const out: number[] = [];
  const subscription: Subscription = feed.values.pipe(limitRate(limit)).subscribe((value) => out.push(value));
  feed.give(1, 2, 3, 4, 5, 6, 7, 8, 9);
  clock.advance(1_500);
  assert.equal(out, [1, 2]);
  limit.set({ messages: 1_000 });
  assert.equal(out, [1, 2], 'half a message was allowed by then');
  clock.advance(1);
  assert.equal(out, [1, 2, 3]);
  clock.advance(2);
  assert.equal(out, [1, 2, 3, 4, 5]);
  assert.is(limit.limits.messageBurst, 1_000, 'a second of the new rate, since nobody said otherwise');
  limit.set({ messages: 0.5, messageBurst: 2 });
  clock.advance(990);
  assert.is(out.length, 5);
  clock.advance(20);
  assert.is(out.length, 6);
  limit.set({ messages: Infinity, messageBurst: Infinity });
  assert.is(out.length, 9);
  assert.equal(limit.statistics, { passed: 9, slowed: 6, dropped: 0, answered: 0, disconnected: 0, keys: 1 });
  limit.set({ bytes: 5 });
  assert.equal(limit.limits, { messages: Infinity, messageBurst: Infinity, bytes: 5, byteBurst: 5 });
  subscription.unsubscribe();
});

test('a burst that is made smaller is smaller at once, and time that runs backwards gives nothing', () => {
  const clock = new ManualClock();
  const limit = rateLimit({ messages: 10, scheduler: clock });
  const out: number[] = [];
  const values = new Subject<number>();
  values.pipe(limitRate(limit, { policy: 'drop' })).subscribe((value) => out.push(value));
  limit.set({ messageBurst: 2 });
  for (const value of [1, 2, 3]) values.next(value);
  assert.equal(out, [1, 2]);
  clock.frame = -5_000;
  values.next(4);
  assert.equal(out, [1, 2]);
  clock.advance(100);
  values.next(5);
  assert.equal(out, [1, 2, 5]);
});

// ── flow ────────────────────────────────────────────────────────────────────────────────────────────────────────────

test('stops in the middle of a chunk, and keeps one message', () => {
  const clock = new ManualClock();
  const feed = new Feed<number[]>();
  const out: number[] = [];
  feed.values.pipe(unpack(), limitRate({ messages: 10, messageBurst: 2, scheduler: clock })).subscribe((value) => {
    out.push(value);
  });
  feed.give([1, 2, 3, 4], [5, 6]);
  assert.equal([out, feed.kept], [[1, 2], [[5, 6]]]);
  clock.advance(100);
  assert.equal(out, [1, 2, 3]);
  clock.advance(200);
  assert.equal([out, feed.kept], [[1, 2, 3, 4, 5], []]);
  clock.advance(100);
  assert.equal(out, [1, 2, 3, 4, 5, 6]);
});

test('a consumer below that is full holds it up, and then it goes on at its rate', () => {
  const clock = new ManualClock();
  const feed = new Feed<number>();
  const sink = new Sink<number>(2).drink(
    feed.values.pipe(limitRate({ messages: 10, messageBurst: 1, scheduler: clock })),
  );
  feed.give(1, 2, 3, 4, 5, 6);
  clock.advance(1_000);
  assert.equal(sink.queue, [1, 2]);
  assert.is(sink.most, 2);
  assert.equal(sink.take(2), [1, 2]);
  assert.equal(sink.queue, [3], 'a second went by, and the bucket holds one');
  clock.advance(100);
  assert.equal(sink.queue, [3, 4]);
  sink.leave();
  assert.not.ok(feed.subscribed);
});

test('who leaves waits no more, and those behind him go on', () => {
  const clock = new ManualClock();
  const limit = rateLimit({ messages: 10, messageBurst: 1, scheduler: clock });
  const feeds = [new Feed<number>(), new Feed<number>(), new Feed<number>()];
  const out: number[] = [];
  const [first, ...others] = feeds.map((feed) =>
    feed.values.pipe(limitRate(limit)).subscribe((value) => out.push(value)),
  );
  for (const [index, feed] of feeds.entries()) feed.give(10 * index + 1, 10 * index + 2);
  assert.equal(out, [1]);
  first?.unsubscribe();
  clock.advance(100);
  assert.equal(out, [1, 11]);
  clock.advance(200);
  assert.equal(out, [1, 11, 21, 12]);
  for (const other of others) other.unsubscribe();
  clock.advance(10_000);
  assert.is(clock.actions.length, 0, 'no timer is left');
});

test(
  'a peer that is slowed down is not given up for it',
  marbles(({ hot, expectObservable }) => {
    const slow = pipe(limitRate<string>({ messages: 100, messageBurst: 1 }), failIfIdle<string>(15));
    expectObservable(peer(hot('a(bcd)')).pipe(slow)).toBe('a 9ms b 9ms c 9ms d 14ms #', undefined, new PeerIdle(15));
  }),
);

// ── properties ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** What is given, and when, in milliseconds. */
const arrivals = fc.array(
  fc.record({ after: fc.integer({ min: 0, max: 40 }), count: fc.integer({ min: 1, max: 6 }) }),
  {
    maxLength: 12,
  },
);
const rates = fc.record({ messages: fc.integer({ min: 20, max: 500 }), messageBurst: fc.integer({ min: 1, max: 8 }) });

test('in no span of time does more go through than the burst and the rate allow, and no less than could', () => {
  fc.assert(
    fc.property(arrivals, rates, fc.boolean(), (given, limits, drops) => {
      const clock = new ManualClock();
      const feed = new Feed<number>();
      const policy: RatePolicy<number, never> = drops ? 'drop' : 'slow-down';
      const went: { readonly at: number; readonly value: number }[] = [];
      const limit = rateLimit({ ...limits, scheduler: clock });
      feed.values.pipe(limitRate(limit, { policy })).subscribe((value) => went.push({ at: clock.now(), value }));
      let value = 0;
      for (const { after, count } of given) {
        clock.advance(after);
        feed.give(...Array.from({ length: count }, () => ++value));
      }
      clock.advance(100_000);
      for (const [index, { at }] of went.entries()) {
        for (const [more, later] of went.slice(index).entries()) {
          const allowed = limits.messageBurst + ((later.at - at) * limits.messages) / 1_000;
          assert.ok(more + 1 <= allowed + 1e-6, `${more + 1} in ${later.at - at} ms`);
        }
      }
      const values = went.map((one) => one.value);
      assert.equal(
        values,
        values.toSorted((one, other) => one - other),
      );
      if (drops) assert.is(values.length + limit.statistics.dropped, value);
      else assert.is(values.length, value);
      const last = went.at(-1);
      const quickest = (value - limits.messageBurst) / limits.messages;
      // A millisecond for each that waited: that is how finely time is looked at.
      const whole = given.reduce((sum, { after }) => sum + after, 0) + Math.max(0, quickest) * 1_000 + value;
      if (!drops && last !== undefined) assert.ok(last.at <= whole + 1, `${last.at} ms for what could go in ${whole}`);
    }),
    { numRuns: 200 },
  );
});

test('among many who share, each gets its turn, and the whole keeps to the limit', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 6 }), rates, (many, limits) => {
      const clock = new ManualClock();
      const limit = rateLimit({ ...limits, scheduler: clock });
      const feeds = Array.from({ length: many }, () => new Feed<number>());
      const counts = feeds.map(() => 0);
      for (const [index, feed] of feeds.entries()) {
        feed.values.pipe(limitRate(limit)).subscribe(() => void counts[index]!++);
        feed.give(...Array.from({ length: 1_000 }, () => 0));
      }
      clock.advance(300);
      const total = counts.reduce((sum, count) => sum + count, 0);
      assert.ok(total <= limits.messageBurst + limits.messages * 0.3 + 1e-6, `${total} messages`);
      // Time is looked at a millisecond at a time, and a bucket of one keeps nothing of what is over.
      assert.ok(total >= Math.floor(300 / Math.ceil(1_000 / limits.messages)), `${total} messages`);
      const waited = counts.map((count, index) => count - (index === 0 ? limits.messageBurst : 0));
      assert.ok(Math.max(...waited) - Math.min(...waited) <= 1, `turns: ${waited.join(' ')}`);
    }),
    { numRuns: 60 },
  );
});

// ── connections ─────────────────────────────────────────────────────────────────────────────────────────────────────

test(
  'messages are counted and not chunks: however they came, so many a second are answered',
  everySplit(({ serve: serving, client, expectReceived, expectClosed }) => {
    serving(pipe(frameLines(), limitRate({ messages: 2 }), endLines()));
    client('ann', '        a|', { a: '1\n2\n3\n4\n5\n' });
    expectReceived('ann', 'a 499ms b 499ms c 499ms (d|)', { a: '1\n2\n', b: '3\n', c: '4\n', d: '5\n' });
    expectClosed('ann', '  1500ms x', { x: 'finished' });
  }),
);

test('by address: who comes again finds his bucket as he left it, and others are not concerned', async () => {
  await everySplit(({ serve: serving, client, expectReceived, expectOutcomes }) => {
    const each = rateLimit({ messages: 1, messageBurst: 2 });
    const key = ({ peer: name }: Connection): string => name.slice(0, 3);
    serving((heard, connection) =>
      heard.pipe(frameLines(), limitRate(each, { key: key(connection), policy: 'disconnect' }), endLines()),
    );
    client('ann 1', '      (ab)|', { a: '1\n', b: '2\n' });
    client('ann 2', '      ---^a', { a: '3\n' });
    client('bob 1', '      ---^a|', { a: '4\n' });
    client('ann 3', '      1s ^a|', { a: '5\n' });
    expectReceived('ann 1', 'a|', { a: '1\n2\n' });
    expectReceived('ann 2', '----|');
    expectReceived('bob 1', '----a|', { a: '4\n' });
    expectReceived('ann 3', '1001ms a|', { a: '5\n' });
    expectOutcomes('        -a--bc 996ms d', {
      a: 'ann 1 finished',
      b: 'ann 2 RateExceeded',
      c: 'bob 1 finished',
      d: 'ann 3 finished',
    });
  })();
});

test('too much is answered in its turn', async () => {
  await everySplit(({ serve: serving, client, expectReceived, expectClosed }) => {
    const busy = bytes('slower!');
    serving(
      pipe(
        frameLines(),
        limitRate({ messages: 1, messageBurst: 1 }, { policy: () => null }),
        concatMap((message) => timer(5).pipe(map(() => message ?? busy))),
        endLines(),
      ),
    );
    client('ann', '        a|', { a: '1\n2\n' });
    expectReceived('ann', '5ms a 4ms (b|)', { a: '1\n', b: 'slower!\n' });
    expectClosed('ann', '  10ms x', { x: 'finished' });
  })();
});

test(
  'at the stop of a server, what waits is still answered at its rate',
  story(async ({ serveWith, client, pass, expectReceived, expectOutcomes }) => {
    const stop = new Subject<void>();
    serveWith(drain(stop, 10_000, serve(pipe(frameLines(), limitRate({ messages: 1 }), endLines()))));
    client('ann', '        a', { a: '1\n2\n3\n4' });
    expectReceived('ann', 'a 999ms b 999ms (c|)', { a: '1\n', b: '2\n', c: '3\n' });
    expectOutcomes('        2s a', { a: 'ann finished' });
    await pass('500ms');
    stop.next();
  }),
);

for (const readBuffer of ['fresh', 'poisoned'] as const) {
  test(`over sockets, with ${readBuffer} reads: a flood is held back by TCP, others are answered, nothing is lost`, async () => {
    const clean = assertNoLeaks();
    const connections: Connection[] = [];
    const limits = rateLimit({ messages: 200, messageBurst: 1 });
    const handler = serve((heard, connection) => {
      connections.push(connection);
      return heard.pipe(frameLines(), limitRate(limits, { key: connection.peer }), copy(), endLines());
    });
    const server = await loopback(handler, { readBuffer });
    const flood = await server.dial();
    const sent = Array.from({ length: 400_000 }, (_, index) => `${index}`.padStart(31, '.')).join('\n');
    flood.read().send(`${sent}\n`);
    const taken = await quiet(() => flood.sent);
    const ann = (await server.dial()).read();
    ann.send('hello\n');
    assert.is(await ann.heard(6), 'hello\n');
    const [first] = connections as [Connection];
    assert.ok(first.statistics.bytesIn <= 256 * 1_024, `${first.statistics.bytesIn} bytes were read`);
    assert.ok(taken < sent.length, `${taken} bytes of ${sent.length} were taken`);
    const heard = await flood.heard(32 * 20);
    assert.ok(sent.startsWith(heard.trimEnd()), 'in order, and none left out');
    assert.ok(first.resting);
    server.cut();
    await Promise.all([flood.over, ann.over]);
    assert.is(limits.statistics.dropped, 0);
    await clean();
  });
}

test.run();
