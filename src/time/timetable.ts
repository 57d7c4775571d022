import type { SchedulerLike, Subscription } from 'rxjs';
import { currentTurn } from '../flow/turn.js';
import { type Clock, clockOf, machineClock } from './clock.js';
import { Moments } from './moments.js';

/** One place in a timetable: someone who waits for a moment. */
export abstract class Entry {
  /** @internal Its neighbours among those that wait for the same moment, in a ring; null while it does not wait. */
  before: Entry | null = null;
  /** @internal */
  behind: Entry | null = null;

  /** Whether it waits. */
  get pending(): boolean {
    return this.before !== null;
  }

  /** Called by the timetable: the moment has come. */
  abstract due(): void;
}

/** Where those who wait are entered. */
export interface Timetable {
  readonly clock: Clock;
  /** The time to stamp a message with, in milliseconds. Within one turn it is always the same. */
  now(): number;
  /** Milliseconds until someone last heard at `since` has been silent for `ms`; 0 or less when that is so. */
  left(since: number, ms: number): number;
  /** Calls the entry's `due` in `ms` milliseconds, a millisecond at least, whatever it was entered for before. */
  put(entry: Entry, ms: number): void;
  /** Does not call it. */
  take(entry: Entry): void;
}

/** Something to be called at a moment that can be set and cleared. */
export class Alarm extends Entry {
  readonly #timetable: Timetable;
  readonly #waiting: { due(): void };

  constructor(timetable: Timetable, waiting: { due(): void }) {
    super();
    this.#timetable = timetable;
    this.#waiting = waiting;
  }

  /** Goes off in `ms` milliseconds, whatever it was set to before: never early, and at most 16 ms late. */
  set(ms: number): void {
    this.#timetable.put(this, ms);
  }

  /** Does not go off. */
  clear(): void {
    this.#timetable.take(this);
  }

  due(): void {
    this.#waiting.due();
  }
}

/** All that wait for the same moment: the head of their ring. */
class Slot extends Entry {
  constructor() {
    super();
    this.before = this.behind = this;
  }

  due(): void {}
}

/** A wait is made longer by up to this part of it, and by up to so many milliseconds, so that neighbours share a slot. */
const GRAIN = 64;
const COARSEST = 16;

/** A loop that did not look at the clock for so long, although it had reason to, was stalled. In milliseconds. */
const STALL = 100;

/**
 * All entries of a program in one calendar queue, with one timer of the host, set for the earliest.
 *
 * To be entered costs an insertion into a list, not a timer, however many there are. Whoever waits for silence does not
 * even enter itself anew with each message: it stamps the message, and looks at the stamp when it is due.
 *
 * Varghese and Lauck, "Hashed and hierarchical timing wheels" (1987), with a heap of the few moments in use in place of
 * the wheel's empty spokes: nothing ticks while nobody waits.
 */
export class SharedTimetable implements Timetable {
  readonly clock: Clock;
  readonly #slots = new Map<number, Slot>();
  readonly #moments = new Moments();
  #size = 0;
  #timer: Subscription | null = null;
  #timerAt = Infinity;
  #ringing = false;
  /** The last reading of the clock, and the turn and the stamp that go with it. */
  #readAt: number;
  #turn = 0;
  #stamp = 0;
  /** The last time in which the loop was stalled. */
  #stalledFrom = 0;
  #stalledTo = 0;

  constructor(clock: Clock) {
    this.clock = clock;
    this.#readAt = clock.now();
  }

  /** How many are entered. */
  get size(): number {
    return this.#size;
  }

