import fc from 'fast-check';
import { VirtualAction, VirtualTimeScheduler, asyncScheduler } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import * as assert from 'uvu/assert';
import { beginTurn, endTurn } from '../src/flow/turn.js';
import { machineClock } from '../src/time/clock.js';
import { Moments } from '../src/time/moments.js';
import { Alarm, SharedTimetable, type Timetable, timetableOf } from '../src/time/timetable.js';
import { FakeClock } from './kit/fake-clock.js';
import { suite } from './kit/suite.js';

/** Something done to one of a few alarms: set to go off in `ms`, or cleared. */
interface Deed {
  readonly alarm: number;
  readonly ms: number | 'clear';
}

/** A deed at a time, and what each alarm does when it goes off: the first time, the second time, and so on. */
interface Story {
  readonly deeds: readonly (Deed & { readonly wait: number })[];
  readonly reactions: readonly (Deed | null)[];
}

const ALARMS = 4;

const deed = (most: number): fc.Arbitrary<Deed> =>
  fc.record({
    alarm: fc.nat(ALARMS - 1),
    ms: fc.oneof({ arbitrary: fc.nat(most), weight: 3 }, { arbitrary: fc.constant('clear' as const), weight: 1 }),
  });

const stories = (most: number): fc.Arbitrary<Story> =>
  fc.record({
    deeds: fc.array(
      fc.tuple(deed(most), fc.nat(most)).map(([done, wait]) => ({ ...done, wait })),
      { maxLength: 20 },
    ),
    reactions: fc.array(fc.option(deed(most)), { maxLength: 20 }),
  });

/** What happens to the alarms of a story. */
interface Witness {
  readonly wentOff: (alarm: number) => void;
  readonly did?: (done: Deed) => void;
}

/** Alarms in a timetable, doing what the story tells them when they go off. */
const tell = (timetable: Timetable, story: Story, { wentOff, did }: Witness) => {
  const reactions = story.reactions.values();
  const alarms = Array.from({ length: ALARMS }, (_, index): Alarm => {
    const due = (): void => {
      wentOff(index);
      const reaction = reactions.next().value;
      if (reaction) act(reaction);
    };
    return new Alarm(timetable, { due });
  });
  const act = (done: Deed): void => {
    if (done.ms === 'clear') alarms[done.alarm]?.clear();
    else alarms[done.alarm]?.set(done.ms);
    did?.(done);
  };
  return { alarms, act };
};

/** What goes off when, by a list that is searched from end to end each time. */
const naive = (story: Story): [time: number, alarm: number][] => {
  const rang: [number, number][] = [];
  const reactions = story.reactions.values();
  let set: { alarm: number; at: number }[] = [];
  let now = 0;
  const act = ({ alarm, ms }: Deed): void => {
    set = set.filter((other) => other.alarm !== alarm);
    if (ms !== 'clear') set.push({ alarm, at: now + Math.max(1, ms) });
  };
  const ringUntil = (time: number): void => {
    for (;;) {
      const next = set.reduce((first, one) => (one.at < first.at ? one : first), { alarm: -1, at: Infinity });
      if (next.at >= time) return;
      now = next.at;
      set = set.filter((one) => one !== next);
      rang.push([now, next.alarm]);
      const reaction = reactions.next().value;
      if (reaction) act(reaction);
    }
  };
  let time = 0;
  for (const done of story.deeds) {
    time += done.wait;
    ringUntil(time);
    now = time;
    act(done);
  }
  ringUntil(Infinity);
  return rang;
};

const virtual = suite('a timetable in virtual time');

virtual('does what a plain list would, to the millisecond and in order', () => {
  fc.assert(
    fc.property(stories(30), (story) => {
      const scheduler = new VirtualTimeScheduler(VirtualAction);
      const rang: [number, number][] = [];
      const { act } = tell(timetableOf(scheduler), story, {
        wentOff: (alarm) => rang.push([scheduler.now(), alarm]),
      });
      let time = 0;
      for (const done of story.deeds) scheduler.schedule(() => act(done), (time += done.wait));
      scheduler.flush();
      assert.equal(rang, naive(story));
    }),
    { numRuns: 500 },
  );
});

virtual('is one for each scheduler', () => {
  const scheduler = new VirtualTimeScheduler();
  assert.is(timetableOf(scheduler), timetableOf(scheduler));
  assert.is.not(timetableOf(scheduler), timetableOf(new VirtualTimeScheduler()));
});

virtual('waits longer than a timer of the host can', () => {
  const scheduler = new VirtualTimeScheduler();
  const month = 31 * 24 * 3_600_000;
  let at = 0;
  new Alarm(timetableOf(scheduler), { due: () => (at = scheduler.now()) }).set(month);
  scheduler.flush();
  assert.is(at, month);
});

