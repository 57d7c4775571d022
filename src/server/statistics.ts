import type { ServedClient } from './client.js';
import type { Clients } from './registry.js';
import { Meter, type Rates } from './rates.js';
import type { Opener } from './watch.js';

/** What is counted of every client, and of all of a server together. */
export interface Traffic {
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Messages that its session was given, and gave. Of a plain handler, those that it tells its watch of. */
  readonly messagesIn: number;
  readonly messagesOut: number;
  /** Probes that the peer sent to say that it is there, and ours. They are not messages. */
  readonly keepAlivesIn: number;
  readonly keepAlivesOut: number;
  /** Frames that were too long or malformed, and frames that were no message. */
  readonly framesRefused: number;
  /** Broadcasts that did not get through: the peer was too slow, and the policy was to drop. */
  readonly dropped: number;
  /** Milliseconds in which it was not read from, because somebody paused it or because a consumer was full. */
  readonly pausedFor: number;
  /** Bytes that wait here for the peer to take them, at this moment. */
  readonly buffered: number;
  /** What goes through, a second. */
  readonly rates: Rates;
}

/** What one client has moved, at the moment when it is asked for. Of one that is gone, at its end. */
export interface ClientStatistics extends Traffic {
  /** When it connected, in milliseconds since 1970. */
  readonly connectedSince: number;
  /** When a byte came from it last, in milliseconds since 1970; when it connected, if none has. */
  readonly lastSeen: number;
}

/** What a server has done since it was made: all its clients together, those that are gone included. */
export interface ServerStatistics extends Traffic {
  /** When it was started last, in milliseconds since 1970, or undefined if it never was. */
  readonly startedAt: number | undefined;
  /** Clients there are now. */
  readonly clients: number;
  /** The most there have been at once. */
  readonly mostClients: number;
  /** Connections accepted and let in. */
  readonly accepted: number;
  /** Connections that the server dialled. */
  readonly dialled: number;
  /** Connections refused, whatever the reason. */
  readonly refused: number;
  /** Clients whose handler failed with an error of its own. */
  readonly handlerErrors: number;
}

/** @internal What can be added up. */
export type Sum = Omit<Traffic, 'rates'>;

const nothing = (): Record<keyof Sum, number> => ({
  bytesIn: 0,
  bytesOut: 0,
  messagesIn: 0,
  messagesOut: 0,
  keepAlivesIn: 0,
  keepAlivesOut: 0,
  framesRefused: 0,
  dropped: 0,
  pausedFor: 0,
  buffered: 0,
});

const KEYS = Object.keys(nothing()) as (keyof Sum)[];

const add = (sum: Record<keyof Sum, number>, more: Sum): void => {
  for (const key of KEYS) sum[key] += more[key];
};

/** @internal What all clients of a server have moved, and what else is counted of it. */
export class Totals {
  startedAt: number | undefined = undefined;
  accepted = 0;
  dialled = 0;
  refused = 0;
  handlerErrors = 0;
  readonly #clients: Clients;
  readonly #gone = nothing();
  readonly #meter = new Meter();
  #most = 0;

  constructor(clients: Clients) {
    this.#clients = clients;
  }

  /** The server starts, or has stopped: its rates begin anew. */
  begin(): void {
    this.#meter.begin(this.#sum());
  }

  /** One more is there. */
  joined(opener: Opener): void {
    if (opener === 'active') this.dialled++;
    else this.accepted++;
    this.#most = Math.max(this.#most, this.#clients.count);
  }

  /** A client is gone: what it has moved is kept. */
  left({ traffic }: ServedClient): void {
    add(this.#gone, { ...traffic, buffered: 0 });
  }

  /** Looks at the rates of each and of all, `seconds` after the last time. */
  look(seconds: number): void {
    for (const { meter, traffic } of this.#clients) meter.look(traffic, seconds);
    this.#meter.look(this.#sum(), seconds);
  }

  get statistics(): ServerStatistics {
    const { startedAt, accepted, dialled, refused, handlerErrors } = this;
    return {
      startedAt,
      clients: this.#clients.count,
      mostClients: this.#most,
      accepted,
      dialled,
      refused,
      handlerErrors,
      ...this.#sum(),
      rates: this.#meter.rates,
    };
  }

  #sum(): Sum {
    const sum = { ...this.#gone };
    for (const { traffic } of this.#clients) add(sum, traffic);
    return sum;
  }
}
