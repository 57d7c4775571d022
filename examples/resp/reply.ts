// What a client is answered, in RESP2 or, once it has said HELLO 3, in RESP3.

/** Bytes that answers are put together in. */
const BLOCK = 16 * 1024;

/** A value of more bytes is passed on as it is, and not copied. */
const LARGE = 4 * 1024;

/** The most bytes of a header: a sign, 20 digits, a line end. */
const HEADER = 32;

const [CR, LF, ZERO] = [0x0d, 0x0a, 0x30];

// A block that nobody writes to at the moment, and how much of it is handed out already: that is never written to again.
// Mostly there is one for all connections, for a request is answered to its end before the next one is looked at.
let spare = Buffer.allocUnsafeSlow(BLOCK);
let spareUsed = 0;

const NO_BLOCK = Buffer.alloc(0);

const constant = (text: string): Uint8Array => Buffer.from(text, 'latin1');

const OK = constant('+OK\r\n');
const PONG = constant('+PONG\r\n');
const QUEUED = constant('+QUEUED\r\n');
const NULL = { 2: constant('$-1\r\n'), 3: constant('_\r\n') } as const;
const NULL_ARRAY = { 2: constant('*-1\r\n'), 3: NULL[3] } as const;

export type ProtocolVersion = 2 | 3;

/** Writes answers, and passes on what is written when it is told to, or when there is a block of it. */
export class Reply {
  protocol: ProtocolVersion = 2;
  readonly #pass: (bytes: Uint8Array) => void;
  /** A whole answer that stands alone so far: mostly it is all of it. */
  #alone: Uint8Array | null = null;
  /** What is written, while there is something: from `#start` to `#used`. */
  #block = NO_BLOCK;
  #start = 0;
  #used = 0;

  constructor(pass: (bytes: Uint8Array) => void) {
    this.#pass = pass;
  }

  /** Passes on what is written. */
  flush(): void {
    const alone = this.#alone;
    if (alone !== null) {
      this.#alone = null;
      this.#pass(alone);
    } else if (this.#block !== NO_BLOCK) {
      const bytes = this.#block.subarray(this.#start, this.#used);
      spare = this.#block;
      spareUsed = this.#used;
      this.#block = NO_BLOCK;
      this.#pass(bytes);
    }
  }

  ok(): void {
    this.#whole(OK);
  }

  pong(): void {
    this.#whole(PONG);
  }

  queued(): void {
    this.#whole(QUEUED);
  }

  null(): void {
    this.#whole(NULL[this.protocol]);
  }

  nullArray(): void {
    this.#whole(NULL_ARRAY[this.protocol]);
  }

  simple(text: string): void {
    this.#line('+', text);
  }

  error(text: string): void {
    // Somebody's own words may be in it.
    this.#line('-', text.replaceAll(/[\r\n]/g, ' '));
  }

  integer(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0 && value <= 0x7fffffff) this.#header(0x3a, value);
    else this.#line(':', String(value));
  }

  bulk(bytes: Uint8Array): void {
    const { length } = bytes;
    this.#header(0x24, length);
    if (length > LARGE) {
      this.flush();
      this.#pass(bytes);
    } else {
      this.#room(length + 2);
      this.#copy(bytes);
    }
    this.#lineEnd();
  }

  /** A bulk of a text that has a character for each byte. */
  text(text: string): void {
    this.#header(0x24, text.length);
    this.#latin1(text);
    this.#lineEnd();
  }

  /** Words for people. */
  verbatim(text: string): void {
    const words = Buffer.from(text);
    if (this.protocol === 2) return this.bulk(words);
    this.#line('=', `${words.length + 4}\r\ntxt:${words.toString('latin1')}`);
  }

  /** So many elements follow. */
  array(length: number): void {
    this.#header(0x2a, length);
  }

  /** So many keys, and a value behind each. */
  map(length: number): void {
    if (this.protocol === 2) this.#header(0x2a, length * 2);
    else this.#header(0x25, length);
  }

  set(length: number): void {
    this.#header(this.protocol === 2 ? 0x2a : 0x7e, length);
  }

  /** What no request asked for. */
  push(length: number): void {
    this.#header(this.protocol === 2 ? 0x2a : 0x3e, length);
  }

  #whole(bytes: Uint8Array): void {
    if (this.#alone === null && this.#block === NO_BLOCK) {
      this.#alone = bytes;
      return;
    }
    this.#room(bytes.length);
    this.#copy(bytes);
  }

  #line(kind: string, text: string): void {
    this.#latin1(kind + text);
    this.#lineEnd();
  }

  #latin1(text: string): void {
    if (text.length > LARGE) {
      this.flush();
      this.#pass(Buffer.from(text, 'latin1'));
      return;
    }
    this.#room(text.length);
    this.#used += this.#block.write(text, this.#used, 'latin1');
  }

  #lineEnd(): void {
    this.#room(2);
    this.#block[this.#used++] = CR;
    this.#block[this.#used++] = LF;
  }

  #header(kind: number, value: number): void {
    this.#room(HEADER);
    const block = this.#block;
    let at = this.#used;
    block[at++] = kind;
    let digits = 1;
    for (let limit = 10; value >= limit; limit *= 10) digits++;
    let rest = value;
    for (let digit = at + digits - 1; digit >= at; digit--) {
      const more = Math.floor(rest / 10);
      block[digit] = ZERO + rest - more * 10;
      rest = more;
    }
    at += digits;
    block[at++] = CR;
    block[at++] = LF;
    this.#used = at;
  }

  /** Sees to it that there is a block with room for so many bytes more. */
  #room(size: number): void {
    if (this.#alone !== null || BLOCK - this.#used < size || this.#block === NO_BLOCK) this.#makeRoom(size);
  }

  #makeRoom(size: number): void {
    const alone = this.#alone;
    this.#alone = null;
    if (BLOCK - this.#used < size + HEADER) this.flush();
    if (this.#block === NO_BLOCK) {
      const fits = BLOCK - spareUsed >= size + HEADER;
      this.#block = fits ? spare : Buffer.allocUnsafeSlow(BLOCK);
      this.#start = this.#used = fits ? spareUsed : 0;
      spareUsed = BLOCK;
    }
    if (alone !== null) this.#copy(alone);
  }

  #copy(bytes: Uint8Array): void {
    const { length } = bytes;
    // For few, a loop is cheaper than a call.
    if (length > 24) this.#block.set(bytes, this.#used);
    else for (let index = 0; index < length; index++) this.#block[this.#used + index] = bytes[index] as number;
    this.#used += length;
  }
}

/** What is written, as bytes of its own: for something that goes to many. */
export const written = (protocol: ProtocolVersion, write: (reply: Reply) => void): Uint8Array => {
  const parts: Uint8Array[] = [];
  const reply = new Reply((bytes) => parts.push(bytes));
  reply.protocol = protocol;
  write(reply);
  reply.flush();
  return Buffer.concat(parts);
};
