import { Observable, type Subscriber, tap } from 'rxjs';
import type { KeepAliveEvent } from '../../operators/keep-alive.js';
import { pauseWhile } from '../../operators/pause-while.js';
import { checkText } from '../check.js';
import { LimitReached } from '../errors.js';
import type { Connection } from '../connection/connection.js';
import type { SlowPolicy } from '../source/mailbox.js';
import type { Events } from './events.js';
import { Outbox, type Parcel, type Post } from './outbox.js';
import { Meter } from './rates.js';
import type { ClientStatistics, Sum } from './statistics.js';
import type { ServerLimits } from './limits.js';
import { type TagKeeper, Tags } from './tags.js';
import type { Opener, Watch } from './watch.js';

/** The time of something that has not happened. */
const NEVER = -1;

const NOTHING: ReadonlySet<string> = new Set();

/** What a client is doing: flags, since more than one may be so. */
export interface ClientState {
  /** It is there. */
  readonly connected: boolean;
  /** One side has ended and the other has not yet. */
  readonly halfClosed: boolean;
  /** Nothing has come from it for `idleAfter` milliseconds. */
  readonly idle: boolean;
  /** It is not read from: `pauseListening`, or a consumer that is full. */
  readonly paused: boolean;
  /** It has been silent, was sent a keep-alive, and has not been heard since. */
  readonly keepAlivePending: boolean;
  /** It stands in front of a gate (`authenticate`): nobody knows who it is, and it is sent nothing. */
  readonly guarded: boolean;
}

/** A client as it was at one moment: plain values, to be printed or sent. */
export interface ClientSnapshot {
  readonly id: number;
  readonly address: string;
  readonly name: string;
  readonly opener: Opener;
  readonly rooms: readonly string[];
  readonly tags: readonly string[];
  readonly state: ClientState;
  readonly statistics: ClientStatistics;
}

/**
 * One who is connected to a server. All of it is as of the moment in which it is looked at; of one that is gone it stays as it was at the end.
 */
export interface Client {
  /** A number of its own in this process: that of its connection, and of the `peer` that its session talks to. */
  readonly id: number;
  /** Where it is: `127.0.0.1:51512`, `[::1]:51512`, or the path of a Unix socket. */
  readonly address: string;
  /** What it is called: its address, until its session gives it another name (`peer.name`). */
  readonly name: string;
  readonly opener: Opener;
  readonly connection: Connection;
  /** Who it is, where `authenticate` has let it in: what its gate gave. In no snapshot, since it may be anything. */
  readonly identity: unknown;
  readonly rooms: ReadonlySet<string>;
  /** Words that the program marks it with: `client.tags.add('slow')`. To the server they mean nothing but how many may bear one. */
  readonly tags: Set<string>;
  readonly state: ClientState;
  readonly statistics: ClientStatistics;
  /** Puts it into a room, for broadcasts. Nothing happens if it is in there, or is gone. */
  enter(room: string): void;
  /** Takes it out again. */
  exit(room: string): void;
  /** All of this as a plain value. */
  snapshot(): ClientSnapshot;
}

/** @internal What a client has to do with its server. */
export interface Host extends Post {
  readonly events: Events;
  /** The time, in milliseconds, by whatever clock the server goes. */
  now(): number;
  readonly idleAfter: number;
  limits(): ServerLimits;
  /** Whether a client is not to be read from, by itself or with all others. */
  pauses(byItself: boolean): boolean;
  /** A client stands in front of a gate, or has come through. */
  guards(client: ServedClient, guarded: boolean): void;
  named(client: ServedClient, before: string): void;
  entered(client: ServedClient, room: string): void;
  exited(client: ServedClient, room: string): void;
  tagged(client: ServedClient, tag: string): void;
  untagged(client: ServedClient, tag: string): void;
}

