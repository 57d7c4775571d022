import { type SchedulerLike, type Subscription, asyncScheduler } from 'rxjs';
import { currentTurn } from '../flow/turn.js';

/** Time as everything here that waits sees it: the machine's, or a test's. */
export interface Clock {
  /** Whether time is a test's own: it moves in whole milliseconds, and only when the test lets it. */
  readonly virtual: boolean;
  /** Milliseconds, never running backwards; only differences mean anything. */
  now(): number;
  /** Runs `work` after `ms` milliseconds, unless the subscription is ended before. */
  after(ms: number, work: () => void): Subscription;
  /** Runs `work` once what has arrived at the sockets by now has been read. */
  afterReads(work: () => void): void;
}

/** The longest wait that a timer of the host can be set to; longer waits are made of several. */
const LONGEST_TIMER = 2 ** 31 - 1;

let readAt = 0;
let readIn = 0;

/** One reading of the clock serves a whole turn: reading it costs more than handling a small frame. */
const monotonic = (): number => {
  const turn = currentTurn();
  if (turn === 0) return performance.now();
  if (turn !== readIn) {
    readIn = turn;
    readAt = performance.now();
  }
  return readAt;
};

const realClock: Clock = {
  virtual: false,
  now: monotonic,
  after: (ms, work) => asyncScheduler.schedule(work, Math.min(Math.ceil(ms), LONGEST_TIMER)),
  afterReads: (work) => {
    setImmediate(work);
  },
};

const virtualClock = (scheduler: SchedulerLike): Clock => ({
  virtual: true,
  now: () => scheduler.now(),
  after: (ms, work) => scheduler.schedule(work, ms),
  afterReads: (work) => {
    scheduler.schedule(work, 0);
  },
});

const virtualClocks = new WeakMap<SchedulerLike, Clock>();

/** A wall clock that reads so early is a marble test's: `TestScheduler.run` turns `asyncScheduler` to its own time. */
const A_TESTS_TIME = 1e12;

/**
 * The clock that goes with a scheduler. For `asyncScheduler`, the default everywhere, it is the monotonic clock of the
 * machine, which a change of the wall clock does not move; in a marble test, and for any other scheduler, its own.
 */
export const clockOf = (scheduler: SchedulerLike): Clock => {
  if (scheduler === asyncScheduler && scheduler.now() > A_TESTS_TIME) return realClock;
  let clock = virtualClocks.get(scheduler);
  if (clock === undefined) virtualClocks.set(scheduler, (clock = virtualClock(scheduler)));
  return clock;
};
