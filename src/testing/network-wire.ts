import type { SchedulerLike } from 'rxjs';
import type { Wire, WireListener } from '../connection/wire.js';
import { ConnectionReset } from '../errors.js';
import type { Network } from './network.js';

/** Bytes under way, and when they are there. */
interface Parcel {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Bytes by chance are no more than so many. */
const LARGEST_PIECE = 16;

/** Two wires, each the other's far end, over a network whose time is the scheduler's. */
export const wires = (
  network: Network,
  scheduler: SchedulerLike,
  [first, second]: readonly [string, string],
): [NetworkWire, NetworkWire] => {
  const a = new NetworkWire(network, scheduler, second, first);
  const b = new NetworkWire(network, scheduler, first, second);
  a.join(b);
  b.join(a);
  return [a, b];
};

/**
 * One end of a connection over a network in memory, as Node shows a TCP socket on Linux.
 *
 * What one writes the other receives, in order, each piece in a turn of its own. A reset overtakes what the line has not
 * carried yet, and that is lost; what had come is still read. Who neither reads nor writes is not told of it. To close
 * with bytes unread is a reset, and bytes that come to one who has closed are answered by one.
 */
export class NetworkWire implements Wire {
  readonly peer: string;
  readonly local: string;
  readonly #network: Network;
  readonly #scheduler: SchedulerLike;
  #other!: NetworkWire;
  #listener!: WireListener;
  /** What is under way to this end, and what has come and is not read. */
  #inbox: Parcel[] = [];
  #inboxBytes = 0;
  /** When the other side's end is here, and its reset. */
  #endAt = Infinity;
  #resetAt = Infinity;
  /** When the line from here is free again. */
  #lineFree = 0;
  #paused = true;
  #delivering = false;
  #wantsRoom = false;
  #endTold = false;
  #endSent = false;
  #gone = false;

  constructor(network: Network, scheduler: SchedulerLike, peer: string, local: string) {
    this.#network = network;
    this.#scheduler = scheduler;
    this.peer = peer;
    this.local = local;
  }

  /** @internal */
  join(other: NetworkWire): void {
    this.#other = other;
  }

  attach(listener: WireListener): void {
    this.#listener = listener;
  }

  get pending(): number {
    return this.#gone ? 0 : this.#other.#inboxBytes;
  }

  /** Whether this end is closed. */
  get closed(): boolean {
    return this.#gone;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#deliverSoon();
  }

  unread(chunk: Uint8Array): void {
    this.#inbox.unshift({ at: this.#scheduler.now(), bytes: chunk });
    this.#inboxBytes += chunk.length;
  }

