import { Ring, copy } from './ring.js';
import type { Front } from './rule.js';

const NOTHING = new Uint8Array(0);

/** An unsigned number, byte by byte: multiplied, not shifted, so that it never comes out small. */
const uintOf = (front: Front, index: number, width: number, littleEndian: boolean): number => {
  let value = 0;
  for (let count = 0; count < width; count++)
    value = value * 256 + front.at(littleEndian ? index + width - 1 - count : index + count);
  return value;
};

/** No chunks that wait. */
const NONE: readonly Uint8Array[] = [];

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
  #chunk: Uint8Array = NOTHING;
  /** Where in the chunk the bytes at hand begin; below zero by as many bytes as the ring holds, which come first. */
  #start = 0;
  /** Where they end: the chunk's length. */
  #end = 0;
  /** The memory behind the chunk, and where the chunk begins in it: asked for once, for it costs more than a view. */
  #memory: ArrayBufferLike | null = null;
  #base = 0;
  #waiting = NONE;
  #served = 0;

  /** Bytes in the ring and in the chunk. */
  get length(): number {
    return this.#end - this.#start;
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
    const place = this.#start + index;
    if (place < 0) return this.#held(index);
    return place < this.#end ? (this.#chunk[place] as number) : -1;
  }

  uint(index: number, width: number, littleEndian = false): number {
    const place = this.#start + index;
    if (place < 0 || place + width > this.#end) return uintOf(this, index, width, littleEndian);
    // The next frame waits for this number: the usual widths are read all at once.
    const chunk = this.#chunk;
    const first = littleEndian ? place + width - 1 : place;
    const step = littleEndian ? -1 : 1;
    if (width === 1) return chunk[first] as number;
    if (width === 2) return (chunk[first] as number) * 0x1_00 + (chunk[first + step] as number);
    if (width !== 4) return uintOf(this, index, width, littleEndian);
    const high = (chunk[first] as number) * 0x1_00_00_00 + (chunk[first + step] as number) * 0x1_00_00;
    return high + ((chunk[first + 2 * step] as number) * 0x1_00 + (chunk[first + 3 * step] as number));
  }

  indexOf(byte: number, from: number): number {
    const first = this.#start + from;
    if (first < 0) return this.#indexAcross(byte, from);
    const place = this.#chunk.indexOf(byte, first);
    return place < 0 ? -1 : place - this.#start;
  }

  /** Appends a chunk. It is not copied, so it must not be changed before its bytes are cut or put in the ring. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.#end > Math.max(0, this.#start) || this.waits) this.#wait(chunk);
    else this.#take(chunk);
  }

  /**
   * Puts what is left of the chunk into the ring and takes up the next. Answers whether there was one. `expected`: how
   * many bytes the frame under way has, where that is known.
   */
  advance(capacity: number, expected = 0): boolean {
    if (this.#end > Math.max(0, this.#start)) this.#hold(capacity, expected);
    if (!this.waits) {
      this.#take(NOTHING);
      return false;
    }
    this.#take(this.#waiting[this.#served] as Uint8Array);
    (this.#waiting as Uint8Array[])[this.#served++] = NOTHING;
    if (this.#served === this.#waiting.length) {
      this.#waiting = NONE;
      this.#served = 0;
    }
    return true;
  }

  /**
   * Takes `size` bytes off the front and gives the `payload` bytes after the first `header` ones: a view where they
   * all lie in the chunk, otherwise a copy. Always a plain Uint8Array, also where the chunk is a Buffer.
   */
  cut(header: number, payload: number, size: number): Uint8Array {
    const start = this.#start;
    if (start < 0) return this.#cutAcross(header, payload, size);
    this.#start = start + size;
    return new Uint8Array(this.#memory ?? this.#findMemory(), this.#base + start + header, payload);
  }

  /** Takes `count` bytes off the front. */
  drop(count: number): void {
    if (this.#start < 0) (this.#ring as Ring).drop(Math.min(count, -this.#start));
    this.#start += count;
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
    this.#take(new Uint8Array(this.#chunk.subarray(Math.max(0, this.#start))));
  }

  /** Lets go of all bytes. */
  clear(): void {
    this.#ring = null;
    this.#start = 0;
    this.#take(NOTHING);
    this.#waiting = NONE;
    this.#served = 0;
  }

  #wait(chunk: Uint8Array): void {
    if (this.#waiting === NONE) this.#waiting = [];
    (this.#waiting as Uint8Array[]).push(chunk);
  }

  /** Takes up a chunk after one of which nothing is left. */
  #take(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#start = Math.min(0, this.#start);
    this.#end = chunk.length;
    this.#memory = null;
  }

  #held(index: number): number {
    return this.#ring?.at(index) ?? -1;
  }

  #findMemory(): ArrayBufferLike {
    this.#base = this.#chunk.byteOffset;
    return (this.#memory = this.#chunk.buffer);
  }

  /** Looks first through the ring, then through the chunk. */
  #indexAcross(byte: number, from: number): number {
    const index = this.#ring?.indexOf(byte, from) ?? -1;
    return index < 0 ? this.indexOf(byte, -this.#start) : index;
  }

  /** Cuts where the ring has some of the bytes. */
  #cutAcross(header: number, payload: number, size: number): Uint8Array {
    const ring = this.#ring as Ring;
    if (-this.#start <= size && ring.fits(size)) return this.#fill(ring, size).subarray(header, header + payload);
    const from = this.#start + header;
    let frame: Uint8Array;
    if (from >= 0) frame = new Uint8Array(this.#memory ?? this.#findMemory(), this.#base + from, payload);
    else this.#copyTo((frame = new Uint8Array(payload)), header);
    this.drop(size);
    return frame;
  }

  /** Puts the rest of a frame that fills the ring's memory there, and takes the memory for it. */
  #fill(ring: Ring, size: number): Uint8Array {
    const rest = this.#start + size;
    ring.write(this.#chunk.subarray(0, rest));
    this.#start = rest;
    return ring.give();
  }

  /** Copies bytes into all of `target`, beginning with the one at `start`. */
  #copyTo(target: Uint8Array, start: number): void {
    const from = this.#start + start;
    const held = Math.max(0, Math.min(target.length, -from));
    if (held > 0) (this.#ring as Ring).copyTo(target, start, start + held);
    copy(this.#chunk, from + held, target, held, target.length - held);
  }

  #hold(capacity: number, expected: number): void {
    const ring = (this.#ring ??= new Ring(capacity));
    ring.capacity = capacity;
    ring.write(this.#chunk, Math.max(0, this.#start), expected);
    this.#start = -ring.length;
  }
}

/** See `frontOf`. */
class WholeFront implements Front {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get length(): number {
    return this.#bytes.length;
  }

  at(index: number): number {
    return this.#bytes[index] ?? -1;
  }

  indexOf(byte: number, from: number): number {
    return this.#bytes.indexOf(byte, from);
  }

  uint(index: number, width: number, littleEndian = false): number {
    return uintOf(this, index, width, littleEndian);
  }
}

/**
 * A front of nothing but `bytes`, to judge what was encoded. Not `BytesAtHand`: what is made of plain arrays and of
 * Buffers in turn costs the compiler its best code for both. And no object literal, of which each has functions of its
 * own: a rule that has seen some of these is slow with all.
 */
export const frontOf = (bytes: Uint8Array): Front => new WholeFront(bytes);
