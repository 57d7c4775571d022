import type { Duplex } from 'node:stream';
import { Observable, type OperatorFunction, type SchedulerLike, type Subscriber, asyncScheduler } from 'rxjs';
import { checkInteger, checkIntegerOrNone, checkObject, checkOneOf, checkScheduler, checkTime } from '../check.js';
import type { ProxyHeader } from '../codec/proxy-header.js';
import {
  ConnectionAborted,
  ConnectionReset,
  HalfCloseTimeout,
  type MemoryExceeded,
  PlaintextRefused,
  ReadOverflow,
  SluiceError,
  TlsFailed,
  type WriteOverflow,
  WriteStalled,
} from '../errors.js';
import { Gate } from '../flow/gate.js';
import { type CutSource, type Cutter, type Scope, flow } from '../flow/scope.js';
import { Valve } from '../flow/valve.js';
import { beginTurn, endTurn } from '../flow/turn.js';
import { thrownIn, warnThrown } from '../hook.js';
import { machineClock } from '../time/clock.js';
import { Share } from '../time/shares.js';
import { Entry, type Timetable, timetableOf } from '../time/timetable.js';
import { type Holder, budget } from './memory-budget.js';
import { Outgoing, type OutgoingListener } from './outgoing.js';
import { type Shake, handshake } from './tls-handshake.js';
import type { TlsInfo } from './tls-info.js';
import { type Wire, type WireListener, canChange } from './wire.js';

/** What a connection has moved, as it stands when it is asked for. */
export interface ConnectionStatistics {
  /** When it was opened, in milliseconds since 1970. */
  readonly openedAt: number;
  /** Bytes received. */
  readonly bytesIn: number;
  /** Bytes written: handed to the socket, or to the other end in memory. The last of them may still be `buffered`. */
  readonly bytesOut: number;
  /** Chunks received, as the network cut them. */
  readonly chunksIn: number;
  /** Writes made: the answers to one chunk share one. */
  readonly writes: number;
  /** Bytes that wait here for the peer to take them. */
  readonly buffered: number;
  /** Milliseconds in which reading rested: something had come, and a consumer was full or paused. */
  readonly pausedFor: number;
}

/**
 * Where a connection is on its way. Both sides are open; the peer has ended (FIN); our end was asked for, and bytes that
 * were written before it wait for the peer; our end is sent, and the peer has not ended; or both have, or it broke.
 */
export type ConnectionState = 'open' | 'peer-ended' | 'flushing' | 'ended' | 'closed';

/** One connection, accepted or dialled, over whatever carries its bytes. */
export interface Connection {
  /** A number of its own, counted from 1 in this process. */
  readonly id: number;
  /** Where the peer is: `127.0.0.1:51512`, `[::1]:51512`, or a path. */
  readonly peer: string;
  /** Where this side is. */
  readonly local: string;
  /** What a proxy in front has said of the peer, where `proxyProtocol` has heard it: `peer` and `local` are of there. */
  readonly proxy?: ProxyHeader | undefined;
  /**
   * The bytes of the peer, in chunks as the network cut them. Completes at the peer's end (FIN), fails with
   * `ConnectionReset` when the connection is cut.
   *
   * Nothing is read before it is subscribed to, so nothing is lost however late that is. One subscriber at a time.
   * Unsubscribing stops the reading, and destroys the connection if nothing is being written to it; once this side has
   * ended, what the peer still sends is read and forgotten. It can be paused: it rests while a consumer below it has its valve closed. Below `drain`, it completes at the stop.
   */
  readonly reads: Observable<Uint8Array>;
  /**
   * Writes a stream of bytes to the peer and completes when all is flushed and the end (FIN) is sent; emits nothing.
   *
   * All that is emitted while one chunk is handled leaves in one write. When the stream fails, so does this; what was
   * written before is flushed and the connection is ended, and the peer has a second to end it too. Unsubscribing
   * destroys the connection. Fails with the connection's own error, with `WriteStalled` when the peer does not read
   * within the write deadline, and with `WriteOverflow`. To be used once. A peer that goes is noticed by reading: a
   * connection that is only written to notices at its next write.
   */
  readonly writes: OperatorFunction<Uint8Array, never>;
  /** Completes when the connection is gone, its socket and timers with it. Emits nothing and never fails. */
  readonly closed: Observable<never>;
  readonly statistics: ConnectionStatistics;
  readonly state: ConnectionState;
  /** What TLS it speaks, and who the peer has shown to be; undefined without TLS. */
  readonly tls?: TlsInfo | undefined;
  /** Whether reading rests: something has come, and a consumer is full or paused. */
  readonly resting: boolean;
  /**
   * Ends this side: what is written already is flushed, then FIN. The peer may still send, and has `linger` milliseconds
   * to end its own side (default: `halfClose`, and longer as long as it gets on).
   */
  end(options?: EndOptions): void;
  /** Gives the connection up at once; the peer sees a reset. Both streams fail with `ConnectionAborted`. */
  abort(): void;
}

