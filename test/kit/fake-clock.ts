import { Subscription } from 'rxjs';
import type { Clock } from '../../src/time/clock.js';

interface Timer {
  readonly at: number;
  readonly work: () => void;
}

/** A machine's clock that a test moves. Its timers go off as late, or as early, as the test has them. */
export class FakeClock implements Clock {
  /** How often it was read. */
  readings = 0;
  readonly #timers = new Set<Timer>();
  #time: number;

  constructor(time = 0) {
    this.#time = time;
  }

  /** The time, without reading it. */
  get time(): number {
    return this.#time;
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size;
  }

  now(): number {
    this.readings++;
    return this.#time;
  }

  after(ms: number, work: () => void): Subscription {
    const timer = { at: this.#time + ms, work };
    this.#timers.add(timer);
    return new Subscription(() => this.#timers.delete(timer));
  }

  afterReads(work: () => void): void {
    this.after(0, work);
  }

  /** Time passes, and every timer goes off `late` milliseconds late. */
  pass(ms: number, late: () => number = () => 0): void {
    const until = this.#time + ms;
    for (let next = this.#first(); next !== undefined && next.at <= until; next = this.#first()) {
      this.#timers.delete(next);
      this.#time = Math.max(this.#time, next.at + late());
      next.work();
    }
    this.#time = Math.max(this.#time, until);
  }

  /** Time passes, and nothing can run. */
  stall(ms: number): void {
    this.#time += ms;
  }

  #first(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) if (first === undefined || timer.at < first.at) first = timer;
    return first;
  }
}
