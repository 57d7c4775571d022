import type { Observable } from 'rxjs';
import { WriteOverflow } from '../errors.js';
import { Consumer } from '../flow/consumer.js';
import { Queue } from '../flow/queue.js';
import { type Scope, flow } from '../flow/scope.js';
import { type Task, atEndOfTurn } from '../flow/turn.js';
import { last } from '../framing/carve.js';
import { thrownIn, warnThrown } from '../hook.js';
import type { Wire } from './wire.js';

/** What the writing half of a connection reports. */
interface Report {
  /** So many bytes were handed to the wire in one write. */
  wrote(bytes: number): void;
  /** The wire is full. */
  full(): void;
  /** The stream is written to its end. */
  done(): void;
  /** The stream failed; what came before is with the wire. */
  failed(error: unknown): void;
  /** The stream is more than the peer takes, and cannot be paused. */
  overflowed(error: WriteOverflow): void;
}

/** Bytes that are handed to the wire at once, and that may wait before the source is told to rest. */
const SLICE = 64 * 1024;

/** Small chunks are put together here. In use only within one write, so that all connections share it. */
let slab = Buffer.allocUnsafeSlow(SLICE);

/** Up to this size, in bytes, V8 keeps a typed array on its own heap, and moves it out for a write at a high price. */
const ON_HEAP = 64;

/**
 * The writing half of a connection: gathers what is emitted within a turn, hands it over a slice at a time, and closes
 * its valve while the peer is full.
 *
 * Holds a slice, and what one chunk of input is answered with, unless its sources cannot be paused; then, `limit`.
 */
export class Outgoing implements Task {
  /** Bytes that wait here. */
  queued = 0;
  /** The wire has had enough for now. */
  full = false;

  readonly #wire: Wire;
  readonly #limit: number;
  readonly #report: Report;
  readonly #consumer = new Consumer('connection.writes', SLICE);
  #source: { unsubscribe(): void } | null = null;
  /** What waits: the rest of a chunk of which a part has been written, then control frames, then all else. */
  #rest: Uint8Array | undefined;
  readonly #urgent = new Queue<Uint8Array>();
  readonly #queue = new Queue<Uint8Array>();
  /** The last chunks, if they lie in a row, as encoded frames do: from this one to `#rowEnd` in the same block. */
  #row: Uint8Array | undefined;
  #rowBlock = 0;
  #rowEnd = 0;
  #scheduled = false;
  #ended = false;
  #left = false;

  constructor(wire: Wire, limit: number, report: Report) {
    this.#wire = wire;
    this.#limit = limit;
    this.#report = report;
  }

  subscribe(chunks: Observable<Uint8Array>): void {
    this.#source = this.#consumer.subscribe(() =>
      chunks.subscribe({
        next: (chunk) => this.#take(chunk),
        error: (error: unknown) => this.fail(error),
        complete: () => this.finish(),
      }),
    );
    if (this.#ended) this.#stop();
  }

  /** What the sources of the stream find, for those of them that are subscribed to later. */
  get scope(): Scope {
    return this.#consumer.scope;
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

  /** Nobody cares any more. */
  leave(): void {
    this.#left = true;
    const thrown = this.#stop();
    if (thrown !== undefined) warnThrown('the teardown of a handler', thrown.error);
    this.#rest = this.#row = undefined;
    this.#urgent.clear();
    this.#queue.clear();
    this.queued = 0;
    this.#consumer.leave();
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
    if (this.full) this.#consumer.valve.close();
    else if (this.#ended) this.#report.done();
    else this.#consumer.valve.open();
  }

  #take(chunk: Uint8Array): void {
    if (this.#ended) return;
    if (chunk !== last.piece && !(chunk instanceof Uint8Array)) {
      return this.fail(new TypeError(`writes takes bytes (Uint8Array), got ${typeof chunk}`));
    }
    if (chunk.length === 0) return;
    this.queued += chunk.length;
    if (flow.urgent) this.#urgent.push(chunk);
    else if (this.full) this.#queue.push(own(chunk));
    else this.#enqueue(chunk);
    if (this.full) this.#overfull();
    else if (this.queued >= SLICE) this.run();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      if (!atEndOfTurn(this)) process.nextTick(runOf, this);
    }
  }

  #enqueue(chunk: Uint8Array): void {
    if (chunk !== last.piece) {
      this.#endRow();
      this.#queue.push(chunk);
    } else if (this.#row !== undefined && this.#rowEnd === last.start && this.#rowBlock === last.block) {
      this.#rowEnd = last.end;
    } else {
      this.#endRow();
      this.#row = chunk;
      this.#rowBlock = last.block;
      this.#rowEnd = last.end;
    }
  }

  #endRow(): void {
    const row = this.#row;
    if (row === undefined) return;
    const size = this.#rowEnd - row.byteOffset;
    this.#queue.push(size === row.length ? row : new Uint8Array(row.buffer, row.byteOffset, size));
    this.#row = undefined;
  }

  /** More comes although the valve is closed: the rest of what was under way, or a source that does not obey. */
  #overfull(): void {
    this.#consumer.filled(this.queued);
    if (this.queued > this.#limit) this.#report.overflowed(new WriteOverflow(this.queued, this.#limit));
  }

  #failed(error: unknown): void {
    while (this.queued > 0) this.#handOver();
    this.#report.failed(error);
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

  /** One write: a slice of a large chunk, a small chunk as it is, or as many small ones as a slice holds. */
  #handOver(): void {
    this.#endRow();
    const first = this.#first() as Uint8Array;
    this.#shift();
    const together = first.length <= ON_HEAP || first.length + (this.#first()?.length ?? SLICE) <= SLICE;
    let slice = together ? this.#gather(first) : first;
    if (first.length > SLICE) {
      slice = first.subarray(0, SLICE);
      this.#rest = first.subarray(SLICE);
    }
    this.queued -= slice.length;
    const room = this.#wire.write(slice);
    if (together && this.#wire.pending > 0) slab = Buffer.allocUnsafeSlow(SLICE);
    this.#report.wrote(slice.length);
    if (room || this.full) return;
    this.full = true;
    this.#report.full();
  }

  #gather(first: Uint8Array): Uint8Array {
    slab.set(first);
    let size = first.length;
    for (let next = this.#first(); next !== undefined && size + next.length <= SLICE; next = this.#first()) {
      slab.set(next, size);
      size += next.length;
      this.#shift();
    }
    return slab.subarray(0, size);
  }

  #first(): Uint8Array | undefined {
    return this.#rest ?? this.#urgent.peek() ?? this.#queue.peek();
  }

  #shift(): void {
    if (this.#rest !== undefined) this.#rest = undefined;
    else if (this.#urgent.length > 0) this.#urgent.shift();
    else this.#queue.shift();
  }
}

/** A small chunk that will wait is not to keep the larger memory that it may be a view of. */
const own = (chunk: Uint8Array): Uint8Array => (chunk.length < SLICE / 2 ? chunk.slice() : chunk);

const runOf = (outgoing: Outgoing): void => outgoing.run();
