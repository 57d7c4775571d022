import type { Observable } from 'rxjs';
import { WriteOverflow } from '../errors.js';
import { Consumer } from '../flow/consumer.js';
import { flow } from '../flow/scope.js';
import { type Task, atEndOfTurn } from '../flow/turn.js';
import type { Wire } from './wire.js';

/** What the writing half of a connection reports. */
interface Report {
  /** So many bytes were handed to the wire in one write. */
  wrote(bytes: number): void;
  /** The wire is full. */
  full(): void;
  /** The stream is written to its end. */
  done(): void;
  /** The stream failed, or was too much; what came before is with the wire. */
  failed(error: unknown): void;
}

/** Bytes that are handed to the wire at once, and that may wait before the source is told to rest. */
const SLICE = 64 * 1024;

/** Small chunks are put together here. In use only within one write, so that all connections share it. */
let slab = new Uint8Array(SLICE);

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
  /** Chunks from `#head` on; of the first one, the bytes from `#taken` on. Control frames stand in front. */
  #queue: Uint8Array[] = [];
  #head = 0;
  #taken = 0;
  #urgent = 0;
  #scheduled = false;
  #ended = false;
  #left = false;

  constructor(wire: Wire, limit: number, report: Report) {
    this.#wire = wire;
    this.#limit = limit;
    this.#report = report;
  }

  subscribe(chunks: Observable<Uint8Array>): void {
    const source = this.#consumer.subscribe(() =>
      chunks.subscribe({
        next: (chunk) => this.#take(chunk),
        error: (error: unknown) => this.#fail(error),
        complete: () => this.finish(),
      }),
    );
    if (this.#ended) source.unsubscribe();
    else this.#source = source;
  }

  /** No more is taken; what waits is written, and then the end. */
  finish(): void {
    if (this.#ended) return;
    this.#stop();
    this.run();
  }

  /** Nobody cares any more. */
  leave(): void {
    this.#left = true;
    this.#stop();
    this.#queue = [];
    this.queued = this.#head = this.#urgent = 0;
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
    if (!(chunk instanceof Uint8Array)) {
      return this.#fail(new TypeError(`writes takes bytes (Uint8Array), got ${typeof chunk}`));
    }
    if (chunk.length === 0) return;
    if (flow.urgent) {
      this.#queue.splice(this.#head + (this.#taken > 0 ? 1 : 0) + this.#urgent, 0, chunk);
      this.#urgent++;
    } else this.#queue.push(chunk);
    this.queued += chunk.length;
    if (this.full) this.#overfull();
    else if (this.queued >= SLICE) this.run();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      if (!atEndOfTurn(this)) process.nextTick(runOf, this);
    }
  }

  /** More comes although the valve is closed: the rest of what was under way, or a source that does not obey. */
  #overfull(): void {
    this.#consumer.filled(this.queued);
    if (this.queued > this.#limit) this.#fail(new WriteOverflow(this.queued, this.#limit));
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#stop();
    while (this.queued > 0) this.#handOver();
    this.#report.failed(error);
  }

  #stop(): void {
    this.#ended = true;
    this.#source?.unsubscribe();
    this.#source = null;
  }

  /** One write: a slice of a large chunk, a small chunk as it is, or as many small ones as a slice holds. */
  #handOver(): void {
    const first = this.#queue[this.#head] as Uint8Array;
    const rest = first.length - this.#taken;
    const second = this.#queue[this.#head + 1];
    let slice: Uint8Array;
    if (rest > SLICE || second === undefined || rest + second.length > SLICE) {
      const size = Math.min(rest, SLICE);
      slice = size === first.length ? first : first.subarray(this.#taken, this.#taken + size);
      if (size === rest) this.#shift();
      else this.#taken += size;
    } else slice = this.#gather();
    this.queued -= slice.length;
    if (this.queued === 0) {
      this.#queue.length = 0;
      this.#head = 0;
    }
    const room = this.#wire.write(slice);
    if (slice.buffer === slab.buffer && this.#wire.pending > 0) slab = new Uint8Array(SLICE);
    this.#report.wrote(slice.length);
    if (room || this.full) return;
    this.full = true;
    this.#report.full();
  }

  #gather(): Uint8Array {
    let size = 0;
    for (let chunk = this.#queue[this.#head]; chunk !== undefined; chunk = this.#queue[this.#head]) {
      const rest = this.#taken > 0 ? chunk.subarray(this.#taken) : chunk;
      if (size + rest.length > SLICE) break;
      slab.set(rest, size);
      size += rest.length;
      this.#shift();
    }
    return slab.subarray(0, size);
  }

  #shift(): void {
    if (this.#taken === 0 && this.#urgent > 0) this.#urgent--;
    this.#taken = 0;
    // A place given up late, and all at once: shifting an array of thousands costs more than a hole in it.
    (this.#queue as (Uint8Array | undefined)[])[this.#head++] = undefined;
    if (this.#head < 1024 || this.#head * 2 < this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#head);
    this.#head = 0;
  }
}

const runOf = (outgoing: Outgoing): void => outgoing.run();
