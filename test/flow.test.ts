import fc from 'fast-check';
import { Subject, concat, defer, filter, merge, of, take, takeUntil, takeWhile, tap } from 'rxjs';
import * as assert from 'uvu/assert';
import { Consumer } from '../src/flow/consumer.js';
import { Gate } from '../src/flow/gate.js';
import { Queue } from '../src/flow/queue.js';
import { type Scope, flow, inScope, openScope, urgently } from '../src/flow/scope.js';
import { atEndOfTurn, beginTurn, currentTurn, endTurn } from '../src/flow/turn.js';
import { Valve } from '../src/flow/valve.js';
import { Feed, Sink, settled, unpack, warnings } from './kit/flow.js';
import { suite } from './kit/suite.js';

const scopeOf = (valve: Valve): Scope => ({ ...openScope, valve });
const nothing = (): void => {};
const taker = (next: (value: number) => void) => ({ next, error: nothing, complete: nothing });

const gates = suite('gate and valve');

gates('one who waits goes at once while every valve is open', () => {
  const heard: string[] = [];
  new Gate(openScope).wait(() => heard.push('no valve'));
  new Gate(scopeOf(new Valve())).wait(() => heard.push('an open one'));
  assert.equal(heard, ['no valve', 'an open one']);
});

gates('one who waits at a closed valve goes once, when it opens', () => {
  const valve = new Valve();
  const gate = new Gate(scopeOf(valve));
  let went = 0;
  valve.close();
  gate.wait(() => went++);
  assert.is(went, 0);
  valve.open();
  valve.close();
  valve.open();
  assert.is(went, 1);
  assert.is(valve.openings, 2);
});

gates('a gate in several valves rests until the last of them is open', () => {
  const [first, second, third] = [new Valve(), new Valve(), new Valve()];
  const gate = new Gate(scopeOf(first));
  gate.join(second);
  gate.join(third);
  let went = 0;
  for (const valve of [first, second, third]) valve.close();
  gate.wait(() => went++);
  second.open();
  assert.ok(gate.closed);
  first.open();
  second.close();
  third.open();
  assert.is(went, 0);
  second.open();
  assert.is(went, 1);
  assert.not.ok(gate.closed);
});

gates('one that is released by the first whom it wakes wakes all the others', () => {
  const valve = new Valve();
  const sources = [new Gate(openScope), new Gate(openScope), new Gate(openScope)];
  const went: number[] = [];
  valve.close();
  sources.forEach((gate, at) => {
    gate.join(valve);
    gate.wait(() => {
      went.push(at);
      valve.release();
    });
  });
  valve.open();
  assert.equal(went, [0, 1, 2]);
});

gates('a valve that is closed when it is joined counts, and joining twice is joining once', () => {
  const [own, other] = [new Valve(), new Valve()];
  const gate = new Gate(scopeOf(own));
  other.close();
  gate.join(other);
  gate.join(other);
  gate.join(own);
  assert.ok(gate.closed);
  gate.part(other);
  assert.not.ok(gate.closed);
  assert.ok(other.reached);
});

gates('the rest of a chunk goes before the next chunk, however deep it is parked', () => {
  const valve = new Valve();
  const gate = new Gate(scopeOf(valve));
  const heard: string[] = [];
  /** Says its words one by one; after each the consumer is full, and the rest of the words waits. */
  const say = (...words: string[]) => {
    const [word, ...rest] = words;
    if (word === undefined) return;
    heard.push(word);
    valve.close();
    if (rest.length > 0) gate.wait(() => say(...rest));
  };
  say('a1', 'a2', 'a3');
  gate.wait(() => say('b1', 'b2'));
  gate.wait(() => say('c1'));
  for (let opening = 0; opening < 9; opening++) valve.open();
  assert.equal(heard, ['a1', 'a2', 'a3', 'b1', 'b2', 'c1']);
});

gates('several that wait again while one goes keep their order among themselves', () => {
  const valve = new Valve();
  const gate = new Gate(scopeOf(valve));
  const heard: number[] = [];
  valve.close();
  gate.wait(() => {
    heard.push(0);
    valve.close();
    gate.wait(() => heard.push(1));
    gate.wait(() => heard.push(2));
  });
  gate.wait(() => heard.push(3));
  valve.open();
  assert.equal(heard, [0]);
  valve.open();
  assert.equal(heard, [0, 1, 2, 3]);
});

