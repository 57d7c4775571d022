import type { SchedulerLike, Subscriber } from 'rxjs';
import type { Gate } from '../flow/gate.js';
import { flow, inScope } from '../flow/scope.js';
import { Entry, type Timetable, timetableOf } from './timetable.js';

/** A peer that is held back is looked at again after this part of the time that it has. */
const AGAIN = 8;

/** Not waiting for anything. */
const NEVER = -1;

/**
 * Waits for a peer to do something, and fails the stream when it has not within `ms` milliseconds.
 *
 * To hear something costs a stamp. Nobody is given up unheard: time in which the event loop was stalled does not count,
 * what has arrived meanwhile is read first, and a peer that is not read from because a consumer is full is left alone
 * until it is. (What it has said lies in the system's buffers, so then it is heard at once.)
 */
export abstract class Patience<A> extends Entry {
  /** The time that the peer has, in milliseconds; 0: for ever. */
  protected ms: number;
  /** Whom the operator emits to, and whom it fails. */
  protected readonly out: Subscriber<A>;
  readonly #timetable: Timetable;
  readonly #scope = flow.scope;
  /** The source of what was heard last. */
  #source: Gate | null = null;
  /** The source that it listens to, where that is one that can be paused. */
  #reached: Gate | null | undefined = null;
  #since = NEVER;

  /** Made while the operator that waits is being subscribed to. */
  constructor(scheduler: SchedulerLike, ms: number, out: Subscriber<A>) {
    super();
    this.#timetable = timetableOf(scheduler);
    this.ms = ms;
    this.out = out;
  }

  /** What the stream fails with. */
  protected abstract failure(): Error;

  /** When it began to wait: the stamp of what was heard last. */
  get since(): number {
    return this.#since;
  }

  /** Listens: subscribes to what is to be heard. Its source may rest before it was heard for the first time. */
  listening(subscribe: () => void): void {
    const { reached } = flow;
    flow.reached = null;
    try {
      subscribe();
    } finally {
      this.#reached = flow.reached;
      // Whoever asks further down has reached as far. Nobody else may find it: it would be kept for ever.
      if (reached === undefined) flow.reached = undefined;
    }
  }

  /** Waits from now on, for the whole time. Called whenever something is heard. */
  begin(): void {
    this.#since = this.#timetable.now();
    if (flow.emitting !== null) this.#source = flow.emitting;
    // One that is entered already finds out, when it is due, that it has to be entered again.
    if (this.before === null && this.ms > 0) this.#timetable.put(this, this.ms);
  }

  /** What it waits for has come, and nothing else is waited for. */
  satisfied(): void {
    this.#since = NEVER;
  }

  /** It is over: nothing of it is left. */
  stop(): void {
    this.#since = NEVER;
    this.#timetable.take(this);
  }

  due(): void {
    if (this.#since === NEVER || this.waitsOn()) return;
    this.#timetable.clock.afterReads(() => {
      if (this.#since !== NEVER && !this.waitsOn()) this.giveUp();
    });
  }

  // `private` and not `#`: for methods of that kind every instance has a field more.

  private waitsOn(): boolean {
    let left = this.#timetable.left(this.#since, this.ms);
    if (left <= 0 && this.heldBack()) left = this.ms / AGAIN;
    if (left > 0) this.#timetable.put(this, left);
    return left > 0;
  }

  /** Whether something of the peer may lie unread. */
  private heldBack(): boolean {
    if (this.#source !== null) return this.#source.resting;
    return this.#scope.valve?.closed === true || this.#reached?.resting === true;
  }

  private giveUp(): void {
    this.#since = NEVER;
    inScope(this.#scope, () => {
      try {
        this.out.error(this.failure());
      } catch (thrown) {
        this.out.error(thrown);
      }
    });
  }
}
