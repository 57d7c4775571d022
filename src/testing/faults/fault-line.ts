import { Subscription } from 'rxjs';
import { Queue } from '../../flow/queue.js';
import type { Clock } from '../../time/clock.js';
import type { Fault } from './fault.js';

/** Chance: a whole number from 0 up to `below`. */
export type Roll = (below: number) => number;

/** What all faults of a line come to together. Times in milliseconds. */
interface Effects {
  readonly latency: number;
  readonly jitter: number;
  readonly bytesPerMs: number;
  /** The size of a piece at most, and by how much less it may be. */
  readonly size: number;
  readonly variation: number;
  readonly gap: number;
  readonly closing: number;
  readonly hole: boolean;
}

const NO_EFFECTS: Effects = {
  latency: 0,
  jitter: 0,
  bytesPerMs: Infinity,
  size: Infinity,
  variation: 0,
  gap: 0,
  closing: 0,
  hole: false,
};

const withFault = (all: Effects, fault: Fault): Effects => {
  switch (fault.type) {
    case 'latency':
      return { ...all, latency: all.latency + fault.ms, jitter: all.jitter + (fault.jitter ?? 0) };
    case 'bandwidth':
      return { ...all, bytesPerMs: Math.min(all.bytesPerMs, fault.bytesPerSecond / 1_000) };
    case 'slicer': {
      const { size, variation = 0, ms = 0 } = fault;
      const smaller = size + variation < all.size ? { size: size + variation, variation: 2 * variation } : {};
      return { ...all, ...smaller, gap: Math.max(all.gap, ms) };
    }
    case 'slow-close':
      return { ...all, closing: all.closing + fault.ms };
    case 'black-hole':
      return { ...all, hole: true };
    case 'byte-limit':
    case 'reset':
    case 'down':
  }
  return all;
};

/** What is under way: bytes, or something that happens behind all that was sent before it. */
interface Item {
  /** When it was sent, and its luck with the jitter: -1 to 1. */
  readonly since: number;
  readonly luck: number;
  /** What is left of the bytes, and how many of them go next; 0 while that is not settled. */
  bytes: Uint8Array | null;
  size: number;
  readonly pass: () => void;
  readonly isEnd: boolean;
}

/** Through a narrow line bytes go a few at a time: what it carries in so many milliseconds, or one. */
const TICK = 10;

/**
 * One direction of a connection: what is sent at one side comes out at the other, in order, when the faults let it.
 *
 * Only the first in the queue waits for a moment, and that moment follows from when it was sent, when the one before it
 * left, and the faults as they are: so whenever they change it is reckoned anew, and nothing waits for a fault that is
 * gone. Without faults and with nothing in the queue, what is sent comes out before `send` returns.
 */
export class FaultLine {
  /** Bytes that are under way. */
  held = 0;
  readonly #clock: Clock;
  readonly #roll: Roll;
  /** Told when a byte limit is reached. */
  readonly #overLimit: () => void;
  readonly #queue = new Queue<Item>();
  readonly #faults = new Set<Fault>();
  /** How many bytes may still go through, by the fault that says so. */
  readonly #limits = new Map<Fault, number>();
  #effects = NO_EFFECTS;
  #take: ((bytes: Uint8Array) => boolean) | null = null;
  /** When the last piece left. */
  #leftAt = -Infinity;
  /** For the moment in which the first in the queue may go. */
  #waiting: Subscription | null = null;
  /** Whoever takes the bytes has enough for now. */
  #full = false;
  #passing = false;
  #closed = false;

  constructor(clock: Clock, roll: Roll, overLimit: () => void) {
    this.#clock = clock;
    this.#roll = roll;
    this.#overLimit = overLimit;
  }

  /** Gives the line the one who takes what comes out. Who answers false has enough until `goOn` is called. */
  attach(take: (bytes: Uint8Array) => boolean): void {
    this.#take = take;
    this.#pass();
  }

  add(fault: Fault): void {
    this.#faults.add(fault);
    if (fault.type === 'byte-limit') this.#limits.set(fault, fault.bytes);
    this.#changed();
  }

  remove(fault: Fault): void {
    this.#faults.delete(fault);
    this.#limits.delete(fault);
    this.#changed();
  }

  /** Sends bytes. They must stay as they are. */
  send(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#enter(bytes, nothing, false);
  }