gates('one that is taken back does not go, also from among others', () => {
  const valve = new Valve();
  const gate = new Gate(scopeOf(valve));
  const heard: string[] = [];
  const [first, second, third] = ['first', 'second', 'third'].map((name) => () => void heard.push(name));
  valve.close();
  for (const resume of [first, second, third]) gate.wait(resume as () => void);
  gate.forget(second as () => void);
  gate.forget(nothing);
  valve.open();
  assert.equal(heard, ['first', 'third']);
});

gates('closing touches no source, and opening only those that stopped', () => {
  const valve = new Valve();
  let touched = 0;
  class Watched extends Gate {
    override proceed(): void {
      touched++;
      super.proceed();
    }
    override heed(which: Valve): void {
      touched++;
      super.heed(which);
    }
  }
  const many = Array.from({ length: 10_000 }, () => new Watched(scopeOf(valve)));
  valve.close();
  assert.is(touched, 0);
  assert.ok(many.every((gate) => gate.closed));
  let went = 0;
  for (const gate of many.slice(0, 3)) gate.wait(() => went++);
  touched = 0;
  valve.open();
  assert.is(touched, 3);
  assert.is(went, 3);
});

gates('a source with ten thousand consumers below looks at one thing before it emits', () => {
  const gate = new Gate(openScope);
  const valves = Array.from({ length: 10_000 }, () => new Valve());
  for (const valve of valves) gate.join(valve);
  let looked = 0;
  for (const valve of valves) {
    let closed = false;
    Object.defineProperty(valve, 'closed', {
      get: () => (looked++, closed),
      set: (to: boolean) => {
        closed = to;
      },
    });
  }
  assert.not.ok(gate.closed);
  assert.is(looked, 0);
  valves[5_000]?.close();
  looked = 0;
  assert.ok(gate.closed);
  assert.is(looked, 0);
});

gates('sources that wait take turns', () => {
  const valve = new Valve();
  const served = [0, 0, 0, 0, 0];
  let room = 0;
  const greedy = (at: number, gate: Gate) => () => {
    served[at] = (served[at] as number) + 1;
    if (--room === 0) valve.close();
    gate.wait(greedy(at, gate));
  };
  valve.close();
  served.forEach((_, at) => {
    const gate = new Gate(scopeOf(valve));
    gate.wait(greedy(at, gate));
  });
  for (let round = 0; round < 50; round++) {
    room = 3;
    valve.open();
    assert.ok(valve.closed);
    assert.ok(Math.max(...served) - Math.min(...served) <= 3);
  }
  assert.equal(served, [30, 30, 30, 30, 30]);
});

gates('a valve that is closed and opened by those it wakes does not use up the stack', () => {
  const valve = new Valve();
  let went = 0;
  valve.close();
  for (let count = 0; count < 20_000; count++) {
    new Gate(scopeOf(valve)).wait(() => {
      went++;
      valve.close();
      valve.open();
    });
  }
  valve.open();
  assert.is(went, 20_000);
});

gates('what waits when a source is over still goes, and nothing is kept of it afterwards', () => {
  const valve = new Valve();
  const gate = new Gate(scopeOf(valve));
  let went = 0;
  valve.close();
  gate.wait(() => went++);
  gate.leave();
  assert.ok(gate.closed);
  valve.open();
  assert.is(went, 1);
  const later = new Valve();
  gate.join(later);
  assert.not.ok(later.reached, 'a source that is over cannot be paused any more');
});

gates('one that waits after its source is over is not forgotten by a valve that joined while it emitted', () => {
  const [own, inner] = [new Valve(), new Valve()];
  const gate = new Gate(scopeOf(own));
  gate.join(inner);
  inner.close();
  own.close();
  gate.leave();
  let went = 0;
  gate.wait(() => went++);
  assert.is(went, 0);
  own.open();
  assert.is(went, 1);
});

gates('a valve that is released lets go of the sources that joined while they emitted', () => {
  const [own, inner] = [new Valve(), new Valve()];
  const gate = new Gate(scopeOf(own));
  gate.join(inner);
  inner.close();
  let went = 0;
  gate.wait(() => went++);
  inner.release();
  assert.is(went, 1);
  inner.close();
  assert.not.ok(gate.closed);
});

