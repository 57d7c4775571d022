import type { Subscriber } from 'rxjs';
import type { SluiceError } from '../errors.js';
import { Gate } from '../flow/gate.js';
import { Borrower } from './lender.js';
import type { Asker, Line } from './line.js';

/** One request, and who subscribed to its answer. */
export class Question<Q, A> extends Borrower<Q, A> implements Asker<A> {
  readonly alone = false;
  readonly refusable = true;
  readonly #request: Q;
  readonly #out: Subscriber<A>;
  /** Made while the answer is being subscribed to: it comes in that scope. */
  readonly #gate = new Gate();

  constructor(request: Q, out: Subscriber<A>) {
    super();
    this.#request = request;
    this.#out = out;
    out.add(() => this.#gate.leave());
  }

  get gone(): boolean {
    return this.#out.closed;
  }

  served(line: Line<Q, A>): void {
    line.ask(this.#request, this);
  }

  answered(answer: A): void {
    this.#gate.next(this.#out, answer);
    this.#gate.complete(this.#out);
  }

  lost(error: SluiceError): void {
    this.#gate.error(this.#out, error);
  }

  refused(error: SluiceError): void {
    this.#gate.error(this.#out, error);
  }
}
