// Sources, operators and consumers as small as they can be, to test the flow of values with.
import { Observable, type OperatorFunction, type Subscriber } from 'rxjs';
import { Link } from '../../operators/link.js';
import { Consumer } from '../../src/flow/consumer.js';
import { Gate } from '../../src/flow/gate.js';
import { flow } from '../../src/flow/scope.js';

/** A source that obeys, and that a test feeds by hand. What it is given while it has to rest, it keeps. */
export class Feed<A> {
  readonly kept: A[] = [];
  emitted = 0;
  /** Subscriptions so far, and whether there is one now. */
  subscriptions = 0;
  subscribed = false;
  #gate: Gate | null = null;
  #out: Subscriber<A> | null = null;
  #waiting = false;
  #ended = false;

  readonly values = new Observable<A>((out) => {
    const gate = new Gate();
    this.#gate = gate;
    this.#out = out;
    this.subscriptions++;
    this.subscribed = true;
    out.add(() => {
      gate.forget(this.#goOn);
      gate.leave();
      this.#gate = this.#out = null;
      this.subscribed = this.#waiting = false;
    });
    if (this.kept.length > 0) this.#wait();
  });

  give(...values: A[]): void {
    this.kept.push(...values);
    this.#wait();
  }

  end(): void {
    this.#ended = true;
    this.#wait();
  }

  #wait(): void {
    if (this.#gate === null || this.#waiting) return;
    this.#waiting = true;
    this.#gate.wait(this.#goOn);
  }

  readonly #goOn = (): void => {
    this.#waiting = false;
    const gate = this.#gate;
    const out = this.#out;
    if (gate === null || out === null) return;
    if (this.kept.length > 0) {
      this.emitted++;
      gate.next(out, this.kept.shift() as A);
      this.#wait();
    } else if (this.#ended) gate.complete(out);
  };
}

/** Emits what is in each array one by one, and stops in the middle of one while a consumer below is full. */
export const unpack =
  <A>(): OperatorFunction<readonly A[], A> =>
  (arrays) =>
    new Observable((out) => {
      const rest: A[] = [];
      let busy = false;
      let ended = false;
      const goOn = (): void => {
        busy = true;
        const gate = flow.emitting;
        while (rest.length > 0 && !out.closed) {
          if (gate?.closed) return gate.wait(goOn);
          out.next(rest.shift() as A);
        }
        busy = false;
        if (ended) out.complete();
      };
      arrays.subscribe(
        new Link<readonly A[]>(out, {
          next: (array) => {
            rest.push(...array);
            if (!busy) goOn();
          },
          complete: () => {
            ended = true;
            if (!busy) out.complete();
          },
        }),
      );
    });

/** A consumer that keeps what comes until a test takes it. */
export class Sink<A> {
  readonly queue: A[] = [];
  /** The most that it ever held. */
  most = 0;
  /** Values that came while its valve was closed. */
  late = 0;
  completed = false;
  error: unknown = undefined;
  readonly #highWater: number;
  #consumer: Consumer | null = null;
  #subscription: { unsubscribe(): void } | null = null;

  constructor(highWater: number) {
    this.#highWater = highWater;
  }

  get closed(): boolean {
    return this.#consumer?.valve.closed === true;
  }

  /** Subscribes, here and now. */
  drink(source: Observable<A>): this {
    const consumer = (this.#consumer = new Consumer('sink', this.#highWater));
    this.#subscription = consumer.subscribe(() =>
      source.subscribe({
        next: (value) => {
          if (consumer.valve.closed) this.late++;
          this.queue.push(value);
          this.most = Math.max(this.most, this.queue.length);
          consumer.filled(this.queue.length);
        },
        error: (error: unknown) => {
          this.error = error;
        },
        complete: () => {
          this.completed = true;
        },
      }),
    );
    return this;
  }

  take(count = Infinity): A[] {
    const taken: A[] = [];
    while (taken.length < count && this.queue.length > 0) {
      taken.push(this.queue.shift() as A);
      this.#consumer?.drained(this.queue.length);
    }
    return taken;
  }

  leave(): void {
    this.#subscription?.unsubscribe();
    this.#consumer?.leave();
  }
}

/** The warnings that the process was given from now on, until `stop`. */
export const warnings = (): { readonly codes: string[]; readonly messages: string[]; stop(): void } => {
  const codes: string[] = [];
  const messages: string[] = [];
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = ((message: string, options: { readonly code: string }) => {
    codes.push(options.code);
    messages.push(message);
  }) as typeof emitWarning;
  const stop = (): void => {
    process.emitWarning = emitWarning;
  };
  return { codes, messages, stop };
};

/** For `assert.throws`: an error of this class whose message is like that. */
export const refusal =
  (type: typeof Error, message: RegExp) =>
  (error: unknown): boolean =>
    error instanceof type && message.test(error.message);

/** Lets everything run that runs in promises and ticks. */
export const settled = (): Promise<void> =>
  new Promise((done) => {
    setImmediate(done);
  });