gates('what one that waited throws keeps nobody else waiting', async () => {
  const valve = new Valve();
  const [one, other] = [new Gate(scopeOf(valve)), new Gate(scopeOf(valve))];
  const heard: string[] = [];
  const thrown: unknown[] = [];
  process.once('uncaughtException', (error) => thrown.push(error));
  valve.close();
  one.wait(() => {
    throw new Error('from a teardown');
  });
  one.wait(() => heard.push('behind it'));
  other.wait(() => heard.push('another source'));
  valve.open();
  assert.equal(heard, ['behind it', 'another source']);
  await settled();
  assert.match(String(thrown), 'from a teardown');
});

gates('emitting sets the scope and the source, and puts back what was there, also when it throws', () => {
  const outer = new Gate(scopeOf(new Valve()));
  const inner = new Gate(scopeOf(new Valve()));
  const seen: unknown[] = [];
  outer.next(
    taker(() => {
      seen.push(flow.emitting === outer, flow.scope === outer.scope);
      assert.throws(() =>
        inner.run(() => {
          seen.push(flow.emitting === inner, flow.scope === inner.scope);
          throw new Error('thrown');
        }),
      );
      inner.next(
        taker(() => seen.push(flow.emitting === outer, flow.scope === inner.scope)),
        1,
        outer,
      );
      seen.push(flow.emitting === outer, flow.scope === outer.scope);
    }),
    1,
  );
  assert.equal(
    seen,
    Array.from({ length: 8 }, () => true),
  );
  assert.is(flow.emitting, null);
  assert.is(flow.scope, openScope);
});

gates.run();

const turns = suite('turn');

turns('a task runs once all that follows from a chunk is done, and its own tasks after it', () => {
  const heard: string[] = [];
  const task = (name: string, also: () => void = nothing) => ({ run: () => (heard.push(name), also()) });
  assert.not.ok(atEndOfTurn(task('never')));
  beginTurn();
  assert.ok(atEndOfTurn(task('first', () => atEndOfTurn(task('third')))));
  beginTurn();
  assert.ok(atEndOfTurn(task('second')));
  endTurn();
  heard.push('chunk');
  endTurn();
  assert.equal(heard, ['chunk', 'first', 'second', 'third']);
});

turns('has one number throughout and another the next time', () => {
  assert.is(currentTurn(), 0);
  const numbers: number[] = [];
  for (let round = 0; round < 2; round++) {
    beginTurn();
    numbers.push(currentTurn());
    beginTurn();
    numbers.push(currentTurn());
    endTurn();
    endTurn();
  }
  assert.is(numbers[0], numbers[1]);
  assert.is(numbers[2], numbers[3]);
  assert.is.not(numbers[0], numbers[2]);
  assert.is(currentTurn(), 0);
});

turns('a task that throws ends the turn, and those behind it run at the end of the next', () => {
  const heard: string[] = [];
  beginTurn();
  atEndOfTurn({
    run: () => {
      throw new Error('thrown');
    },
  });
  atEndOfTurn({ run: () => heard.push('behind') });
  assert.throws(endTurn, 'thrown');
  assert.is(currentTurn(), 0);
  beginTurn();
  endTurn();
  assert.equal(heard, ['behind']);
});

turns('what waited for a valve runs in a turn', () => {
  const valve = new Valve();
  const gate = new Gate(scopeOf(valve));
  const heard: string[] = [];
  valve.close();
  gate.wait(() => {
    atEndOfTurn({ run: () => heard.push('flush') });
    heard.push('answer');
  });
  gate.wait(() => heard.push('another answer'));
  valve.open();
  assert.equal(heard, ['answer', 'another answer', 'flush']);
});

turns.run();

const scopes = suite('scope');

scopes('holds for as long as the work runs, with nobody emitting, also when it throws', () => {
  const scope = scopeOf(new Valve());
  const gate = new Gate(openScope);
  gate.run(() => {
    assert.throws(() =>
      inScope(scope, () => {
        assert.is(flow.scope, scope);
        assert.is(flow.emitting, null);
        throw new Error('thrown');
      }),
    );
    assert.is(flow.emitting, gate);
    assert.is(flow.scope, openScope);
  });
});

scopes('urgency holds for as long as the work runs, also inside itself and when it throws', () => {
  const seen: boolean[] = [flow.urgent];
  assert.throws(() =>
    urgently(() => {
      urgently(() => seen.push(flow.urgent));
      seen.push(flow.urgent);
      throw new Error('thrown');
    }),
  );
  seen.push(flow.urgent);
  assert.equal(seen, [false, true, true, false]);
});

scopes.run();

