import type { Subscription } from 'rxjs';
import { checkInteger, checkNumber, checkObject, checkTime } from '../check.js';
import type { Clock } from '../time/clock.js';
import type { Listed } from './target.js';

/** When a target is left out, and for how long. Times in milliseconds. */
export interface EjectOptions {
  /** Dials that fail one after another before it is (default 5). */
  readonly after?: number;
  /** For how long the first time (default 30,000). Twice as long each time that it is ejected again without a success. */
  readonly initial?: number;
  /** Never for longer than this (default 300,000). */
  readonly max?: number;
  /**
   * The largest part of the targets that may be out at one time, from 0 (none ever) to 1 (default 0.5); one always
   * stays. When most seem to fail, it is rather the network, or the load on those that are left.
   */
  readonly fraction?: number;
}

/** The options with their defaults, checked. */
export const checkEject = (eject: EjectOptions = {}): Required<EjectOptions> => {
  const { after = 5, fraction = 0.5, max = 300_000 } = checkObject('eject', eject);
  checkTime('eject.max', max);
  const initial = checkTime('eject.initial', eject.initial ?? Math.min(30_000, max));
  if (initial > max) throw new RangeError(`eject.initial must be at most eject.max (${max} ms), got ${initial}`);
  return {
    after: checkInteger('eject.after', after, 1),
    initial,
    max,
    fraction: checkNumber('eject.fraction', fraction, 0, 1),
  };
};

/** What ejections report. */
interface Told {
  ejected(target: Listed, ms: number, error: unknown): void;
  returned(target: Listed): void;
}

/**
 * Which targets are left out for failing. After Envoy's outlier detection and panic threshold, with the doubling of a
 * circuit breaker: who is back is on trial, where one failure is enough and a success makes all good.
 */
export class Ejections {
  readonly #settings: Required<EjectOptions>;
  readonly #clock: Clock;
  readonly #told: Told;
  /** Those that are out and the end of their time, the longest out first. */
  readonly #out = new Map<Listed, Subscription>();
  #most = 0;

  constructor(settings: Required<EjectOptions>, clock: Clock, told: Told) {
    this.#settings = settings;
    this.#clock = clock;
    this.#told = told;
  }

  /** The list has so many targets now: who has become one too many comes back. */
  listed(count: number): void {
    this.#most = Math.min(count - 1, Math.floor(count * this.#settings.fraction));
    for (const target of this.#out.keys()) {
      if (this.#out.size <= this.#most) return;
      this.#return(target);
    }
  }

  succeeded(target: Listed): void {
    target.failuresInARow = target.ejectionsInARow = 0;
    if (target.state === 'ejected') this.#return(target);
    target.state = 'in';
  }

  failed(target: Listed, error: unknown): void {
    target.failuresInARow++;
    if (target.state === 'ejected') return;
    if (target.state === 'in' && target.failuresInARow < this.#settings.after) return;
    if (this.#out.size < this.#most) this.#eject(target, error);
    else target.state = 'in';
  }

  /** It is on the list no more. */
  forget(target: Listed): void {
    this.#out.get(target)?.unsubscribe();
    this.#out.delete(target);
  }

  /** No timer is left. */
  close(): void {
    for (const target of this.#out.keys()) this.forget(target);
    this.#most = 0;
  }

  #eject(target: Listed, error: unknown): void {
    const { initial, max } = this.#settings;
    const ms = Math.min(max, initial * 2 ** target.ejectionsInARow);
    target.state = 'ejected';
    target.ejected++;
    target.ejectionsInARow++;
    this.#out.set(
      target,
      this.#clock.after(ms, () => this.#return(target)),
    );
    this.#told.ejected(target, ms, error);
  }

  #return(target: Listed): void {
    this.forget(target);
    target.state = 'on-trial';
    this.#told.returned(target);
  }
}
