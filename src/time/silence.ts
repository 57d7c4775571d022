import type { SchedulerLike, Subscriber } from 'rxjs';
import { flow, inScope, urgently } from '../flow/scope.js';
import { Entry, type Timetable, timetableOf } from './timetable.js';

/** Breaks silence: speaks whenever nothing was said for `ms` milliseconds, again and again. To say something costs a stamp. */
export abstract class Silence<A> extends Entry {
  /** Whom the operator emits to. */
  protected readonly out: Subscriber<A>;
  readonly #timetable: Timetable;
  readonly #ms: number;
  /** In which what is said is emitted. */
  protected readonly scope = flow.scope;
  #since: number;

  /** Made while the operator is being subscribed to. */
  constructor(scheduler: SchedulerLike, ms: number, out: Subscriber<A>) {
    super();
    this.#timetable = timetableOf(scheduler);
    this.#ms = ms;
    this.out = out;
    this.#since = this.#timetable.now();
    if (ms > 0) this.#timetable.put(this, ms);
  }

  /** Says something, ahead of what is queued; or nothing, because nobody could hear it. */
  protected abstract speak(): void;

  /** Since when it has been silent. */
  protected get since(): number {
    return this.#since;
  }

  /** The time that stamps are made of. */
  protected now(): number {
    return this.#timetable.now();
  }

  /** Something was said. */
  broken(): void {
    this.#since = this.#timetable.now();
  }

  stop(): void {
    this.#timetable.take(this);
  }

  due(): void {
    const left = this.since + this.#ms - this.#timetable.now();
    this.#timetable.put(this, left > 0 ? left : this.#ms);
    if (left > 0) return;
    this.broken();
    inScope(this.scope, () =>
      urgently(() => {
        try {
          this.speak();
        } catch (error) {
          this.out.error(error);
        }
      }),
    );
  }
}
