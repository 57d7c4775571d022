// Parsers as one writes them by hand for one protocol, as fast as they go: they refuse what ours refuse, and that is all;
// no policies, no offsets, no guesses. A frame that lies whole in a chunk is a view, made in the cheapest way that Node has
// (`subarray`, or asking the chunk for its buffer each time, costs twice that); one that straddles is gathered.

/** A parser, with where its frames go: to be given chunks. */
export type Parser = (emit: (frame: Uint8Array) => void) => (chunk: Uint8Array) => void;

const LIMIT = 1024 * 1024;

const checked = (length: number): number => {
  if (length > LIMIT) throw new RangeError(`a frame of ${length} bytes`);
  return length;
};

/** What has come of a frame that straddles chunks. */
class Carry {
  bytes = new Uint8Array(64);
  held = 0;

  /** Adds bytes of a chunk, one by one: they are few. */
  add(chunk: Uint8Array, from: number, to: number): void {
    const needed = this.held + to - from;
    if (needed > this.bytes.length) {
      const larger = new Uint8Array(2 * needed);
      larger.set(this.bytes.subarray(0, this.held));
      this.bytes = larger;
    }
    for (let at = from; at < to; at++) this.bytes[this.held++] = chunk[at] as number;
  }
}

/** How a protocol says how long a frame is. */
export interface Layout {
  /** Bytes before the payload, and after it. */
  header: number;
  readonly trailer: number;
  /** Bytes of the frame at `at`, all in all; 0 while that cannot be told from the bytes before `end`. Sets `header`. */
  size(bytes: Uint8Array, at: number, end: number): number;
}

/** For frames that begin with their length, or have one and the same. */
export const sized =
  (layout: Layout): Parser =>
  (emit) => {
    const carry = new Carry();
    let size = 0;
    return (chunk) => {
      const end = chunk.length;
      let at = 0;
      while (carry.held > 0 && at < end) {
        const more = size === 0 ? 1 : Math.min(size - carry.held, end - at);
        carry.add(chunk, at, at + more);
        at += more;
        if (size === 0) size = layout.size(carry.bytes, 0, carry.held);
        if (size === 0 || carry.held < size) continue;
        emit(carry.bytes.slice(layout.header, size - layout.trailer));
        carry.held = size = 0;
      }
      if (at === end) return;
      const { buffer, byteOffset } = chunk;
      for (;;) {
        size = layout.size(chunk, at, end);
        if (size === 0 || size > end - at) break;
        const { header, trailer } = layout;
        emit(new Uint8Array(buffer, byteOffset + at + header, size - header - trailer));
        at += size;
      }
      carry.add(chunk, at, end);
      if (at === end) size = 0;
    };
  };

/** Frames of one size. */
export const fixed = (size: number): Parser => sized({ header: 0, trailer: 0, size: () => size });

/** A length of one byte. */
export const u8: Parser = sized({
  header: 1,
  trailer: 0,
  size: (bytes, at, end) => (at === end ? 0 : 1 + (bytes[at] as number)),
});

/** A length of two bytes, the high end first. */
export const u16be: Parser = sized({
  header: 2,
  trailer: 0,
  size: (bytes, at, end) => (end - at < 2 ? 0 : 2 + checked(((bytes[at] as number) << 8) | (bytes[at + 1] as number))),
});

/** A length of four bytes, the high end first. */
export const u32be: Parser = sized({
  header: 4,
  trailer: 0,
  size: (bytes, at, end) =>
    end - at < 4
      ? 0
      : 4 +
        checked(
          (((bytes[at] as number) << 24) |
            ((bytes[at + 1] as number) << 16) |
            ((bytes[at + 2] as number) << 8) |
            (bytes[at + 3] as number)) >>>
            0,
        ),
});

/** A length of four bytes, the low end first. */
export const u32le: Parser = sized({
  header: 4,
  trailer: 0,
  size: (bytes, at, end) =>
    end - at < 4
      ? 0
      : 4 +
        checked(
          ((bytes[at] as number) |
            ((bytes[at + 1] as number) << 8) |
            ((bytes[at + 2] as number) << 16) |
            ((bytes[at + 3] as number) << 24)) >>>
            0,
        ),
});

/** A length of two bytes, the low end first, that counts itself. */
export const selfCounting: Parser = sized({
  header: 2,
  trailer: 0,
  size: (bytes, at, end) => {
    if (end - at < 2) return 0;
    const size = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
    if (size < 2) throw new RangeError(`a frame of ${size} bytes`);
    return size;
  },
});

/** A varint, then as many bytes. */
export const varint: Parser = sized({
  header: 0,
  trailer: 0,
  size(bytes, at, end) {
    let length = 0;
    for (let index = at, shift = 0; index < end; index++, shift += 7) {
      const byte = bytes[index] as number;
      length |= (byte & 127) << shift;
      if (byte < 128) {
        if (byte === 0 && shift > 0) throw new RangeError('a length with bytes to spare');
        this.header = index + 1 - at;
        return this.header + checked(length);
      }
      if (shift === 21) throw new RangeError('a length of more than 28 bits');
    }
    return 0;
  },
});

/** Decimal digits, a colon, as many bytes, a comma. */
export const netstring: Parser = sized({
  header: 0,
  trailer: 1,
  size(bytes, at, end) {
    let length = 0;
    for (let index = at; index < end; index++) {
      const byte = bytes[index] as number;
      if (byte === 0x3a && index > at) {
        this.header = index + 1 - at;
        const last = index + 1 + length;
        if (last < end && bytes[last] !== 0x2c) throw new RangeError('no comma');
        return this.header + length + 1;
      }
      if (byte < 0x30 || byte > 0x39) throw new RangeError('no digit');
      if (length === 0 && index > at) throw new RangeError('a leading zero');
      length = checked(length * 10 + byte - 0x30);
    }
    return 0;
  },
});

/** For frames that end with `last`, and with `before` ahead of it: always (`must`), or where it is there. */
const ended =
  (last: number, before: number, must: boolean): Parser =>
  (emit) => {
    const carry = new Carry();
    return (chunk) => {
      const { buffer, byteOffset } = chunk;
      let at = 0;
      let from = 0;
      for (;;) {
        const end = chunk.indexOf(last, from);
        if (end < 0) break;
        from = end + 1;
        if (carry.held > 0) {
          carry.add(chunk, at, end);
          const paired = carry.bytes[carry.held - 1] === before;
          if (must && !paired) {
            carry.add(chunk, end, from);
            at = from;
            continue;
          }
          emit(carry.bytes.slice(0, checked(carry.held - (paired ? 1 : 0))));
          carry.held = 0;
        } else {
          const paired = end > at && chunk[end - 1] === before;
          if (must && !paired) continue;
          emit(new Uint8Array(buffer, byteOffset + at, checked(end - at - (paired ? 1 : 0))));
        }
        at = from;
      }
      carry.add(chunk, at, chunk.length);
      checked(carry.held);
    };
  };

/** Lines that end in LF or in CR LF. */
export const line: Parser = ended(10, 13, false);

/** Frames that end in CR LF. */
export const crlf: Parser = ended(10, 13, true);

/** Frames that end in a NUL. */
export const nul: Parser = ended(0, -1, false);
