import type { OperatorFunction } from 'rxjs';
import { type DelimitedOptions, type Delimiter, delimited } from '../src/framing/delimited.js';
import { encodeFrames } from './encode-frames.js';

/**
 * Puts a delimiter after each payload: the inverse of `frameDelimited`, with the same arguments.
 *
 *     payloads  --a-----b---|    a: "hi"  b: ""
 *               delimit(';')
 *     bytes     --x-----y---|    x: "hi;"  y: ";"
 *
 * Of several delimiters it writes the first. (Where that is the beginning of another, the first that is not.) Fails with
 * a `RangeError` at a payload that has any of them in it, or is longer than `limit`.
 */
export const delimit = (
  delimiters: Delimiter | readonly Delimiter[],
  options?: DelimitedOptions,
): OperatorFunction<Uint8Array, Uint8Array> => encodeFrames(delimited(delimiters, options));