/** What a connection is read into: see `readBuffer`. */
export type ReadBuffer = 'fresh' | 'shared' | 'poisoned';

/** How a side is ended. */
export interface EndOptions {
  /** How long the peer may take to end its side once it can have seen the end of ours, in milliseconds. */
  readonly linger?: number;
}

/** What can be set for each connection, however it came about. Times are in milliseconds, sizes in bytes. */
export interface ConnectionOptions {
  /** How long a full peer may leave what was written unread (default 30,000). Not put off by crumbs. */
  readonly writeDeadline?: number;
  /** How long a connection of which one side has ended may go without progress (default 30,000). */
  readonly halfClose?: number;
  /** The most bytes that may wait here for a slow peer whose source cannot be paused (default 16 MiB). */
  readonly writeLimit?: number;
  /**
   * The most bytes of an unfinished frame that may be held (default `Infinity`: the limit of the frame's own rule is what
   * holds). For a bound over all rules, and one that a server can change while it runs.
   */
  readonly readLimit?: number;
  /**
   * What is read into (default `'fresh'`: new memory each time, which may be kept as long as one likes). With
   * `'shared'` what `reads` emits, and each frame cut from it, is a view of one buffer that all connections share, good
   * until the call returns: `copy()` what is kept, queued or answered later. Saves an allocation a read, over sockets
   * without TLS; under TLS the rule holds and nothing is saved. `'poisoned'` is the same rule for tests: everything is
   * overwritten as soon as the call has returned.
   */
  readonly readBuffer?: ReadBuffer;
  /**
   * How many frames may be cut of its bytes and handled before the other connections have their turn, counted by 64
   * (default 1,024): who sends many small ones keeps nobody waiting. The pull twin of `frame` has 1,024, whatever is set.
   */
  readonly framesPerTurn?: number;
  /** What these times, and the back-off of an acceptor or a dial, are measured by (default `asyncScheduler`). */
  readonly scheduler?: SchedulerLike;
}

/** The options with their defaults, checked. One object for all connections of a listener: some of it may change. */
export interface ConnectionLimits {
  readonly writeDeadline: number;
  readonly halfClose: number;
  writeLimit: number;
  readLimit: number;
  readonly readBuffer: ReadBuffer;
  framesPerTurn: number;
  readonly scheduler: SchedulerLike;
}

/** Where options have limits that somebody keeps hold of, to change them while they are in force. */
export const inForce = Symbol('limits in force');

