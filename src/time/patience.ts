import type { SchedulerLike } from 'rxjs';
import { flow } from '../flow/scope.js';
import type { Valve } from '../flow/valve.js';
import { Alarm, type Timetable, timetableOf } from './timetable.js';

/** A loop that comes this much too late was stalled, in milliseconds: nobody could have been heard. */
const STALL = 100;

/**
 * Waits for a peer to do something, and counts only the time in which it could have been heard.
 *
 * Not counted: while the event loop was stalled, and while the peer was not read from because a consumer is full. And
 * before it gives up, it lets what has arrived meanwhile be read. Hearing costs a stamp, not a timer.
 */
export class Patience {
  readonly #timetable: Timetable;
  readonly #ms: number;
  readonly #expired: () => void;
  readonly #alarm: Alarm;
  readonly #valve: Valve | null = flow.scope.valve;
  #openings = 0;
  #since = 0;
  #waiting = false;

  /** Made while the operator that waits is being subscribed to. `expired` is called `ms` milliseconds after `begin`. */
  constructor(scheduler: SchedulerLike, ms: number, expired: () => void) {
    this.#timetable = timetableOf(scheduler);
    this.#ms = ms;
    this.#expired = expired;
    this.#alarm = new Alarm(this.#timetable, { due: (late) => this.#due(late) });
  }

  /** Waits from now on; if it waits already, it starts again. */
  begin(): void {
    this.#waiting = true;
    this.#since = this.#timetable.clock.now();
    // An alarm that is set for an earlier time finds out, when it goes off, that it has to be set again.
    if (!this.#alarm.pending) {
      this.#openings = this.#valve?.openings ?? 0;
      this.#alarm.set(this.#ms);
    }
  }

  /** What it waits for has come. The alarm is left to go off and find that out. */
  satisfied(): void {
    this.#waiting = false;
  }

  /** It is over: nothing of it is left. */
  stop(): void {
    this.#waiting = false;
    this.#alarm.clear();
  }

  #due(late: number): void {
    if (!this.#waiting) return;
    if (late > STALL) this.#since += late;
    if (this.#setAgain()) return;
    this.#timetable.clock.afterReads(() => {
      if (this.#waiting && !this.#alarm.pending && !this.#setAgain()) {
        this.#waiting = false;
        this.#expired();
      }
    });
  }

  /** Sets the alarm for the rest of the time, if there is a rest. */
  #setAgain(): boolean {
    const now = this.#timetable.clock.now();
    if (this.#valve !== null && (this.#valve.closed || this.#valve.openings !== this.#openings)) {
      this.#openings = this.#valve.openings;
      this.#since = now;
    }
    const left = this.#since + this.#ms - now;
    if (left <= 0) return false;
    this.#alarm.set(left);
    return true;
  }
}
