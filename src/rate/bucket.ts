import { Alarm, type Timetable } from '../time/timetable.js';

/** How much a bucket lets through a second, and how much it holds. */
export interface Rates {
  readonly messages: number;
  readonly messageBurst: number;
  readonly bytes: number;
  readonly byteBurst: number;
}

/** Who has something that is to go through as soon as it may. */
export interface Waiter {
  /** The bytes of it, or 0 where they are not counted. */
  readonly size: number;
  /** It may go: its tokens are taken. */
  pass(): void;
}

/** What buckets have in common: the rates, which may change, and where those are noted in which somebody waits. */
export interface Terms {
  readonly rates: Rates;
  readonly waitedFor: Set<Bucket>;
}

/** Tokens are added up from parts, and may be short by a hair's breadth. */
const HAIR = 1e-9;
const ONE = 1 - HAIR;

/**
 * A token bucket for messages and their bytes together.
 *
 * A message costs one token and as many as it has bytes. It goes if that is there; one of more bytes than the bucket holds
 * goes when it is full, and leaves a debt. Those who wait go in turn, one message each, and nobody who comes later goes
 * ahead of them.
 */
export class Bucket {
  readonly #terms: Terms;
  readonly #timetable: Timetable;
  #messages: number;
  #bytes: number;
  /** Of when the tokens are. */
  #at: number;
  /** Made when somebody waits for the first time. */
  #waiting: Set<Waiter> | null = null;
  #alarm: Alarm | null = null;
  #waking = false;

  constructor(terms: Terms, timetable: Timetable) {
    this.#terms = terms;
    this.#timetable = timetable;
    this.#messages = terms.rates.messageBurst;
    this.#bytes = terms.rates.byteBurst;
    this.#at = timetable.now();
  }

  /** Lets a message of `size` bytes through, if it may go and nobody waits. */
  take(size: number): boolean {
    if (this.#timetable.now() !== this.#at) this.settle();
    if (this.#messages < ONE || (this.#bytes < size && !this.#isFull())) return false;
    if (this.#waiting !== null && this.#waiting.size > 0) return false;
    this.#messages -= 1;
    this.#bytes -= size;
    return true;
  }

  /** What a message lacks that may not go. */
  get lacking(): 'messages' | 'bytes' {
    return this.#messages < ONE ? 'messages' : 'bytes';
  }

  /** Calls the waiter once, as soon as it is its turn: it may be now. */
  wait(waiter: Waiter): void {
    const waiting = (this.#waiting ??= new Set());
    waiting.add(waiter);
    this.#terms.waitedFor.add(this);
    if (waiting.size === 1) this.wake();
  }

  forget(waiter: Waiter): void {
    if (this.#waiting?.delete(waiter) === true) this.wake();
  }

  /** Lets go whoever may, and sets the alarm for the next. */
  wake(): void {
    const waiting = this.#waiting;
    if (waiting === null || this.#waking) return;
    this.#waking = true;
    try {
      this.settle();
      for (const waiter of waiting) {
        const ms = this.#missing(waiter.size);
        if (ms > 0) return this.#wakeIn(ms);
        waiting.delete(waiter);
        this.#messages -= 1;
        this.#bytes -= waiter.size;
        // One that waits again goes to the end of the row.
        waiter.pass();
      }
      this.#terms.waitedFor.delete(this);
      this.#alarm?.clear();
    } finally {
      this.#waking = false;
    }
  }

  /** Adds what has come to be allowed by now. */
  settle(): void {
    const now = this.#timetable.now();
    if (now === this.#at) return;
    const seconds = (now - this.#at) / 1_000;
    this.#at = now;
    if (seconds < 0) return;
    const { messages, messageBurst, bytes, byteBurst } = this.#terms.rates;
    this.#messages = Math.min(messageBurst, this.#messages + seconds * messages);
    this.#bytes = Math.min(byteBurst, this.#bytes + seconds * bytes);
  }

  /** The rates have changed. */
  changed(): void {
    const { messages, messageBurst, bytes, byteBurst } = this.#terms.rates;
    this.#messages = messages === Infinity ? messageBurst : Math.min(messageBurst, this.#messages);
    this.#bytes = bytes === Infinity ? byteBurst : Math.min(byteBurst, this.#bytes);
    this.wake();
  }

  /** A message of more bytes than it holds goes then. */
  #isFull(): boolean {
    return this.#bytes >= this.#terms.rates.byteBurst - HAIR;
  }

  /** Milliseconds until a message of `size` bytes may go. */
  #missing(size: number): number {
    const { messages, bytes, byteBurst } = this.#terms.rates;
    const ofMessages = Math.max(0, 1 - this.#messages) / messages;
    const ofBytes = Math.max(0, Math.min(size, byteBurst) - this.#bytes) / bytes;
    return Math.ceil(Math.max(ofMessages, ofBytes) * 1_000 - HAIR);
  }

  #wakeIn(ms: number): void {
    this.#alarm ??= new Alarm(this.#timetable, { due: () => this.wake() });
    this.#alarm.set(ms);
  }
}
