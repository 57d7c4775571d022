import type { SchedulerLike } from 'rxjs';
import { Alarm, timetableOf } from './timetable.js';

/** Calls `silent` whenever nothing was said for `ms` milliseconds, again and again. Saying something costs a stamp. */
export class Silence {
  readonly #clock;
  readonly #ms: number;
  readonly #silent: () => void;
  readonly #alarm: Alarm;
  #since: number;

  constructor(scheduler: SchedulerLike, ms: number, silent: () => void) {
    const timetable = timetableOf(scheduler);
    this.#clock = timetable.clock;
    this.#ms = ms;
    this.#silent = silent;
    this.#since = this.#clock.now();
    this.#alarm = new Alarm(timetable, { due: () => this.#due() });
    this.#alarm.set(ms);
  }

  /** Something was said. */
  broken(): void {
    this.#since = this.#clock.now();
  }

  stop(): void {
    this.#alarm.clear();
  }

  #due(): void {
    const left = this.#since + this.#ms - this.#clock.now();
    if (left > 0) return this.#alarm.set(left);
    this.broken();
    this.#alarm.set(this.#ms);
    this.#silent();
  }
}
