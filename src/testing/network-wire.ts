import type { SchedulerLike } from 'rxjs';
import type { Wire, WireListener } from '../connection/wire.js';
import { ConnectionReset } from '../errors.js';
import { clockOf } from '../time/clock.js';
import type { FaultLine } from './faults/fault-line.js';
import { FaultLink } from './faults/fault-link.js';
import type { FaultList } from './faults/fault-list.js';
import type { Network } from './network.js';

/** Bytes under way, and when they are there. */
interface Parcel {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Bytes by chance are no more than so many. */
const LARGEST_PIECE = 16;

/**
 * Two wires, each the other's far end, over a network whose time is the scheduler's. The first is the client's, for
 * the faults of the network that are of one direction only.
 */
export const wires = (
  network: Network,
  scheduler: SchedulerLike,
  [first, second]: readonly [string, string],
  faults: readonly FaultList[] = [],
): [NetworkWire, NetworkWire] => {
  const client = new NetworkWire(network, scheduler, second, first);
  const server = new NetworkWire(network, scheduler, first, second);
  const link = new FaultLink(clockOf(scheduler), network.roll, {
    reset: () => client.breakOff(),
    close: () => client.sever(),
  });
  client.join(server, link, link.toServer);
  server.join(client, link, link.toClient);
  link.begin(faults);
  return [client, server];
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
  readonly copies = true;
  readonly #network: Network;
  readonly #scheduler: SchedulerLike;
  #other!: NetworkWire;
  #link!: FaultLink;
  /** What goes out goes along this line first, and over the network then. */
  #line!: FaultLine;
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
  #severed = false;
  #received = 0;
  #written = 0;
  #gone = false;

  constructor(network: Network, scheduler: SchedulerLike, peer: string, local: string) {
    this.#network = network;
    this.#scheduler = scheduler;
    this.peer = peer;
    this.local = local;
  }

  /** @internal */
  join(other: NetworkWire, link: FaultLink, line: FaultLine): void {
    this.#other = other;
    this.#link = link;
    this.#line = line;
    line.attach((bytes) => this.#carry(bytes));
  }

  attach(listener: WireListener): void {
    this.#listener = listener;
  }

  get pending(): number {
    return this.#gone ? 0 : this.#line.held + this.#other.#inboxBytes;
  }

  /** Whether this end is closed. */
  get closed(): boolean {
    return this.#gone;
  }

  /** Bytes that were received here and not given back, and bytes that were written here. */
  get traffic(): { readonly received: number; readonly written: number } {
    return { received: this.#received, written: this.#written };
  }

  /** Whether the network has closed the connection. */
  get severed(): boolean {
    return this.#severed;
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
    this.#received -= chunk.length;
  }

  write(chunk: Uint8Array): boolean {
    this.#written += chunk.length;
    if (this.#gone || this.#endSent || this.#isCut()) return true;
    if (this.#severed) {
      this.#expectReset(this.#scheduler.now() + this.#network.latency);
      return true;
    }
    // A copy, as a system makes one: what was written is the writer's again.
    this.#line.send(new Uint8Array(chunk));
    const full = this.pending >= this.#network.window;
    // Who was told to wait, and writes all the same, still hears of room.
    this.#wantsRoom ||= full;
    return !full;
  }

  end(): void {
    if (this.#gone || this.#endSent || this.#isCut()) return;
    this.#endSent = true;
    this.#line.end(() => this.#carryEnd());
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
    this.#endSent = true;
    this.#line.behind(() => this.#breakAt(this.#lineEnd()));
  }

  /** The network resets the connection: what is under way is lost, and both sides see it now. */
  breakOff(): void {
    this.#breakAt(this.#scheduler.now());
    this.#link.leave();
  }

  /**
   * The network closes the connection: both sides see the end behind what has come to them, and who had more under way,
   * or goes on sending, a reset.
   */
  sever(): void {
    for (const wire of [this, this.#other]) {
      wire.#severed = true;
      if (wire.#line.held > 0 || wire.#wantsRoom) wire.#expectReset(this.#scheduler.now());
      wire.#carryEnd();
    }
    this.#link.leave();
  }

  #breakAt(at: number): void {
    this.#expectReset(at);
    this.#other.#expectReset(at);
  }

  #reset(): void {
    this.#line.drop();
    this.#line.behind(() => this.#other.#expectReset(this.#scheduler.now() + this.#network.latency));
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

  // -- what goes out -------------------------------------------------------------------------------------------------

  /** Over the network, what has come to the end of the line. */
  #carry(bytes: Uint8Array): true {
    for (const parcel of this.#parcels(bytes)) this.#other.#expect(parcel);
    return true;
  }

  #carryEnd(): void {
    const other = this.#other;
    other.#endAt = Math.min(other.#endAt, this.#lineEnd());
    other.#when(other.#endAt, () => other.#deliver());
  }

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

  // -- what comes in -------------------------------------------------------------------------------------------------

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
    this.#received += piece.length;
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
    if (this.#other.#gone) this.#link.leave();
    this.#later(0, () => this.#listener.gone());
  }
}
