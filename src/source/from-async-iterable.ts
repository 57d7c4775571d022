import { Observable } from 'rxjs';
import { Gate } from '../flow/gate.js';
import { beginTurn, endTurn } from '../flow/turn.js';

/** Something that is pulled: the next value when it is asked for, and a way to say that no more is wanted. */
export interface Pulled<A> {
  next(): PromiseLike<IteratorResult<A, unknown>> | IteratorResult<A, unknown>;
  /** Called at once on unsubscribing before the end. */
  stop(): void;
}

/** @internal An Observable that pulls: one value at a time, and only while every valve below is open. */
export const pulling = <A>(start: () => Pulled<A>): Observable<A> =>
  new Observable((out) => {
    const gate = new Gate();
    const pulled = start();
    let over = false;

    const failed = (error: unknown): void => {
      over = true;
      out.error(error);
    };
    const came = (result: IteratorResult<A, unknown>): void => {
      if (out.closed) return;
      if (result.done === true) {
        over = true;
        gate.run(() => out.complete());
        return;
      }
      beginTurn();
      try {
        gate.next(out, result.value);
      } finally {
        endTurn();
      }
      if (!out.closed) gate.wait(pull);
    };
    const pull = (): void => {
      if (out.closed) return;
      try {
        Promise.resolve(pulled.next()).then(came, failed);
      } catch (error) {
        failed(error);
      }
    };

    out.add(() => {
      gate.leave();
      if (!over) pulled.stop();
    });
    gate.wait(pull);
  });

const ignore = (): void => {};

/**
 * An AsyncIterable (or an Iterable) as an Observable that can be paused: a cursor, a subscription, a generator.
 *
 *     pulls   ^  ^  ^       ^          a consumer below is full for a while
 *             fromAsyncIterable(rows)
 *     values  -a--b--c-------d--|
 *
 * Pulls the next value only while every consumer below can take one. Unsubscribing calls `return()` at once; a value
 * that is under way then is dropped. Each subscription iterates anew.
 */
export const fromAsyncIterable = <A>(iterable: AsyncIterable<A> | Iterable<A>): Observable<A> => {
  const source = iterable as Partial<AsyncIterable<A>> & Partial<Iterable<A>>;
  if (typeof source?.[Symbol.asyncIterator] !== 'function' && typeof source?.[Symbol.iterator] !== 'function') {
    throw new TypeError('fromAsyncIterable takes an AsyncIterable or an Iterable');
  }
  return pulling(() => {
    const iterator = (source[Symbol.asyncIterator]?.() ?? source[Symbol.iterator]?.()) as
      | AsyncIterator<A>
      | Iterator<A>;
    return {
      next: () => iterator.next(),
      stop: () => {
        // Nobody is left to hear how that went.
        void Promise.resolve(iterator.return?.()).then(ignore, ignore);
      },
    };
  });
};
