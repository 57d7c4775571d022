import { Ring } from './ring.js';
import type { Front } from './rule.js';

const NOTHING = new Uint8Array(0);

/**
 * The bytes that have come and are not cut yet: what is left of earlier chunks, in a ring, then the chunk at hand,
 * then chunks that wait.
 *
 * To a rule, ring and chunk are one row of bytes. Nothing is copied to be looked at: only what is left when a chunk is
 * used up goes into the ring, and a chunk is let go of as soon as it is used up.
 */
export class BytesAtHand implements Front {
  /** Made when a frame first straddles two chunks. */
  #ring: Ring | null = null;
  /** Bytes in the ring. */
  #held = 0;
  #chunk: Uint8Array = NOTHING;
  /** Where in the chunk the bytes at hand begin. */
  #from = 0;
  #waiting: Uint8Array[] = [];
  #served = 0;

  /** Bytes in the ring and in the chunk. */
  get length(): number {
    return this.#held + this.#chunk.length - this.#from;
  }

  /** The same, and those in the chunks that wait. */
  get total(): number {
    let total = this.length;
    for (let next = this.#served; next < this.#waiting.length; next++)
      total += (this.#waiting[next] as Uint8Array).length;
    return total;
  }

  /** Whether there are chunks that wait. */
  get waits(): boolean {
    return this.#served < this.#waiting.length;
  }

  at(index: number): number {
    if (index < this.#held) return (this.#ring as Ring).at(index);
    return this.#chunk[this.#from + index - this.#held] ?? -1;
  }

  indexOf(byte: number, from: number): number {
    if (from < this.#held) {
      const index = (this.#ring as Ring).indexOf(byte, from);
      if (index >= 0) return index;
    }
    const skipped = this.#from - this.#held;
    const place = this.#chunk.indexOf(byte, Math.max(this.#from, from + skipped));
    return place < 0 ? -1 : place - skipped;
  }

  /** Appends a chunk. It is not copied, so it must not be changed before its bytes are cut or put in the ring. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.#from < this.#chunk.length || this.waits) {
      this.#waiting.push(chunk);
      return;
    }
    this.#chunk = chunk;
    this.#from = 0;
  }

  /** Puts what is left of the chunk into the ring and takes up the next. Answers whether there was one. */
  advance(capacity: number): boolean {
    if (this.#from < this.#chunk.length) this.#hold(capacity);
    this.#from = 0;
    const next = this.#waiting[this.#served];
    if (next === undefined) {
      this.#chunk = NOTHING;
      return false;
    }
    this.#chunk = next;
    this.#waiting[this.#served++] = NOTHING;
    if (this.#served === this.#waiting.length) {
      this.#waiting = [];
      this.#served = 0;
    }
    return true;
  }

  /**
   * Takes `size` bytes off the front and gives the `payload` bytes after the first `header` ones: a view where they
   * all lie in the chunk, otherwise a copy. Always a plain Uint8Array, also where the chunk is a Buffer.
   */
  cut(header: number, payload: number, size: number): Uint8Array {
    const start = header - this.#held;
    if (start >= 0) {
      const frame = new Uint8Array(this.#chunk.buffer, this.#chunk.byteOffset + this.#from + start, payload);
      this.drop(size);
      return frame;
    }
    const frame = new Uint8Array(payload);
    this.#copyTo(frame, header);
    this.drop(size);
    return frame;
  }

  /** Takes `count` bytes off the front. */
  drop(count: number): void {
    if (this.#held === 0) {
      this.#from += count;
      return;
    }
    const held = Math.min(count, this.#held);
    (this.#ring as Ring).drop(held);
    this.#held -= held;
    this.#from += count - held;
  }

  /** A copy of all bytes, those that wait included. */
  copy(): Uint8Array {
    const bytes = new Uint8Array(this.total);
    const { length } = this;
    this.#copyTo(bytes.subarray(0, length), 0);
    let at = length;
    for (let next = this.#served; next < this.#waiting.length; next++) {
      const chunk = this.#waiting[next] as Uint8Array;
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  /** Has its own copy of what is not cut yet, because the chunk is about to be overwritten. */
  keep(): void {
    if (this.#from < this.#chunk.length) this.#chunk = new Uint8Array(this.#chunk.subarray(this.#from));
    else this.#chunk = NOTHING;
    this.#from = 0;
  }

  /** Lets go of all bytes. */
  clear(): void {
    this.#ring = null;
    this.#held = 0;
    this.#chunk = NOTHING;
    this.#from = 0;
    this.#waiting = [];
    this.#served = 0;
  }

  /** Copies bytes into all of `target`, beginning with the one at `start`. */
  #copyTo(target: Uint8Array, start: number): void {
    const held = Math.max(0, Math.min(target.length, this.#held - start));
    if (held > 0) (this.#ring as Ring).copyTo(target, start, start + held);
    const from = this.#from + start + held - this.#held;
    target.set(this.#chunk.subarray(from, from + target.length - held), held);
  }

  #hold(capacity: number): void {
    const ring = (this.#ring ??= new Ring(capacity));
    ring.capacity = capacity;
    this.#held += ring.write(this.#chunk, this.#from);
  }
}

/** A front of nothing but `bytes`, to judge what was encoded. */
export const frontOf = (bytes: Uint8Array): Front => {
  const front = new BytesAtHand();
  front.push(bytes);
  return front;
};