virtual('waits for what was set in this marble test, and not in one before', () => {
  const rang: string[] = [];
  const alarm = (name: string): Alarm => new Alarm(timetableOf(asyncScheduler), { due: () => rang.push(name) });
  const run = (story: () => void): void => new TestScheduler(assert.equal).run(story);

  assert.throws(() =>
    run(() => {
      alarm('left behind').set(5);
      throw new Error('a test that fails');
    }),
  );
  run(() => alarm('second').set(9));
  run(() => {
    alarm('third').set(5);
    asyncScheduler.schedule(() => alarm('fourth').set(1), 7);
  });
  assert.equal(rang, ['second', 'third', 'fourth']);
});

virtual.run();

/** The most by which a wait of `ms` milliseconds may be longer, beside what the host's timer is late. */
const allowance = (ms: number): number => Math.min(16, Math.max(1, ms / 64));

const shared = suite("a timetable on the machine's clock");

shared('is never early, late by a 64th at most, and forgets nobody', () => {
  const lateness = fc
    .constantFrom([0], [0, -0.375], [0, -0.375, 0.75, 3], [0, 250])
    .chain((some) => fc.infiniteStream(fc.constantFrom(...some)));
  fc.assert(
    fc.property(stories(2_000), lateness, fc.nat(7), (story, late, eighths) => {
      const clock = new FakeClock(eighths / 8);
      const timetable = new SharedTimetable(clock);
      const waiting = new Map<number, { from: number; ms: number }>();
      let latest = 0;
      const { act, alarms } = tell(timetable, story, {
        wentOff: (alarm) => {
          const wait = waiting.get(alarm);
          assert.ok(wait, 'went off without being set');
          const over = clock.time - wait.from - wait.ms;
          // A sum of fractions is off by its last digit.
          assert.ok(over > -1e-9, `${-over} ms early`);
          assert.ok(over < 1e-9 + allowance(wait.ms) + latest, `${over} ms late after ${wait.ms} ms`);
          waiting.delete(alarm);
        },
        did: ({ alarm, ms }) => {
          if (ms === 'clear') waiting.delete(alarm);
          else waiting.set(alarm, { from: clock.time, ms: Math.max(1, ms) });
        },
      });
      const lateBy = (): number => {
        const by = late.next().value as number;
        latest = Math.max(latest, by);
        return by;
      };
      for (const done of story.deeds) {
        clock.pass(done.wait, lateBy);
        act(done);
        assert.is(timetable.size, waiting.size);
        assert.equal(
          alarms.map((alarm) => alarm.pending),
          alarms.map((_, index) => waiting.has(index)),
        );
        assert.is(clock.timers, waiting.size > 0 ? 1 : 0, 'one timer of the host for all, and none for nobody');
      }
      clock.pass(60_000, lateBy);
      assert.is(waiting.size, 0, 'forgot somebody');
      assert.is(clock.timers, 0);
    }),
    { numRuns: 300 },
  );
});

/** A timetable on a clock that stands at a quarter past, so to say: readings are no whole numbers. */
const onFakeClock = () => {
  const clock = new FakeClock(1_000.25);
  const timetable = new SharedTimetable(clock);
  const rang: string[] = [];
  const alarm = (name: string, then: () => void = () => {}): Alarm =>
    new Alarm(timetable, {
      due: () => {
        rang.push(name);
        then();
      },
    });
  return { clock, timetable, rang, alarm };
};

shared('has one timer, for the earliest', () => {
  const { clock, rang, alarm } = onFakeClock();
  const many = Array.from({ length: 1_000 }, (_, index) => alarm(`${index}`));
  for (const [index, one] of many.entries()) one.set(500 - (index % 7));
  assert.is(clock.timers, 1);
  many[3]?.set(20);
  assert.is(clock.timers, 1);
  clock.pass(22);
  assert.equal(rang, ['3']);
  for (const one of many) one.clear();
  assert.is(clock.timers, 0);
});

shared('lets those who waited for the same moment go in the order in which they came', () => {
  const { clock, rang, alarm } = onFakeClock();
  for (const name of ['a', 'b', 'c']) alarm(name).set(10);
  clock.pass(12);
  assert.equal(rang, ['a', 'b', 'c']);
});

shared('takes what is set while it rings', () => {
  const { clock, rang, alarm, timetable } = onFakeClock();
  const again = alarm('again', () => {
    if (rang.length < 4) again.set(0);
  });
  again.set(10);
  clock.pass(11);
  assert.equal(rang, ['again'], 'a wait of 0 is a millisecond: it does not ring for ever');
  clock.pass(10);
  assert.equal(rang, ['again', 'again', 'again', 'again']);
  assert.is(timetable.size, 0);
  assert.is(clock.timers, 0);
});