/** @internal A client, for its server and for the handler that serves it. */
export class ServedClient implements Client, Watch, TagKeeper {
  readonly connection: Connection;
  readonly opener: Opener;
  /** Whether it is not to be read from, for who reads: what `pauseWhile` wants to know. */
  readonly paused: Observable<boolean> = new Observable((told) => {
    told.next(this.#isPaused);
    this.#reader = told;
  });
  /** Why it was told to go, where it was. */
  leaving: string | undefined = undefined;
  messagesIn = 0;
  messagesOut = 0;
  keepAlivesIn = 0;
  keepAlivesOut = 0;
  framesRefused = 0;
  dropCount = 0;
  identity: unknown = undefined;
  readonly meter = new Meter();
  readonly #host: Host;
  readonly #events: Events;
  /** What the time of the server's clock lies behind that of `Date`. */
  readonly #epoch: number;
  #name: string;
  /** Made when they are needed. */
  #tags: Tags | undefined;
  #rooms: Set<string> | undefined;
  /** When a byte of it came last, by the server's clock. */
  seenAt: number;
  #goneAt = NEVER;
  #outbox: Outbox | null = null;
  #reader: Subscriber<boolean> | null = null;
  /** How many gates it stands in front of: a gate may have another behind it. */
  #gates = 0;
  /** How many signs of life it had given when it was asked for one. */
  #owesSince = NEVER;
  /** `pauseListening` was called for it. */
  #pausedByItself = false;
  /** Since when it is paused on purpose, and for how long its connection had rested by then. */
  #pausedSince = NEVER;
  #restedBefore = 0;
  /** For how long it was paused on purpose, beyond what its connection counts. */
  #pausedBesides = 0;

  constructor(connection: Connection, opener: Opener, host: Host) {
    this.connection = connection;
    this.opener = opener;
    this.#host = host;
    this.#events = host.events;
    this.#name = connection.peer;
    this.seenAt = host.now();
    this.#epoch = Date.now() - this.seenAt;
    this.refreshPause();
  }

  get id(): number {
    return this.connection.id;
  }

  get address(): string {
    return this.connection.peer;
  }

  get gone(): boolean {
    return this.#goneAt !== NEVER;
  }

  /** How it is shown by `console.log`. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Client ${this.id} (${this.name})`;
  }

  // -- who it is -----------------------------------------------------------------------------------------------------

  get name(): string {
    return this.#name;
  }

  set name(name: string) {
    const before = this.#name;
    if (checkText('name', name) === before || this.gone) return;
    this.#checkLength('a name', name);
    this.#name = name;
    this.#host.named(this, before);
  }

  get tags(): Set<string> {
    return (this.#tags ??= new Tags(this));
  }

  get rooms(): ReadonlySet<string> {
    return this.#rooms ?? NOTHING;
  }

  enter(room: string): void {
    if (this.gone || this.rooms.has(checkText('room', room))) return;
    this.#checkLength('a room', room);
    this.#checkCount('rooms of a client', this.rooms.size, this.#host.limits().maxRooms);
    (this.#rooms ??= new Set()).add(room);
    this.#host.entered(this, room);
  }

  exit(room: string): void {
    if (!this.gone && this.#rooms?.delete(room)) this.#host.exited(this, room);
  }

  /** Its tags, without a set being made for who has none. */
  get marks(): ReadonlySet<string> {
    return this.#tags ?? NOTHING;
  }

  tagged(tag: string): void {
    if (this.gone) return;
    this.#checkLength('a tag', tag);
    this.#checkCount('tags of a client', this.marks.size, this.#host.limits().maxTags);
    this.#host.tagged(this, tag);
  }

  untagged(tag: string): void {
    if (!this.gone) this.#host.untagged(this, tag);
  }

  #checkLength(what: string, { length }: string): void {
    this.#checkCount(`letters of ${what}`, length - 1, this.#host.limits().maxNameLength);
  }

