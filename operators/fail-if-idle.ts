import { type MonoTypeOperatorFunction, Observable, type SchedulerLike, asyncScheduler } from 'rxjs';
import { checkTime } from '../src/check.js';
import { PeerIdle } from '../src/errors.js';
import { Patience } from '../src/time/patience.js';
import { Link } from './link.js';

/**
 * Fails with `PeerIdle` when nothing comes for `ms` milliseconds.
 *
 *     messages  --a--b----------
 *               failIfIdle(5)
 *     out       --a--b----#          PeerIdle
 *
 * Where it stands is what it means: after a `frame` operator a peer that drips a byte a second does not pass for alive.
 * Time in which the peer could not be heard does not count: a stalled event loop, a consumer that is full. A message
 * costs a stamp, not a timer. On the machine's clock it may be a 64th late, by 16 ms at most, and is never early.
 */
export const failIfIdle = <A>(ms: number, scheduler: SchedulerLike = asyncScheduler): MonoTypeOperatorFunction<A> => {
  checkTime('ms', ms);
  return (source) =>
    new Observable((out) => {
      const patience = new Patience(scheduler, ms, () => out.error(new PeerIdle(ms)));
      out.add(() => patience.stop());
      patience.begin();
      source.subscribe(
        new Link<A>(out, {
          next: (value) => {
            patience.begin();
            out.next(value);
          },
        }),
      );
    });
};
