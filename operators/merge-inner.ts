import { Observable, type ObservableInput, type Subscriber, UnsubscriptionError, from } from 'rxjs';
import { Consumer } from '../src/flow/consumer.js';
import type { Gate } from '../src/flow/gate.js';
import { type Scope, flow, inScope, openScope } from '../src/flow/scope.js';
import { Queue } from '../src/flow/queue.js';
import { type Heard, Link } from './link.js';

/** Values that may wait for their turn in RxJS's own two, before the sources above are told to rest. */
export const HIGH_WATER = 64;

/** What a merging operator is. */
interface Merging<A, B> {
  /** Its name, for the warning of law 4. */
  readonly name: string;
  readonly project: (value: A, index: number) => ObservableInput<B>;
  /** How many inner streams run at once. */
  readonly concurrent: number;
  /** How many values may wait for their turn before the sources above are told to rest. */
  readonly highWater: number;
  /** The inner streams are worlds of their own: what is slow in one, or below this operator, holds up no other. */
  readonly apart?: boolean;
  /** How an inner stream is listened to, where that is in a way of its own. */
  readonly listen?: (value: A, out: Subscriber<B>, heard: Heard<B>) => Inner<B>;
  /** What becomes of a value that still waits for its turn when all is torn down. */
  readonly drop?: (value: A) => void;
}

/**
 * How an inner stream is listened to: one of a list, the neighbours of which it knows.
 *
 * RxJS has all that are merged in one array, and looks there for each that goes; and a `Set` that thousands enter and
 * leave is made anew each time that it is full, and keeps those who have gone from the collector.
 */
export class Inner<B> extends Link<B> {
  before: Inner<B> | null = null;
  behind: Inner<B> | null = null;

  constructor(out: Subscriber<unknown>, heard: Heard<B>) {
    super(out, heard, null);
  }
}

/** `mergeMap` as RxJS has it, with a valve: the values that wait for their turn stay within `highWater`. */
export const mergeInner =
  <A, B>(merging: Merging<A, B>) =>
  (source: Observable<A>): Observable<B> =>
    new Observable((out) => new MergeInner(merging, out).subscribe(source));

class MergeInner<A, B> implements Heard<B> {
  readonly #merging: Merging<A, B>;
  readonly #out: Subscriber<B>;
  readonly #consumer: Consumer;
  readonly #gate: Gate;
  /** The scope of the inner streams. */
  readonly #inside: Scope;
  readonly #queue = new Queue<A>();
  /** The inner streams, the oldest first. */
  #oldest: Inner<B> | null = null;
  #newest: Inner<B> | null = null;
  #active = 0;
  #index = 0;
  #ended = false;
  #pumping = false;
  /** Whether values come from a source that can be paused: then what an inner consumer holds up is this operator. */
  #sourced = false;

  constructor(merging: Merging<A, B>, out: Subscriber<B>) {
    this.#merging = merging;
    this.#out = out;
    this.#consumer = new Consumer(merging.name, merging.highWater);
    this.#gate = this.#consumer.gate;
    const { scope } = this.#gate;
    this.#inside = merging.apart ? { ...openScope, drain: scope.drain } : { ...scope, within: this.#consumer.valve };
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
    this.#out.add(() => this.#leave());
    this.#consumer.subscribe(() => source.subscribe(link));
  }

  #take(value: A): void {
    const { emitting } = flow;
    this.#sourced ||= emitting !== null;
    // Also while a consumer below is full: an inner stream that is hot would be missed if it had to wait.
    if (this.#active < this.#merging.concurrent && this.#queue.length === 0) this.#start(value, emitting);
    else {
      this.#queue.push(value);
      this.#consumer.filled(this.#queue.length);
    }
    if (this.#gate.closed) this.#consumer.wait(this.#goOn);
  }

  #start(value: A, emitting: Gate | null): void {
    const { project, listen, apart } = this.#merging;
    this.#active++;
    const inner = from(project(value, this.#index++));
    const link = listen?.(value, this.#out, this) ?? new Inner<B>(this.#out, this);
    this.#enter(link);
    // Nobody listens any more: it is not to be heard, but to be torn down.
    if (this.#out.closed) link.unsubscribe();
    inScope(this.#inside, () => inner.subscribe(link), apart ? null : emitting);
  }

  /** A loop and not a recursion: thousands that wait and end at once must not use up the stack. */
  #pump(): void {
    if (this.#pumping || this.#out.closed) return;
    this.#pumping = true;
    try {
      while (this.#queue.length > 0 && this.#active < this.#merging.concurrent && !this.#out.closed) {
        if (this.#gate.closed) {
          this.#consumer.wait(this.#goOn);
          break;
        }
        this.#start(this.#queue.shift() as A, this.#sourced ? this.#gate : null);
        this.#consumer.drained(this.#queue.length);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#pumping = false;
    }
    this.#completeIfDone();
  }

  // How all inner streams are heard.

  next(result: B): void {
    this.#gate.next(this.#out, result, flow.emitting ?? this.#gate);
  }

  error(error: unknown): void {
    this.#fail(error);
  }

  complete(): void {}

  /** The next one starts when one is torn down, and not before. */
  gone(link: Link<B>): void {
    this.#strike(link as Inner<B>);
    this.#active--;
    this.#pump();
  }

  readonly #goOn = (): void => {
    this.#pump();
    this.#consumer.drained(this.#queue.length);
  };

  readonly #fail = (error: unknown): void => this.#gate.error(this.#out, error);

  #enter(inner: Inner<B>): void {
    inner.before = this.#newest;
    if (this.#newest === null) this.#oldest = inner;
    else this.#newest.behind = inner;
    this.#newest = inner;
  }

  /** Takes one out, if it is there. */
  #strike(inner: Inner<B>): void {
    const { before, behind } = inner;
    if (before === null && inner !== this.#oldest) return;
    if (before === null) this.#oldest = behind;
    else before.behind = behind;
    if (behind === null) this.#newest = before;
    else behind.before = before;
    inner.before = inner.behind = null;
  }

  /** Nobody listens any more. */
  #leave(): void {
    const { drop } = this.#merging;
    const errors: unknown[] = [];
    const attempt = (work: () => void): void => {
      try {
        work();
      } catch (error) {
        errors.push(error);
      }
    };
    while (this.#queue.length > 0) {
      const value = this.#queue.shift() as A;
      if (drop !== undefined) attempt(() => drop(value));
    }
    attempt(() => this.#consumer.leave());
    for (let inner = this.#oldest; inner !== null; inner = this.#oldest) {
      const oldest = inner;
      // At once: it may be in the midst of being torn down, and that is what has led here.
      this.#strike(oldest);
      attempt(() => oldest.unsubscribe());
    }
    if (errors.length > 0) throw new UnsubscriptionError(errors);
  }

  #completeIfDone(): void {
    if (this.#ended && this.#active === 0 && this.#queue.length === 0) this.#gate.complete(this.#out);
  }
}
