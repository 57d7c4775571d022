import { type Channel, channel } from 'node:diagnostics_channel';
import { type Observable, Subject } from 'rxjs';
import type { ListenAddress } from '../connection/listen.js';
import type { Client } from './client.js';
import type { DialledState, Dialled } from './dialled.js';
import type { StopReport } from './report.js';

/**
 * Why a connection was refused: its address is denied, or is none of those that are allowed; the server is full; too many
 * of its address are there; the acceptor had no descriptor left; too many waited already; the TLS handshake came to
 * nothing, or was given up because too many others were under way; or, where a `proxyProtocol` tells the server, it is no
 * proxy that is trusted, or sent no header.
 */
export type RefusedReason =
  | 'denied'
  | 'not-allowed'
  | 'full'
  | 'too-many-of-address'
  | 'backing-off'
  | 'too-many-waiting'
  | 'handshake-failed'
  | 'too-many-handshakes'
  | 'untrusted'
  | 'no-header';

/** What each event tells besides its `type` and the name of its `server`. */
interface Told {
  /** The port is open. */
  readonly listening: { readonly address: ListenAddress };
  /** A client is there, accepted or dialled. Comes before all other events of it. */
  readonly connected: { readonly client: Client };
  /**
   * A client is gone; the last event of it. `reason` is what `disconnect` was given, else `finished`, else the tag or name
   * of the `error`.
   */
  readonly disconnected: { readonly client: Client; readonly reason: string; readonly error: unknown };
  /** A message came from a client, or goes to it. */
  readonly message: { readonly client: Client; readonly direction: 'in' | 'out'; readonly message: unknown };
  /** A keep-alive was sent, because one side was silent for the interval. */
  readonly 'keep-alive-sent': { readonly client: Client };
  /** A keep-alive came. */
  readonly 'keep-alive-received': { readonly client: Client };
  /** The client has been silent for the interval, and was asked for a sign of life. Told once, until it gives one. */
  readonly 'keep-alive-pending': { readonly client: Client };
  /** It gave none within the hold time. */
  readonly 'keep-alive-expired': { readonly client: Client };
  /** A frame was too long and is left out, or was no message. `why` says so, a line each. */
  readonly 'frame-refused': { readonly client: Client; readonly why: readonly string[] };
  /** A broadcast to a client was dropped, by its policy: the client is too slow. */
  readonly dropped: { readonly client: Client };
  /** A gate has let a client in (`authenticate`): `client.identity` is who it is. */
  readonly admitted: { readonly client: Client };
  /** A client has failed to say who it is; of its attempts this is the so-manieth. */
  readonly 'attempt-failed': { readonly client: Client; readonly attempt: number };
  /** A connection was not let in. */
  readonly refused: { readonly address: string; readonly reason: RefusedReason };
  /** The system could not accept; `wait` is for how many milliseconds all who come are refused. */
  readonly 'accept-failed': { readonly code: string; readonly wait: number };
  /** A handler failed with an error that is its own: it threw. Its client is disconnected next. */
  readonly 'handler-error': { readonly client: Client; readonly error: unknown };
  /** A dial has changed its state. */
  readonly dial: { readonly dialled: Dialled; readonly state: DialledState };
  /** The server has stopped, and nothing is left of it. */
  readonly drained: { readonly report: StopReport };
  /** It could not listen; or its connections came to an end with an error, which `listen` never does once it listens. */
  readonly failed: { readonly error: unknown };
}

/** The kinds of events. Each has a channel of `node:diagnostics_channel`: `sluice:server:connected`, ... */
export type ServerEventType = keyof Told;

/** An event of one kind. */
export type ServerEventOf<Type extends ServerEventType> = {
  readonly [Key in Type]: { readonly type: Key; readonly server: string } & Told[Key];
}[Type];

/** Something that has happened to a server. */
export type ServerEvent = ServerEventOf<ServerEventType>;

const of = (type: ServerEventType): Channel => channel(`sluice:server:${type}`);

/** The channels of the process. Held for good: Node forgets channels that nobody holds. */
const CHANNELS: Readonly<Record<ServerEventType, Channel>> = {
  listening: of('listening'),
  connected: of('connected'),
  disconnected: of('disconnected'),
  message: of('message'),
  'keep-alive-sent': of('keep-alive-sent'),
  'keep-alive-received': of('keep-alive-received'),
  'keep-alive-pending': of('keep-alive-pending'),
  'keep-alive-expired': of('keep-alive-expired'),
  'frame-refused': of('frame-refused'),
  dropped: of('dropped'),
  admitted: of('admitted'),
  'attempt-failed': of('attempt-failed'),
  refused: of('refused'),
  'accept-failed': of('accept-failed'),
  'handler-error': of('handler-error'),
  dial: of('dial'),
  drained: of('drained'),
  failed: of('failed'),
};

const MESSAGES = CHANNELS.message;

/** @internal The events of a server: to who subscribes, and to the channels. */
export class Events {
  readonly #server: string;
  readonly #told = new Subject<ServerEvent>();
  /** The same for others, who are not to tell anything. */
  readonly stream: Observable<ServerEvent> = this.#told.asObservable();

  constructor(server: string) {
    this.#server = server;
  }

  /** Whether anybody wants to know: if not, there is no need to say what. */
  wants(type: ServerEventType): boolean {
    return this.#told.observed || CHANNELS[type].hasSubscribers;
  }

  /** Whether anybody wants to know of messages. Asked at each. */
  get hearsMessages(): boolean {
    return this.#told.observed || MESSAGES.hasSubscribers;
  }

  /** Tells, whoever wants to know. */
  tell<Type extends ServerEventType>(type: Type, told: Told[Type]): void {
    if (!this.wants(type)) return;
    const event = { type, server: this.#server, ...told } as unknown as ServerEvent;
    CHANNELS[type].publish(event);
    this.#told.next(event);
  }
}
