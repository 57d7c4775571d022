import type { OperatorFunction } from 'rxjs';
import { type LengthPrefixedOptions, type Width, lengthPrefixed } from '../src/framing/length-prefixed.js';
import { encodeFrames } from './encode-frames.js';

/**
 * Puts before each payload its length: the inverse of `frameLengthPrefixed`, with the same argument.
 *
 *     payloads  --a-----b---|    a: "hi"  b: ""
 *               prefixLength(2)
 *     bytes     --x-----y---|    x: 00 02 "hi"  y: 00 00
 *
 * Fails with a `RangeError` at a payload that is longer than the limit, or than the length can say.
 */
export const prefixLength = (length: Width | LengthPrefixedOptions): OperatorFunction<Uint8Array, Uint8Array> =>
  encodeFrames(lengthPrefixed(length));
