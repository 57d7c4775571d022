import * as E from 'fp-ts/lib/Either.js';
import {
  Observable,
  type OperatorFunction,
  type SchedulerLike,
  Subject,
  asyncScheduler,
  endWith,
  isObservable,
  map,
  merge,
  take,
  takeUntil,
  tap,
} from 'rxjs';
import { checkFunction, checkHook, checkObject, checkScheduler, checkTime } from '../src/check.js';
import type { Connection } from '../src/connection/connection.js';
import { DrainTimeout } from '../src/errors.js';
import { type DrainState, flow, inScope } from '../src/flow/scope.js';
import { tell } from '../src/hook.js';
import { LINGER } from '../src/server/farewell.js';
import type { Outcome } from '../src/server/outcome.js';
import { clockOf } from '../src/time/clock.js';
import { Link } from './link.js';

/** How a server came to its end. */
export interface DrainReport {
  /** Connections that were open at the stop and ended by themselves, within the time. */
  readonly ended: number;
  /** Those that had to be cut at the deadline, as they were then. */
  readonly cut: readonly Connection[];
  /** How long it took from the stop to the last end, in milliseconds. */
  readonly took: number;
}

/** What can be set for `drain`. */
export interface DrainOptions {
  /** Called at the deadline with those that are still open, before they are cut: what holds them can be looked at now. */
  readonly onCut?: (late: readonly Connection[]) => void;
  /** Called once, when the last connection is gone. */
  readonly onDrained?: (report: DrainReport) => void;
  /** What the deadline is measured by (default `asyncScheduler`). */
  readonly scheduler?: SchedulerLike;
}

/**
 * Shuts a server down in order: the three gates, around the operator that serves.
 *
 *     connections  --a--b------c---      a is finished with 3 ms after the stop, b never
 *     stop         -------s
 *                  drain(stop, 9, serve(handler))
 *     outcomes     ----------x-----(y|)  x: right(a)  y: left(DrainTimeout of b)
 *
 * At the first value of `stop`: no new connections (1); `reads` of every connection completes, so there are no new
 * questions, and what had come whole is answered, flushed, and followed by FIN, while a half frame is forgotten (2);
 * and after `ms` milliseconds the rest is cut off (3). Each of those is a left outcome with `DrainTimeout`, and the
 * report names them. A function as `ms` is asked at the stop. A `stop` that ends without a value never stops anything.
 */
export const drain = (
  stop: Observable<unknown>,
  ms: number | (() => number),
  serving: OperatorFunction<Connection, Outcome>,
  options: DrainOptions = {},
): OperatorFunction<Connection, Outcome> => {
  if (!isObservable(stop)) throw new TypeError(`stop must be an Observable, got ${typeof stop}`);
  const patience = (): number => checkTime('ms', typeof ms === 'function' ? ms() : ms, 0);
  if (typeof ms !== 'function') patience();
  checkFunction('serving', serving);
  const onDrained = checkHook('onDrained', checkObject('options', options).onDrained);
  const onCut = checkHook('onCut', options.onCut);
  const scheduler = checkScheduler('scheduler', options.scheduler ?? asyncScheduler);

  return (connections) =>
    new Observable((out) => {
      const clock = clockOf(scheduler);
      const stopping = new Stopping();
      const refusing = new Subject<void>();
      const open = new Set<Connection>();
      let stoppedAt = 0;
      let atStop = 0;

      const drained = (cut: readonly Connection[]): void => {
        if (stopping.stopping) {
          tell('onDrained', onDrained, { ended: atStop - cut.length, cut, took: clock.now() - stoppedAt });
        }
        out.complete();
      };

      const outcomes = new Link<Outcome>(out, {
        next: (outcome) => {
          open.delete(E.isLeft(outcome) ? outcome.left.connection : outcome.right);
          out.next(outcome);
        },
        complete: () => drained([]),
      });

      const cut = (limit: number): void => {
        const late = [...open];
        tell('onCut', onCut, late);
        outcomes.unsubscribe();
        for (const connection of late) connection.abort();
        const ends = late.map((connection) =>
          connection.closed.pipe(endWith(E.left({ connection, error: new DrainTimeout(limit) }))),
        );
        out.add(merge(...ends).subscribe({ next: (outcome) => out.next(outcome), complete: () => drained(late) }));
      };

      const accepted = connections.pipe(
        takeUntil(refusing),
        tap((connection) => open.add(connection)),
      );
      inScope({ ...flow.scope, drain: stopping }, () => accepted.pipe(serving).subscribe(outcomes));
      out.add(
        stop.pipe(take(1), map(patience)).subscribe({
          next: (limit) => {
            stoppedAt = clock.now();
            atStop = open.size;
            out.add(clock.after(limit, () => cut(limit)));
            stopping.stopping = true;
            refusing.next();
            stopping.tell();
            // Who was sent the end before does not hear of the stop, and has no more time for its own than the others.
            for (const connection of open) if (connection.state === 'ended') connection.end({ linger: LINGER });
          },
          error: (error: unknown) => out.error(error),
        }),
      );
    });
};

/** Whether the server was told to stop, and all who want to know when it is. */
class Stopping implements DrainState {
  stopping = false;
  readonly #told = new Set<() => void>();

  onStop(told: () => void): () => void {
    if (this.stopping) told();
    else this.#told.add(told);
    return () => {
      this.#told.delete(told);
    };
  }

  tell(): void {
    const all = [...this.#told];
    this.#told.clear();
    for (const told of all) told();
  }
}
