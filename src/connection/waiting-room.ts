import { Gate } from '../flow/gate.js';
import { Queue } from '../flow/queue.js';
import { inScope } from '../flow/scope.js';

/**
 * Those who have come to an acceptor and wait, in order, for a consumer that is busy. Made while the acceptor is being
 * subscribed to.
 */
export class WaitingRoom<A> {
  readonly #most: number;
  readonly #emit: (arrival: A) => void;
  readonly #gate = new Gate();
  readonly #waiting = new Queue<A>();

  constructor(most: number, emit: (arrival: A) => void) {
    this.#most = most;
    this.#emit = emit;
  }

  /** Whether one who comes now has to wait. */
  get busy(): boolean {
    return this.#gate.closed || this.#waiting.length > 0;
  }

  /** Whether there is no place for one who comes now. */
  get full(): boolean {
    return this.busy && this.#waiting.length >= this.#most;
  }

  /** Emits one who comes now, or has it wait. False if there is no place. */
  take(arrival: A): boolean {
    if (!this.busy) this.#pass(arrival);
    else if (this.full) return false;
    else {
      this.#waiting.push(arrival);
      if (this.#waiting.length === 1) this.#gate.wait(this.#admit);
    }
    return true;
  }

  /** The acceptor is gone: whoever waits is given to `refuse`. */
  leave(refuse: (arrival: A) => void): void {
    this.#gate.forget(this.#admit);
    this.#gate.leave();
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) refuse(next);
  }

  readonly #admit = (): void => {
    const next = this.#waiting.shift();
    if (next !== undefined) this.#pass(next);
    if (this.#waiting.length > 0) this.#gate.wait(this.#admit);
  };

  /** In the scope of the acceptor, but not as its source: a slow peer is not to stop the acceptor. */
  #pass(arrival: A): void {
    inScope(this.#gate.scope, () => this.#emit(arrival));
  }
}
