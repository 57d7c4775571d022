import type { Observable } from 'rxjs';
import { WriteOverflow } from '../errors.js';
import { Intake } from '../flow/consumer.js';
import { Queue } from '../flow/queue.js';
import { type DrainState, flow } from '../flow/scope.js';
import { type Task, atEndOfTurn } from '../flow/turn.js';
import type { Valve } from '../flow/valve.js';
import { thrownIn, warnThrown } from '../hook.js';
import { SLAB, lendSlab, returnSlab } from './slabs.js';
import type { Wire } from './wire.js';
import { type Encoding, type Taker, Writer } from './writer.js';

/** What the writing half of a connection reports. */
export interface OutgoingListener {
  /** The wire is full. */
  outgoingFull(): void;
  /** The stream is written to its end. */
  outgoingDone(): void;
  /** The stream failed; what came before is with the wire. */
  outgoingFailed(error: unknown): void;
  /** More waits than before, although the wire is full. */
  outgoingGrew(): void;
  /** The stream is more than the peer takes, and cannot be paused. */
  outgoingOverflowed(error: WriteOverflow): void;
  /** Whoever subscribed has gone. */
  outgoingLeft(): void;
}

/** Bytes that are handed to the wire at once, and that may wait before the source is told to rest. */
const SLICE = 64 * 1024;

/** Up to so many bytes are copied one by one: for few, a call costs more than it saves. */
const FEW = 24;

/** A chunk of more bytes is written as it is where it stands alone, and not copied. */
const SMALL = 16 * 1024;

/**
 * The writing half of a connection: gathers what is emitted within a turn, hands it over a slice at a time, and closes
 * its valve while the peer is full.
 *
 * Holds a slice, and what one chunk of input is answered with, unless its sources cannot be paused; then, `writeLimit`.
 */
export class Outgoing implements Task, Taker {
  // What each write touches stands first.
  /** Bytes that wait here. */
  queued = 0;
  /** The wire has had enough for now. */
  full = false;
  #ended = false;
  #left = false;
  #scheduled = false;
  #gathered = 0;
  /** What came in this turn, after all that is queued, as long as it is small: put together in memory that is lent. */
  #slab: Buffer | undefined;
  readonly #wire: Wire;
  /** Bytes that were handed to the wire, and in how many writes. */
  written = 0;
  writes = 0;
  /** The source was told to rest. */
  #resting = false;
  #holding: (() => void) | null = null;
  readonly #limits: { readonly writeLimit: number };
  readonly #listener: OutgoingListener;
  readonly #intake = new Intake('connection.writes', SLICE);
  #source: { unsubscribe(): void } | null = null;
  /** What waits: the rest of a chunk of which a part has been written, then control frames, then all else. */
  #rest: Uint8Array | undefined;
  #urgent: Queue<Uint8Array> | null = null;
  #queue: Queue<Uint8Array> | null = null;

  constructor(wire: Wire, limits: { readonly writeLimit: number }, listener: OutgoingListener) {
    this.#wire = wire;
    this.#limits = limits;
    this.#listener = listener;
  }

  subscribe(chunks: Observable<Uint8Array>): void {
    const writer = new Writer(this);
    this.#source = writer;
    this.#intake.subscribe(() => chunks.subscribe(writer));
  }

  /** What the sources of the stream find, for those of them that are subscribed to later. */
  get valve(): Valve {
    return this.#intake.valve;
  }

  get drain(): DrainState | null {
    return this.#intake.outside.drain;
  }

  /** Whether no more is taken. */
  get ended(): boolean {
    return this.#ended;
  }

  /** No more is taken; what waits is written, and then the end. */
  finish(): void {
    if (this.#ended) return;
    const thrown = this.#stop();
    if (thrown === undefined) this.run();
    else this.#failed(thrown.error);
  }

  /** No more is taken: the stream failed. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#stop();
    this.#failed(error);
  }

  /** The teardown of whoever subscribed. */
  unsubscribe(): void {
    this.#leave();
    this.#listener.outgoingLeft();
  }

  /** Nobody cares any more. */
  #leave(): void {
    this.#left = true;
    const thrown = this.#stop();
    if (thrown !== undefined) warnThrown('the teardown of a handler', thrown.error);
    this.#rest = undefined;
    this.#urgent = this.#queue = null;
    this.#letGo();
    this.queued = 0;
    this.#intake.leave();
  }

  /** Calls `then` once all that has come is handed over. What comes after that waits, until the wire has room again. */
  hold(then: () => void): void {
    this.#holding = then;
    this.run();
  }

  /** The wire has room again. */
  drained(): void {
    this.full = false;
    this.run();
  }

