import type { OperatorFunction } from 'rxjs';
import type { DeframerOptions } from '../src/framing/deframer.js';
import { type DelimitedOptions, type Delimiter, delimited } from '../src/framing/delimited.js';
import { frame } from './frame.js';

/**
 * Cuts bytes into frames that end at a delimiter, or at whichever of several stands first.
 *
 *     bytes   --a---b-----|    a: "a;b"  b: "c;d;"
 *             frameDelimited(';')
 *     frames  --x---(yz)--|    x: "a"  y: "bc"  z: "d"
 *
 * Fails with `FrameTooLong` when more than `limit` bytes (1 MiB by default) come without a delimiter, and with
 * `TruncatedFrame` when the bytes end without one. See `delimited` for `limit` and `keep`, `frame` for the other options
 * and for how long a frame may be kept. `delimit` is the inverse.
 */
export const frameDelimited = (
  delimiters: Delimiter | readonly Delimiter[],
  options?: DelimitedOptions & DeframerOptions,
): OperatorFunction<Uint8Array, Uint8Array> => frame(delimited(delimiters, options), options);
