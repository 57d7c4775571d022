import * as E from 'fp-ts/lib/Either.js';
import { type OperatorFunction, type Subscriber, defer } from 'rxjs';
import { checkFunction, checkInteger, checkObject } from '../src/check.js';
import type { Connection } from '../src/connection/connection.js';
import { LightSubscriber } from '../src/light-subscriber.js';
import type { Handled, Handler, Outcome } from '../src/server/outcome.js';
import type { Heard } from './link.js';
import { Inner, mergeInner } from './merge-inner.js';

/** How connections are served. */
export interface ServeOptions {
  /** How many at once (default: all). The others wait, unread and in the order in which they came. 1: one after another. */
  readonly concurrency?: number;
}

/**
 * Lets `handler` answer on every connection, and emits how each of them ended.
 *
 *     connections  --a--b-----|       a talks for 6 ms, b is reset by its peer
 *                  serve(handler)
 *     outcomes     ------x-(y|)       x: left(b)  y: right(a)
 *
 * `handler` is an operator from bytes to bytes, or a `protocol`. A connection that fails, a handler that throws at once
 * or later or never answers: that is a value here, and no other connection's concern. An outcome comes when its
 * connection is gone, with its socket and its timers. Completes when the source has, and the last connection is gone.
 */
export const serve = (
  handler: Handler | Handled,
  options: ServeOptions = {},
): OperatorFunction<Connection, Outcome> => {
  const answer = checkFunction('handler', typeof handler === 'object' ? handler?.handler : handler);
  const { concurrency } = checkObject('options', options);
  return mergeInner<Connection, Outcome>({
    name: 'serve',
    project: (connection) => connection.writes(defer(() => answer(connection.reads, connection))),
    listen: (connection, outcomes, heard) => new Answering(connection, outcomes, heard),
    drop: (connection) => connection.abort(),
    concurrent: concurrency === undefined ? Infinity : checkInteger('concurrency', concurrency, 1),
    highWater: 1,
    apart: true,
  });
};

/** Waits for the end of what is written on a connection, and for the connection's. One object for each of thousands. */
class Answering extends Inner<Outcome> {
  protected readonly connection: Connection;

  constructor(connection: Connection, out: Subscriber<Outcome>, heard: Heard<Outcome>) {
    super(out, heard);
    this.connection = connection;
  }

  /** Nobody listens any more. */
  override unsubscribe(): void {
    if (this.closed) return;
    try {
      this.connection.abort();
    } finally {
      super.unsubscribe();
    }
  }

  protected override _error(error: unknown): void {
    this.settle(E.left({ connection: this.connection, error }));
  }

  protected override _complete(): void {
    this.settle(E.right(this.connection));
  }

  protected settle(outcome: Outcome): void {
    const { connection } = this;
    // Nobody is going to read any more. If nobody has yet, what has come would stay for a late reader.
    if (connection.state !== 'closed') connection.reads.subscribe({ error: ignore }).unsubscribe();
    connection.closed.subscribe(new Parting(this, outcome));
  }

  /** The connection is gone, and with it all that there was to listen to. */
  part(outcome: Outcome): void {
    if (this.closed) return;
    try {
      this.heard.next(outcome);
    } catch (error) {
      this.out.error(error);
    } finally {
      super.unsubscribe();
    }
  }
}

/** Waits until a connection that has been answered to the end is gone. */
class Parting extends LightSubscriber<never> {
  protected readonly answering: Answering;
  protected readonly outcome: Outcome;

  constructor(answering: Answering, outcome: Outcome) {
    super();
    this.answering = answering;
    this.outcome = outcome;
  }

  protected override _complete(): void {
    this.answering.part(this.outcome);
    this.unsubscribe();
  }
}

const ignore = (): void => {};
