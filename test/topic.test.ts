import fc from 'fast-check';
import { type Observable, tap } from 'rxjs';
import * as assert from 'uvu/assert';
import { broadcast } from '../operators/broadcast.js';
import { PeerTooSlow } from '../src/errors.js';
import type { SlowPolicy } from '../src/source/mailbox.js';
import { type Subscribed, type TopicOptions, topic } from '../src/source/topic.js';
import { Feed, Sink, refusal, warnings } from './kit/flow.js';
import { suite } from './kit/suite.js';

const test = suite('topic');

const counted = (length: number): number[] => Array.from({ length }, (_, at) => at + 1);

/** All that a subscriber hears, with how it ended. */
const hear = <A>(values: Observable<A>) => {
  const heard: unknown[] = [];
  const subscription = values.subscribe({
    next: (value) => heard.push(value),
    error: (error: Error) => heard.push(error),
    complete: () => heard.push('end'),
  });
  return { heard, leave: () => subscription.unsubscribe() };
};

test('gives each value to everyone who is there', () => {
  const news = topic<string>();
  news.publish('nobody hears');
  const ann = hear(news.stream());
  news.publish('a');
  const bob = hear(news.stream());
  news.publish('b');
  ann.leave();
  news.publish('c');
  assert.equal(ann.heard, ['a', 'b']);
  assert.equal(bob.heard, ['b', 'c']);
  assert.equal(news.statistics, { published: 4, delivered: 4, dropped: 0, subscribers: 1 });
});

test('completing ends everyone, later ones at once, and after that nothing is published', () => {
  const news = topic<string>();
  const ann = hear(news.stream());
  news.complete();
  news.publish('late');
  assert.equal(ann.heard, ['end']);
  assert.equal(hear(news.stream()).heard, ['end']);
  assert.is(news.statistics.published, 0);
  assert.is(news.statistics.subscribers, 0);
});

test('one subscriber too many is refused, and a place is free again when one leaves', () => {
  const news = topic<string>({ maxSubscribers: 1 });
  const ann = hear(news.stream());
  const bob = hear(news.stream());
  news.publish('a');
  assert.equal(bob.heard.map(String), ['LimitReached: no more than 1 subscribers of a topic']);
  assert.equal(ann.heard, ['a']);
  ann.leave();
  const cyd = hear(news.stream());
  news.publish('b');
  assert.equal(cyd.heard, ['b']);
  assert.throws(() => topic({ maxSubscribers: 0 }), /^maxSubscribers must be a whole number from 1 to/);
});

test('leaves out what a subscriber does not want', () => {
  const news = topic<number>();
  const odd = hear(news.stream({ except: (value) => value % 2 === 0 }));
  const all = hear(news.stream());
  for (const value of counted(4)) news.publish(value);
  assert.equal(odd.heard, [1, 3]);
  assert.equal(all.heard, [1, 2, 3, 4]);
  assert.is(news.statistics.dropped, 0, 'what is not wanted is not lost');
});

test("what except throws is that subscriber's error", () => {
  const news = topic<number>();
  const wrong = hear(
    news.stream({
      except: () => {
        throw new Error('cannot tell');
      },
    }),
  );
  const right = hear(news.stream());
  news.publish(1);
  news.publish(2);
  assert.match(String(wrong.heard), 'cannot tell');
  assert.equal(right.heard, [1, 2]);
  assert.is(news.statistics.subscribers, 1);
});

test('everyone hears the same order, also of what is published while something is published', () => {
  const news = topic<string>();
  const first = hear(news.stream().pipe(tap((value) => value === 'question' && news.publish('answer'))));
  const second = hear(news.stream());
  news.publish('question');
  news.publish('next');
  assert.equal(first.heard, ['question', 'answer', 'next']);
  assert.equal(second.heard, first.heard);
});

test('one may leave, and let others leave, in the middle of a value', () => {
  const news = topic<number>();
  const parties: { leave(): void }[] = [];
  const first = hear(news.stream().pipe(tap(() => parties.forEach((party) => party.leave()))));
  const second = hear(news.stream());
  const third = hear(news.stream());
  parties.push(first, second);
  news.publish(1);
  news.publish(2);
  assert.equal([first.heard, second.heard, third.heard], [[], [], [1, 2]]);
  assert.is(news.statistics.subscribers, 1);
});

