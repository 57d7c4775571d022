import { type OperatorFunction, type Subscription, Subject } from 'rxjs';
import { type Runner, Heard, RESET, overwrite } from './trial.js';
import { turn, within } from './waiting.js';

/** A subscription to what an operator makes of a source. */
class Tap {
  readonly heard = new Heard();
  readonly source = new Subject<Uint8Array>();
  readonly over: Promise<void>;
  /** Whether the consumer heard the end or an error, or left. */
  done = false;
  readonly #subscription: Subscription;

  constructor(operator: OperatorFunction<Uint8Array, unknown>, leave: number) {
    let finish = (): void => {};
    this.over = new Promise((resolve) => {
      finish = () => {
        this.done = true;
        resolve();
      };
    });
    const { heard } = this;
    let leaving = false;
    let subscription: Subscription | undefined;
    subscription = operator(this.source.asObservable()).subscribe({
      next: (frame) => {
        heard.frame(frame);
        if (heard.frames.length !== leave) return;
        leaving = true;
        subscription?.unsubscribe();
        finish();
      },
      error: (error: unknown) => {
        heard.fail(error);
        finish();
      },
      complete: finish,
    });
    if (leaving) subscription.unsubscribe();
    this.#subscription = subscription;
  }

  /** Delivers a chunk, unless nobody wants it any more. */
  deliver(chunk: Uint8Array): void {
    if (this.done) return;
    this.heard.deliver(chunk);
    this.source.next(chunk);
  }

  /** Whether the source is let go of, once the consumer has heard all or has left. */
  checkSource(): void {
    if (this.done && this.source.observed) this.heard.fault('it stays subscribed to its source when all is over');
  }

  async finish(reset: boolean, patience: number): Promise<void> {
    if (!this.done) {
      await turn();
      this.checkSource();
      this.heard.end();
      if (reset) this.source.error(RESET);
      else this.source.complete();
      this.heard.hung = !(await within(patience, this.over, () => this.done));
    } else {
      this.heard.end();
      await turn();
    }
    this.checkSource();
    this.#subscription.unsubscribe();
  }
}

/** Runs an RxJS operator. */
export const operatorRunner = (make: () => OperatorFunction<Uint8Array, unknown>, patience: number): Runner => {
  return async ({ check, chunks, leave }) => {
    const operator = make();
    const tap = new Tap(operator, leave);
    const other = check === 'shared' ? new Tap(operator, leave) : undefined;
    tap.heard.beside = other?.heard;
    for (const chunk of chunks) {
      tap.deliver(chunk);
      other?.deliver(chunk);
      if (check === 'poison') overwrite(chunk);
    }
    await tap.finish(check === 'reset', patience);
    await other?.finish(check === 'reset', patience);
    return tap.heard;
  };
};
