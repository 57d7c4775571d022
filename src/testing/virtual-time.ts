import { type SchedulerAction, type Subscription, asyncScheduler, config } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { type RealWaits, besideStory, namedWaits, watchingRealWaits } from './real-waits.js';

/** When a story begins, for `Date.now()`: a moment that is easy to recognise. */
const EPOCH = Date.UTC(2000, 0, 1);

/** Lets every microtask run, however long their chain: the next turn of the real loop comes after all of them. */
const microtasksRunDry = (): Promise<void> =>
  new Promise((resolve) => {
    besideStory(() => setImmediate(resolve));
  });

const aMoment = (): Promise<void> =>
  new Promise((resolve) => {
    besideStory(() => setTimeout(resolve, 5));
  });

/**
 * Virtual time in which promises work: RxJS's `TestScheduler`, played one action at a time, and between two actions all
 * microtasks run dry.
 *
 * While it plays, `asyncScheduler` (the default of everything that waits), `Date.now` and `performance.now` are on its
 * time.
 */
export class VirtualTime extends TestScheduler {
  /** What was thrown where nobody listens. */
  readonly unhandled: unknown[] = [];
  readonly #waits: RealWaits = new Map();

  constructor(assertDeepEqual: (actual: unknown, expected: unknown) => void) {
    super(assertDeepEqual);
    this.maxFrames = Infinity;
    // Diagrams of RxJS's own helpers read as in `TestScheduler.run`: a character is a millisecond, `10s` a time.
    Reflect.set(this, 'runMode', true);
  }

  /** How many actions are still to come. */
  get pending(): number {
    return this.actions.length;
  }

  /** Runs `story` with everything on this time, and puts everything back. */
  async inside<A>(story: () => Promise<A>): Promise<A> {
    const before = {
      factor: TestScheduler.frameTimeFactor,
      unhandled: config.onUnhandledError,
      date: Date.now,
      performance: performance.now,
    };
    const now = (): number => this.now();
    const schedule = <State>(
      work: (this: SchedulerAction<State>, state?: State) => void,
      delay?: number,
      state?: State,
    ): Subscription => this.schedule(work as never, delay, state);
    TestScheduler.frameTimeFactor = 1;
    config.onUnhandledError = (error: unknown) => this.unhandled.push(error);
    Object.assign(asyncScheduler, { now, schedule });
    Date.now = () => EPOCH + Math.floor(this.now());
    performance.now = now;
    try {
      return await watchingRealWaits(this.#waits, story);
    } finally {
      TestScheduler.frameTimeFactor = before.factor;
      config.onUnhandledError = before.unhandled;
      Reflect.deleteProperty(asyncScheduler, 'now');
      Reflect.deleteProperty(asyncScheduler, 'schedule');
      Date.now = before.date;
      performance.now = before.performance;
    }
  }

  /** Plays all that is to happen up to and including `until`, and stands there. */
  async playTo(until: number): Promise<void> {
    while (this.hotObservables.length > 0) this.hotObservables.shift()?.setup();
    for (;;) {
      await this.#settle();
      const [action] = this.actions;
      if (action === undefined || action.delay > until) break;
      this.actions.shift();
      this.frame = action.delay;
      const error: unknown = action.execute(action.state, action.delay);
      if (error !== undefined) throw error;
    }
    this.frame = Math.max(this.frame, until);
  }

  async #settle(): Promise<void> {
    await microtasksRunDry();
    const waits = namedWaits(this.#waits);
    // RxJS reports what nobody listens for by a real timer: it gets the moment that it needs, and then is the reason.
    if (waits !== undefined) await aMoment();
    if (this.unhandled.length > 0) throw this.unhandled[0];
    if (waits === undefined) return;
    throw new Error(
      `at ${this.now()} ms the story waits for something real, which does not come in virtual time: ${waits}`,
    );
  }
}