test('one who comes in the middle of a value hears the next one', () => {
  const news = topic<number>();
  const late: { heard: unknown[] }[] = [];
  const first = hear(news.stream().pipe(tap(() => late.push(hear(news.stream())))));
  news.publish(1);
  news.publish(2);
  assert.equal(first.heard, [1, 2]);
  assert.equal(
    late.map(({ heard }) => heard),
    [[2], []],
  );
});

test('completing in the middle of a value ends everyone after it', () => {
  const news = topic<number>();
  const first = hear(news.stream().pipe(tap(() => news.complete())));
  const second = hear(news.stream());
  news.publish(1);
  assert.equal(
    [first.heard, second.heard],
    [
      [1, 'end'],
      [1, 'end'],
    ],
  );
});

/** A slow subscriber that takes nothing until it is told to, and what it knows of itself. */
const slow = (options: TopicOptions, news = topic<number>()) => {
  let own: Subscribed | undefined;
  const sink = new Sink<number>(1).drink(news.stream({ ...options, onSubscribed: (subscribed) => (own = subscribed) }));
  const rest = (): number[] => {
    const all: number[] = [];
    while (sink.queue.length > 0) all.push(...sink.take(1));
    return all;
  };
  return { news, sink, rest, own: () => ({ dropped: own?.dropped, held: own?.held }) };
};

for (const [policy, kept] of [
  ['drop-oldest', [1, 18, 19, 20]],
  ['drop-newest', [1, 2, 3, 4]],
] as const) {
  test(`${policy}: keeps its highWater, counts the rest, and holds up nobody`, () => {
    const { news, sink, rest, own } = slow({ policy, highWater: 3 });
    const quick = hear(news.stream());
    for (const value of counted(20)) news.publish(value);
    assert.equal(quick.heard, counted(20));
    assert.equal(own(), { dropped: 16, held: 3 });
    assert.equal(rest(), kept);
    assert.equal(own(), { dropped: 16, held: 0 });
    assert.equal(news.statistics, { published: 20, delivered: 24, dropped: 16, subscribers: 2 });
    news.publish(21);
    assert.equal(rest(), [21], 'and is as quick as anybody again');
    sink.leave();
  });

  test(`${policy}: a highWater of one keeps one`, () => {
    const { news, sink, rest, own } = slow({ policy, highWater: 1 });
    for (const value of counted(1_000)) news.publish(value);
    assert.equal(own(), { dropped: 998, held: 1 });
    assert.equal(rest(), policy === 'drop-oldest' ? [1, 1_000] : [1, 2]);
    sink.leave();
  });
}

test('disconnect: fails that subscriber alone', () => {
  const { news, sink } = slow({ policy: 'disconnect', highWater: 3 });
  const quick = hear(news.stream());
  for (const value of counted(10)) news.publish(value);
  assert.instance(sink.error, PeerTooSlow);
  assert.is((sink.error as PeerTooSlow).held, 3);
  assert.equal(quick.heard, counted(10));
  assert.is(news.statistics.subscribers, 1);
});

test('pause: lets the sources rest that publish, and no others, until it has caught up', () => {
  const { news, sink, rest, own } = slow({ policy: 'pause', highWater: 3 });
  const feeds = [new Feed<number>(), new Feed<number>(), new Feed<number>()] as const;
  const quick = hear(news.stream());
  const all = [
    feeds[0].values.pipe(broadcast(news)).subscribe(),
    feeds[1].values.pipe(broadcast(news)).subscribe(),
    feeds[2].values.subscribe(),
  ];
  feeds[1].give(1);
  feeds[0].give(...counted(10));
  assert.equal([feeds[0].emitted, own().held], [3, 3]);
  feeds[1].give(2, 3);
  assert.is(feeds[1].emitted, 1, 'it has published before');
  feeds[2].give(1, 2, 3);
  assert.is(feeds[2].emitted, 3);
  assert.equal(rest().length, 13);
  assert.equal([feeds[0].emitted, feeds[1].emitted], [10, 3]);
  assert.equal(own(), { dropped: 0, held: 0 });
  assert.is(quick.heard.length, 13);
  for (const one of all) one.unsubscribe();
  sink.leave();
});

