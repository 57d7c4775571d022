import { type Observable, type OperatorFunction, type SchedulerLike, Subject, defer, merge } from 'rxjs';
import { drain } from '../../operators/drain.js';
import type { Connection } from '../connection/connection.js';
import type { ListenAddress } from '../connection/listen.js';
import { ListenFailed } from '../errors.js';
import { inScope, openScope } from '../flow/scope.js';
import type { ServedClient } from './client.js';
import type { Outcome } from './outcome.js';
import type { Clients } from './registry.js';
import type { CutClient, Stage, StopReport } from './report.js';

/** What a run needs of its server, and tells it. */
interface Owner {
  readonly clients: Clients;
  readonly scheduler: SchedulerLike;
  /** Where the server is to listen, for people. */
  readonly place: string;
  /** Those who are let in. */
  accepted(onListening: (address: ListenAddress) => void): Observable<Connection>;
  readonly serving: OperatorFunction<Connection, Outcome>;
  /** The port is open. */
  listening(address: ListenAddress): void;
  /** A connection is over. */
  outcome(outcome: Outcome): void;
  /** It is about to stop. */
  stopping(): void;
  /** Nobody is read from any more; what has come is still to be answered. */
  closing(): void;
  /** It is over, and nothing is left. */
  over(report: StopReport): void;
  /** It is over, and that was not asked for. */
  failed(error: unknown): void;
}

/** @internal One life of a server, from its start to its stop. */
export class Run {
  /** Where it listens. Fails where it cannot. */
  readonly listening: Promise<ListenAddress>;
  /** Resolved when it is over. */
  readonly over: Promise<StopReport>;
  readonly #owner: Owner;
  readonly #dialled = new Subject<Connection>();
  readonly #stop = new Subject<void>();
  readonly #cut = new Map<ServedClient, CutClient>();
  #opened!: (address: ListenAddress) => void;
  #notOpened!: (error: unknown) => void;
  #isOver!: (report: StopReport) => void;
  #stopping = false;
  #patience = 0;
  #atStop = 0;
  #took = 0;

  constructor(owner: Owner) {
    this.#owner = owner;
    this.listening = new Promise((opened, notOpened) => {
      this.#opened = opened;
      this.#notOpened = notOpened;
    });
    this.over = new Promise((isOver) => {
      this.#isOver = isOver;
    });
  }

  begin(): void {
    const owner = this.#owner;
    const onListening = (address: ListenAddress): void => {
      if (this.#stopping) return;
      owner.listening(address);
      this.#opened(address);
    };
    const draining = drain(this.#stop, () => this.#patience, owner.serving, {
      scheduler: owner.scheduler,
      onCut: (late) => this.#note(late),
      onDrained: ({ took }) => {
        this.#took = took;
      },
    });
    // A world of its own, whoever starts it: also a handler of another server.
    inScope(openScope, () =>
      merge(
        defer(() => owner.accepted(onListening)),
        this.#dialled,
      )
        .pipe(draining)
        .subscribe({
          next: (outcome) => owner.outcome(outcome),
          error: (error: unknown) => this.#failed(error),
          complete: () => this.#ended(),
        }),
    );
  }

  /** A connection that was dialled. */
  take(connection: Connection): void {
    this.#dialled.next(connection);
  }

  stop(ms: number): Promise<StopReport> {
    if (this.#stopping) return this.over;
    this.#stopping = true;
    this.#patience = ms;
    this.#atStop = this.#owner.clients.count;
    this.#notOpened(new ListenFailed(this.#owner.place, 'ECANCELED'));
    this.#owner.stopping();
    this.#stop.next();
    this.#owner.closing();
    return this.over;
  }

  abort(ms: number): Promise<StopReport> {
    const open = [...this.#owner.clients].map(({ connection }) => connection);
    this.#note(open);
    for (const connection of open) connection.abort();
    return this.stop(ms);
  }

  /** Looks at what holds those who are going to be cut, as long as it can be seen. */
  #note(late: readonly Connection[]): void {
    for (const connection of late) {
      const client = this.#owner.clients.get(connection.id);
      if (client?.connection === connection && !this.#cut.has(client)) this.#cut.set(client, cutOf(client));
    }
  }

  #ended(): void {
    const cut = [...this.#cut.values()];
    const report: StopReport = { ended: Math.max(0, this.#atStop - cut.length), cut, took: this.#took };
    this.#owner.over(report);
    this.#isOver(report);
  }

  #failed(error: unknown): void {
    this.#owner.failed(error);
    this.#notOpened(error);
    this.#isOver({ ended: 0, cut: [], took: 0 });
  }
}

const cutOf = (client: ServedClient): CutClient => {
  const [stage, why] = whatHolds(client.connection);
  return { client: client.snapshot(), stage, why };
};

const whatHolds = ({ state, statistics: { buffered } }: Connection): [Stage, string] => {
  if (state === 'ended' || state === 'closed') return ['peer', 'it had not ended its side'];
  if (buffered > 0) return ['flushing', `it had left ${buffered} bytes unread`];
  return ['session', 'its session had not finished'];
};