shared('takes what is cleared while it rings', () => {
  const { clock, rang, alarm, timetable } = onFakeClock();
  const other = alarm('other');
  const neighbour = alarm('neighbour');
  alarm('first', () => {
    neighbour.clear();
    other.clear();
  }).set(10);
  neighbour.set(10);
  other.set(100);
  clock.pass(20);
  assert.equal(rang, ['first']);
  assert.is(timetable.size, 0);
  assert.is(clock.timers, 0);
});

shared('goes on when one that is due throws', () => {
  const { clock, rang, alarm } = onFakeClock();
  const fails = alarm('fails', () => {
    throw new Error('no');
  });
  fails.set(10);
  alarm('same moment').set(10);
  alarm('later').set(15);
  assert.throws(() => clock.pass(20), 'no');
  clock.pass(20);
  assert.equal(rang, ['fails', 'same moment', 'later']);
});

shared('reads the clock once a turn', () => {
  const { clock, timetable } = onFakeClock();
  const turn = (): number[] => {
    beginTurn();
    const before = clock.readings;
    const stamps = [timetable.now(), timetable.now(), timetable.now()];
    assert.is(clock.readings, before + 1);
    endTurn();
    return stamps;
  };
  assert.equal(turn(), [1_000, 1_000, 1_000]);
  clock.pass(5);
  assert.equal(turn(), [1_005, 1_005, 1_005]);
  clock.pass(5);
  assert.is(timetable.now(), 1_010);
});

shared('does not take a stamp of a long turn for the time of an alarm', () => {
  const { clock, rang, timetable, alarm } = onFakeClock();
  beginTurn();
  timetable.now();
  clock.stall(5_000);
  alarm('a').set(100);
  endTurn();
  clock.pass(99);
  assert.equal(rang, []);
  clock.pass(10);
  assert.equal(rang, ['a']);
});

shared('does not count the time in which the loop was stalled', () => {
  const { clock, timetable, alarm } = onFakeClock();
  const since = timetable.now();
  alarm('somebody waits').set(300);
  clock.pass(100);
  timetable.now();
  clock.stall(10_000);
  clock.pass(0);
  assert.is(timetable.left(since, 1_000), 901, 'of 1,000 ms, 100 have passed in which it could be heard');
  clock.pass(400);
  assert.is(timetable.left(since, 1_000), 501);
  assert.is(timetable.left(timetable.now(), 1_000), 1_001, 'who was heard after the stall is not concerned');
});

shared('counts the time in which the loop had nothing to do', () => {
  const { clock, timetable, alarm } = onFakeClock();
  const since = timetable.now();
  clock.pass(900);
  assert.is(timetable.left(since, 1_000), 101);
  alarm('somebody waits').set(5_000);
  clock.pass(1_000);
  assert.ok(timetable.left(since, 1_000) <= 0);
});

shared('counts the time in which the loop was busy, but read', () => {
  const { clock, timetable, alarm } = onFakeClock();
  const since = timetable.now();
  alarm('somebody waits').set(100);
  for (let chunk = 0; chunk < 20; chunk++) {
    clock.stall(50);
    timetable.now();
  }
  clock.pass(0);
  assert.ok(timetable.left(since, 1_000) <= 1);
});

shared('is one for the whole program', () => {
  assert.is(timetableOf(asyncScheduler), timetableOf(asyncScheduler));
  assert.instance(timetableOf(asyncScheduler), SharedTimetable);
  assert.is(timetableOf(asyncScheduler).clock, machineClock);
});

shared('leaves no timer in the process when nobody waits', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const timetable = timetableOf(asyncScheduler);
  let rang = 0;
  const alarms = Array.from({ length: 100 }, () => new Alarm(timetable, { due: () => rang++ }));
  for (const alarm of alarms) alarm.set(5);
  for (const alarm of alarms.slice(1)) alarm.clear();
  assert.is(timers(), before + 1);
  await new Promise<void>((done) => {
    new Alarm(timetable, { due: done }).set(20);
  });
  assert.is(rang, 1);
  assert.is(timers(), before);
});

shared.run();

const moments = suite('moments');

moments('come out in order', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50)), (given) => {
      const heap = new Moments();
      for (const moment of given) heap.add(moment);
      const out: number[] = [];
      for (let first = heap.first; first !== undefined; first = heap.first) {
        out.push(first);
        heap.drop();
      }
      assert.equal(
        out,
        given.toSorted((a, b) => a - b),
      );
    }),
  );
});

moments.run();
