import { checkInteger } from '../check.js';

/** Bytes, or a text that stands for them: a byte for each letter, up to U+00FF. */
export type Bytes = string | Uint8Array;

/** The bytes of a text, a letter each. A `RangeError` where a letter is no byte. */
export const bytesOf = (some: Bytes): Uint8Array => {
  if (some instanceof Uint8Array) return some;
  if (typeof some !== 'string') throw new TypeError(`bytes must be a Uint8Array or a text, got ${String(some)}`);
  return Uint8Array.from(some, (letter) => checkInteger(`the letter ${letter}`, letter.codePointAt(0), 0, 255));
};

/**
 * The ways in which a network may deliver `wire`, each as the chunks that arrive: whole, byte by byte, with nothing in
 * between, as views inside larger buffers, and cut in pieces at every choice of up to `cuts` places.
 *
 *     for (const chunks of deliveries('ab\ncd\n')) assert.equal(decode(chunks), ['ab', 'cd']);
 *
 * `cuts` defaults to 3 for up to 20 bytes, 2 for up to 60 and 1 for more. Chunks are views of `wire`, those in larger
 * buffers excepted.
 */
export function* deliveries(
  wire: Bytes,
  cuts = wire.length <= 20 ? 3 : wire.length <= 60 ? 2 : 1,
): Iterable<readonly Uint8Array[]> {
  checkInteger('cuts', cuts, 0);
  const bytes = bytesOf(wire);
  const single = cutUp(bytes, onesOf(bytes.length));
  yield [bytes];
  yield single;
  yield single.map(inside);
  yield [NOTHING, ...single.flatMap((byte) => [byte, NOTHING])];
  for (let places = 1; places <= cuts; places++) {
    for (const sizes of waysToCut(bytes.length, places)) yield cutUp(bytes, sizes);
  }
}

const NOTHING = new Uint8Array(0);

/** Pieces of one byte each. */
export const onesOf = (length: number): readonly number[] => Array.from({ length }, () => 1);

/** The sizes of the pieces, for every choice of so many places to cut at. */
export function* waysToCut(length: number, places: number): Iterable<readonly number[]> {
  if (places === 0) {
    yield [length];
    return;
  }
  for (let first = 1; first <= length - places; first++) {
    for (const rest of waysToCut(length - first, places - 1)) yield [first, ...rest];
  }
}

/** Views of `wire`, one for each size, in order. */
export const cutUp = (wire: Uint8Array, sizes: readonly number[]): readonly Uint8Array[] => {
  let at = 0;
  return sizes.map((size) => wire.subarray(at, (at += size)));
};

/** The same bytes inside a larger buffer, with bytes around them that mean something to many decoders. */
export const inside = (bytes: Uint8Array): Uint8Array => {
  const around = Uint8Array.of(10, 0, ...bytes, 255, 10);
  return around.subarray(2, 2 + bytes.length);
};
