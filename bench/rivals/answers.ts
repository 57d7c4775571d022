const HEADER = 2;

/** What is read at once, in bytes. */
export const READ = 64 * 1024;

/** The most that the answers to one read can take: a frame that was held back and then came whole, and all of the read. */
export const MOST = HEADER + 65_535 + READ;

/** Below this many bytes a loop is faster than a call of `set`. */
const SHORT = 40;

const NOTHING = new Uint8Array(0);

/** What an application answers to a frame: here the frame itself. Gives where the answer ends. */
const answer = (from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number => {
  const length = end - start;
  to[at] = length >> 8;
  to[at + 1] = length;
  if (length > SHORT) to.set(from.subarray(start, end), at + HEADER);
  else for (let i = 0; i < length; i++) to[at + HEADER + i] = from[start + i] as number;
  return at + HEADER + length;
};

/**
 * Cuts the bytes of one connection into frames with a 2-byte length and encodes the answers, as one does it by hand. A
 * frame that straddles reads is the only one that is copied.
 */
export class Answers {
  /** A frame that has not come whole, with its header, as far as `#have`. */
  #held = NOTHING;
  #have = 0;

  /** The most that the answers to another `length` bytes can take. */
  room(length: number): number {
    return this.#have + length;
  }

  /** Encodes the answers to the first `length` bytes of `chunk` into `out`, and gives how many bytes they are. */
  encode(chunk: Uint8Array, length: number, out: Uint8Array): number {
    let at = 0;
    let end = 0;
    if (this.#have > 0) {
      at = this.#hold(chunk, 0, length);
      if (this.#have < HEADER || this.#have < this.#size) return 0;
      end = answer(this.#held, HEADER, this.#size, out, 0);
      this.#have = 0;
    }
    while (length - at >= HEADER) {
      const size = HEADER + (((chunk[at] as number) << 8) | (chunk[at + 1] as number));
      if (length - at < size) break;
      end = answer(chunk, at + HEADER, at + size, out, end);
      at += size;
    }
    if (at < length) this.#hold(chunk, at, length);
    return end;
  }

  get #size(): number {
    return HEADER + (((this.#held[0] as number) << 8) | (this.#held[1] as number));
  }

  /** Takes from the chunk what the held frame lacks, and gives where that ends. */
  #hold(chunk: Uint8Array, start: number, end: number): number {
    let at = start;
    if (this.#held === NOTHING) this.#held = new Uint8Array(HEADER);
    while (at < end && this.#have < HEADER) this.#held[this.#have++] = chunk[at++] as number;
    if (this.#have < HEADER) return at;
    if (this.#held.length < this.#size) {
      const header = this.#held;
      this.#held = new Uint8Array(this.#size);
      this.#held.set(header.subarray(0, HEADER));
    }
    const taken = Math.min(this.#size - this.#have, end - at);
    this.#held.set(chunk.subarray(at, at + taken), this.#have);
    this.#have += taken;
    return at + taken;
  }
}
