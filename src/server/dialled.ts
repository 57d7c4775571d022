import { type Observable, Subscription } from 'rxjs';
import { checkHook } from '../check.js';
import type { Connection } from '../connection/connection.js';
import type { DialOptions, DialState } from '../connection/dial.js';
import { inScope, openScope } from '../flow/scope.js';
import { tell } from '../hook.js';
import { Changeable, type Changing } from './changing.js';
import type { Client } from './client.js';

/** How a server dials: as `dial` does. `reconnect` is on unless it is set to false. */
export type ConnectOptions = Omit<DialOptions, 'port' | 'host' | 'path' | 'scheduler'>;

/** What a dial of a server is doing. After `given-up` and `ended` there is nothing more. */
export type DialledState = DialState | { readonly state: 'ended'; readonly address: string };

/** A peer that a server dials, and dials again when it is lost, and treats as one of its clients. */
export interface Dialled {
  /** Whom it dials: `host:port`. */
  readonly address: string;
  /** What it is doing: connecting, connected, waiting so many milliseconds, given up, ended. */
  readonly state: Changing<DialledState>;
  /** The client that it is at the moment, where it is connected. */
  readonly client: Client | undefined;
  /** Ends the retries, and the connection: what was sent is flushed first. */
  disconnect(): void;
}

/** What a dialled peer needs of its server, and tells it. */
interface Owner {
  /** The client that a connection is, where it is one. */
  clientOf(connection: Connection): Client | undefined;
  take(dialled: DialledPeer, connection: Connection): void;
  told(dialled: DialledPeer, state: DialledState): void;
  /** It is over. */
  over(dialled: DialledPeer): void;
  disconnect(client: Client): void;
}

/** @internal Dials for a server. */
export class DialledPeer implements Dialled {
  readonly address: string;
  readonly state: Changeable<DialledState>;
  readonly #owner: Owner;
  readonly #dialling = new Subscription();
  #connection: Connection | undefined;

  constructor(address: string, owner: Owner) {
    this.address = address;
    this.#owner = owner;
    this.state = new Changeable<DialledState>({ state: 'connecting', address, attempt: 1 });
  }

  get client(): Client | undefined {
    return this.#connection && this.#owner.clientOf(this.#connection);
  }

  /** How `dial` tells of its state: to us, and to whoever else wants to know. */
  hears(onState: ((state: DialState) => void) | undefined): (state: DialState) => void {
    checkHook('onState', onState);
    return (state) => {
      this.#turn(state);
      tell('onState', onState, state);
    };
  }

  begin(connections: Observable<Connection>): void {
    inScope(openScope, () =>
      this.#dialling.add(
        connections.subscribe({
          next: (connection) => {
            this.#connection = connection;
            this.#owner.take(this, connection);
          },
          error: (error: unknown) => this.#gaveUp(error),
          complete: () => this.#dialsNoMore(),
        }),
      ),
    );
  }

  disconnect(): void {
    this.end();
    const { client } = this;
    if (client !== undefined) this.#owner.disconnect(client);
  }

  /** Ends the retries, and leaves the connection as it is. */
  end(): void {
    this.#finish({ state: 'ended', address: this.address });
  }

  /** Without retries: it is over when the one connection is. */
  #dialsNoMore(): void {
    if (this.#connection === undefined) this.end();
    else this.#dialling.add(this.#connection.closed.subscribe({ complete: () => this.end() }));
  }

  #gaveUp(error: unknown): void {
    const { address, state } = this;
    this.#finish(state.value.state === 'given-up' ? state.value : { state: 'given-up', address, attempts: 1, error });
  }

  #finish(state: DialledState): void {
    if (this.#dialling.closed) return;
    this.#dialling.unsubscribe();
    this.#turn(state);
    this.#owner.over(this);
  }

  #turn(state: DialledState): void {
    if (state === this.state.value) return;
    this.state.set(state);
    this.#owner.told(this, state);
  }
}
