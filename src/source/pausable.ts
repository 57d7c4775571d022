import { Observable, Subscriber, isObservable } from 'rxjs';
import { checkFunction, checkInteger, checkObject } from '../check.js';
import { QueueOverflow } from '../errors.js';
import { Gate } from '../flow/gate.js';
import { Queue } from '../flow/queue.js';
import { beginTurn, endTurn } from '../flow/turn.js';

/** How a source of one's own is told to rest. */
export interface PausableOptions {
  /** Stops the source: a few values that are under way may still come. */
  readonly pause: () => void;
  /** Lets it go on. */
  readonly resume: () => void;
  /** The most values that are kept: how many may come in spite of `pause` (1 or more, default 65,536). */
  readonly limit?: number;
}

/**
 * Makes a source of one's own one that obeys: a serial port's library, a message queue's consumer, a timer.
 *
 *     source   --a--b--c-----d---|       paused after c, while a consumer below is full; d waits
 *              pausable(source, { pause, resume })
 *     values   --a--b--c--------d|
 *
 * `pause` and `resume` are called in turn, and a subscription that ends leaves the source going. What comes in spite of
 * `pause` is kept, in order; more than `limit` of it fails the stream with `QueueOverflow`. Those values, and then
 * the end or the source's error, are passed on as soon as there is room. Fails with what `pause` or `resume` throws.
 */
export const pausable = <A>(source: Observable<A>, options: PausableOptions): Observable<A> => {
  if (!isObservable(source)) throw new TypeError(`source must be an Observable, got ${typeof source}`);
  const pause = checkFunction('pause', checkObject('options', options).pause);
  const resume = checkFunction('resume', options.resume);
  const limit = checkInteger('limit', options.limit ?? 65_536, 1);

  return new Observable((out) => {
    const gate = new Gate();
    const held = new Queue<A>();
    let paused = false;
    /** Passes on the end, or the error, once what is held has gone. */
    let last: (() => void) | null = null;

    const attempt = (call: () => void): void => {
      try {
        call();
      } catch (error) {
        gate.error(out, error);
      }
    };
    const rest = (): void => {
      if (paused || out.closed) return;
      paused = true;
      attempt(pause);
      if (!out.closed) gate.wait(goOn);
    };
    const goOn = (): void => {
      if (out.closed) return;
      if (held.length > 0) {
        gate.next(out, held.shift() as A);
        return gate.wait(goOn);
      }
      if (last !== null) return last();
      paused = false;
      attempt(resume);
    };

    const end = (passOn: () => void): void => {
      last = passOn;
      if (!paused) passOn();
    };

    // Made before the source is subscribed to, so that one that emits at once can be stopped in its loop.
    const values = new Subscriber<A>({
      next: (value) => {
        if (paused || gate.closed) {
          if (held.length === limit) return gate.error(out, new QueueOverflow('pausable', limit));
          held.push(value);
          return rest();
        }
        beginTurn();
        try {
          gate.next(out, value);
        } finally {
          endTurn();
        }
        if (gate.closed) rest();
      },
      error: (error: unknown) => end(() => gate.error(out, error)),
      complete: () => end(() => gate.complete(out)),
    });
    out.add(values);
    // Behind that: what the source does once it is unsubscribed from is its own affair.
    out.add(() => {
      held.clear();
      gate.forget(goOn);
      gate.leave();
      if (paused && last === null) attempt(resume);
    });
    source.subscribe(values);
    if (gate.closed) rest();
  });
};