test('what is offered to one goes to nobody else, and by its policy', () => {
  const news = topic<number>();
  const quick = hear(news.stream());
  let own: Subscribed<number> | undefined;
  const sink = new Sink<number>(1).drink(
    news.stream({
      policy: 'drop-newest',
      highWater: 2,
      except: () => true,
      onSubscribed: (subscribed) => (own = subscribed),
    }),
  );
  assert.equal(
    counted(5).map((value) => own?.offer(value)),
    [true, true, true, false, false],
  );
  assert.equal([own?.dropped, own?.held, news.statistics.dropped, news.statistics.published], [2, 2, 2, 0]);
  assert.equal([...sink.take(1), ...sink.take(1), ...sink.take(1)], [1, 2, 3]);
  assert.equal(quick.heard, []);
});

test('pause: who offers to a slow one rests as who publishes does', () => {
  const news = topic<number>();
  let own: Subscribed<number> | undefined;
  const sink = new Sink<number>(1).drink(
    news.stream({ policy: 'pause', highWater: 2, onSubscribed: (subscribed) => (own = subscribed) }),
  );
  const feed = new Feed<number>();
  const offering = feed.values.subscribe((value) => own?.offer(value));
  feed.give(...counted(10));
  assert.is(feed.emitted, 3);
  while (sink.queue.length > 0) sink.take(1);
  assert.is(feed.emitted, 10);
  offering.unsubscribe();
  sink.leave();
});

test('pause: one who leaves lets the sources go on', () => {
  const { news, sink } = slow({ policy: 'pause', highWater: 2 });
  const feed = new Feed<number>();
  const publishing = feed.values.pipe(broadcast(news)).subscribe();
  feed.give(...counted(10));
  assert.is(feed.emitted, 3);
  sink.leave();
  assert.is(feed.emitted, 10);
  publishing.unsubscribe();
});

test('pause: two are waited for, each in its own time', () => {
  const news = topic<number>({ policy: 'pause', highWater: 2 });
  const [one, other] = [slow({}, news), slow({}, news)];
  const feed = new Feed<number>();
  const publishing = feed.values.pipe(broadcast(news)).subscribe();
  feed.give(...counted(10));
  assert.is(feed.emitted, 3);
  assert.equal(one.rest(), [1, 2, 3]);
  assert.is(feed.emitted, 3);
  assert.equal(other.sink.take(1), [1]);
  assert.is(feed.emitted, 3, 'it has not caught up');
  other.rest();
  assert.ok(feed.emitted > 3);
  publishing.unsubscribe();
});

test('pause: where no source can be paused it says so, and in the end disconnects', () => {
  const loud = warnings();
  const { news, sink, own } = slow({ policy: 'pause', highWater: 2 });
  for (const value of counted(60_000)) news.publish(value);
  assert.is(own().held, 59_999);
  for (const value of counted(10_000)) news.publish(value);
  loud.stop();
  assert.instance(sink.error, PeerTooSlow);
  assert.is((sink.error as PeerTooSlow).held, 65_538);
  assert.equal(loud.messages, ['topic is full, and found no source above it that can be paused']);
});

test('one slow peer of a thousand stops nobody, whatever its policy but pause', () => {
  for (const policy of ['drop-oldest', 'drop-newest', 'disconnect'] as const) {
    const { news } = slow({ policy, highWater: 2 });
    const feed = new Feed<number>();
    const quick = Array.from({ length: 999 }, () => hear(news.stream()));
    const publishing = feed.values.pipe(broadcast(news)).subscribe();
    feed.give(...counted(20));
    assert.is(feed.kept.length, 0);
    assert.ok(quick.every(({ heard }) => heard.length === 20));
    publishing.unsubscribe();
  }
});

