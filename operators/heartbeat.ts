import { type MonoTypeOperatorFunction, Observable, type SchedulerLike, asyncScheduler } from 'rxjs';
import { checkTime } from '../src/check.js';
import { flow, urgently } from '../src/flow/scope.js';
import { Silence } from '../src/time/silence.js';
import { Link } from './link.js';

/**
 * Breaks silence: emits `beat` whenever `ms` milliseconds pass without a value.
 *
 *     messages  --a-------b--|
 *               heartbeat(3, x)
 *     out       --a--x--x-b--|
 *
 * A function as `beat` is called for each. Stands among what is written; a beat goes before data that is queued for the
 * peer, and none is added while the peer has its buffers full. Ends with its source.
 */
export const heartbeat = <A>(
  ms: number,
  beat: A | (() => A),
  scheduler: SchedulerLike = asyncScheduler,
): MonoTypeOperatorFunction<A> => {
  checkTime('ms', ms);
  const next = typeof beat === 'function' ? (beat as () => A) : () => beat;
  return (source) =>
    new Observable((out) => {
      const { valve } = flow.scope;
      const silence = new Silence(scheduler, ms, () => {
        if (valve === null || !valve.closed) urgently(() => out.next(next()));
      });
      out.add(() => silence.stop());
      source.subscribe(
        new Link<A>(out, {
          next: (value) => {
            silence.broken();
            out.next(value);
          },
        }),
      );
    });
};
