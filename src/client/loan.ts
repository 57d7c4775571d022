import { Observable, type ObservableInput, type Subscriber, defer, finalize, from, takeUntil } from 'rxjs';
import type { Connection } from '../connection/connection.js';
import type { SluiceError } from '../errors.js';
import { Gate } from '../flow/gate.js';
import { inScope } from '../flow/scope.js';
import { Borrower } from './lender.js';
import type { Line } from './line.js';
import { Question } from './question.js';

/** A connection of a pool, for as long as it is lent. */
export interface Lent<Q, A> {
  /** To be looked at, or given up with `abort`. Its bytes are the pool's. */
  readonly connection: Connection;
  /** Asks on this connection. Fails with `RequestLost` when that is lost, and with an Error once it is not lent any more. */
  readonly ask: (request: Q) => Observable<A>;
}

/** Does `work` on a line, which nobody else uses meanwhile. Fails with `RequestLost` when the line ends. */
export const workOn = <Q, S, A, B>(
  line: Line<S, A>,
  prepare: (request: Q) => S,
  work: (lent: Lent<Q, A>) => ObservableInput<B>,
): Observable<B> =>
  defer(() => {
    let over = false;
    const { connection } = line;
    const ask = (request: Q): Observable<A> =>
      new Observable((out) => {
        if (over) return out.error(new Error(`connection ${connection.id} is not lent any more`));
        const prepared = prepare(request);
        line.ask(prepared, new Question(prepared, out));
      });
    return from(work({ connection, ask })).pipe(
      takeUntil(line.ended), // it fails, and what is done here with it
      finalize(() => {
        over = true;
      }),
    );
  });

/** One who wants a line alone, and what is to be done on it. */
export class Loan<S, A, B> extends Borrower<S, A> {
  readonly alone = true;
  readonly refusable = true;
  readonly #work: (line: Line<S, A>) => Observable<B>;
  readonly #out: Subscriber<B>;
  readonly #gate = new Gate();

  constructor(work: (line: Line<S, A>) => Observable<B>, out: Subscriber<B>) {
    super();
    this.#work = work;
    this.#out = out;
    out.add(() => this.#gate.leave());
  }

  served(line: Line<S, A>, giveBack: (clean: boolean) => void): void {
    const out = this.#out;
    out.add(() => giveBack(false));
    const working = inScope(this.#gate.scope, () =>
      this.#work(line).subscribe({
        next: (value) => out.next(value),
        error: (error: unknown) => {
          giveBack(false);
          out.error(error);
        },
        complete: () => {
          giveBack(true);
          out.complete();
        },
      }),
    );
    out.add(working);
  }

  refused(error: SluiceError): void {
    this.#gate.error(this.#out, error);
  }
}