export const connectionLimits = (
  options: ConnectionOptions & { readonly [inForce]?: ConnectionLimits | undefined },
): ConnectionLimits =>
  options[inForce] ?? {
    writeDeadline: checkTime('writeDeadline', options.writeDeadline ?? 30_000),
    halfClose: checkTime('halfClose', options.halfClose ?? 30_000),
    writeLimit: checkInteger('writeLimit', options.writeLimit ?? 16 * 1024 * 1024, 1),
    readBuffer: checkOneOf<ReadBuffer>('readBuffer', options.readBuffer ?? 'fresh', ['fresh', 'shared', 'poisoned']),
    readLimit: checkIntegerOrNone('readLimit', options.readLimit ?? Infinity, MOST_AT_ONCE),
    framesPerTurn: checkInteger('framesPerTurn', options.framesPerTurn ?? 1_024, 64),
    scheduler: checkScheduler('scheduler', options.scheduler ?? asyncScheduler),
  };

/** What a chunk may have, and is held while a consumer is full, in bytes: no limit can be less. */
const MOST_AT_ONCE = 64 * 1024;

/** What memory is overwritten with that a program has no right to any more. */
const POISON = 0xdb;

/** How long a peer that was sent the end after an error may take to end its own side, in milliseconds. */
const LINGER = 1_000;

/** Less than this that a connection holds is not counted. */
const LITTLE = 4_096;

/** The time since which something has been so that is not so. */
const NEVER = -1;

let opened = 0;

/** When this was loaded, in milliseconds since 1970. */
const LOADED = Date.now();

/** What keeps a connection from being read because all together hold too much, and for how long. */
interface Pressure {
  readonly valve: Valve;
  readonly patience: Deadline;
}

/** What few connections have. */
interface Extras {
  /** Where the peer and this side are in truth, and who says so. */
  readonly peer: string;
  readonly local: string;
  readonly proxy: ProxyHeader | undefined;
  /** Bytes that were written ahead of what `writes` takes. */
  readonly ahead: number;
}

/** One subscription to `reads`: its gate, and its teardown. */
class Reading extends Gate {
  readonly subscriber: Subscriber<Uint8Array>;
  /** What cuts the bytes into frames, where something does. */
  readonly cutter: Cutter | null;
  readonly #connection: WireConnection;

  constructor(scope: Scope, subscriber: Subscriber<Uint8Array>, cutter: Cutter | null, connection: WireConnection) {
    super(scope);
    this.subscriber = subscriber;
    this.cutter = cutter;
    this.#connection = connection;
  }

  unsubscribe(): void {
    this.#connection.readingLeft(this);
  }
}

/** What may not take for ever. */
class Deadline extends Entry {
  readonly #connection: WireConnection;

  constructor(connection: WireConnection) {
    super();
    this.#connection = connection;
  }

  due(): void {
    this.#connection.overdue(this);
  }
}

/** @internal Keeps the laws of a connection over a wire. */
export class WireConnection implements Connection, WireListener, OutgoingListener, CutSource, Holder {
  // What each chunk touches stands first: with a thousand connections none of it is in the processor's cache.
  #reading: Reading | null = null;
  /** Whether what is read is good only for as long as it is being handled. */
  readonly #lends: boolean;
  #bytesIn = 0;
  #chunksIn = 0;
  /** Bytes that it holds, for the budget of the process. */
  counted = 0;
  #gone = false;
  #failure: SluiceError | null = null;
  #outgoing: Outgoing | null = null;
  /** Since when reading rests, and for how long it has before. */
  #restingSince = NEVER;
  #pausedFor = 0;