  /** Hands to the wire what it takes, and tells the source whether to rest. Also the task at the end of a turn. */
  run(): void {
    this.#scheduled = false;
    if (this.#left) return;
    while (!this.full && this.queued > 0) this.#handOver();
    if (this.#holding !== null && !this.full) this.#hold(this.#holding);
    if (this.full) {
      this.#resting = true;
      this.#intake.valve.close();
    } else if (this.#ended) this.#listener.outgoingDone();
    else if (this.#resting) {
      this.#resting = false;
      this.#intake.valve.open();
    }
  }

  take(chunk: Uint8Array): void {
    if (this.#ended) return;
    if (!(chunk instanceof Uint8Array)) {
      return this.fail(new TypeError(`writes takes bytes (Uint8Array), got ${typeof chunk}`));
    }
    const { length } = chunk;
    if (length === 0) return;
    if (flow.urgent) (this.#urgent ??= new Queue()).push(own(chunk));
    else if (this.full) (this.#queue ??= new Queue()).push(own(chunk));
    else if (this.#roomFor(length, flow.lent ? SLICE : SMALL)) {
      this.#gather(this.#slab as Buffer, chunk);
    } else (this.#queue ??= new Queue()).push(flow.lent ? own(chunk) : chunk);
    this.#took(length);
  }

  encode(rule: Encoding, payload: Uint8Array): void {
    if (this.#ended) return;
    if (rule.encodeInto === undefined || this.full || flow.urgent || !this.#roomFor(payload.length, SLICE)) {
      return this.take(rule.encode(payload));
    }
    const end = rule.encodeInto(payload, this.#slab as Buffer, this.#gathered);
    if (end < 0) {
      this.#shelve();
      return this.take(rule.encode(payload));
    }
    const size = end - this.#gathered;
    this.#gathered = end;
    this.#took(size);
  }

  #gather(slab: Buffer, chunk: Uint8Array): void {
    const { length } = chunk;
    const at = this.#gathered;
    if (length > FEW) slab.set(chunk, at);
    else for (let index = 0; index < length; index++) slab[at + index] = chunk[index] as number;
    this.#gathered = at + length;
  }

  /** Whether a chunk of this size is to be gathered: one that is not large, or comes after others. */
  #roomFor(size: number, large: number): boolean {
    if (this.#slab === undefined) {
      if (size <= large) this.#slab = lendSlab();
      return this.#slab !== undefined;
    }
    if (size <= SLAB - this.#gathered) return true;
    this.#shelve();
    return false;
  }

  /** Puts what is gathered behind what is queued. */
  #shelve(): void {
    if (this.#gathered > 0) {
      (this.#queue ??= new Queue()).push(new Uint8Array((this.#slab as Buffer).subarray(0, this.#gathered)));
    }
    this.#letGo();
  }

  /** Forgets what is gathered. */
  #letGo(): void {
    if (this.#slab !== undefined) returnSlab(this.#slab, false);
    this.#slab = undefined;
    this.#gathered = 0;
  }

  /** So many bytes came. What is gathered in a turn leaves at its end, or when it is a slice. */
  #took(size: number): void {
    this.queued += size;
    if (this.full) this.#overfull();
    else if (this.queued >= SLICE) this.run();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      if (!atEndOfTurn(this)) process.nextTick(runOf, this);
    }
  }

  /** More comes although the valve is closed: the rest of what was under way, or a source that does not obey. */
  #overfull(): void {
    this.#intake.filled(this.queued);
    const { writeLimit } = this.#limits;
    if (this.queued > writeLimit) this.#listener.outgoingOverflowed(new WriteOverflow(this.queued, writeLimit));
    else this.#listener.outgoingGrew();
  }

  #hold(then: () => void): void {
    this.#holding = null;
    this.full = true;
    then();
  }

  #failed(error: unknown): void {
    while (this.queued > 0) this.#handOver();
    this.#listener.outgoingFailed(error);
  }

  /** Lets go of the source. What a teardown of the program's throws is returned: it is this stream's own error. */
  #stop(): { readonly error: unknown } | undefined {
    this.#ended = true;
    const source = this.#source;
    this.#source = null;
    try {
      source?.unsubscribe();
      return undefined;
    } catch (thrown) {
      return { error: thrownIn(thrown) };
    }
  }

  /** One write: of what is queued a slice, a large chunk as it is, or as many as a slice holds; or what is gathered. */
  #handOver(): void {
    const slice = this.queued > this.#gathered ? this.#next() : undefined;
    const slab = this.#slab as Buffer;
    // Behind bytes that have not left it would stay: then for its own size, and not for that of a slab.
    const { copies } = this.#wire;
    const stays = !copies && this.#wire.pending > 0;
    const gathered = slice ?? slab.subarray(0, this.#gathered);
    const chunk = slice === undefined && stays ? new Uint8Array(gathered) : gathered;
    if (slice === undefined) this.#slab = undefined;
    this.#gathered = 0;
    this.queued -= chunk.length;
    // More may come before this returns: over a stream that hands on at once what is written to it.
    const room = this.#wire.write(chunk);
    if (slice === undefined) returnSlab(slab, !copies && !stays && this.#wire.pending > 0);
    this.written += chunk.length;
    this.writes++;
    if (room || this.full) return;
    this.full = true;
    // What came in the midst of the write is older than all that is queued from now on.
    this.#shelve();
    this.#listener.outgoingFull();
  }

  /** What is to be written of what is queued; nothing if it has been gathered. */
  #next(): Uint8Array | undefined {
    this.#shelve();
    const first = this.#first() as Uint8Array;
    this.#shift();
    if (first.length > SLICE) {
      this.#rest = first.subarray(SLICE);
      return first.subarray(0, SLICE);
    }
    if (first.length + (this.#first()?.length ?? SLICE) > SLICE) return first;
    const slab = (this.#slab = lendSlab(true));
    slab.set(first);
    this.#gathered = first.length;
    for (let next = this.#first(); next !== undefined && this.#gathered + next.length <= SLICE; next = this.#first()) {
      slab.set(next, this.#gathered);
      this.#gathered += next.length;
      this.#shift();
    }
    return undefined;
  }

  #first(): Uint8Array | undefined {
    return this.#rest ?? this.#urgent?.peek() ?? this.#queue?.peek();
  }

  #shift(): void {
    if (this.#rest !== undefined) this.#rest = undefined;
    else if (this.#urgent !== null && this.#urgent.length > 0) this.#urgent.shift();
    else this.#queue?.shift();
  }
}

/** A chunk that will wait: a copy, if it is only lent, or small, so as not to keep the memory that it may be a view of. */
const own = (chunk: Uint8Array): Uint8Array => (flow.lent || chunk.length < SLICE / 2 ? new Uint8Array(chunk) : chunk);

const runOf = (outgoing: Outgoing): void => outgoing.run();
