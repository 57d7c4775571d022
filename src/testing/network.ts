import type { SchedulerLike } from 'rxjs';
import { checkBoolean, checkInteger, checkTime } from '../check.js';
import { ConnectionReset } from '../errors.js';
import type { Wire, WireListener } from '../connection/wire.js';
import { dice } from './dice.js';

/** What a network does to the bytes of a connection. */
export interface NetworkOptions {
  /** How long a byte is under way, in milliseconds (default 0). */
  readonly latency?: number;
  /** How many bytes come at once: `1` is byte by byte, `random` is by chance (default: as they were written). */
  readonly split?: number | 'random';
  /** Joins what comes in the same millisecond (default false). */
  readonly coalesce?: boolean;
  /** Bytes a second that go through, in each direction (default: all of them). */
  readonly bandwidth?: number;
  /** Bytes that may be under way in each direction before the server finds its peer full (default 65,536). */
  readonly window?: number;
  /** Cuts the connection off when so many bytes of the client have come. */
  readonly resetAt?: number;
  /** What chance goes by (default 1). A run says which it was. */
  readonly seed?: number;
}

/** The options, checked and with their defaults. */
export interface Network {
  readonly latency: number;
  readonly split: number | 'random' | undefined;
  readonly coalesce: boolean;
  readonly bandwidth: number;
  readonly window: number;
  readonly resetAt: number;
  readonly roll: (below: number) => number;
}

export const networkOf = (options: NetworkOptions): Network => ({
  latency: checkTime('latency', options.latency ?? 0, 0),
  split:
    options.split === undefined || options.split === 'random' ? options.split : checkInteger('split', options.split, 1),
  coalesce: checkBoolean('coalesce', options.coalesce ?? false),
  bandwidth: options.bandwidth === undefined ? Infinity : checkInteger('bandwidth', options.bandwidth, 1),
  window: checkInteger('window', options.window ?? 65_536, 1),
  resetAt: options.resetAt === undefined ? Infinity : checkInteger('resetAt', options.resetAt, 0),
  roll: dice(checkInteger('seed', options.seed ?? 1, 0)),
});

/** Bytes under way, and when they are there. */
interface Parcel {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/**
 * Two wires, each the other's far end, over a network in virtual time: what one writes is received by the other, in
 * order, after the latency, cut and held up as the network does it.
 */
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

/** One end of a connection over the network. */
export class NetworkWire implements Wire {
  readonly peer: string;
  readonly local: string;
  readonly #network: Network;
  readonly #scheduler: SchedulerLike;
  #other!: NetworkWire;
  #listener!: WireListener;
  /** What is under way to this end, or has come and is not read. */
  #inbox: Parcel[] = [];
  #inboxBytes = 0;
  /** When the line is free again: a byte takes its time. */
  #lineFree = 0;
  #endAt = Infinity;
  #endTold = false;
  #endSent = false;
  #paused = true;
  #wantsRoom = false;
  #gone = false;
  /** Bytes that this end has sent: at `resetAt` of them the network cuts it off. */
  #sent = 0;

  constructor(network: Network, scheduler: SchedulerLike, peer: string, local: string) {
    this.#network = network;
    this.#scheduler = scheduler;
    this.peer = peer;
    this.local = local;
  }

  join(other: NetworkWire): void {
    this.#other = other;
  }

  attach(listener: WireListener): void {
    this.#listener = listener;
  }

  get pending(): number {
    return this.#gone ? 0 : this.#other.#inboxBytes;
  }

  /** Bytes that have come here and were not read. */
  get unreadBytes(): number {
    return this.#inboxBytes;
  }

  get closed(): boolean {
    return this.#gone;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#later(0, () => this.#deliver());
  }

  unread(chunk: Uint8Array): void {
    this.#inbox.unshift({ at: this.#scheduler.now(), bytes: chunk });
    this.#inboxBytes += chunk.length;
  }