  readonly id = ++opened;
  readonly #wire: Wire;
  readonly #limits: ConnectionLimits;
  readonly #timetable: Timetable;
  /** Milliseconds after `LOADED`: a number that needs no memory of its own for the first 24 days. */
  readonly #openedAt = Date.now() - LOADED;
  /** What waits at the gate; made when something first does. */
  #resume: (() => void) | null = null;
  #writer: Subscriber<never> | null = null;
  #watchers: Subscriber<never>[] | null = null;
  #halfClosed: Deadline | null = null;
  #stalled: Deadline | null = null;
  #extras: Extras | null = null;
  /** Someone has read and stopped; our end was asked for, and is because the program failed. */
  #forsaken = false;
  /** The server was told to stop: the peer is not waited for longer than it takes to see our end. */
  #stopped = false;
  #ending = false;
  #lingering = false;
  /** The peer has ended; our end is sent. */
  #inputEnded = false;
  #outputEnded = false;
  /** How long the peer may take to end its side, where somebody has said so. */
  #linger: number | null = null;
  /** Bytes that were read, and of which who cut them into frames had made nothing when nobody listened any more. */
  #uncut = 0;
  /** What keeps it from being read for the sake of the budget. */
  #pressure: Pressure | null = null;
  /** What it has had of the turn, where it has ever had many frames of one. */
  #share: Share | null = null;
  #moved = 0;

  /** `timetable`: that of the scheduler, where it is known already. */
  constructor(wire: Wire, limits: ConnectionLimits, timetable: Timetable = timetableOf(limits.scheduler)) {
    this.#wire = wire;
    this.#limits = limits;
    this.#lends = limits.readBuffer !== 'fresh';
    this.#timetable = timetable;
    wire.attach(this);
  }

  // Made when they are asked for: a connection that waits is to cost no more memory than it must.

