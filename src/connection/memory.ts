import { checkFunction, checkInteger, checkObject, checkText } from '../check.js';
import { ConnectionReset } from '../errors.js';
import { type Connection, type ConnectionOptions, WireConnection, connectionLimits } from './connection.js';
import type { Wire, WireListener } from './wire.js';

/** How a pair in memory behaves. */
export interface MemoryOptions extends ConnectionOptions {
  /** Bytes that may be under way in each direction before a writer is full (default 65,536). */
  readonly window?: number;
  /** What the two ends are called (default `memory:a` and `memory:b`). */
  readonly names?: readonly [string, string];
  /** Runs something a moment later, never at once: the time that a byte is under way (default `setImmediate`). */
  readonly later?: (work: () => void) => void;
}

const soon = (work: () => void): void => {
  setImmediate(work);
};

const checkNames = (names: readonly string[]): readonly [string, string] => {
  const [first, second, ...more] = Array.isArray(names) ? (names as readonly string[]) : [];
  if (first === undefined || second === undefined || more.length > 0) throw new TypeError('names must be two texts');
  return [checkText('names', first), checkText('names', second)];
};

/**
 * Two connections, each the other's peer, in this process: no sockets, the same laws.
 *
 *     const [server, client] = memory();
 *     of(server).pipe(serve((bytes) => bytes)).subscribe();
 *
 * What one writes the other reads, chunk by chunk, a moment later and in order. A writer is full at `window` bytes.
 */
export const memory = (options: MemoryOptions = {}): [Connection, Connection] => {
  const limits = connectionLimits(checkObject('options', options));
  const window = checkInteger('window', options.window ?? 64 * 1024, 1);
  const later = checkFunction('later', options.later ?? soon);
  const [first, second] = checkNames(options.names ?? ['memory:a', 'memory:b']);
  const a = new MemoryWire(second, first, window, later);
  const b = new MemoryWire(first, second, window, later);
  a.join(b);
  b.join(a);
  return [new WireConnection(a, limits), new WireConnection(b, limits)];
};

/** One end of a pair. What is under way to it waits in its inbox, as it would in the buffers of two systems. */
class MemoryWire implements Wire {
  readonly peer: string;
  readonly local: string;
  readonly copies = true;
  readonly #window: number;
  readonly #later: (work: () => void) => void;
  #other!: MemoryWire;
  #listener!: WireListener;
  #inbox: Uint8Array[] = [];
  #inboxBytes = 0;
  #paused = true;
  #pumping = false;
  /** The other side's end is behind the last chunk of the inbox; it was told; our own was sent. */
  #endComing = false;
  #endTold = false;
  #endSent = false;
  #wantsRoom = false;
  #gone = false;

  constructor(peer: string, local: string, window: number, later: (work: () => void) => void) {
    this.peer = peer;
    this.local = local;
    this.#window = window;
    this.#later = later;
  }

  join(other: MemoryWire): void {
    this.#other = other;
  }

  attach(listener: WireListener): void {
    this.#listener = listener;
  }

  get pending(): number {
    return this.#gone ? 0 : this.#other.#inboxBytes;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#pump();
  }

  unread(chunk: Uint8Array): void {
    this.#inbox.unshift(chunk);
    this.#inboxBytes += chunk.length;
  }

  write(chunk: Uint8Array): boolean {
    if (this.#gone || this.#endSent) return true;
    const other = this.#other;
    if (other.#gone) {
      this.#break(new ConnectionReset('EPIPE'));
      return true;
    }
    // A copy, as a system makes one: what was written is the writer's again.
    other.#inbox.push(new Uint8Array(chunk));
    other.#inboxBytes += chunk.length;
    other.#pump();
    this.#wantsRoom = this.pending >= this.#window;
    return !this.#wantsRoom;
  }

  end(): void {
    if (this.#gone || this.#endSent) return;
    this.#endSent = true;
    this.#other.#endComing = true;
    this.#other.#pump();
    this.#later(() => {
      if (!this.#gone) this.#listener.finished();
    });
  }

  destroy(): void {
    if (this.#gone) return;
    // What a system does: bytes that nobody read turn the end into a reset.
    if (this.#inboxBytes > 0) this.#other.#break(new ConnectionReset('ECONNRESET'));
    else {
      this.#other.#endComing = true;
      this.#other.#pump();
    }
    this.#close();
  }

  reset(): void {
    if (this.#gone) return;
    this.#other.#break(new ConnectionReset('ECONNRESET'));
    this.#close();
  }

  #pump(): void {
    if (this.#pumping || this.#paused || this.#gone) return;
    this.#pumping = true;
    this.#later(() => {
      this.#pumping = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    while (!this.#paused && !this.#gone) {
      const chunk = this.#inbox.shift();
      if (chunk === undefined) break;
      this.#inboxBytes -= chunk.length;
      this.#listener.received(chunk);
      this.#other.#roomMade();
    }
    if (this.#paused || this.#gone || !this.#endComing || this.#endTold) return;
    this.#endTold = true;
    this.#listener.ended();
  }

  #roomMade(): void {
    if (!this.#wantsRoom || this.#gone || this.pending * 2 > this.#window) return;
    this.#wantsRoom = false;
    this.#later(() => {
      if (!this.#gone) this.#listener.drained();
    });
  }

  /** The other side is gone: a moment later this one learns it, and loses what was under way. */
  #break(error: ConnectionReset): void {
    this.#later(() => {
      if (!this.#gone) this.#listener.failed(error);
    });
  }

  #close(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#inbox = [];
    this.#inboxBytes = 0;
    this.#later(() => this.#listener.gone());
  }
}
