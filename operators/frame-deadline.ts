import { type MonoTypeOperatorFunction, Observable, type SchedulerLike, asyncScheduler } from 'rxjs';
import { checkTime } from '../src/check.js';
import { FrameTooSlow } from '../src/errors.js';
import { type FrameWatch, flow } from '../src/flow/scope.js';
import { warnNoFrames } from '../src/flow/warning.js';
import { Patience } from '../src/time/patience.js';
import { Link } from './link.js';

/**
 * Fails with `FrameTooSlow` when a frame takes more than `ms` milliseconds from its first byte to its last.
 *
 *     bytes   --h-----e-----l---     frames of five bytes, a byte at a time
 *             frameFixed(5), frameDeadline(8)
 *     frames  ----------#            FrameTooSlow
 *
 * Stands after the `frame` operator whose frames it watches, so that a drip of one byte a second does not pass for
 * alive; a peer that is silent between frames is `failIfIdle`'s concern. If there is no `frame` above it, it warns once
 * (`SLUICE_NO_FRAMES`) and never expires.
 */
export const frameDeadline = <A>(
  ms: number,
  scheduler: SchedulerLike = asyncScheduler,
): MonoTypeOperatorFunction<A> => {
  checkTime('ms', ms);
  return (source) =>
    new Observable((out) => {
      const patience = new Patience(scheduler, ms, () => out.error(new FrameTooSlow(ms)));
      let watched = false;
      const frames: FrameWatch = {
        watching: () => {
          watched = true;
        },
        begun: () => patience.begin(),
        done: () => patience.satisfied(),
      };
      out.add(() => patience.stop());
      const link = new Link<A>(out, {
        next: (value) => {
          if (!watched) warnNoFrames();
          out.next(value);
        },
      });
      const before = flow.scope;
      flow.scope = { ...before, frames };
      try {
        source.subscribe(link);
      } finally {
        flow.scope = before;
      }
    });
};
