import {
  type SchedulerAction,
  type SchedulerLike,
  type Subscription,
  animationFrameScheduler,
  asapScheduler,
  asyncScheduler,
  config,
  queueScheduler,
} from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { callSite, noteCallSite } from './call-site.js';
import { shownTime } from './diagram.js';
import { replace } from './replace.js';
import { RealWaits, besideStory, watchingRealWaits } from './real-waits.js';
import { StoryFailed } from './story-failed.js';

/** When a story begins, for `Date.now()`: a moment that is easy to recognise. */
const EPOCH = Date.UTC(2000, 0, 1);

/** So many timers that go off in one millisecond are not going to stop. */
const ENDLESS = 100_000;

/** Something that a script does at a moment. */
interface Deed {
  readonly at: number;
  readonly work: () => void;
}

type Work<State> = (this: SchedulerAction<State>, state?: State) => void;
type Schedule = <State>(work: Work<State>, delay?: number, state?: State) => Subscription;

type Action = VirtualTime['actions'][number];

/** Puts the last of a list that is in order, but for that one, into its place. */
function sortLast(this: Action[], compare: (one: Action, other: Action) => number): Action[] {
  const last = this.pop() as Action;
  let [from, to] = [0, this.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (compare(this[middle] as Action, last) <= 0) from = middle + 1;
    else to = middle;
  }
  this.splice(from, 0, last);
  return this;
}

/** What stands for where a timer was made that was not noted. */
const SOMEWHERE = Object.assign(new Error('somewhere'), { stack: '' });

let taken = false;

/**
 * Virtual time in which promises work: RxJS's `TestScheduler`, played one action at a time, and between two actions all
 * microtasks run dry.
 *
 * While a story is inside, RxJS's schedulers (`asyncScheduler` is the default of everything that waits), `Date` and
 * `performance.now` are on its time. These are the process's, so there is one story at a time.
 */
export class VirtualTime extends TestScheduler {
  readonly #unhandled: unknown[] = [];
  readonly #waits = new RealWaits();
  readonly #note: () => Error;
  /** Where the program's timers were made. */
  readonly #madeAt = new WeakMap<object, Error>();
  /** What scripts are to do, in order. */
  #deeds: Deed[] = [];
  /** Timers that went off in this millisecond. */
  #wentOff = 0;

  /** `noted`: notes of each timer where it was made. That is a good part of the work where there are many. */
  constructor(assertDeepEqual: (actual: unknown, expected: unknown) => void, noted = true) {
    super(assertDeepEqual);
    this.#note = noted ? noteCallSite : () => SOMEWHERE;
    this.maxFrames = Infinity;
    // RxJS puts each action at the end and sorts them all: with a thousand timers a story would do little else.
    Object.defineProperty(this.actions, 'sort', { value: sortLast });
    // Diagrams of RxJS's own helpers read as in `TestScheduler.run`: a character is a millisecond, `10s` a time.
    Reflect.set(this, 'runMode', true);
  }

  /** The program's timers that are still to go off: when, and where they were made. */
  get timers(): string[] {
    return this.actions.flatMap((action) => {
      const note = this.#noteOf(action);
      return note === undefined ? [] : `to go off at ${shownTime(action.delay)}, made${callSite(note) || ' somewhere'}`;
    });
  }

