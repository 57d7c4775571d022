import type { Observable } from 'rxjs';
import { type ToBatchesOptions, toBatches } from '../to-batches.js';

/**
 * An Observable as an AsyncIterable of its values, one by one: `toBatches`, flattened.
 *
 *     for await (const connection of toAsyncIterable()(listen({ port: 7000 }))) ...
 *
 * The sources above rest while `highWater` values wait to be pulled. `return` unsubscribes at once, also while a pull
 * waits. Where speed matters, take the batches: a promise for 64 values costs as much as one for each.
 */
export const toAsyncIterable = (options?: ToBatchesOptions): (<A>(source: Observable<A>) => AsyncIterable<A>) => {
  const batches = toBatches(options);
  return (source) => ({ [Symbol.asyncIterator]: () => flattened(batches(source)[Symbol.asyncIterator]()) });
};

const flattened = <A>(batches: AsyncIterator<A[]>): AsyncIterator<A, undefined> => {
  let batch: readonly A[] = [];
  let taken = 0;
  /** Pulls that overlap get their values in the order in which they were made. */
  let last: Promise<unknown> = Promise.resolve();
  /** Pulls that are under way. */
  let under = 0;

  const step = async (): Promise<IteratorResult<A, undefined>> => {
    if (taken === batch.length) {
      const result = await batches.next();
      if (result.done === true) return { value: undefined, done: true };
      batch = result.value;
      taken = 0;
    }
    return { value: batch[taken++] as A, done: false };
  };

  const stepped = (): void => {
    under--;
  };

  return {
    next: () => {
      // The first one subscribes, and that at once: what comes in this very moment is not to be missed.
      const pulled = under++ === 0 ? step() : last.then(step);
      last = pulled.then(stepped, stepped);
      return pulled;
    },
    return: async () => {
      batch = [];
      taken = 0;
      await batches.return?.();
      return { value: undefined, done: true };
    },
  };
};