  #checkCount(what: string, count: number, limit: number): void {
    if (count >= limit) throw new LimitReached(what, limit);
  }

  // -- what its handler tells ----------------------------------------------------------------------------------------

  received(message: unknown): void {
    this.messagesIn++;
    if (this.#events.hearsMessages) this.#events.tell('message', { client: this, direction: 'in', message });
  }

  sent(message: unknown): void {
    this.messagesOut++;
    if (this.#events.hearsMessages) this.#events.tell('message', { client: this, direction: 'out', message });
  }

  keepAlive(event: KeepAliveEvent): void {
    if (event === 'sent') this.keepAlivesOut++;
    else if (event === 'received') this.keepAlivesIn++;
    else if (event === 'pending') this.#owesSince = this.#signsOfLife;
    this.#events.tell(`keep-alive-${event}`, { client: this });
  }

  refused(why: readonly string[]): void {
    this.framesRefused++;
    this.#events.tell('frame-refused', { client: this, why });
  }

  dropped(): void {
    this.dropCount++;
    this.#events.tell('dropped', { client: this });
  }

  guarded(): void {
    if (this.#gates++ === 0) this.#host.guards(this, true);
  }

  attemptFailed(attempt: number): void {
    this.#events.tell('attempt-failed', { client: this, attempt });
  }

  admitted(identity: unknown): void {
    if (--this.#gates === 0) this.#host.guards(this, false);
    this.identity = identity;
    this.#events.tell('admitted', { client: this });
  }

  // -- what its server does ------------------------------------------------------------------------------------------

  /** Its answers are subscribed to: from now on it can be sent to. */
  opens(out: Subscriber<Uint8Array>): void {
    const outbox = (this.#outbox = new Outbox(out, this, this.#host));
    out.add(() => outbox.leave());
  }

  /** What comes from it, for its handler. */
  heard(bytes: Observable<Uint8Array>): Observable<Uint8Array> {
    return bytes.pipe(tap(this.#seen), pauseWhile(this.paused));
  }

  /** Whether it is a client of the server that this is. */
  isOf(host: Host): boolean {
    return host === this.#host;
  }

  /** Sends something that is no answer, behind what waits. False when nobody is there to take it, or it has no bytes. */
  send(make: () => Parcel): boolean {
    const outbox = this.#openOutbox();
    if (outbox === null) return false;
    let parcel: Parcel;
    try {
      parcel = make();
    } catch (error) {
      outbox.error(error);
      return false;
    }
    outbox.send(parcel);
    return true;
  }

  /** Sends something that the policy may drop. False when it is dropped, or nobody is there to take it. */
  offer(parcel: Parcel, policy: SlowPolicy): boolean {
    return this.#openOutbox()?.offer(parcel, policy) ?? false;
  }

  /** Pauses it, or not, by itself: for all together there is `refreshPause`. */
  pause(paused: boolean): void {
    this.#pausedByItself = paused;
    this.refreshPause();
  }

  /** The server reads from nobody now, or from everybody again. */
  refreshPause(): void {
    const paused = !this.gone && this.#host.pauses(this.#pausedByItself);
    if (paused === this.#isPaused) return;
    const rested = this.connection.statistics.pausedFor;
    if (paused) {
      this.#restedBefore = rested;
      this.#pausedSince = this.#host.now();
    } else {
      this.#pausedBesides += this.#besides(rested);
      this.#pausedSince = NEVER;
    }
    this.#reader?.next(paused);
  }

  /** It is not there any more. */
  left(): void {
    this.#goneAt = this.#host.now();
    this.#outbox = null;
    this.refreshPause();
  }

  /** For how long it has been silent, in milliseconds. */
  get silentFor(): number {
    return this.#now() - this.seenAt;
  }

  // -- how it stands -------------------------------------------------------------------------------------------------

  get state(): ClientState {
    const { state, resting } = this.connection;
    return {
      connected: !this.gone,
      halfClosed: !this.gone && (state === 'peer-ended' || state === 'ended'),
      idle: this.silentFor >= this.#host.idleAfter,
      paused: this.#isPaused || resting,
      keepAlivePending: this.#owesSince === this.#signsOfLife,
      guarded: this.#gates > 0,
    };
  }

  /** What it has moved. */
  get traffic(): Sum {
    const { bytesIn, bytesOut, pausedFor, buffered } = this.connection.statistics;
    return {
      bytesIn,
      bytesOut,
      messagesIn: this.messagesIn,
      messagesOut: this.messagesOut,
      keepAlivesIn: this.keepAlivesIn,
      keepAlivesOut: this.keepAlivesOut,
      framesRefused: this.framesRefused,
      dropped: this.dropCount,
      pausedFor: pausedFor + this.#pausedBesides + (this.#isPaused ? this.#besides(pausedFor) : 0),
      buffered,
    };
  }

  get statistics(): ClientStatistics {
    return {
      connectedSince: this.connection.statistics.openedAt,
      lastSeen: this.#epoch + this.seenAt,
      ...this.traffic,
      rates: this.meter.rates,
    };
  }

  snapshot(): ClientSnapshot {
    const { id, address, name, opener, state, statistics } = this;
    return { id, address, name, opener, rooms: [...this.rooms], tags: [...this.marks], state, statistics };
  }

  #openOutbox(): Outbox | null {
    const there = this.#outbox?.closed === false && this.leaving === undefined && this.#gates === 0;
    return there ? this.#outbox : null;
  }

  readonly #seen = (): void => {
    this.seenAt = this.#host.now();
  };

  get #isPaused(): boolean {
    return this.#pausedSince !== NEVER;
  }

  get #signsOfLife(): number {
    return this.messagesIn + this.keepAlivesIn;
  }

  /** Milliseconds of the pause that is on, without those in which the connection rested: it counts them itself. */
  #besides(rested: number): number {
    return Math.max(0, this.#now() - this.#pausedSince - (rested - this.#restedBefore));
  }

  #now(): number {
    return this.gone ? this.#goneAt : this.#host.now();
  }
}
