import { Observable } from 'rxjs';
import { checkFunction, checkInteger } from '../check.js';
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
  /** How many values may come after `pause` before it is plain that the source does not obey (default 65,536). */
  readonly limit?: number;
}

/**
 * Makes a source of one's own one that obeys: a serial port's library, a message queue's consumer, a timer.
 *
 *     source   --a--b--c-----d---|       paused after c, while a consumer below is full; d waits
 *              pausable(source, { pause, resume })
 *     values   --a--b--c--------d|
 *
 * `pause` and `resume` are called in turn. What comes in spite of `pause` is kept, in order; more than `limit` of it
 * fails the stream with `QueueOverflow`. Those values, and the end, are passed on as soon as there is room.
 */
export const pausable = <A>(source: Observable<A>, options: PausableOptions): Observable<A> => {
  const pause = checkFunction('pause', options.pause);
  const resume = checkFunction('resume', options.resume);
  const limit = checkInteger('limit', options.limit ?? 65_536, 0);

  return new Observable((out) => {
    const gate = new Gate();
    const held = new Queue<A>();
    let paused = false;
    let ended = false;

    const goOn = (): void => {
      while (held.length > 0) {
        if (gate.closed) return gate.wait(goOn);
        gate.next(out, held.shift() as A);
      }
      if (gate.closed) return gate.wait(goOn);
      paused = false;
      if (ended) out.complete();
      else resume();
    };

    const rest = (): void => {
      if (paused) return;
      paused = true;
      pause();
      gate.wait(goOn);
    };

    out.add(() => {
      held.clear();
      gate.leave();
    });
    out.add(
      source.subscribe({
        next: (value) => {
          if (paused || gate.closed) {
            held.push(value);
            if (held.length > limit) out.error(new QueueOverflow('pausable', limit));
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
        error: (error: unknown) => out.error(error),
        complete: () => {
          ended = true;
          if (!paused) out.complete();
        },
      }),
    );
    if (gate.closed && !out.closed) rest();
  });
};