  /** One reading serves a whole turn: it costs more than handling a small frame. Whole numbers, which need no memory. */
  now(): number {
    const turn = currentTurn();
    if (turn !== 0 && turn === this.#turn) return this.#stamp;
    this.#turn = turn;
    return (this.#stamp = Math.floor(this.#read()));
  }

  /** Does not count the last time in which the loop was stalled: nobody could be heard then, nor asked for a sign. */
  left(since: number, ms: number): number {
    const now = Math.floor(this.#read());
    const stalled = Math.max(0, this.#stalledTo - Math.max(since, this.#stalledFrom));
    // Both readings were cut to whole milliseconds: the one more makes sure that it is never early.
    return since + ms + stalled + 1 - now;
  }

  put(entry: Entry, ms: number): void {
    this.#remove(entry);
    const now = this.#read();
    const grain = Math.min(COARSEST, Math.max(1, Math.floor(ms / GRAIN)));
    const moment = Math.ceil((now + Math.max(1, ms)) / grain) * grain;
    let slot = this.#slots.get(moment);
    if (slot === undefined) {
      this.#slots.set(moment, (slot = new Slot()));
      this.#moments.add(moment);
    }
    const last = slot.before as Entry;
    entry.before = last;
    entry.behind = slot;
    last.behind = slot.before = entry;
    this.#size++;
    if (moment < this.#timerAt && !this.#ringing) this.#arm(moment, now);
  }

  take(entry: Entry): void {
    this.#remove(entry);
    if (this.#size === 0 && !this.#ringing) this.#rest();
  }

  #remove(entry: Entry): void {
    const { before, behind } = entry;
    if (before === null || behind === null) return;
    before.behind = behind;
    behind.before = before;
    entry.before = entry.behind = null;
    this.#size--;
  }

  /** Reads the clock, and finds out whether somebody was due and nothing could run. */
  #read(): number {
    const now = this.clock.now();
    if (now - this.#readAt > STALL && now - this.#timerAt > STALL) {
      this.#stalledFrom = this.#readAt;
      this.#stalledTo = now;
    }
    return (this.#readAt = now);
  }

  #arm(moment: number, now: number): void {
    this.#timer?.unsubscribe();
    this.#timerAt = moment;
    this.#timer = this.clock.after(Math.max(0, moment - now), () => this.#ring());
  }

  #ring(): void {
    const now = this.#read();
    this.#ringing = true;
    try {
      for (let moment = this.#moments.first; moment !== undefined && moment <= now; moment = this.#moments.first) {
        const slot = this.#slots.get(moment) as Slot;
        const entry = slot.behind as Entry;
        if (entry !== slot) {
          this.#remove(entry);
          entry.due();
        } else {
          this.#slots.delete(moment);
          this.#moments.drop();
        }
      }
    } finally {
      this.#ringing = false;
      const next = this.#moments.first;
      if (this.#size === 0 || next === undefined) this.#rest();
      else this.#arm(next, this.#read());
    }
  }

  /** Nobody waits: no timer is left. */
  #rest(): void {
    this.#timer?.unsubscribe();
    this.#timer = null;
    this.#timerAt = Infinity;
    this.#slots.clear();
    this.#moments.clear();
  }
}

/** The timetable of any other scheduler: an action of its own for each entry, so a test gets the exact millisecond. */
class ScheduledTimetable implements Timetable {
  readonly clock: Clock;
  readonly #actions = new WeakMap<Entry, Subscription>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  now(): number {
    return this.clock.now();
  }

  left(since: number, ms: number): number {
    return since + ms - this.clock.now();
  }

  put(entry: Entry, ms: number): void {
    this.take(entry);
    entry.before = entry.behind = entry;
    const action = this.clock.after(Math.max(1, ms), () => {
      entry.before = entry.behind = null;
      entry.due();
    });
    this.#actions.set(entry, action);
  }

  take(entry: Entry): void {
    if (!entry.pending) return;
    entry.before = entry.behind = null;
    this.#actions.get(entry)?.unsubscribe();
  }
}

const timetables = new WeakMap<Clock, Timetable>();

/** The timetable that all who wait by this scheduler share. */
export const timetableOf = (scheduler: SchedulerLike): Timetable => {
  const clock = clockOf(scheduler);
  let timetable = timetables.get(clock);
  if (timetable === undefined) {
    timetable = clock === machineClock ? new SharedTimetable(clock) : new ScheduledTimetable(clock);
    timetables.set(clock, timetable);
  }
  return timetable;
};
