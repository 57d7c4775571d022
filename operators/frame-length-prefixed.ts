import type { OperatorFunction } from 'rxjs';
import type { DeframerOptions } from '../src/framing/deframer.js';
import { type LengthPrefixedOptions, type Width, lengthPrefixed } from '../src/framing/length-prefixed.js';
import { frame } from './frame.js';

/**
 * Cuts bytes into frames that begin with their length, and emits what follows it.
 *
 *     bytes   --a---b----|    a: 00 02 "hi" 00  b: 01 "!"
 *             frameLengthPrefixed(2)
 *     frames  --x---y----|    x: "hi"  y: "!"
 *
 * Takes the width of the length in bytes, or all of `LengthPrefixedOptions`: byte order (big-endian by default), what
 * stands before the length, what it counts, what is stripped, and the limit in payload bytes (1 MiB by default).
 *
 * Fails with `FrameTooLong` or `MalformedFrame` as soon as a header is whole that announces too much or too little, and
 * with `TruncatedFrame` when the bytes end inside a frame. See `frame` for the other options, and for how long a frame
 * may be kept. `prefixLength` is the inverse.
 */
export const frameLengthPrefixed = (
  length: Width | LengthPrefixedOptions,
  options?: DeframerOptions,
): OperatorFunction<Uint8Array, Uint8Array> => frame(lengthPrefixed(length), options);
