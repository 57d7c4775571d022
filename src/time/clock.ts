import { type SchedulerLike, Subscription, asyncScheduler } from 'rxjs';

/** Time as everything here that waits sees it: the machine's, or a test's. */
export interface Clock {
  /** Milliseconds, never running backwards; only differences mean anything. */
  now(): number;
  /** Runs `work` after `ms` milliseconds, unless the subscription is ended before. */
  after(ms: number, work: () => void): Subscription;
  /** Runs `work` once what has arrived at the sockets by now has been read. */
  afterReads(work: () => void): void;
}

/** The longest wait that a timer of the host can be set to; longer waits are made of several. */
const LONGEST_TIMER = 2 ** 31 - 1;

type After = Clock['after'];

/** Waits as `leg` does, which can only wait for as long as a timer of the host. */
const inLegs = (leg: After): After => {
  const after: After = (ms, work) => {
    if (ms <= LONGEST_TIMER) return leg(ms, work);
    const waiting = new Subscription();
    waiting.add(leg(LONGEST_TIMER, () => waiting.add(after(ms - LONGEST_TIMER, work))));
    return waiting;
  };
  return after;
};

const timer = inLegs((ms, work) => {
  const handle = setTimeout(work, Math.ceil(ms));
  return new Subscription(() => clearTimeout(handle));
});

/** The monotonic clock of the machine: a change of the wall clock does not move it. */
export const machineClock: Clock = {
  now: () => performance.now(),
  after: timer,
  afterReads: (work) => {
    setImmediate(work);
  },
};

const schedulersClock = (scheduler: SchedulerLike): Clock => ({
  now: () => scheduler.now(),
  // It may be one of RxJS's that wait by the host.
  after: inLegs((ms, work) => scheduler.schedule(work, ms)),
  afterReads: (work) => {
    scheduler.schedule(work, 0);
  },
});

const clocks = new WeakMap<SchedulerLike, Clock>();

/** Milliseconds by which two readings of the wall clock, one after the other, do not differ. */
const APART = 10_000;

/** `TestScheduler.run` turns `asyncScheduler` to its own time, and only there does it differ from the wall clock. */
const keepsMachineTime = (scheduler: SchedulerLike): boolean =>
  scheduler === asyncScheduler && Math.abs(scheduler.now() - Date.now()) < APART;

/**
 * The clock that goes with a scheduler. For `asyncScheduler`, the default everywhere, it is the machine's; in a marble
 * test, and for any other scheduler, that scheduler's own.
 */
export const clockOf = (scheduler: SchedulerLike): Clock => {
  if (keepsMachineTime(scheduler)) return machineClock;
  let clock = clocks.get(scheduler);
  if (clock === undefined) clocks.set(scheduler, (clock = schedulersClock(scheduler)));
  return clock;
};
