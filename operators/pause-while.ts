import { type MonoTypeOperatorFunction, Observable, type Subscriber, isObservable } from 'rxjs';
import { checkInteger, checkObject } from '../src/check.js';
import { QueueOverflow } from '../src/errors.js';
import { Consumer } from '../src/flow/consumer.js';
import type { Gate } from '../src/flow/gate.js';
import { Queue } from '../src/flow/queue.js';
import { flow } from '../src/flow/scope.js';
import { Link } from './link.js';

/** What can be set for `pauseWhile`. */
export interface PauseWhileOptions {
  /** The most values that are kept, of sources that cannot be paused (1 or more, default 65,536). */
  readonly limit?: number;
}

/**
 * Lets the sources above rest while the last value of `paused` is true. Nothing is lost, and the order is kept.
 *
 *     paused   f-----t-------f---
 *     values   --a-b---c-d-----e|    a source that obeys gives c and d when it goes on
 *              pauseWhile(paused)
 *     out      --a-b---------cde|
 *
 * Not paused before `paused` has a value; once it has completed, its last value holds. What comes all the same, of
 * sources that cannot be paused, is kept, and that is warned of once (`SLUICE_UNREACHED`); more than `limit` of it fails
 * the stream with `QueueOverflow`. An error comes after what is kept, the end
 * also after the pause. Fails with what `paused` fails with.
 *
 * On `reads` it stops reading from a peer, and a hold time does not run out meanwhile over what the peer has said; on
 * `listen`, those who connect wait.
 */
export const pauseWhile = <A>(
  paused: Observable<boolean>,
  options: PauseWhileOptions = {},
): MonoTypeOperatorFunction<A> => {
  if (!isObservable(paused)) throw new TypeError(`paused must be an Observable, got ${typeof paused}`);
  const limit = checkInteger('limit', checkObject('options', options).limit ?? 65_536, 1);
  return (source) => new Observable((out) => new PauseWhile(limit, out).subscribe(source, paused));
};

class PauseWhile<A> {
  readonly #limit: number;
  readonly #out: Subscriber<A>;
  readonly #consumer = new Consumer('pauseWhile', 1);
  readonly #gate: Gate = this.#consumer.gate;
  readonly #held = new Queue<A>();
  #paused = false;
  #releasing = false;
  /** Passes on the end, or the error, once what is held has gone. */
  #last: (() => void) | null = null;

  constructor(limit: number, out: Subscriber<A>) {
    this.#limit = limit;
    this.#out = out;
  }

  subscribe(source: Observable<A>, paused: Observable<boolean>): void {
    const link = new Link<A>(this.#out, {
      next: (value) => this.#take(value),
      error: (error) => this.#end(() => this.#gate.error(this.#out, error), false),
      // The end waits for the pause to be over: what came before it may not be used up, in the middle of a chunk.
      complete: () => this.#end(() => this.#gate.complete(this.#out), this.#paused),
    });
    this.#out.add(() => {
      this.#held.clear();
      this.#consumer.leave();
    });
    paused.subscribe(new Link<boolean>(this.#out, { next: (now) => this.#turn(now), complete: ignore }));
    this.#consumer.subscribe(() => source.subscribe(link));
  }

  #turn(paused: boolean): void {
    this.#paused = paused;
    if (paused) this.#consumer.valve.close();
    else this.#release();
  }

  #take(value: A): void {
    if (!this.#paused && !this.#releasing && this.#held.length === 0) {
      // As whoever emits it, as if nobody stood between.
      this.#gate.next(this.#out, value, flow.emitting);
      if (this.#gate.closed) this.#consumer.wait(this.#release);
      return;
    }
    if (this.#held.length === this.#limit) {
      return this.#gate.error(this.#out, new QueueOverflow('pauseWhile', this.#limit));
    }
    this.#held.push(value);
    if (this.#paused) this.#consumer.filled(this.#held.length);
  }

  /** Gives what is held, and then lets the sources go on, unless a consumer below is full. */
  readonly #release = (): void => {
    if (this.#releasing) return;
    this.#releasing = true;
    while (this.#held.length > 0 && !this.#paused && !this.#gate.closed) {
      this.#gate.next(this.#out, this.#held.shift() as A);
    }
    this.#releasing = false;
    if (this.#paused) return;
    if (this.#held.length === 0 && this.#last !== null) this.#last();
    else if (this.#gate.closed) this.#consumer.wait(this.#release);
    else this.#consumer.drained(0);
  };

  #end(passOn: () => void, waits: boolean): void {
    if (this.#held.length === 0 && !this.#releasing && !waits) passOn();
    else this.#last = passOn;
  }
}

const ignore = (): void => {};
