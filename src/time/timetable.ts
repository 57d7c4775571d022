import type { SchedulerLike, Subscription } from 'rxjs';
import { type Clock, clockOf } from './clock.js';

/** Someone who waits for a moment. */
export interface Waiting {
  /** The moment has come, or is `late` milliseconds past because nothing could run. */
  due(late: number): void;
}

/** All that are due in the same millisecond, as a list that runs through them. */
interface Slot {
  first: Alarm | null;
}

/**
 * One place in the timetable. Setting it costs a list insertion, not a timer, however many connections there are.
 *
 * An operator that waits for silence does not move its alarm with every message: it stamps the message, and when the
 * alarm goes off it looks at the stamp and sets the alarm again for what is left.
 */
export class Alarm {
  readonly #timetable: Timetable;
  /** @internal */ readonly waiting: Waiting;
  /** @internal */ slot: Slot | null = null;
  /** @internal */ before: Alarm | null = null;
  /** @internal */ behind: Alarm | null = null;

  constructor(timetable: Timetable, waiting: Waiting) {
    this.#timetable = timetable;
    this.waiting = waiting;
  }

  /** Goes off in `ms` milliseconds, whatever it was set to before: never early, and at most 16 ms late. */
  set(ms: number): void {
    this.#timetable.put(this, ms);
  }

  /** Does not go off. */
  clear(): void {
    this.#timetable.take(this);
  }

  get pending(): boolean {
    return this.slot !== null;
  }
}

/**
 * Every alarm of a program in one calendar queue with one timer of the host, set for the earliest.
 *
 * Varghese and Lauck, "Hashed and hierarchical timing wheels" (1987), with a heap of the few moments in use in place
 * of the wheel's empty spokes: a test in virtual time gets the exact millisecond, and nothing ticks while nobody waits.
 */
export class Timetable {
  readonly clock: Clock;
  #slots = new Map<number, Slot>();
  /** The moments that have a slot, the earliest at the root of a binary heap. */
  #moments: number[] = [];
  #count = 0;
  #timer: Subscription | null = null;
  #timerAt = Infinity;
  #latest = -Infinity;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** How many alarms are set. */
  get size(): number {
    return this.#count;
  }

  /** @internal */
  put(alarm: Alarm, ms: number): void {
    this.take(alarm);
    const now = this.#now();
    // On a machine's clock neighbours share a slot: a wait may be a 64th longer, by 16 ms at most.
    const grain = this.clock.virtual ? 1 : Math.min(16, Math.max(1, Math.floor(ms / 64)));
    const moment = Math.ceil((now + ms) / grain) * grain;
    let slot = this.#slots.get(moment);
    if (slot === undefined) {
      this.#slots.set(moment, (slot = { first: null }));
      this.#push(moment);
    }
    alarm.slot = slot;
    alarm.behind = slot.first;
    if (slot.first !== null) slot.first.before = alarm;
    slot.first = alarm;
    this.#count++;
    if (moment < this.#timerAt) this.#arm(moment, now);
  }

  /** @internal */
  take(alarm: Alarm): void {
    const { slot, before, behind } = alarm;
    if (slot === null) return;
    if (before === null) slot.first = behind;
    else before.behind = behind;
    if (behind !== null) behind.before = before;
    alarm.slot = alarm.before = alarm.behind = null;
    if (--this.#count === 0) this.#reset();
  }

  #reset(): void {
    this.#timer?.unsubscribe();
    this.#timer = null;
    this.#timerAt = Infinity;
    this.#slots.clear();
    this.#moments = [];
    this.#count = 0;
  }

  /** A clock that has gone back is another test's: what an earlier one left behind is not waited for. */
  #now(): number {
    const now = this.clock.now();
    if (now < this.#latest && this.clock.virtual) this.#reset();
    this.#latest = now;
    return now;
  }

  #arm(moment: number, now: number): void {
    this.#timer?.unsubscribe();
    this.#timerAt = moment;
    this.#timer = this.clock.after(Math.max(0, moment - now), () => this.#ring());
  }

  #ring(): void {
    this.#timer = null;
    this.#timerAt = Infinity;
    const now = this.#now();
    for (let moment = this.#moments[0]; moment !== undefined && moment <= now; moment = this.#moments[0]) {
      const slot = this.#slots.get(moment);
      this.#pop();
      this.#slots.delete(moment);
      for (let alarm = slot?.first ?? null; alarm !== null; alarm = slot?.first ?? null) {
        this.take(alarm);
        alarm.waiting.due(now - moment);
      }
    }
    const next = this.#moments[0];
    if (next !== undefined && this.#count > 0 && next < this.#timerAt) this.#arm(next, now);
  }

  #push(moment: number): void {
    const heap = this.#moments;
    let at = heap.push(moment) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as number;
      if (above <= moment) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = moment;
  }

  #pop(): void {
    const heap = this.#moments;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] as number) < (heap[child] as number)) child++;
      const below = heap[child] as number;
      if (below >= last) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}

const timetables = new WeakMap<Clock, Timetable>();

/** The timetable that all who wait by this scheduler share. */
export const timetableOf = (scheduler: SchedulerLike): Timetable => {
  const clock = clockOf(scheduler);
  let timetable = timetables.get(clock);
  if (timetable === undefined) timetables.set(clock, (timetable = new Timetable(clock)));
  return timetable;
};
