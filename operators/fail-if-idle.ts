import { type MonoTypeOperatorFunction, Observable, type SchedulerLike, type Subscriber, asyncScheduler } from 'rxjs';
import { checkScheduler, checkTime } from '../src/check.js';
import { PeerIdle } from '../src/errors.js';
import { Patience } from '../src/time/patience.js';
import { type Heard, Link } from './link.js';

/**
 * Fails with `PeerIdle` when nothing comes for `ms` milliseconds.
 *
 *     messages  --a--b----------
 *               failIfIdle(5)
 *     out       --a--b----#          PeerIdle
 *
 *     messages  ----------3-----     3: says what holds from now on
 *               failIfIdle((first) => first.hold)
 *     out       ----------3--#       PeerIdle
 *
 * Where the peer says itself how long it may be silent, `ms` is a function of its first message: it is asked once, nothing
 * is waited for before, and 0 is for ever.
 *
 * Where it stands is what it means: after a `frame` operator a peer that drips a byte a second does not pass for alive.
 * Nobody is given up unheard: the time in which the event loop was stalled does not count, and a peer that is not read
 * from because a consumer is full is not given up before it is. A message costs a stamp, not a timer. On the machine's
 * clock it may be a 64th late, by 16 ms at most, and is never early.
 */
export const failIfIdle = <A>(
  ms: number | ((first: A) => number),
  scheduler: SchedulerLike = asyncScheduler,
): MonoTypeOperatorFunction<A> => {
  if (typeof ms !== 'function') checkTime('ms', ms);
  checkScheduler('scheduler', scheduler);
  return (source) =>
    new Observable((out) => {
      const idleness = new Idleness<A>(scheduler, ms, out);
      idleness.listening(() => source.subscribe(new Link<A>(out, idleness)));
    });
};

class Idleness<A> extends Patience<A> implements Heard<A> {
  /** Tells the time from the first message; null when it is known. */
  #told: ((first: A) => number) | null;

  constructor(scheduler: SchedulerLike, ms: number | ((first: A) => number), out: Subscriber<A>) {
    super(scheduler, typeof ms === 'function' ? 0 : ms, out);
    this.#told = typeof ms === 'function' ? ms : null;
    this.begin();
  }

  next(value: A): void {
    if (this.#told !== null) {
      this.ms = checkTime('ms', this.#told(value), 0);
      this.#told = null;
    }
    this.begin();
    this.out.next(value);
  }

  gone(): void {
    this.stop();
  }

  protected failure(): PeerIdle {
    return new PeerIdle(this.ms);
  }
}