  /** Sends the end: `pass` is called when it comes out. */
  end(pass: () => void): void {
    this.#enter(null, pass, true);
  }

  /** Calls `pass` when all that was sent has come out, as late as if it were sent, too. */
  behind(pass: () => void): void {
    this.#enter(null, pass, false);
  }

  /** The one who takes the bytes has room again. */
  goOn(): void {
    this.#full = false;
    this.#pass();
  }

  /** Forgets what is under way. */
  drop(): void {
    this.#stopWaiting();
    this.#queue.clear();
    this.held = 0;
  }

  /** Nothing goes through any more. */
  close(): void {
    this.#closed = true;
    this.drop();
  }

  #enter(bytes: Uint8Array | null, pass: () => void, isEnd: boolean): void {
    if (this.#closed) return;
    const luck = this.#effects.jitter === 0 ? 0 : this.#roll(2_001) / 1_000 - 1;
    this.#queue.push({ since: this.#clock.now(), luck, bytes, size: 0, pass, isEnd });
    this.held += bytes?.length ?? 0;
    if (this.#waiting === null) this.#pass();
  }

  #changed(): void {
    this.#effects = [...this.#faults].reduce(withFault, NO_EFFECTS);
    const first = this.#queue.peek();
    if (first !== undefined) first.size = 0;
    this.#pass();
  }

  readonly #pass = (): void => {
    if (this.#passing) return;
    this.#stopWaiting();
    this.#passing = true;
    try {
      while (this.#passFirst());
    } finally {
      this.#passing = false;
    }
  };

  #stopWaiting(): void {
    this.#waiting?.unsubscribe();
    this.#waiting = null;
  }

  /** Lets the first in the queue go if its time has come, or waits for that. Whether the next is to be looked at. */
  #passFirst(): boolean {
    const first = this.#queue.peek();
    if (first === undefined || this.#full || this.#take === null || this.#effects.hole) return false;
    const now = this.#clock.now();
    const at = this.#momentOf(first);
    if (at > now) {
      this.#waiting = this.#clock.after(Math.ceil(at - now), this.#pass);
      return false;
    }
    // Who is late may make up for a little of it, so that a rate is kept on average.
    this.#leftAt = Math.max(at, now - TICK);
    if (first.bytes !== null) return this.#deliver(first, first.bytes, this.#take);
    this.#queue.shift();
    first.pass();
    return true;
  }

  /** When the first in the queue, or the piece of it that goes next, may leave. */
  #momentOf(first: Item): number {
    const { latency, jitter, bytesPerMs, gap, closing } = this.#effects;
    const under = latency + jitter * first.luck + (first.isEnd ? closing : 0);
    if (first.bytes === null) return Math.max(first.since + under, this.#leftAt);
    if (first.size === 0) first.size = this.#pieceOf(first.bytes.length);
    return Math.max(first.since + under, this.#leftAt + gap) + first.size / bytesPerMs;
  }

  #pieceOf(length: number): number {
    const { bytesPerMs, size, variation } = this.#effects;
    const slice = size - (variation === 0 ? 0 : this.#roll(variation + 1));
    const carried = Math.max(1, Math.floor(bytesPerMs * TICK));
    return Math.min(length, slice, carried);
  }

  /** How many bytes may still go through. */
  get #allowance(): number {
    return this.#limits.size === 0 ? Infinity : Math.min(...this.#limits.values());
  }

  #deliver(first: Item, bytes: Uint8Array, take: (bytes: Uint8Array) => boolean): boolean {
    const piece = bytes.subarray(0, Math.min(first.size, this.#allowance));
    if (piece.length === bytes.length) this.#queue.shift();
    else first.bytes = bytes.subarray(piece.length);
    first.size = 0;
    this.held -= piece.length;
    for (const [fault, left] of this.#limits) this.#limits.set(fault, left - piece.length);
    if (piece.length > 0) this.#full = !take(piece);
    if (this.#allowance === 0) {
      this.#overLimit();
      return false;
    }
    if (this.#effects.size === Infinity) return true;
    this.#waiting = soon(this.#clock, this.#pass);
    return false;
  }
}

const nothing = (): void => {};

/** Runs `work` in a turn of its own, unless that is taken back. */
const soon = (clock: Clock, work: () => void): Subscription => {
  const waiting = new Subscription();
  clock.afterReads(() => {
    if (!waiting.closed) work();
  });
  return waiting;
};
