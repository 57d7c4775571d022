import { BehaviorSubject, Observable } from 'rxjs';

/** A value that changes: what it is now, and a stream of it. A subscriber gets the present value first. */
export type Changing<A> = Observable<A> & {
  /** What it is now. */
  readonly value: A;
};

/** @internal The same for whoever changes it. */
export class Changeable<A> extends Observable<A> implements Changing<A> {
  readonly #values: BehaviorSubject<A>;

  constructor(first: A) {
    const values = new BehaviorSubject(first);
    super((subscriber) => values.subscribe(subscriber));
    this.#values = values;
  }

  get value(): A {
    return this.#values.value;
  }

  set(value: A): void {
    if (value !== this.#values.value) this.#values.next(value);
  }
}

/**
 * @internal The same for what many may listen to: a change that one of them makes is told when all have heard of the one
 * before, so that everybody hears both, and in order.
 */
export class Announced<A> extends Changeable<A> {
  #newest: A;
  #telling = false;

  constructor(first: A) {
    super(first);
    this.#newest = first;
  }

  override get value(): A {
    return this.#newest;
  }

  override set(value: A): void {
    this.#newest = value;
    if (this.#telling) return;
    this.#telling = true;
    try {
      while (super.value !== this.#newest) super.set(this.#newest);
    } finally {
      this.#telling = false;
    }
  }
}
