import type { OperatorFunction } from 'rxjs';
import type { DeframerOptions } from '../src/framing/deframer.js';
import { fixed } from '../src/framing/fixed.js';
import { frame } from './frame.js';

/**
 * Cuts bytes into frames of `size` bytes each.
 *
 *     bytes   --a----(bc)--|    a: "hel"  b: "lowor"  c: "ld"
 *             frameFixed(5)
 *     frames  -------(xy)--|    x: "hello"  y: "world"
 *
 * Fails with `TruncatedFrame` when the bytes end inside a frame. See `frame` for the options, and for how long a frame
 * may be kept.
 */
export const frameFixed = (size: number, options?: DeframerOptions): OperatorFunction<Uint8Array, Uint8Array> =>
  frame(fixed(size), options);
