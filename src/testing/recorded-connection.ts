import { Observable, type Observer, type OperatorFunction, Subscriber, tap } from 'rxjs';
import type { ProxyHeader } from '../codec/proxy-header.js';
import type { Connection, ConnectionState, ConnectionStatistics, EndOptions } from '../connection/connection.js';
import type { TlsInfo } from '../connection/tls-info.js';
import { ConnectionReset } from '../errors.js';
import { flow } from '../flow/scope.js';
import { errorName } from '../error-name.js';

/** What happens to a connection once at the most, and needs no more words. */
type Milestone = 'in-end' | 'out-end' | 'stop' | 'reset';

/** Who is told what happens to a connection. */
export interface ConnectionNotes {
  chunk(type: 'in' | 'out', bytes: Uint8Array): void;
  mark(type: Milestone): void;
  /** Nothing is left of it. How it ended for who wrote to it, if somebody did to the end. */
  closed(how: string | undefined): void;
}

/** A connection that is in all things the one it stands for, and has notes taken of what goes through it. */
export class RecordedConnection implements Connection {
  readonly reads: Observable<Uint8Array>;
  readonly writes: OperatorFunction<Uint8Array, never>;
  readonly #connection: Connection;
  readonly #notes: ConnectionNotes;
  readonly #marked = new Set<Milestone>();
  #writing = false;
  #how: string | undefined;

  constructor(connection: Connection, notes: ConnectionNotes) {
    this.#connection = connection;
    this.#notes = notes;
    this.reads = new Observable((out) =>
      connection.reads.subscribe(
        new Reading(out, {
          next: (chunk) => notes.chunk('in', chunk),
          error: (error) => this.#broke(error),
          // A server that is told to stop reads no more: that is not the peer's end.
          complete: () => this.#mark(flow.scope.drain?.stopping === true ? 'stop' : 'in-end'),
        }),
      ),
    );
    this.writes = (chunks) =>
      chunks.pipe(
        tap({
          subscribe: () => {
            this.#writing = true;
          },
          next: (chunk) => {
            if (chunk instanceof Uint8Array && chunk.length > 0) notes.chunk('out', chunk);
          },
        }),
        connection.writes,
        tap({
          error: (error: unknown) => {
            this.#how = errorName(error);
            this.#broke(error);
          },
          complete: () => {
            this.#how = 'finished';
            this.#mark('out-end');
          },
        }),
      );
    connection.closed.subscribe({ complete: () => notes.closed(this.#how) });
  }

  get id(): number {
    return this.#connection.id;
  }

  get peer(): string {
    return this.#connection.peer;
  }

  get local(): string {
    return this.#connection.local;
  }

  get tls(): TlsInfo | undefined {
    return this.#connection.tls;
  }

  get proxy(): ProxyHeader | undefined {
    return this.#connection.proxy;
  }

  get closed(): Observable<never> {
    return this.#connection.closed;
  }

  get statistics(): ConnectionStatistics {
    return this.#connection.statistics;
  }

  get state(): ConnectionState {
    return this.#connection.state;
  }

  get resting(): boolean {
    return this.#connection.resting;
  }

  end(options?: EndOptions): void {
    if (!this.#writing) this.#mark('out-end');
    this.#connection.end(options);
  }

  abort(): void {
    this.#connection.abort();
  }

  /** How it is shown by `console.log`: as the one it stands for. */
  [Symbol.for('nodejs.util.inspect.custom')](): unknown {
    return this.#connection;
  }

  #broke(error: unknown): void {
    if (error instanceof ConnectionReset) this.#mark('reset');
  }

  /** Both streams may tell of the same thing: the first word counts. */
  #mark(type: Milestone): void {
    if (this.#marked.has(type)) return;
    this.#marked.add(type);
    this.#notes.mark(type);
  }
}

/**
 * Tells of all that passes before it passes. Not `tap`, which swallows what is thrown below at the end of a stream: the
 * connection must learn of it, as if nobody stood between.
 */
class Reading extends Subscriber<Uint8Array> {
  readonly #out: Subscriber<Uint8Array>;
  readonly #told: Observer<Uint8Array>;

  constructor(out: Subscriber<Uint8Array>, told: Observer<Uint8Array>) {
    super(out);
    this.#out = out;
    this.#told = told;
  }

  protected override _next(chunk: Uint8Array): void {
    this.#told.next(chunk);
    this.#out.next(chunk);
  }

  protected override _error(error: unknown): void {
    this.#told.error(error);
    this.#out.error(error);
  }

  protected override _complete(): void {
    this.#told.complete();
    this.#out.complete();
  }
}