const consumers = suite('consumer');

consumers('closes at its high-water mark and opens at half of it', () => {
  const feed = new Feed<number>();
  const sink = new Sink<number>(6).drink(feed.values);
  feed.give(...Array.from({ length: 20 }, (_, at) => at));
  assert.is(sink.queue.length, 6);
  assert.is(feed.kept.length, 14);
  sink.take(2);
  assert.is(feed.emitted, 6, 'four are left, more than half');
  sink.take(1);
  assert.is(feed.emitted, 9, 'filled up again');
  assert.is(sink.late, 0);
});

consumers('a high-water mark of one hands over value by value', () => {
  const feed = new Feed<number>();
  const sink = new Sink<number>(1).drink(feed.values);
  feed.give(1, 2, 3);
  feed.end();
  assert.equal([sink.take(1), sink.take(1), sink.take(1)], [[1], [2], [3]]);
  assert.is(sink.most, 1);
  assert.ok(sink.completed);
});

consumers('one that is subscribed to while a source emits stops it in mid-chunk', () => {
  const feed = new Feed<readonly number[]>();
  const sink = new Sink<number>(2);
  const group = new Subject<number>();
  const values = feed.values.pipe(unpack()).subscribe((value) => {
    if (value === 0) sink.drink(group);
    group.next(value);
  });
  feed.give([0, 1, 2, 3, 4], [5]);
  assert.equal(sink.queue, [0, 1]);
  assert.is(feed.kept.length, 1);
  assert.equal([...sink.take(), ...sink.take(), ...sink.take()], [0, 1, 2, 3, 4, 5]);
  values.unsubscribe();
});

consumers('one that leaves lets the source go on for the others', () => {
  const feed = new Feed<number>();
  const relayed = new Subject<number>();
  const slow = new Sink<number>(1);
  const heard: number[] = [];
  const values = feed.values.subscribe((value) => {
    if (value === 0) slow.drink(relayed);
    relayed.next(value);
    heard.push(value);
  });
  feed.give(0, 1, 2, 3);
  assert.equal(heard, [0]);
  slow.leave();
  assert.equal(heard, [0, 1, 2, 3]);
  values.unsubscribe();
});

consumers('what comes next in the place of a source that ended or failed finds the consumer below', () => {
  const feeds = [new Feed<number>(), new Feed<number>()] as const;
  const sink = new Sink<number>(2).drink(concat(feeds[0].values, feeds[1].values));
  feeds[0].end();
  feeds[1].give(1, 2, 3, 4);
  assert.is(sink.queue.length, 2);
  assert.is(feeds[1].kept.length, 2);
});

consumers('the rest of a chunk is not lost when its source is left, or completes, in the middle of it', () => {
  for (const ending of [take<readonly number[]>(1), takeWhile<readonly number[]>(() => true)]) {
    const feed = new Feed<readonly number[]>();
    const sink = new Sink<number>(2).drink(feed.values.pipe(ending, unpack()));
    feed.give([1, 2, 3, 4, 5]);
    feed.end();
    const got: number[] = [];
    while (sink.queue.length > 0) got.push(...sink.take(1));
    assert.equal(got, [1, 2, 3, 4, 5]);
    assert.is(sink.late, 0);
    assert.ok(sink.completed);
  }
});

consumers('a source that has completed is not joined by what comes after it', () => {
  const feed = new Feed<number>();
  const late = new Subject<number>();
  const sink = new Sink<number>(1);
  const after = defer(() => {
    sink.drink(late);
    return of(0);
  });
  const all = concat(feed.values, after).subscribe();
  const told = warnings();
  feed.end();
  late.next(1);
  told.stop();
  assert.is(told.messages.length, 1, 'full, with nothing to pause');
  all.unsubscribe();
});

consumers('a source that does not obey all the same is told of', () => {
  const told = warnings();
  const [feed, rogue] = [new Feed<number>(), new Subject<number>()];
  const consumer = new Consumer('half', 4);
  let held = 0;
  const all = consumer.subscribe(() => merge(feed.values, rogue).subscribe(() => consumer.filled(++held)));
  for (let value = 0; value < 1_000; value++) rogue.next(value);
  assert.equal(told.codes, []);
  for (let value = 0; value < 10_000; value++) rogue.next(value);
  told.stop();
  assert.equal(told.codes, ['SLUICE_UNREACHED']);
  assert.match(told.messages[0] ?? '', /^half is full, and 1024 values came/);
  all.unsubscribe();
});

