import { type MonoTypeOperatorFunction, Observable, type SchedulerLike, asyncScheduler } from 'rxjs';
import { checkTime } from '../src/check.js';
import { PeerSilent } from '../src/errors.js';
import { Patience } from '../src/time/patience.js';
import { Link } from './link.js';

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
  return (source) =>
    new Observable((out) => {
      const patience = new Patience(scheduler, ms, () => out.error(new PeerSilent(ms)));
      let heard = false;
      out.add(() => patience.stop());
      patience.begin();
      source.subscribe(
        new Link<A>(out, {
          next: (value) => {
            if (!heard) {
              heard = true;
              patience.stop();
            }
            out.next(value);
          },
        }),
      );
    });
};
