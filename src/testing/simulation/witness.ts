import * as E from 'fp-ts/lib/Either.js';
import type { Connection, ConnectionStatistics } from '../../connection/connection.js';
import { errorName } from '../../error-name.js';
import type { ServerEvent } from '../../server/events.js';
import type { Outcome } from '../../server/outcome.js';
import type { Server } from '../../server/server.js';
import type { ServerStatistics } from '../../server/statistics.js';
import type { Trace } from './trace.js';

/** Bytes of a connection, as they were seen on its wire. */
interface Traffic {
  readonly received: number;
  readonly written: number;
}

/** What the server tells of one connection. */
export interface Told {
  readonly connection: Connection;
  connected: number;
  disconnected: number;
  outcomes: number;
  /** How it ended: `finished`, or the name of the error. */
  ending: string | undefined;
  error: unknown;
}

/** What is told of a server, by its events and outcomes; and what is wrong with that. */
export class Witness {
  readonly #server: Server<never>;
  readonly #trace: Trace;
  readonly #wrong: (what: string) => void;
  readonly #told = new Map<string, Told>();
  readonly #counts = new Map<string, number>();

  constructor(server: Server<never>, trace: Trace, wrong: (what: string) => void) {
    this.#server = server;
    this.#trace = trace;
    this.#wrong = wrong;
    server.events.subscribe((event) => this.#event(event));
    server.outcomes.subscribe((outcome) => this.#outcome(outcome));
  }

  /** What was told of a client, by its name. */
  of(name: string): Told | undefined {
    return this.#told.get(name);
  }

  /** A connection has come to the server, which has told nothing of it yet. */
  opened(connection: Connection): void {
    const { peer } = connection;
    this.#told.set(peer, {
      connection,
      connected: 0,
      disconnected: 0,
      outcomes: 0,
      ending: undefined,
      error: undefined,
    });
  }

  /** How connections ended, and how many of them each. */
  get endings(): Record<string, number> {
    const endings: Record<string, number> = {};
    for (const { ending = 'not let in' } of this.#told.values()) endings[ending] = (endings[ending] ?? 0) + 1;
    return endings;
  }

  /** Everybody has gone, and the server has stopped: what it told is whole, and adds up with what its wires have seen. */
  judge(trafficOf: (name: string) => Traffic): void {
    for (const [name, told] of this.#told) {
      this.#judgeOne(name, told);
      this.#judgeTraffic(name, told.connection.statistics, trafficOf(name));
    }
    this.#judgeStatistics(this.#server.statistics);
    const { clients } = this.#server;
    if (clients.count !== 0) this.#wrong(`the registry still has ${clients.count} clients`);
    if (clients.rooms.size !== 0) this.#wrong(`there are still ${clients.rooms.size} rooms`);
  }

  #judgeOne(name: string, { connection, connected, disconnected, outcomes }: Told): void {
    if (connected > 1) this.#wrong(`${name} was told to be connected ${connected} times`);
    if (disconnected !== connected) {
      this.#wrong(`${name} was told to be connected ${connected} times and disconnected ${disconnected} times`);
    }
    if (outcomes !== connected) this.#wrong(`${name} was connected ${connected} times and has ${outcomes} outcomes`);
    if (connection.state !== 'closed') this.#wrong(`the server's connection to ${name} is left ${connection.state}`);
  }

  #judgeTraffic(name: string, { bytesIn, bytesOut }: ConnectionStatistics, { received, written }: Traffic): void {
    if (bytesIn !== received) this.#wrong(`of ${name} came ${received} bytes, and its connection counts ${bytesIn}`);
    if (bytesOut !== written) this.#wrong(`to ${name} went ${written} bytes, and its connection counts ${bytesOut}`);
  }

  #judgeStatistics(statistics: ServerStatistics): void {
    const served = [...this.#told.values()].filter(({ connected }) => connected > 0);
    const sum = (key: 'bytesIn' | 'bytesOut'): number =>
      served.reduce((all, { connection }) => all + connection.statistics[key], 0);
    const counted = (event: string): number => this.#counts.get(event) ?? 0;
    const expected = {
      clients: 0,
      accepted: served.length,
      bytesIn: sum('bytesIn'),
      bytesOut: sum('bytesOut'),
      buffered: 0,
      messagesIn: counted('message in'),
      messagesOut: counted('message out'),
      keepAlivesIn: counted('keep-alive-received'),
      keepAlivesOut: counted('keep-alive-sent'),
      refused: counted('refused'),
      dropped: counted('dropped'),
      handlerErrors: counted('handler-error'),
    } as const satisfies Partial<ServerStatistics>;
    for (const [key, value] of Object.entries(expected)) {
      const was = statistics[key as keyof typeof expected];
      if (was !== value) this.#wrong(`the statistics say ${key} ${was}, and it was ${value}`);
    }
  }

  #event(event: ServerEvent): void {
    const type = event.type === 'message' ? `message ${event.direction}` : event.type;
    this.#counts.set(type, (this.#counts.get(type) ?? 0) + 1);
    if (!('client' in event)) return;
    const { address } = event.client;
    if (event.type !== 'message') this.#trace.note('the server', `tells that ${address} is ${type}`);
    const told = this.#told.get(address);
    if (told === undefined) return this.#wrong(`${type} is told of ${address}, whom nobody has accepted`);
    if (event.type === 'connected') told.connected++;
    else if (told.connected === 0) this.#wrong(`${type} is told of ${address} before connected`);
    if (told.disconnected > 0) this.#wrong(`${type} is told of ${address} after disconnected`);
    if (event.type === 'handler-error') this.#wrong(`the handler of ${address} failed: ${String(event.error)}`);
    if (event.type !== 'disconnected') return;
    told.disconnected++;
    told.ending = event.reason;
  }

  #outcome(outcome: Outcome): void {
    const { peer } = E.isLeft(outcome) ? outcome.left.connection : outcome.right;
    const told = this.#told.get(peer);
    if (told === undefined) return this.#wrong(`an outcome is told of ${peer}, whom nobody has accepted`);
    told.outcomes++;
    if (E.isLeft(outcome)) told.error = errorName(outcome.left.error);
  }
}
