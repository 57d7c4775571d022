/** The bytes in front of a payload: two, up to eight of a longer length, and four of a mask. */
const LONGEST_HEAD = 14;

/**
 * Follows the bytes of a WebSocket from frame to frame, to know whether a message is under way. What is wrong with them is
 * for who reads the messages to say. RFC 6455, section 5.2.
 */
export class Boundary {
  readonly #head = new Uint8Array(LONGEST_HEAD);
  #held = 0;
  /** Bytes of a payload that are to come. */
  #left = 0;
  /** A message is to be continued in another frame. */
  #open = false;

  /** Whether something has begun that is not whole: a frame, or a message of several. */
  get unfinished(): boolean {
    return this.#held > 0 || this.#left > 0 || this.#open;
  }

  /** The bytes that come next. True if nothing was unfinished at one place in them, or behind them. */
  pass(chunk: Uint8Array): boolean {
    let passed = false;
    for (let at = 0; at < chunk.length;) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, chunk.length - at);
        this.#left -= step;
        at += step;
      } else {
        this.#head[this.#held++] = chunk[at++] as number;
        this.#begin();
      }
      if (!this.unfinished) passed = true;
    }
    return passed;
  }

  /** The payload begins, if the head is whole. */
  #begin(): void {
    const [first = 0, second = 0] = this.#head;
    const short = second & 0x7f;
    const wide = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (this.#held < 2 || this.#held < 2 + wide + (second >= 0x80 ? 4 : 0)) return;
    this.#held = 0;
    this.#left = wide === 0 ? short : 0;
    for (let at = 2; at < 2 + wide; at++) this.#left = this.#left * 256 + (this.#head[at] as number);
    // A control frame may come between those of a message.
    if ((first & 15) < 8) this.#open = first < 0x80;
  }
}