  get reads(): Observable<Uint8Array> {
    return new Observable((subscriber) => this.#read(subscriber));
  }

  get writes(): OperatorFunction<Uint8Array, never> {
    return (chunks) => new Observable((subscriber) => this.#write(chunks, subscriber));
  }

  get closed(): Observable<never> {
    return new Observable((subscriber) => {
      if (this.#gone) return subscriber.complete();
      // Made for one: mostly it is who serves the connection, and waits for its end.
      if (this.#watchers === null) this.#watchers = [subscriber];
      else this.#watchers.push(subscriber);
      subscriber.add(() => {
        const at = this.#watchers?.indexOf(subscriber) ?? -1;
        if (at >= 0) this.#watchers?.splice(at, 1);
      });
    });
  }

  get peer(): string {
    return this.#extras?.peer ?? this.#wire.peer;
  }

  get local(): string {
    return this.#extras?.local ?? this.#wire.local;
  }

  get proxy(): ProxyHeader | undefined {
    return this.#extras?.proxy;
  }

  get tls(): TlsInfo | undefined {
    return this.#wire.tls;
  }

  get statistics(): ConnectionStatistics {
    return {
      openedAt: LOADED + this.#openedAt,
      bytesIn: this.#bytesIn,
      bytesOut: (this.#extras?.ahead ?? 0) + (this.#outgoing?.written ?? 0),
      chunksIn: this.#chunksIn,
      writes: this.#outgoing?.writes ?? 0,
      buffered: (this.#outgoing?.queued ?? 0) + (this.#gone ? 0 : this.#wire.pending),
      pausedFor: this.#pausedFor + (this.resting ? this.#timetable.now() - this.#restingSince : 0),
    };
  }

  get state(): ConnectionState {
    if (this.#gone || this.#failure !== null || (this.#inputEnded && this.#outputEnded)) return 'closed';
    if (this.#outputEnded) return 'ended';
    if (this.#ending || this.#outgoing?.ended === true) return 'flushing';
    return this.#inputEnded ? 'peer-ended' : 'open';
  }

  get resting(): boolean {
    return this.#restingSince !== NEVER;
  }

  end(options: EndOptions = {}): void {
    const { linger } = checkObject('options', options);
    if (linger !== undefined) this.#lingerFor(checkTime('linger', linger, 0));
    if (this.#outgoing !== null) this.#outgoing.finish();
    else this.#endOutput();
  }

  abort(): void {
    if (this.#gone) return;
    this.#wire.reset();
    this.#fail(new ConnectionAborted());
  }

  /**
   * @internal Turns to TLS. Completes when the handshake is done; an error of it is the connection's. `from` the first
   * byte: what has come and is unread is no plaintext, but the peer's first words of the handshake.
   */
  secure(shake: Shake, ms: number, from: 'now' | 'first' = 'now'): Observable<never> {
    const wire = this.#wire;
    if (!canChange(wire)) throw new TypeError('connection must be over a socket or another stream');
    return new Observable((subscriber) => {
      const fail = (error: SluiceError): void => {
        this.#fail(error);
        subscriber.error(this.#failure);
      };
      if (this.#failure !== null) return fail(this.#failure);
      if (this.#reading !== null) return subscriber.error(new Error(`connection ${this.id} is being read`));
      if (this.#ending) return subscriber.error(new Error(`this side of connection ${this.id} has ended`));
      const held = from === 'now' ? this.#uncut + wire.unheard : 0;
      if (held > 0) return fail(new PlaintextRefused(held));
      if (this.#inputEnded) return fail(new TlsFailed('ECONNRESET'));
      const begin = (): void => {
        if (subscriber.closed) return this.#outgoing?.drained();
        wire.change((stream, made) => {
          const secured = (next: Duplex): void => {
            made(next);
            this.#outgoing?.drained();
            subscriber.complete();
          };
          subscriber.add(handshake(shake, stream, this.#timetable, ms, secured, fail));
        });
      };
      if (this.#outgoing === null) begin();
      else this.#outgoing.hold(begin);
    });
  }

  /** How it is shown by `console.log`, so that an outcome can be printed as it is. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Connection ${this.id} (${this.peer})`;
  }

  // -- what is said before all else ----------------------------------------------------------------------------------

  /** A proxy has said where the peer and this side are in truth. */
  introduce(peer: string, local: string, proxy: ProxyHeader): void {
    this.#extras = { ahead: 0, ...this.#extras, peer, local, proxy };
  }

  /** Writes something now, ahead of what `writes` will take. */
  writeAhead(bytes: Uint8Array): void {
    const { peer, local, proxy } = this;
    this.#wire.write(bytes);
    this.#extras = { peer, local, proxy, ahead: (this.#extras?.ahead ?? 0) + bytes.length };
  }

  /** Takes back what `reads` has given and its subscriber is to leave to the next one. It is no subscriber any more. */
  handBack(rest: Uint8Array): void {
    this.#wire.pause();
    if (rest.length > 0) this.#wire.unread(rest);
    this.#bytesIn -= rest.length;
    this.#leaveReader();
  }

  // -- what comes in -------------------------------------------------------------------------------------------------

  #read(subscriber: Subscriber<Uint8Array>): void {
    if (this.#reading !== null) {
      return subscriber.error(new Error(`reads of connection ${this.id} has a subscriber already`));
    }
    if (this.#inputEnded) return subscriber.complete();
    if (this.#failure !== null) return subscriber.error(this.#failure);
    const found = this.#scopeOfReader();
    const { cutter } = found;
    if (cutter !== null) cutter.source = this;
    // What cuts these bytes does not cut those of another that is subscribed to while they are emitted.
    const scope = cutter === null ? found : { ...found, cutter: null };
    const reading = new Reading(scope, subscriber, cutter, this);
    this.#reading = reading;
    if (this.#pressure !== null) reading.join(this.#pressure.valve);
    if (scope.drain !== null) subscriber.add(scope.drain.onStop(() => this.#stop(reading)));
    subscriber.add(reading);
    if (reading.closed) this.#rest(reading);
    else reading.wait(() => this.#goOn());
  }

  /** A server that is told to stop takes in no more; what has come is still answered. */
  #stop(reading: Reading): void {
    this.#stopped = true;
    this.#hand(() => reading.complete(reading.subscriber));
  }

  /** Whoever read does so no longer. */
  readingLeft(reading: Reading): void {
    if (this.#reading !== reading) return;
    this.#uncut += reading.cutter?.held ?? 0;
    this.#leaveReader();
    this.#forsaken = true;
    if (this.#inputEnded || this.#failure !== null) return;
    if (this.#ending) this.#wire.resume();
    else if (this.#outgoing === null) this.#wire.destroy();
    else this.#wire.pause();
  }

  #leaveReader(): void {
    if (this.#resume !== null) this.#reading?.forget(this.#resume);
    this.#reading?.leave();
    this.#rested();
    this.#reading = null;
    this.#count();
  }

  /** Reads no more before the consumers below have room. */
  #rest(gate: Gate): void {
    if (!this.resting) this.#restingSince = this.#timetable.now();
    gate.wait((this.#resume ??= () => this.#goOn()));
  }

  #rested(): void {
    if (!this.resting) return;
    this.#pausedFor += this.#timetable.now() - this.#restingSince;
    this.#restingSince = NEVER;
  }

  /**
   * The scope that is in force; but who reads only after having looked something up, or tries again after a while, is
   * not subscribed to by anybody who writes any more, and still belongs to what is written here.
   */
  #scopeOfReader(): Scope {
    const { scope } = flow;
    const outgoing = this.#outgoing;
    if (outgoing === null) return scope;
    const { valve } = outgoing;
    const drain = scope.drain ?? outgoing.drain;
    if (scope.valve === null) return { ...scope, valve, drain };
    if (scope.valve.root !== valve.root) scope.valve.root.kin ??= valve.root;
    return drain === scope.drain ? scope : { ...scope, drain };
  }

  handled(gate: Gate, frames: number): void {
    // In a test's time all happens at once, and nobody waits for a turn.
    if (this.#timetable.clock !== machineClock) return;
    (this.#share ??= new Share()).take(gate, frames, this.#limits.framesPerTurn);
  }

  #goOn(): void {
    this.#rested();
    this.#count();
    if (this.#reading !== null) this.#wire.resume();
  }

  /** Runs `work`, which reaches the program. What is thrown is this connection's and no other's. */
  #hand(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#threw(error);
    }
  }

  #threw(error: unknown): void {
    if (this.#outgoing !== null) return this.#outgoing.fail(thrownIn(error));
    warnThrown(`who reads from connection ${this.id}`, error);
    this.#wire.destroy();
  }

  received(chunk: Uint8Array): void {
    const reading = this.#reading;
    if (reading !== null && reading.closed) {
      this.#wire.pause();
      this.#wire.unread(this.#lends ? new Uint8Array(chunk) : chunk);
      return this.#rest(reading);
    }
    this.#bytesIn += chunk.length;
    this.#chunksIn++;
    if (reading === null) return;
    if (this.#lends) this.#lend(reading, chunk);
    else this.#emit(reading, chunk);
    this.#count();
    if (reading.closed && this.#reading === reading) {
      this.#wire.pause();
      this.#rest(reading);
    }
  }

  #emit(reading: Reading, chunk: Uint8Array): void {
    beginTurn();
    try {
      reading.next(reading.subscriber, chunk);
    } catch (error) {
      this.#threw(error);
    } finally {
      endTurn();
    }
  }

  /** The chunk is good until this returns. */
  #lend(reading: Reading, chunk: Uint8Array): void {
    const poisoned = this.#limits.readBuffer === 'poisoned';
    const lent = poisoned ? new Uint8Array(chunk) : chunk;
    const before = flow.lent;
    flow.lent = true;
    try {
      this.#emit(reading, lent);
    } finally {
      flow.lent = before;
      if (poisoned) lent.fill(POISON);
    }
  }

  ended(): void {
    this.#inputEnded = true;
    const reading = this.#reading;
    if (reading !== null) this.#hand(() => reading.complete(reading.subscriber));
    // Nobody writes, and nobody is going to: an end for an end. (A turn later, for who reads to the end and then writes.)
    if (this.#outgoing === null) {
      this.#timetable.clock.afterReads(() => {
        if (this.#outgoing === null) this.#endOutput();
      });
    }
    this.#sideEnded();
  }

  // -- what goes out -------------------------------------------------------------------------------------------------

  #write(chunks: Observable<Uint8Array>, subscriber: Subscriber<never>): void {
    if (this.#failure !== null) return subscriber.error(this.#failure);
    if (this.#outgoing !== null)
      return subscriber.error(new Error(`writes of connection ${this.id} is in use already`));
    if (this.#ending) return subscriber.error(new Error(`this side of connection ${this.id} has ended`));
    const outgoing = new Outgoing(this.#wire, this.#limits, this);
    this.#outgoing = outgoing;
    this.#writer = subscriber;
    subscriber.add(outgoing);
    outgoing.subscribe(chunks);
  }

  outgoingLeft(): void {
    if (!this.#outputEnded && !this.#lingering) this.#wire.destroy();
  }

  outgoingFull(): void {
    this.#watchOutput();
    this.#count();
  }

  outgoingGrew(): void {
    this.#count();
  }

  outgoingDone(): void {
    this.#endOutput();
  }

  /** The program failed: what it had answered goes out, then the end, and the peer has a moment to see it. */
  outgoingFailed(error: unknown): void {
    this.#lingering = true;
    this.#forsaken = true;
    this.#endOutput();
    this.#writer?.error(error);
  }

  outgoingOverflowed(error: WriteOverflow): void {
    this.#fail(error);
  }

  #endOutput(): void {
    if (this.#ending || this.#failure !== null) return;
    this.#ending = true;
    this.#wire.end();
    this.#watchOutput();
    // What the peer still sends must not turn our end into a reset. Unread it stays only for who has not read yet.
    if (this.#reading === null && this.#forsaken) this.#wire.resume();
  }

  drained(): void {
    this.#letBe(this.#stalled);
    this.#outgoing?.drained();
    this.#count();
  }

  finished(): void {
    if (!this.#ending) return this.failed(new ConnectionReset('EPIPE'));
    this.#outputEnded = true;
    this.#letBe(this.#stalled);
    this.#count();
    this.#sideEnded();
    this.#writer?.complete();
  }

  // -- how it goes wrong ---------------------------------------------------------------------------------------------

  failed(error: unknown): void {
    if (!this.#inputEnded || !this.#outputEnded) this.#fail(asReset(error));
  }

  gone(): void {
    if (!this.#inputEnded || !this.#outputEnded) this.#fail(new ConnectionReset());
    this.#gone = true;
    this.#count();
    budget.forget(this);
    this.#letBe(this.#stalled);
    this.#letBe(this.#halfClosed);
    const watchers = this.#watchers;
    this.#watchers = null;
    if (watchers !== null) for (const watcher of watchers) watcher.complete();
  }

  /** Both streams end with it, unless they have ended before. What reads usually feeds what writes; once is enough. */
  #fail(failure: SluiceError): void {
    if (this.#failure !== null) return;
    this.#failure = failure;
    this.#count();
    this.#wire.destroy();
    const reading = this.#reading;
    if (reading !== null) this.#hand(() => reading.error(reading.subscriber, failure));
    this.#writer?.error(failure);
  }

  // -- what all together may hold ------------------------------------------------------------------------------------

  /** Tells the budget what it holds, where that has changed. */
  #count(): void {
    const before = this.counted;
    const held = this.#gone || this.#failure !== null ? 0 : this.#held;
    if (held < LITTLE && before === 0) return;
    this.counted = held < LITTLE ? 0 : held;
    if (this.counted === before) return;
    budget.count(this, before);
    const { readLimit } = this.#limits;
    if (held > readLimit && this.#reading?.closed === false) this.#overRead(readLimit);
  }

  #overRead(limit: number): void {
    const unfinished = this.#reading?.cutter?.held ?? 0;
    if (unfinished > limit) this.#fail(new ReadOverflow(unfinished, limit));
  }

  get #held(): number {
    const unfinished = this.#reading?.cutter?.held ?? 0;
    const outgoing = this.#outgoing;
    return outgoing === null || !outgoing.full ? unfinished : unfinished + outgoing.queued + this.#wire.pending;
  }

  press(pressed: boolean): void {
    if (pressed) {
      const pressure = (this.#pressure = { valve: new Valve(), patience: new Deadline(this) });
      pressure.valve.close();
      this.#timetable.put(pressure.patience, this.#limits.writeDeadline);
      this.#reading?.join(pressure.valve);
    } else if (this.#pressure !== null) {
      const { valve, patience } = this.#pressure;
      this.#pressure = null;
      this.#letBe(patience);
      process.nextTick(() => valve.release());
    }
  }

  exceed(error: MemoryExceeded): void {
    this.#fail(error);
  }

  // -- what may not take for ever ------------------------------------------------------------------------------------

  /** The peer has its buffers full, or is to take the last bytes: it has until the write deadline to take all of it. */
  #watchOutput(): void {
    if (this.#outputEnded) return;
    this.#timetable.put((this.#stalled ??= new Deadline(this)), this.#limits.writeDeadline);
  }

  /** One side has ended and the other has not: it may go on for as long as it gets on. */
  #sideEnded(): void {
    if (this.#inputEnded && this.#outputEnded) return this.#wire.destroy();
    this.#moved = this.#progress();
    const brief = this.#lingering || this.#stopped ? LINGER : Infinity;
    const linger = (this.#outputEnded ? this.#linger : null) ?? Infinity;
    this.#timetable.put((this.#halfClosed ??= new Deadline(this)), Math.min(brief, linger, this.#limits.halfClose));
  }

  #lingerFor(ms: number): void {
    this.#linger = ms;
    // Our end is sent already, and the peer was given longer.
    if (this.#outputEnded && !this.#inputEnded) this.#sideEnded();
  }

  #progress(): number {
    return this.#bytesIn + (this.#outgoing?.written ?? 0) - this.#wire.pending;
  }

  /** What has arrived meanwhile is read first: if the loop was stalled, that may change all. */
  overdue(deadline: Deadline): void {
    this.#timetable.clock.afterReads(() => {
      if (deadline.pending || this.#gone) return;
      if (deadline === this.#stalled) this.#checkOutput();
      else if (deadline === this.#halfClosed) this.#checkProgress();
      else if (this.#pressure !== null && deadline === this.#pressure.patience) this.#checkPressure(this.#pressure);
    });
  }

  #checkOutput(): void {
    if (this.#outgoing?.full || this.#ending) {
      this.#fail(new WriteStalled(this.#limits.writeDeadline, this.statistics.buffered));
    }
  }

  #checkProgress(): void {
    // A peer that only goes on sending what nobody reads does not get on.
    const getsOn = this.#progress() !== this.#moved && (this.#reading !== null || !this.#outputEnded);
    if (getsOn) this.#sideEnded();
    else this.#fail(new HalfCloseTimeout(this.#limits.halfClose));
  }

  /** While the peer takes what was written, in time, there is nothing to be said against it. */
  #checkPressure({ patience }: Pressure): void {
    if (this.#outgoing?.full) this.#timetable.put(patience, this.#limits.writeDeadline);
    else budget.giveUp(this);
  }

  #letBe(deadline: Deadline | null): void {
    if (deadline !== null) this.#timetable.take(deadline);
  }
}

/** What the system says of a broken wire, as one of our errors. */
const asReset = (error: unknown): SluiceError =>
  error instanceof SluiceError ? error : new ConnectionReset(codeOf(error), error);

/** A stream may fail with anything: also with what throws when it is looked at. */
const codeOf = (error: unknown): string | undefined => {
  try {
    const code = (error as { readonly code?: unknown } | null)?.code;
    return typeof code === 'string' ? code : undefined;
  } catch {
    return undefined;
  }
};
