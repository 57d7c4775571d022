import * as E from 'fp-ts/lib/Either.js';
import { Observable, type OperatorFunction, type SchedulerLike, asyncScheduler, take, takeUntil, Subject } from 'rxjs';
import { checkTime } from '../src/check.js';
import type { Connection } from '../src/connection/connection.js';
import { DrainTimeout } from '../src/errors.js';
import { type DrainState, flow, inScope } from '../src/flow/scope.js';
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
 * report names them. A `stop` that ends without a value never stops anything.
 */
export const drain = (
  stop: Observable<unknown>,
  ms: number,
  serving: OperatorFunction<Connection, Outcome>,
  { onDrained, scheduler = asyncScheduler }: DrainOptions = {},
): OperatorFunction<Connection, Outcome> => {
  checkTime('ms', ms, 0);
  return (connections) =>
    new Observable((out) => {
      const clock = clockOf(scheduler);
      const stopping = new Stopping();
      const open = new Set<Connection>();
      const refused = new Subject<void>();
      let stoppedAt = 0;
      let atStop = 0;

      const report = (cut: readonly Connection[]): void => {
        if (stopping.stopping) onDrained?.({ ended: atStop - cut.length, cut, took: clock.now() - stoppedAt });
      };

      const accepted = new Observable<Connection>((subscriber) => {
        const link = new Link<Connection>(subscriber, {
          next: (connection) => {
            open.add(connection);
            subscriber.next(connection);
          },
        });
        connections.pipe(takeUntil(refused)).subscribe(link);
      });

      const outcomes = new Link<Outcome>(out, {
        next: (outcome) => {
          open.delete(E.isLeft(outcome) ? outcome.left.connection : outcome.right);
          out.next(outcome);
        },
        complete: () => {
          report([]);
          out.complete();
        },
      });

      const cut = (): void => {
        const late = [...open];
        outcomes.unsubscribe();
        for (const connection of late) out.next(E.left({ connection, error: new DrainTimeout(ms) }));
        report(late);
        out.complete();
      };

      inScope({ ...flow.scope, drain: stopping }, () => accepted.pipe(serving).subscribe(outcomes));
      if (out.closed) return;
      out.add(
        stop.pipe(take(1)).subscribe({
          next: () => {
            stoppedAt = clock.now();
            atStop = open.size;
            out.add(clock.after(ms, cut));
            refused.next();
            stopping.stop();
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

  stop(): void {
    this.stopping = true;
    const all = [...this.#told];
    this.#told.clear();
    for (const told of all) told();
  }
}
