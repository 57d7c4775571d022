import { Observable, type OperatorFunction, type Subscriber } from 'rxjs';
import { checkBoolean, checkFunction, checkInteger, checkObject, checkOneOf } from '../src/check.js';
import { QueueOverflow } from '../src/errors.js';
import { Consumer } from '../src/flow/consumer.js';
import type { Gate } from '../src/flow/gate.js';
import { Queue } from '../src/flow/queue.js';
import { Link } from './link.js';

/** What can be set for `mapAsync`. */
export interface MapAsyncOptions {
  /** Results in the order of the values (default true), or each as soon as it is there. */
  readonly ordered?: boolean;
  /** Values that may wait before the sources above are told to rest (default: twice `concurrency`, 16 at least). */
  readonly highWater?: number;
  /** The most values that may wait, whatever the sources do (default 65,536). What comes on subscribing is exempt. */
  readonly limit?: number;
  /** What happens over `limit`: the stream fails with `QueueOverflow` (default), or a value is dropped. */
  readonly overflow?: 'error' | 'drop-oldest' | 'drop-newest';
}

/**
 * Maps each value to what a promise brings, at most `concurrency` at a time.
 *
 *     values   --a-b-c-----------|         each takes 4 ms
 *              mapAsync(2, work)
 *     results  ------A-B---C-----|
 *
 * The sources above rest while `highWater` values wait, so memory is bounded however fast they are; also when they
 * are thousands, merged above. While a consumer below is full no new work is started. Fails with the first promise that
 * is rejected, and with what `project` throws. A result that comes after unsubscribing is forgotten. An ordered result
 * waits for those before it and keeps its place meanwhile.
 */
export const mapAsync = <A, B>(
  concurrency: number,
  project: (value: A, index: number) => PromiseLike<B> | B,
  options: MapAsyncOptions = {},
): OperatorFunction<A, B> => {
  checkInteger('concurrency', concurrency, 1);
  checkFunction('project', project);
  const highWater = checkInteger(
    'highWater',
    checkObject('options', options).highWater ?? Math.max(16, 2 * concurrency),
    1,
  );
  const settings: Settings<A, B> = {
    concurrency,
    project,
    ordered: checkBoolean('ordered', options.ordered ?? true),
    highWater,
    limit: checkInteger('limit', options.limit ?? Math.max(65_536, highWater), highWater),
    overflow: checkOneOf('overflow', options.overflow ?? 'error', ['error', 'drop-oldest', 'drop-newest']),
  };
  return (source) => new Observable((out) => new MapAsync(settings, out).subscribe(source));
};

interface Settings<A, B> extends Required<MapAsyncOptions> {
  readonly concurrency: number;
  readonly project: (value: A, index: number) => PromiseLike<B> | B;
}

/** Work under way, or done and waiting for what came before it. */
interface Job<B> {
  done: boolean;
  result: B | undefined;
}

class MapAsync<A, B> {
  readonly #settings: Settings<A, B>;
  readonly #out: Subscriber<B>;
  readonly #consumer: Consumer;
  readonly #gate: Gate;
  readonly #queue = new Queue<A>();
  readonly #jobs = new Queue<Job<B>>();
  #active = 0;
  #index = 0;
  #ended = false;

  constructor(settings: Settings<A, B>, out: Subscriber<B>) {
    this.#settings = settings;
    this.#out = out;
    this.#consumer = new Consumer('mapAsync', settings.highWater);
    this.#gate = this.#consumer.gate;
  }

  subscribe(source: Observable<A>): void {
    const link = new Link<A>(this.#out, {
      next: (value) => this.#take(value),
      error: this.#fail,
      complete: () => {
        this.#ended = true;
        this.#completeIfDone();
      },
    });
    this.#out.add(() => {
      this.#queue.clear();
      this.#consumer.leave();
    });
    this.#consumer.subscribe(() => source.subscribe(link));
  }

  #take(value: A): void {
    const { limit, overflow } = this.#settings;
    if (this.#queue.length >= limit && !this.#consumer.subscribing) {
      if (overflow === 'error') return this.#fail(new QueueOverflow('mapAsync', limit));
      if (overflow === 'drop-newest') return;
      this.#queue.shift();
    }
    this.#queue.push(value);
    this.#pump();
    this.#consumer.filled(this.#queue.length);
  }

  #pump(): void {
    while (this.#queue.length > 0 && this.#active < this.#settings.concurrency && !this.#out.closed) {
      if (this.#gate.closed) return this.#consumer.wait(this.#goOn);
      this.#start(this.#queue.shift() as A);
    }
  }

  readonly #goOn = (): void => {
    this.#pump();
    this.#consumer.drained(this.#queue.length);
  };

  #start(value: A): void {
    const job: Job<B> = { done: false, result: undefined };
    this.#active++;
    if (this.#settings.ordered) this.#jobs.push(job);
    let promise: PromiseLike<B> | B;
    try {
      promise = this.#settings.project(value, this.#index++);
    } catch (error) {
      return this.#fail(error);
    }
    Promise.resolve(promise).then((result) => this.#settle(job, result), this.#fail);
  }

  #settle(job: Job<B>, result: B): void {
    if (this.#settings.ordered) {
      job.done = true;
      job.result = result;
      for (let first = this.#jobs.peek(); first?.done === true; first = this.#jobs.peek()) {
        this.#jobs.shift();
        this.#emit(first.result as B);
      }
    } else this.#emit(result);
    this.#pump();
    this.#consumer.drained(this.#queue.length);
    this.#completeIfDone();
  }

  #emit(result: B): void {
    this.#active--;
    this.#gate.next(this.#out, result);
  }

  readonly #fail = (error: unknown): void => this.#gate.error(this.#out, error);

  #completeIfDone(): void {
    if (this.#ended && this.#active === 0 && this.#queue.length === 0) this.#gate.complete(this.#out);
  }
}