consumers.run();

const queues = suite('queue');

queues('holds what an array would', () => {
  const step = fc.oneof(
    fc.nat({ max: 3_000 }).map((count) => ({ push: count })),
    fc.nat({ max: 3_000 }).map((count) => ({ shift: count })),
    fc.constant({ clear: true }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const queue = new Queue<number | undefined>();
      const model: (number | undefined)[] = [];
      let next = 0;
      for (const doing of steps) {
        if ('push' in doing) {
          for (let count = 0; count < doing.push; count++) {
            const item = next++ % 5 === 0 ? undefined : next;
            queue.push(item);
            model.push(item);
          }
        } else if ('shift' in doing) {
          for (let count = 0; count < doing.shift; count++) assert.is(queue.shift(), model.shift());
        } else {
          queue.clear();
          model.length = 0;
        }
        assert.is(queue.length, model.length);
        assert.is(queue.peek(), model[0]);
      }
    }),
    { numRuns: 60 },
  );
});

queues.run();

const model = suite('any order of events');

type Event =
  | { readonly give: number; readonly items: number }
  | { readonly take: number }
  | { readonly close: number }
  | { readonly open: number }
  | { readonly end: number }
  | { readonly leave: number };

const SOURCES = 4;
const source = fc.nat({ max: SOURCES - 1 });
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ give: source, items: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 6, arbitrary: fc.record({ take: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 2, arbitrary: fc.record({ close: source }) },
  { weight: 2, arbitrary: fc.record({ open: source }) },
  { weight: 1, arbitrary: fc.record({ end: source }) },
  { weight: 1, arbitrary: fc.record({ leave: source }) },
);

type Item = readonly [source: number, number: number];

/** Four sources of arrays, unpacked and merged into one sink; each source also has a valve that joins while it emits. */
const play = (events: readonly Event[], highWater: number): void => {
  const feeds = Array.from({ length: SOURCES }, () => new Feed<readonly Item[]>());
  const given = feeds.map(() => 0);
  const extra = feeds.map(() => new Valve());
  const joined = new Set<Valve>();
  const leaving = new Subject<number>();
  const [ended, left] = [new Set<number>(), new Set<number>()];
  const taken: Item[] = [];
  let through = 0;

  const branches = feeds.map((feed, at) =>
    feed.values.pipe(
      unpack(),
      takeUntil(leaving.pipe(filter((which) => which === at))),
      tap(() => {
        const valve = extra[at] as Valve;
        if (joined.has(valve) && valve.closed) through++;
        joined.add(valve);
        flow.emitting?.join(valve);
      }),
    ),
  );
  const sink = new Sink<Item>(highWater).drink(merge(...branches));

  for (const doing of events) {
    if ('give' in doing && !ended.has(doing.give)) {
      const first = given[doing.give] as number;
      given[doing.give] = first + doing.items;
      feeds[doing.give]?.give(Array.from({ length: doing.items }, (_, at): Item => [doing.give, first + at]));
    } else if ('take' in doing) taken.push(...sink.take(doing.take));
    else if ('close' in doing) extra[doing.close]?.close();
    else if ('open' in doing) extra[doing.open]?.open();
    else if ('end' in doing) {
      ended.add(doing.end);
      feeds[doing.end]?.end();
    } else if ('leave' in doing) {
      left.add(doing.leave);
      leaving.next(doing.leave);
    }
  }
  for (const valve of extra) valve.open();
  while (sink.queue.length > 0) taken.push(...sink.take());

  assert.is(through, 0, 'nothing comes through a closed valve');
  assert.is(sink.late, 0, 'nor to a full consumer');
  assert.ok(sink.most <= highWater);
  feeds.forEach((feed, at) => {
    const got = taken.filter(([from]) => from === at).map(([, number]) => number);
    assert.equal(got, [...got.keys()], 'in order, each once, none missing between');
    if (left.has(at)) assert.not.ok(feed.subscribed);
    else assert.is(got.length, given[at], 'nothing lost');
  });
  const over = new Set([...ended, ...left]);
  assert.is(sink.completed, over.size === SOURCES);
};

model('nothing is lost, doubled, moved, or pushed through a closed valve', () => {
  fc.assert(fc.property(fc.array(event, { maxLength: 60 }), fc.integer({ min: 1, max: 9 }), play), { numRuns: 1_500 });
});

model.run();
