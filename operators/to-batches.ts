import type { Observable } from 'rxjs';
import { checkInteger, checkObject } from '../src/check.js';
import { Consumer } from '../src/flow/consumer.js';

/** What can be set for `toBatches`. */
export interface ToBatchesOptions {
  /** Values that may wait to be pulled before the sources above are told to rest (default 64). */
  readonly highWater?: number;
}

/**
 * An Observable as an AsyncIterable of arrays: all that came since the last pull, at least one value.
 *
 *     values   --(abc)----d---e----|       the loop is busy from a to e
 *              for await (const batch of toBatches()(values))
 *     batches  ----------[abc]----[de]|
 *
 * For `for await` and for ix. Subscribes at the first pull; `return` (a `break`, an error in the loop) unsubscribes at
 * once. The sources above rest while `highWater` values wait; where none can be paused it warns once, and keeps them.
 */
export const toBatches = (options: ToBatchesOptions = {}): (<A>(source: Observable<A>) => AsyncIterable<A[]>) => {
  const highWater = checkInteger('highWater', checkObject('options', options).highWater ?? 64, 1);
  return (source) => ({ [Symbol.asyncIterator]: () => new Batches(source, highWater) });
};

interface Pull<A> {
  readonly resolve: (result: IteratorResult<A[], undefined>) => void;
  readonly reject: (error: unknown) => void;
}

class Batches<A> implements AsyncIterator<A[], undefined> {
  readonly #source: Observable<A>;
  readonly #highWater: number;
  #consumer: Consumer | null = null;
  #subscription: { unsubscribe(): void } | null = null;
  #batch: A[] = [];
  #pulls: Pull<A>[] = [];
  #ended = false;
  #failed: { readonly error: unknown } | null = null;

  constructor(source: Observable<A>, highWater: number) {
    this.#source = source;
    this.#highWater = highWater;
  }

  next(): Promise<IteratorResult<A[], undefined>> {
    const pulled = new Promise<IteratorResult<A[], undefined>>((resolve, reject) => {
      this.#pulls.push({ resolve, reject });
    });
    if (this.#consumer === null && !this.#ended) this.#subscribe();
    this.#answer();
    return pulled;
  }

  async return(): Promise<IteratorResult<A[], undefined>> {
    this.#batch = [];
    this.#failed = null;
    this.#end();
    return { value: undefined, done: true };
  }

  #subscribe(): void {
    const consumer = (this.#consumer = new Consumer('toBatches', this.#highWater));
    const subscription = consumer.subscribe(() =>
      this.#source.subscribe({
        next: (value) => this.#take(value, consumer),
        error: (error: unknown) => {
          this.#failed = { error };
          this.#end();
        },
        complete: () => this.#end(),
      }),
    );
    this.#subscription = subscription;
    if (this.#ended) this.#end();
  }

  #take(value: A, consumer: Consumer): void {
    if (this.#ended) return;
    this.#batch.push(value);
    // The one who waits gets it a moment later, with what else comes in this turn.
    if (this.#batch.length === 1 && this.#pulls.length > 0) queueMicrotask(() => this.#answer());
    consumer.filled(this.#batch.length);
  }

  #answer(): void {
    while (this.#pulls.length > 0) {
      if (this.#batch.length > 0) {
        const batch = this.#batch;
        this.#batch = [];
        this.#pulls.shift()?.resolve({ value: batch, done: false });
        this.#consumer?.drained(0);
      } else if (this.#failed !== null) {
        this.#pulls.shift()?.reject(this.#failed.error);
        this.#failed = null;
      } else if (this.#ended) this.#pulls.shift()?.resolve({ value: undefined, done: true });
      else return;
    }
  }

  #end(): void {
    this.#ended = true;
    this.#subscription?.unsubscribe();
    this.#subscription = null;
    this.#consumer?.leave();
    this.#answer();
  }
}
