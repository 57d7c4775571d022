import { Observable } from 'rxjs';
import { Gate } from '../flow/gate.js';

/** Something that is pulled: the next value when it is asked for, and a way to say that no more is wanted. */
export interface Pulled<A> {
  next(): PromiseLike<IteratorResult<A, unknown>> | IteratorResult<A, unknown>;
  /** Called at once on unsubscribing before the end. */
  stop(): void;
}

/** Values in a row after which the others of the process get their turn: promises alone would not let them. */
const IN_A_ROW = 256;

/** @internal An Observable that pulls: one value at a time, and only while every valve below is open. */
export const pulling = <A>(start: () => Pulled<A>): Observable<A> =>
  new Observable((out) => {
    const gate = new Gate();
    const pulled = start();
    /** What was pulled and has not been given yet. */
    let came: IteratorResult<A, unknown> | null = null;
    let over = false;
    let pulls = 0;

    const failed = (error: unknown): void => {
      over = true;
      gate.error(out, error);
    };
    const give = (result: IteratorResult<A, unknown>): void => {
      came = null;
      if (result.done !== true) return gate.next(out, result.value);
      over = true;
      gate.complete(out);
    };
    const took = (result: IteratorResult<A, unknown>): void => {
      came = result;
      if (++pulls % IN_A_ROW === 0) setImmediate(wait);
      else wait();
    };
    const wait = (): void => {
      if (!out.closed) gate.wait(goOn);
    };
    const pull = (): void => {
      try {
        Promise.resolve(pulled.next()).then(took, failed);
      } catch (error) {
        failed(error);
      }
    };
    /** Runs whenever every valve is open: gives what was pulled, then pulls the next once that has been taken. */
    const goOn = (): void => {
      if (came === null) return pull();
      give(came);
      wait();
    };

    out.add(() => {
      gate.forget(goOn);
      gate.leave();
      if (!over) pulled.stop();
    });
    wait();
  });

/**
 * An AsyncIterable (or an Iterable) as an Observable that can be paused: a cursor, a subscription, a generator.
 *
 *     pulls   ^  ^  ^       ^          a consumer below is full for a while
 *             fromAsyncIterable(rows)
 *     values  -a--b--c-------d--|
 *
 * Pulls the next value only while every consumer below can take one. Unsubscribing calls `return()` at once; a value
 * that is under way then is dropped. One that always has a value gives way to the rest of the process now and then.
 * Promises of an
 * Iterable are awaited, as `for await` does. Each subscription iterates anew. Fails with what the iterator throws.
 */
export const fromAsyncIterable = <A>(iterable: AsyncIterable<A> | Iterable<A | PromiseLike<A>>): Observable<A> => {
  const source = iterable as Partial<AsyncIterable<A>> & Partial<Iterable<A | PromiseLike<A>>>;
  if (typeof source?.[Symbol.asyncIterator] !== 'function' && typeof source?.[Symbol.iterator] !== 'function') {
    throw new TypeError('fromAsyncIterable takes an AsyncIterable or an Iterable');
  }
  return pulling(() => {
    const iterator = source[Symbol.asyncIterator]?.();
    if (iterator !== undefined) return { next: () => iterator.next(), stop: () => void stopped(iterator) };
    const plain = source[Symbol.iterator]?.() as Iterator<A | PromiseLike<A>>;
    return { next: () => awaited(plain), stop: () => void stopped(plain) };
  });
};

/** The next of an iterator's values; if that is a promise, what it brings. One that is rejected ends the iterator. */
const awaited = async <A>(iterator: Iterator<A | PromiseLike<A>>): Promise<IteratorResult<A, unknown>> => {
  const result = iterator.next();
  if (result.done === true) return result;
  try {
    return { done: false, value: await result.value };
  } catch (error) {
    void stopped(iterator);
    throw error;
  }
};

/** Calls `return` at once. Nobody is left to hear how that goes. */
const stopped = async (iterator: AsyncIterator<unknown> | Iterator<unknown>): Promise<void> => {
  try {
    await iterator.return?.();
  } catch {}
};
