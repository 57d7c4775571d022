import { type MonoTypeOperatorFunction, Observable, type SchedulerLike, asyncScheduler } from 'rxjs';
import { checkScheduler, checkTime } from '../src/check.js';
import { FrameTooSlow } from '../src/errors.js';
import { type FrameWatch, flow } from '../src/flow/scope.js';
import { warnNoFrames } from '../src/flow/warning.js';
import { Patience } from '../src/time/patience.js';
import { type Heard, Link } from './link.js';

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
  checkScheduler('scheduler', scheduler);
  return (source) =>
    new Observable((out) => {
      const frames = new FrameTime<A>(scheduler, ms, out);
      const link = new Link<A>(out, frames);
      const before = flow.scope;
      flow.scope = { ...before, frames };
      try {
        frames.listening(() => source.subscribe(link));
      } finally {
        flow.scope = before;
      }
    });
};

class FrameTime<A> extends Patience<A> implements Heard<A>, FrameWatch {
  #watched = false;

  watching(): void {
    this.#watched = true;
  }

  begun(): void {
    this.begin();
  }

  done(): void {
    this.satisfied();
  }

  next(value: A): void {
    if (!this.#watched) warnNoFrames();
    this.out.next(value);
  }

  gone(): void {
    this.stop();
  }

  protected failure(): FrameTooSlow {
    return new FrameTooSlow(this.ms);
  }
}