  write(chunk: Uint8Array): boolean {
    if (this.#gone || this.#endSent) return true;
    const other = this.#other;
    if (other.#gone) {
      this.#later(this.#network.latency, () => this.#fail('EPIPE'));
      return true;
    }
    const at = this.#arrival(chunk.length);
    other.#inbox.push({ at, bytes: new Uint8Array(chunk) });
    other.#inboxBytes += chunk.length;
    other.#later(at - this.#scheduler.now(), () => other.#deliver());
    this.#sent += chunk.length;
    this.#wantsRoom = this.pending >= this.#network.window;
    return !this.#wantsRoom;
  }

  /** Bytes that this end has sent so far. */
  get sent(): number {
    return this.#sent;
  }

  end(): void {
    if (this.#gone || this.#endSent) return;
    this.#endSent = true;
    const other = this.#other;
    other.#endAt = this.#arrival(0);
    other.#later(other.#endAt - this.#scheduler.now(), () => other.#deliver());
    this.#later(0, () => {
      if (!this.#gone) this.#listener.finished();
    });
  }

  destroy(): void {
    if (this.#gone) return;
    // What a system does: bytes that nobody read turn the end into a reset.
    if (this.#inboxBytes > 0) this.#cutOff();
    else if (!this.#endSent) this.end();
    this.#close();
  }

  reset(): void {
    if (this.#gone) return;
    this.#cutOff();
    this.#close();
  }

  #later(ms: number, work: () => void): void {
    this.#scheduler.schedule(work, ms);
  }

  /** When so many bytes that are sent now will be there. */
  #arrival(bytes: number): number {
    const { latency, bandwidth } = this.#network;
    const now = this.#scheduler.now();
    this.#lineFree = Math.max(this.#lineFree, now) + Math.ceil((bytes * 1_000) / bandwidth);
    return this.#lineFree + latency;
  }

  #deliver(): void {
    const now = this.#scheduler.now();
    while (!this.#paused && !this.#gone) {
      const bytes = this.#arrived(now);
      if (bytes === undefined) break;
      this.#hand(bytes);
      this.#other.#roomMade();
    }
    if (this.#paused || this.#gone || this.#endTold || this.#inbox.length > 0 || this.#endAt > now) return;
    this.#endTold = true;
    this.#listener.ended();
  }

  /** Takes what has come: a parcel, or where parcels are joined, all of them. */
  #arrived(now: number): Uint8Array | undefined {
    const count = this.#network.coalesce ? this.#inbox.filter(({ at }) => at <= now).length : 1;
    const parcels = this.#inbox.slice(0, count).filter(({ at }) => at <= now);
    if (parcels.length === 0) return undefined;
    this.#inbox = this.#inbox.slice(parcels.length);
    return parcels.length === 1 ? parcels[0]?.bytes : Buffer.concat(parcels.map(({ bytes }) => bytes));
  }

  /** Gives the listener as much at once as the network brings at once. What it does not take now comes first later. */
  #hand(bytes: Uint8Array): void {
    const behind = this.#inbox;
    this.#inbox = [];
    let from = 0;
    while (from < bytes.length && !this.#paused && !this.#gone) {
      const to = Math.min(bytes.length, from + this.#piece(bytes.length));
      this.#inboxBytes -= to - from;
      this.#listener.received(bytes.slice(from, to));
      from = to;
    }
    if (this.#gone) return;
    if (from < bytes.length) this.#inbox.push({ at: 0, bytes: bytes.subarray(from) });
    this.#inbox.push(...behind);
  }

  #piece(length: number): number {
    const { split, roll } = this.#network;
    if (split === undefined) return length;
    return split === 'random' ? 1 + roll(Math.min(length, 16)) : split;
  }

  #roomMade(): void {
    if (!this.#wantsRoom || this.#gone || this.pending * 2 > this.#network.window) return;
    this.#wantsRoom = false;
    this.#later(0, () => {
      if (!this.#gone) this.#listener.drained();
    });
  }

  #cutOff(): void {
    const other = this.#other;
    this.#later(this.#network.latency, () => other.#fail('ECONNRESET'));
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
