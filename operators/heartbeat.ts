import { type MonoTypeOperatorFunction, Observable, type SchedulerLike, type Subscriber, asyncScheduler } from 'rxjs';
import { checkScheduler, checkTime } from '../src/check.js';
import { Silence } from '../src/time/silence.js';
import { type Heard, Link } from './link.js';

/**
 * Breaks silence: emits `beat` whenever `ms` milliseconds pass without a value.
 *
 *     messages  --a-------b--|
 *               heartbeat(3, x)
 *     out       --a--x--x-b--|
 *
 * A function as `beat` is called for each; what it throws is the stream's error. Stands among what is written; a beat
 * goes before data that is queued for the peer, and none is added while the peer has its buffers full. Ends with its
 * source.
 */
export const heartbeat = <A>(
  ms: number,
  beat: A | (() => A),
  scheduler: SchedulerLike = asyncScheduler,
): MonoTypeOperatorFunction<A> => {
  checkTime('ms', ms);
  checkScheduler('scheduler', scheduler);
  const next = typeof beat === 'function' ? (beat as () => A) : () => beat;
  return (source) =>
    new Observable((out) => {
      source.subscribe(new Link<A>(out, new Beats<A>(scheduler, ms, next, out)));
    });
};

class Beats<A> extends Silence<A> implements Heard<A> {
  readonly #beat: () => A;

  constructor(scheduler: SchedulerLike, ms: number, beat: () => A, out: Subscriber<A>) {
    super(scheduler, ms, out);
    this.#beat = beat;
  }

  next(value: A): void {
    this.broken();
    this.out.next(value);
  }

  gone(): void {
    this.stop();
  }

  protected speak(): void {
    if (this.scope.valve?.closed !== true) this.out.next(this.#beat());
  }
}
