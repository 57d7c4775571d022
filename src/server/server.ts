import type { Observable } from 'rxjs';
import type { Connection } from '../connection/connection.js';
import type { DialOptions } from '../connection/dial.js';
import type { ListenAddress, ListenOptions } from '../connection/listen.js';
import type { SlowPolicy } from '../source/mailbox.js';
import type { Alarm, AlarmThresholds } from './alarms.js';
import type { Changing } from './changing.js';
import type { Client } from './client.js';
import type { ConnectOptions, Dialled } from './dialled.js';
import type { ServerEvent } from './events.js';
import type { ServerLimits } from './limits.js';
import type { Outcome } from './outcome.js';
import type { Registry } from './registry.js';
import type { StopReport } from './report.js';
import type { AddressRules } from './rules.js';
import type { ServerStatistics } from './statistics.js';

/** What a server is doing: flags, since more than one may be so. */
export interface ServerState {
  /** It was made, and its options are in order. */
  readonly initialized: true;
  /** It was started, its port is open, and it has not stopped. */
  readonly running: boolean;
  /** New connections would be let in: `pauseAccepting` was not called, or was taken back. Outlasts a stop. */
  readonly accepting: boolean;
  /** Clients are read from: `pauseListening` was not called for all, or was taken back. Outlasts a stop. */
  readonly listening: boolean;
  /** It was told to stop, and waits for its clients. */
  readonly draining: boolean;
  /** Several processes serve the port: not yet. */
  readonly multiThreaded: false;
}

/** How a server is set up: where it listens, as in `listen`, and what it takes on. Times in milliseconds. */
export interface ServerOptions<B = Uint8Array> extends ListenOptions {
  /** How long `stop` waits for clients to end by themselves (default 10,000; 0: cuts them at once). */
  readonly drain?: number;
  /** How much it takes on, to begin with. */
  readonly limits?: Partial<ServerLimits>;
  /** What is said to who comes when the server is full and refuses: a message of the protocol, or bytes. */
  readonly farewell?: B;
  /** After how long a client that says nothing is called idle (default 60,000). */
  readonly idleAfter?: number;
  /** How many broadcasts may wait for one client before the policy decides (default 256). */
  readonly highWater?: number;
  /**
   * Where connections come from (default `listen`): for tests, and for what carries bytes otherwise. Has to call
   * `onListening`, and to rest while a consumer below it is full.
   */
  readonly listen?: (options: ListenOptions) => Observable<Connection>;
  /** What dials for `connect` (default `dial`). */
  readonly dial?: (options: DialOptions) => Observable<Connection>;
}

/** How a server is told to stop. */
export interface StopOptions {
  /** How long to wait for clients to end by themselves, in milliseconds (default: the server's own `drain`). */
  readonly drain?: number;
}

/** To whom a broadcast goes, and what becomes of it where it cannot go at once. */
export interface BroadcastOptions {
  /** A room, or whom it is to reach (default: all). */
  readonly to?: string | ((client: Client) => boolean);
  /** Whom it is not to reach. */
  readonly except?: Client | Iterable<Client>;
  /**
   * What to do about a client for whom `highWater` broadcasts wait already (default `drop-oldest`). See `Topic`: with
   * `pause`, whoever is being read from while this is called is not read from until the client has caught up.
   */
  readonly policy?: SlowPolicy;
}

/** How a client is disconnected. */
export interface DisconnectOptions {
  /** What the `disconnected` event says. */
  readonly reason?: string;
  /** Sends what was sent to it, then FIN, and gives it a second to end its side (default true); or resets it at once. */
  readonly flush?: boolean;
}

/**
 * A server as a thing to steer. `B` is what can be sent to its clients.
 *
 * Whatever is misused throws a `TypeError` or `RangeError` at the call.
 */
export interface Server<B = unknown> {
  readonly name: string;
  /** What it is doing. */
  readonly state: Changing<ServerState>;
  /** Where it listens, while it runs. */
  readonly address: ListenAddress | undefined;

  /**
   * Opens the port. Fails with `ListenFailed`, and may then be tried again, as after a stop. While it runs, or is about
   * to, it is the same promise; while it stops, it fails.
   */
  start(): Promise<ListenAddress>;
  /**
   * Stops in order: the port is closed and dials are ended; nobody is read from any more; what was asked is answered,
   * flushed and followed by FIN; and whoever is still there after `drain` milliseconds is cut. Called again, it is the
   * same promise. Of a server that does not run the report is empty.
   */
  stop(options?: StopOptions): Promise<StopReport>;
  /** Stops at once: all clients are cut (reset). Also in the middle of a `stop`, which is then over. */
  abort(): Promise<StopReport>;

  /**
   * Lets nobody in for a while. Who dials is accepted and waits unread, up to `maxWaiting`; more are refused by a reset.
   * Those who are there go on, and so do dials of our own.
   */
  pauseAccepting(): void;
  /** Lets those in who waited, in the order in which they came. */
  resumeAccepting(): void;
  /** Reads nothing from a client, or from anybody. What they send waits with them: nothing is lost. */
  pauseListening(client?: Client): void;
  /** Goes on where it stopped. A client that was paused by itself stays so when all are resumed, and the other way round. */
  resumeListening(client?: Client): void;

  readonly limits: ServerLimits;
  /** Changes limits, in force at once; what is left out stays as it is. */
  setLimits(limits: Partial<ServerLimits>): void;
  /** Who may connect. */
  readonly rules: AddressRules;

  /** All that happens, as it does. Nothing is built for nobody. */
  readonly events: Observable<ServerEvent>;
  /** How each connection ended, as `serve` tells it. */
  readonly outcomes: Observable<Outcome>;
  /** All who are connected. */
  readonly clients: Registry;
  /** What all clients together have moved, those that are gone included. Adds it up when it is asked for. */
  readonly statistics: ServerStatistics;
  /** Raised and cleared alarms, by thresholds that are looked at once a second while it runs. */
  alarms(thresholds: AlarmThresholds): Observable<Alarm>;

  /**
   * Sends a message to one client, behind what waits for it. False when it is gone, or stands in front of a gate. A message that has no bytes fails
   * that client's connection.
   */
  send(client: Client, message: B): boolean;
  /**
   * Sends a message to many, encoded once, and says to how many: to nobody who stands in front of a gate. Throws what the
   * codec throws.
   */
  broadcast(message: B, options?: BroadcastOptions): number;
  /** Ends a client's connection, and if we dialled it, the dialling. Of one that is gone, nothing. */
  disconnect(client: Client, options?: DisconnectOptions): void;

  /**
   * Dials, and serves the peer as one of the clients; dials again when it is lost, with backoff. Only while it runs: a
   * stop ends it.
   */
  connect(host: string, port: number, options?: ConnectOptions): Dialled;
  /** What is being dialled, or is connected. */
  readonly dials: readonly Dialled[];
}