test('what waits is given one by one, each followed by what it causes', () => {
  const news = topic<number>();
  const sink = new Sink<number>(2);
  const heard: number[] = [];
  const values = news.stream({ highWater: 9 }).pipe(
    tap((value) => {
      if (value === 3) news.publish(6);
      heard.push(value);
    }),
  );
  sink.drink(values);
  for (const value of counted(5)) news.publish(value);
  while (sink.queue.length > 0) sink.take(1);
  assert.equal(heard, [1, 2, 3, 4, 5, 6]);
});

test('completing waits for what waits', () => {
  const { news, sink, rest } = slow({ highWater: 9 });
  for (const value of counted(3)) news.publish(value);
  news.complete();
  assert.not.ok(sink.completed);
  assert.equal(rest(), [1, 2, 3]);
  assert.ok(sink.completed);
});

test('broadcast ends with its messages, and does not end the topic', () => {
  const news = topic<number>();
  const feed = new Feed<number>();
  const party = hear(feed.values.pipe(broadcast(news)));
  const reader = hear(news.stream());
  feed.give(1, 2);
  feed.end();
  assert.equal(party.heard, ['end']);
  assert.equal(reader.heard, [1, 2]);
});

test('any order of events, for every policy: in order, nothing twice, and the drops add up', () => {
  const event = fc.oneof(
    fc.record({ publish: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ take: fc.integer({ min: 1, max: 9 }), who: fc.nat({ max: 2 }) }),
  );
  const policies: readonly SlowPolicy[] = ['drop-oldest', 'drop-newest', 'pause'];
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), fc.integer({ min: 1, max: 6 }), (events, highWater) => {
      const news = topic<number>({ highWater });
      const peers = policies.map((policy) => slow({ policy }, news));
      const got = peers.map((): number[] => []);
      const feed = new Feed<number>();
      const publishing = feed.values.pipe(broadcast(news)).subscribe();
      let given = 0;
      for (const doing of events) {
        if ('publish' in doing) for (let count = 0; count < doing.publish; count++) feed.give(++given);
        else got[doing.who]?.push(...(peers[doing.who]?.sink.take(doing.take) ?? []));
        for (const peer of peers) assert.ok((peer.own().held ?? Infinity) <= highWater);
      }
      while (peers.some(({ sink }) => sink.queue.length > 0)) peers.forEach(({ rest }, at) => got[at]?.push(...rest()));
      assert.is(feed.kept.length, 0);
      got.forEach((values, at) => {
        assert.ok(values.every((value, index) => index === 0 || value > (values[index - 1] as number)));
        assert.is(values.length + (peers[at]?.own().dropped ?? NaN), given);
      });
      assert.is(got[2]?.length, given, 'pause loses nothing');
      publishing.unsubscribe();
    }),
    { numRuns: 300 },
  );
});

test('options are checked when they are given', () => {
  assert.throws(
    () => topic({ policy: 'wait' as SlowPolicy }),
    refusal(TypeError, /^policy must be one of .* got "wait"$/),
  );
  assert.throws(() => topic({ highWater: 0 }), refusal(RangeError, /^highWater .* got 0$/));
  const news = topic();
  assert.throws(() => news.stream({ policy: 'none' as SlowPolicy }), refusal(TypeError, /^policy must be one of/));
  assert.throws(() => news.stream({ highWater: 1.5 }), refusal(RangeError, /^highWater .* got 1.5$/));
  assert.throws(() => news.stream({ except: 'me' as unknown as () => boolean }), refusal(TypeError, /^except must be/));
});

test('tells which values a subscriber has lost', () => {
  const news = topic<number>({ highWater: 2 });
  const lost: number[] = [];
  const sink = new Sink<number>(1).drink(news.stream({ onDropped: (value) => lost.push(value) }));
  const picky = new Sink<number>(1).drink(
    news.stream({ policy: 'drop-newest', onDropped: (value) => lost.push(value + 100) }),
  );
  for (const value of counted(5)) news.publish(value);
  assert.equal(
    lost.toSorted((a, b) => a - b),
    [2, 3, 104, 105],
  );
  assert.equal(
    [sink.take(), picky.take()],
    [
      [1, 4, 5],
      [1, 2, 3],
    ],
  );
});

test.run();