  write(chunk: Uint8Array): boolean {
    if (this.#gone || this.#endSent || this.#isCut()) return true;
    // A copy, as a system makes one: what was written is the writer's again.
    for (const parcel of this.#parcels(new Uint8Array(chunk))) this.#other.#expect(parcel);
    this.#wantsRoom = this.pending >= this.#network.window;
    return !this.#wantsRoom;
  }

  end(): void {
    if (this.#gone || this.#endSent || this.#isCut()) return;
    this.#endSent = true;
    const other = this.#other;
    other.#endAt = this.#lineEnd();
    other.#when(other.#endAt, () => other.#deliver());
    this.#later(0, () => {
      if (!this.#gone) this.#listener.finished();
    });
  }

  destroy(): void {
    if (this.#gone) return;
    if (this.#has(this.#inbox[0])) this.#reset();
    else this.end();
    this.#close();
  }

  reset(): void {
    if (this.#gone) return;
    this.#reset();
    this.#close();
  }

  /** Cuts the connection behind all that was written: it still comes, and then both sides see a reset. */
  cut(): void {
    const at = this.#lineEnd();
    this.#endSent = true;
    this.#expectReset(at);
    this.#other.#expectReset(at);
  }

  #reset(): void {
    this.#other.#expectReset(this.#scheduler.now() + this.#network.latency);
  }

  #later(ms: number, work: () => void): void {
    this.#scheduler.schedule(work, ms);
  }

  #when(at: number, work: () => void): void {
    this.#later(at - this.#scheduler.now(), work);
  }

  /** Whether something has come. */
  #has(parcel: Parcel | undefined): boolean {
    return parcel !== undefined && parcel.at <= this.#scheduler.now();
  }

  // ── what goes out ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** When something sent now, behind all that was written, is there. */
  #lineEnd(): number {
    return Math.ceil(Math.max(this.#lineFree, this.#scheduler.now())) + this.#network.latency;
  }

  /** Bytes as the line carries them: what fits into each millisecond. */
  *#parcels(bytes: Uint8Array): Generator<Parcel> {
    const perMs = this.#network.bandwidth / 1_000;
    let free = Math.max(this.#lineFree, this.#scheduler.now());
    for (let from = 0; from < bytes.length;) {
      const at = Math.ceil(free + 1 / perMs);
      const count = perMs === Infinity ? bytes.length : Math.max(1, Math.floor((at - free) * perMs + 1e-6));
      const part = bytes.subarray(from, from + count);
      free += part.length / perMs;
      from += part.length;
      yield { at: at + this.#network.latency, bytes: part };
    }
    this.#lineFree = free;
  }

  /** The other side has reset the connection: who writes then finds out. */
  #isCut(): boolean {
    if (this.#resetAt > this.#scheduler.now()) return false;
    this.#later(0, () => this.#fail('EPIPE'));
    return true;
  }

  /** The other side has read something. */
  #acknowledged(): void {
    if (!this.#wantsRoom || this.#gone || this.pending * 2 > this.#network.window) return;
    this.#wantsRoom = false;
    this.#later(this.#network.latency, () => {
      if (!this.#gone) this.#listener.drained();
    });
  }

  // ── what comes in ─────────────────────────────────────────────────────────────────────────────────────────────────

  #expect(parcel: Parcel): void {
    if (!this.#gone) {
      this.#inbox.push(parcel);
      this.#inboxBytes += parcel.bytes.length;
    }
    this.#when(parcel.at, () => {
      if (this.#gone) this.#reset();
      else if (!this.#delivering) this.#deliver();
    });
  }

  #expectReset(at: number): void {
    if (this.#gone || at >= this.#resetAt) return;
    this.#resetAt = at;
    this.#inbox = this.#inbox.filter((parcel) => parcel.at <= at);
    this.#inboxBytes = this.#inbox.reduce((sum, { bytes }) => sum + bytes.length, 0);
    this.#when(at, () => {
      if (this.#wantsRoom) this.#fail('ECONNRESET');
      else this.#deliver();
    });
  }

  #deliverSoon(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    this.#later(0, () => {
      this.#delivering = false;
      this.#deliver();
    });
  }

  /** Tells the next thing that has come. */
  #deliver(): void {
    if (this.#paused || this.#gone) return;
    const now = this.#scheduler.now();
    if (this.#has(this.#inbox[0])) {
      this.#receive();
      this.#other.#acknowledged();
      if (this.#has(this.#inbox[0]) || this.#endAt <= now || this.#resetAt <= now) this.#deliverSoon();
    } else if (this.#resetAt <= now) this.#fail('ECONNRESET');
    else if (this.#endAt <= now && !this.#endTold) {
      this.#endTold = true;
      this.#listener.ended();
    }
  }

  /** Gives the listener as much as the network brings at once. */
  #receive(): void {
    if (this.#network.coalesce) this.#coalesce();
    const { at, bytes } = this.#inbox.shift() as Parcel;
    const size = this.#piece(bytes.length);
    if (size < bytes.length) this.#inbox.unshift({ at, bytes: bytes.subarray(size) });
    const piece = bytes.slice(0, size);
    this.#inboxBytes -= piece.length;
    this.#listener.received(piece);
  }

  #coalesce(): void {
    const come = this.#inbox.filter((parcel) => this.#has(parcel));
    if (come.length < 2) return;
    const bytes = new Uint8Array(Buffer.concat(come.map((parcel) => parcel.bytes)));
    this.#inbox.splice(0, come.length, { at: this.#scheduler.now(), bytes });
  }

  #piece(length: number): number {
    const { split, roll } = this.#network;
    if (split === undefined) return length;
    return split === 'random' ? 1 + roll(Math.min(length, LARGEST_PIECE)) : split;
  }

  #fail(code: string): void {
    if (!this.#gone) this.#listener.failed(new ConnectionReset(code));
  }

  #close(): void {
    this.#gone = true;
    this.#inbox = [];
    this.#inboxBytes = 0;
    this.#later(0, () => this.#listener.gone());
  }
}
