import { checkInteger } from '../check.js';

/** Bytes that a ring begins with. */
const LEAST = 64;
/** Bytes that a ring may keep while it is empty: a frame of usual size then costs no new memory. */
const KEPT = 4096;

const NOTHING = new Uint8Array(0);

/** Up to so many bytes are copied one by one: for few, a view costs more than it saves. */
const FEW = 32;

/** @internal Copies `count` bytes. */
export const copy = (source: Uint8Array, from: number, target: Uint8Array, at: number, count: number): void => {
  if (count > FEW) target.set(source.subarray(from, from + count), at);
  else for (let index = 0; index < count; index++) target[at + index] = source[from + index] as number;
};

/**
 * A circular buffer of bytes: written at the back, read and dropped at the front.
 *
 * It starts small and doubles when it must, up to `capacity`: the most bytes it will ever hold. Empty and grown large,
 * it lets its memory go. Only bytes that were written can be read.
 */
export class Ring {
  /** The most bytes that it will hold. May be changed: it then takes in no more than that, and loses none. */
  capacity: number;
  #bytes = NOTHING;
  #front = 0;
  #length = 0;

  constructor(capacity: number) {
    this.capacity = checkInteger('capacity', capacity, 1);
  }

  /** Bytes held. */
  get length(): number {
    return this.#length;
  }

  /** Bytes of memory that it occupies at present, filled or not. */
  get size(): number {
    return this.#bytes.length;
  }

  /**
   * Appends as much of `chunk`, from its byte `from` on, as there is room for, and answers how many bytes that was.
   * `expected`: how many are to be held soon, where that is known.
   */
  write(chunk: Uint8Array, from = 0, expected = 0): number {
    const count = Math.min(chunk.length - from, this.capacity - this.#length);
    if (count <= 0) return 0;
    const length = this.#length + count;
    if (length > this.#bytes.length) this.#grow(length, expected);
    // A peer that drips: the rest would cost a sixth more for each byte.
    if (count === 1) {
      this.#bytes[this.#place(this.#length)] = chunk[from] as number;
      this.#length = length;
      return 1;
    }
    const back = this.#place(this.#length);
    const first = Math.min(count, this.#bytes.length - back);
    copy(chunk, from, this.#bytes, back, first);
    if (first < count) copy(chunk, from + first, this.#bytes, 0, count - first);
    this.#length = length;
    return count;
  }

  /** The byte at `index`, counted from the front, or -1 where there is none. */
  at(index: number): number {
    return index >= 0 && index < this.#length ? (this.#bytes[this.#place(index)] as number) : -1;
  }

  /** Where `byte` stands first, at `from` or after it, or -1. */
  indexOf(byte: number, from: number): number {
    for (let index = Math.max(from, 0); index < this.#length; index++) {
      if (this.#bytes[this.#place(index)] === byte) return index;
    }
    return -1;
  }

  /** Copies the bytes from `start` up to, not including, `end` into `target`, at its beginning. */
  copyTo(target: Uint8Array, start: number, end: number): void {
    checkInteger('end', end, 0, this.#length);
    checkInteger('start', start, 0, end);
    const from = this.#place(start);
    const first = Math.min(end - start, this.#bytes.length - from);
    copy(this.#bytes, from, target, 0, first);
    if (first < end - start) copy(this.#bytes, 0, target, first, end - start - first);
  }

  /** A copy of the bytes from `start` up to, not including, `end`. */
  slice(start: number, end: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, end - start));
    this.copyTo(bytes, start, end);
    return bytes;
  }

  /** Takes `count` bytes off the front. */
  drop(count: number): void {
    this.#length -= checkInteger('count', count, 0, this.#length);
    this.#front = this.#length === 0 ? 0 : this.#place(count);
    if (this.#length === 0 && this.#bytes.length > KEPT) this.#bytes = NOTHING;
  }

  /** Whether a frame of `size` bytes is large, and would fill the memory from its first byte to its last. */
  fits(size: number): boolean {
    return size > KEPT && size === this.#bytes.length && this.#front === 0;
  }

  /** Gives its memory away, with all that it holds. */
  give(): Uint8Array {
    const bytes = this.#bytes;
    this.#bytes = NOTHING;
    this.#length = 0;
    return bytes;
  }

  #place(index: number): number {
    const place = this.#front + index;
    return place < this.#bytes.length ? place : place - this.#bytes.length;
  }

  #grow(needed: number, expected: number): void {
    let size = Math.max(LEAST, this.#bytes.length);
    while (size < needed) size *= 2;
    // Not at once all that a peer has announced: it may never send it. Twice as much as has come is taken in any case.
    if (expected > KEPT && expected >= needed && expected <= needed * 2) size = expected;
    const bytes = new Uint8Array(Math.max(needed, Math.min(size, this.capacity)));
    this.copyTo(bytes, 0, this.#length);
    this.#bytes = bytes;
    this.#front = 0;
  }
}
