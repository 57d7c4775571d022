import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { VirtualAction, VirtualTimeScheduler, asapScheduler, asyncScheduler } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import * as assert from 'uvu/assert';
import { clockOf, machineClock } from '../src/time/clock.js';
import { Alarm, timetableOf } from '../src/time/timetable.js';
import { marbles } from './kit/marbles.js';
import { suite } from './kit/suite.js';

/** Does something while the wall clock is wrong by `ms`. */
const whileOff = <A>(ms: number, work: () => A): A => {
  const now = Date.now;
  Date.now = () => now() + ms;
  try {
    return work();
  } finally {
    Date.now = now;
  }
};

const DAY = 24 * 3_600_000;
const test = suite('clock');

test('is the machine’s for the default scheduler', () => {
  assert.is(clockOf(asyncScheduler), machineClock);
});

test(
  'is virtual in a marble test, from its first moment to its last',
  marbles(({ cold, expectObservable }) => {
    assert.is.not(clockOf(asyncScheduler), machineClock);
    expectObservable(cold('a|')).toBe('a|');
    asyncScheduler.schedule(() => assert.is(clockOf(asyncScheduler).now(), 9_000), 9_000);
  }),
);

test('is the machine’s again after a marble test, and after one that failed', () => {
  assert.throws(() =>
    new TestScheduler(assert.equal).run(() => {
      assert.is.not(clockOf(asyncScheduler), machineClock);
      throw new Error('a test that fails');
    }),
  );
  assert.is(clockOf(asyncScheduler), machineClock);
});

test('is the scheduler’s own for any other', () => {
  const scheduler = new VirtualTimeScheduler(VirtualAction);
  const clock = clockOf(scheduler);
  assert.is(clockOf(scheduler), clock);
  const ran: [string, number][] = [];
  clock.after(5, () => ran.push(['after', clock.now()]));
  clock.after(3, () => ran.push(['never', clock.now()])).unsubscribe();
  clock.afterReads(() => ran.push(['after reads', clock.now()]));
  scheduler.flush();
  assert.equal(ran, [
    ['after reads', 0],
    ['after', 5],
  ]);
  assert.is.not(clockOf(asapScheduler), machineClock);
});

test('does not care what the wall clock says', () => {
  for (const off of [-DAY, DAY, -1e15]) {
    const before = machineClock.now();
    const passed = whileOff(off, () => {
      assert.is(clockOf(asyncScheduler), machineClock, 'a machine that believes it is 1970 is no marble test');
      return clockOf(asyncScheduler).now() - before;
    });
    assert.ok(passed >= 0 && passed < 1_000);
  }
});

test('does not ring early, late or twice when the wall clock jumps', async () => {
  for (const off of [-DAY, DAY]) {
    const now = Date.now;
    const started = performance.now();
    let rang = 0;
    try {
      await new Promise<void>((done) => {
        const ring = (): void => {
          rang++;
          done();
        };
        new Alarm(timetableOf(asyncScheduler), { due: ring }).set(40);
        Date.now = () => now() + off;
      });
    } finally {
      Date.now = now;
    }
    const took = performance.now() - started;
    assert.ok(took >= 40, `rang after ${took} ms`);
    assert.ok(took < 2_000, `rang after ${took} ms`);
    assert.is(rang, 1);
  }
});

test('makes a wait that no timer of the host can be set to of several', () => {
  const { setTimeout } = globalThis;
  const legs: number[] = [];
  let next: (() => void) | undefined;
  let rang = 0;
  globalThis.setTimeout = ((work: () => void, ms: number) => {
    legs.push(ms);
    next = work;
    return undefined;
  }) as unknown as typeof setTimeout;
  try {
    machineClock.after(2 ** 32 + 0.5, () => rang++);
    for (let leg = next; leg !== undefined; leg = next) {
      next = undefined;
      leg();
    }
    assert.is(rang, 1);
    assert.is(
      legs.reduce((sum, leg) => sum + leg, 0),
      2 ** 32 + 1,
    );
    for (const leg of legs) assert.ok(leg < 2 ** 31, `a timer of ${leg} ms goes off at once`);
  } finally {
    globalThis.setTimeout = setTimeout;
  }
});

test('nor does another scheduler wait too short, whether it waits by the host or not', async () => {
  let rang = 0;
  const waiting = clockOf(asapScheduler).after(2 ** 31 + 5, () => rang++);
  await new Promise((done) => {
    setTimeout(done, 10);
  });
  assert.is(rang, 0);
  waiting.unsubscribe();
  const virtual = new VirtualTimeScheduler(VirtualAction, Infinity);
  let at = 0;
  clockOf(virtual).after(2 ** 32 + 5, () => {
    at = virtual.frame;
  });
  virtual.flush();
  assert.is(at, 2 ** 32 + 5);
});

test('takes back a wait in its second leg', () => {
  const { setTimeout, clearTimeout } = globalThis;
  const set: (() => void)[] = [];
  const cleared: unknown[] = [];
  globalThis.setTimeout = ((work: () => void) => set.push(work)) as unknown as typeof setTimeout;
  globalThis.clearTimeout = (timer: unknown) => cleared.push(timer);
  try {
    const waiting = machineClock.after(2 ** 31 + 5, () => {});
    set[0]?.();
    waiting.unsubscribe();
    assert.ok(cleared.includes(2), 'the timer of the second leg is still set');
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout });
  }
});

test('lets what has arrived at the sockets be read first', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [socket] = (await once(server, 'connection')) as [Socket];
  try {
    const order: string[] = [];
    socket.on('data', () => order.push('read'));
    await new Promise<void>((done) => {
      setTimeout(() => {
        client.write('in the system’s buffers at once');
        machineClock.afterReads(() => {
          order.push('after reads');
          done();
        });
      }, 5);
    });
    assert.equal(order, ['read', 'after reads']);
  } finally {
    client.destroy();
    socket.destroy();
    server.close();
  }
});

test.run();