  /** Adds what a script does, `at` milliseconds from now each, in order. In its millisecond it comes before all else. */
  script(deeds: readonly Deed[]): void {
    const now = this.now();
    this.#deeds = [...this.#deeds, ...deeds.map(({ at, work }) => ({ at: now + at, work }))].toSorted(
      (a, b) => a.at - b.at,
    );
  }

  /** Runs `story` with everything on this time, and puts everything back. */
  async inside<A>(story: () => Promise<A>): Promise<A> {
    if (taken) {
      throw new Error('another story is being told in this process: they change its clock, so tell them one at a time');
    }
    taken = true;
    const putBack = this.#takeOver();
    try {
      return await watchingRealWaits(this.#waits, story);
    } finally {
      for (const undo of putBack) undo();
      taken = false;
    }
  }

  /** Plays all that is to happen up to and including `until`, and stands there. */
  async playTo(until: number): Promise<void> {
    do {
      // One after another is the point.
      // oxlint-disable-next-line no-await-in-loop
      await this.settle();
      // oxlint-disable-next-line no-await-in-loop
    } while (await this.#playOn(until));
    this.frame = Math.max(this.frame, until);
  }

  /** Lets every microtask run, however long their chain. Fails when something real is waited for then. */
  async settle(): Promise<void> {
    // The next turn of the real loop comes after all microtasks.
    await new Promise((resolve) => {
      besideStory(() => setImmediate(resolve));
    });
    const waits = this.#waits.described();
    // RxJS reports what nobody listens for by a real timer: it gets the moment that it needs, and then is the reason.
    if (waits !== undefined) {
      await new Promise((resolve) => {
        besideStory(() => setTimeout(resolve, 5));
      });
    }
    if (this.#unhandled.length > 0) throw this.#unhandled[0];
    if (waits === undefined) return;
    throw new StoryFailed(
      `at ${shownTime(this.now())} the story waits for something real, which does not come in virtual time:\n${waits}`,
    );
  }

  /** Plays one thing in each turn of the real loop. False when nothing is left, true when there is something to settle. */
  #playOn(until: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const play = (): void => {
        try {
          if (!this.#playNext(until)) resolve(false);
          else besideStory(() => setImmediate(look));
        } catch (error) {
          reject(error);
        }
      };
      const look = (): void => {
        if (this.#unhandled.length > 0 || this.#waits.some) resolve(true);
        else play();
      };
      play();
    });
  }

  #playNext(until: number): boolean {
    while (this.hotObservables.length > 0) this.hotObservables.shift()?.setup();
    const [action] = this.actions;
    const [deed] = this.#deeds;
    const at = Math.min(action?.delay ?? Infinity, deed?.at ?? Infinity);
    if (at > until || at === Infinity) return false;
    if (at > this.frame) this.#wentOff = 0;
    this.frame = at;
    if (deed?.at === at) {
      this.#deeds.shift();
      deed.work();
    } else if (action !== undefined) this.#run(action);
    return true;
  }

  #run(action: (typeof this.actions)[number]): void {
    this.actions.shift();
    const note = this.#noteOf(action);
    if (note !== undefined && ++this.#wentOff > ENDLESS) {
      throw new StoryFailed(
        `at ${shownTime(this.now())} time stands still: ${ENDLESS} timers went off, the last one made${callSite(note) || ' somewhere'}`,
      );
    }
    const error: unknown = action.execute(action.state, action.delay);
    if (error !== undefined) throw error;
  }

  #noteOf(action: object): Error | undefined {
    const work: unknown = Reflect.get(action, 'work');
    return typeof work === 'function' ? this.#madeAt.get(work) : undefined;
  }

  #takeOver(): (() => void)[] {
    const now = (): number => this.now();
    const dateNow = (): number => EPOCH + Math.floor(this.now());
    const newDate = new Proxy(Date, {
      construct: (target, args: unknown[], made) =>
        Reflect.construct(target, args.length === 0 ? [dateNow()] : args, made) as Date,
    });
    return [
      replace(TestScheduler, 'frameTimeFactor', 1),
      replace(config, 'onUnhandledError', (error: unknown) => this.#unhandled.push(error)),
      replace(Date, 'now', dateNow),
      replace(globalThis, 'Date', newDate),
      replace(performance, 'now', now),
      ...[asyncScheduler, asapScheduler, queueScheduler, animationFrameScheduler].flatMap((scheduler) => [
        replace(scheduler, 'now', now),
        replace(scheduler, 'schedule', this.#insteadOf(scheduler)),
      ]),
    ];
  }

  /** What waits runs in virtual time; what `asapScheduler` and its like do at once, they do by themselves. */
  #insteadOf(scheduler: SchedulerLike): Schedule {
    const atOnce: Schedule = scheduler.schedule.bind(scheduler);
    return <State>(work: Work<State>, delay?: number, state?: State): Subscription => {
      const ms = Math.ceil(delay ?? 0);
      if (ms <= 0 && scheduler !== asyncScheduler) return atOnce(work, ms, state);
      this.#madeAt.set(work, this.#note());
      return this.schedule(work, ms, state);
    };
  }
}
