import { type MonoTypeOperatorFunction, Observable, type SchedulerLike, type Subscriber, asyncScheduler } from 'rxjs';
import { checkScheduler, checkTime } from '../src/check.js';
import { PeerSilent } from '../src/errors.js';
import { Patience } from '../src/time/patience.js';
import { type Heard, Link } from './link.js';

/**
 * Fails with `PeerSilent` when a peer that has connected says nothing within `ms` milliseconds.
 *
 *     bytes  ------------        bytes  ---a-----------
 *            firstByteDeadline(5)
 *     out    -----#              out    ---a-----------
 *
 * On bytes it waits for the first byte; after a `frame` operator, for the first whole frame. Afterwards it costs nothing.
 */
export const firstByteDeadline = <A>(
  ms: number,
  scheduler: SchedulerLike = asyncScheduler,
): MonoTypeOperatorFunction<A> => {
  checkTime('ms', ms);
  checkScheduler('scheduler', scheduler);
  return (source) =>
    new Observable((out) => {
      const first = new FirstByte<A>(scheduler, ms, out);
      first.listening(() => source.subscribe(new Link<A>(out, first)));
    });
};

class FirstByte<A> extends Patience<A> implements Heard<A> {
  constructor(scheduler: SchedulerLike, ms: number, out: Subscriber<A>) {
    super(scheduler, ms, out);
    this.begin();
  }

  next(value: A): void {
    if (this.since >= 0) this.stop();
    this.out.next(value);
  }

  gone(): void {
    this.stop();
  }

  protected failure(): PeerSilent {
    return new PeerSilent(this.ms);
  }
}
