import { Observable, type OperatorFunction, type SchedulerLike, Subject, Subscriber, defer, tap } from 'rxjs';
import type { Connection } from '../connection/connection.js';
import { PeerIdle, RequestLost } from '../errors.js';
import { Gate } from '../flow/gate.js';
import { Queue } from '../flow/queue.js';
import { inScope, openScope } from '../flow/scope.js';
import { thrownIn, warnThrown } from '../hook.js';
import { Patience } from '../time/patience.js';

/** How requests are made over a connection: requests in, and for each of them one answer out, in their order. */
export type PoolSession<Q, A> = (connection: Connection) => OperatorFunction<Q, A>;

/** Who waits for an answer. Told once. */
export interface Asker<A> {
  /** Nobody waits any more: what has not been sent need not be. */
  readonly gone: boolean;
  answered(answer: A): void;
  lost(error: RequestLost): void;
}

/** What a line tells those who lend it. */
interface Told {
  /** It may have room for another request. */
  freed(): void;
  /** It is over, and why. What was owed on it is lost a moment later. */
  over(why: unknown): void;
}

/** How requests are sent over a line. */
export interface LineOptions<Q, A> {
  readonly session: PoolSession<Q, A>;
  /** The most requests that may wait for their answers. */
  readonly depth: number;
  /** How long the peer may be silent that owes an answer, in milliseconds; 0: for ever. */
  readonly hold: number;
  readonly scheduler: SchedulerLike;
}

/** A connection on which requests are answered, first come first served, for as long as it lasts. */
export class Line<Q, A> {
  readonly connection: Connection;
  /** Answers that came. */
  answers = 0;
  /** Fails when the line has ended. */
  readonly ended = new Subject<never>();
  readonly #options: LineOptions<Q, A>;
  readonly #told: Told;
  /** Whose answers are to come, in order. */
  readonly #owed = new Queue<Asker<A>>();
  /** Asked by who has the line to himself, beyond its depth. */
  readonly #unsent = new Queue<{ readonly request: Q; readonly asker: Asker<A> }>();
  readonly #answers: Subscriber<A>;
  readonly #patience: Patience<A>;
  #out: Subscriber<Q> | null = null;
  #gate: Gate | null = null;
  #started = false;
  #over = false;
  #why: unknown;

  constructor(connection: Connection, options: LineOptions<Q, A>, told: Told) {
    this.connection = connection;
    this.#options = options;
    this.#told = told;
    this.#answers = new Subscriber<A>({
      next: (answer) => this.#answered(answer),
      error: (error: unknown) => this.end(error),
      complete: () => this.end(new Error(`${connection.peer} ended the connection`)),
    });
    this.#patience = inScope(openScope, () => new Owing(options.scheduler, options.hold, this.#answers));
  }

  /** Begins to talk. In a scope of its own: it outlasts whoever happens to be the first to need it. */
  start(): void {
    const { session } = this.#options;
    const gone = this.connection.closed.subscribe({ complete: () => this.end(new Error('the connection is gone')) });
    this.#answers.add(gone);
    const seen = watched(this.connection, () => this.#out?.complete());
    inScope(openScope, () => defer(() => session(seen)(this.#requests)).subscribe(this.#answers));
    this.#started = true;
  }

  /** Requests that were sent and are to be answered. */
  get inFlight(): number {
    return this.#owed.length;
  }

  /** The same, and those that wait to be sent. */
  get owed(): number {
    return this.#owed.length + this.#unsent.length;
  }

  /** Whether a request would be sent at once. Where the peer is to take what it was sent first, `freed` says when. */
  hasRoom(): boolean {
    if (this.#gate === null || this.#owed.length >= this.#options.depth) return false;
    if (!this.#gate.closed) return true;
    if (!this.#gate.resting) this.#gate.wait(this.#goOn);
    return false;
  }

  /** Sends a request, as soon as there is room. */
  ask(request: Q, asker: Asker<A>): void {
    if (this.#over) return asker.lost(this.#lost(false));
    this.#unsent.push({ request, asker });
    this.#send();
  }

  /** Ends it at once: the connection is closed, and what is owed is lost. */
  end(why: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#why = why;
    this.#patience.stop();
    this.#letGo();
    this.#told.over(why);
    const lost = this.#lost(this.#owed.length > 0);
    for (let asker = this.#owed.shift(); asker !== undefined; asker = this.#owed.shift()) asker.lost(lost);
    const unsent = this.#lost(false);
    for (let next = this.#unsent.shift(); next !== undefined; next = this.#unsent.shift()) next.asker.lost(unsent);
    this.ended.error(lost);
  }

  /** The source of the session's requests. It obeys: while the peer does not take them, there is no room. */
  readonly #requests = new Observable<Q>((out) => {
    const gate = new Gate();
    this.#out = out;
    this.#gate = gate;
    out.add(() => {
      gate.forget(this.#goOn);
      gate.leave();
      this.#out = this.#gate = null;
    });
    if (this.#started) this.#goOn();
  });

  readonly #goOn = (): void => {
    this.#send();
    if (!this.#over) this.#told.freed();
  };

  #send(): void {
    while (this.#unsent.length > 0 && this.hasRoom()) {
      const { request, asker } = this.#unsent.shift() as { readonly request: Q; readonly asker: Asker<A> };
      if (asker.gone) continue;
      // Not as whoever asks: it is the peer that is waited for.
      if (this.#owed.length === 0) inScope(openScope, () => this.#patience.begin());
      this.#owed.push(asker);
      this.#gate?.next(this.#out as Subscriber<Q>, request);
    }
  }

  #answered(answer: A): void {
    const asker = this.#owed.shift();
    if (asker === undefined) return this.end(new Error(`${this.connection.peer} answered what nobody had asked`));
    this.answers++;
    if (this.#owed.length > 0) this.#patience.begin();
    else this.#patience.satisfied();
    asker.answered(answer);
    this.#goOn();
  }

  #lost(sent: boolean): RequestLost {
    return new RequestLost(this.connection.peer, sent, this.#why);
  }

  #letGo(): void {
    try {
      this.#answers.unsubscribe();
      // Where the session has not even begun to read and to write, this closes the connection.
      this.connection.reads.subscribe({ error: () => {} }).unsubscribe();
    } catch (error) {
      warnThrown('the teardown of a session', thrownIn(error));
    }
  }
}

/** The connection as its session sees it. At the peer's end there are no more requests, so that the session ends. */
const watched = (connection: Connection, ended: () => void): Connection => ({
  id: connection.id,
  peer: connection.peer,
  local: connection.local,
  reads: connection.reads.pipe(tap({ complete: ended })),
  writes: connection.writes,
  closed: connection.closed,
  tls: connection.tls,
  get statistics() {
    return connection.statistics;
  },
  get state() {
    return connection.state;
  },
  get resting() {
    return connection.resting;
  },
  end: (options) => connection.end(options),
  abort: () => connection.abort(),
});

class Owing<A> extends Patience<A> {
  protected failure(): PeerIdle {
    return new PeerIdle(this.ms);
  }
}
