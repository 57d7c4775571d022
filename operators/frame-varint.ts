import type { OperatorFunction } from 'rxjs';
import type { DeframerOptions } from '../src/framing/deframer.js';
import { type VarintOptions, varint } from '../src/framing/varint.js';
import { frame } from './frame.js';

/**
 * Cuts bytes into frames that begin with their length as a varint, as delimited Protocol Buffers messages do.
 *
 *     bytes   --a---b----|    a: 02 "h"  b: "i" 01 "!"
 *             frameVarint()
 *     frames  ------(xy)-|    x: "hi"  y: "!"
 *
 * Fails with `FrameTooLong` when more than `limit` bytes (1 MiB by default) are announced, with `MalformedFrame` when a
 * length has bytes to spare or more than 64 bits, and with `TruncatedFrame` when the bytes end inside a frame. See
 * `frame` for the other options, and for how long a frame may be kept. `prefixVarint` is the inverse.
 */
export const frameVarint = (options?: VarintOptions & DeframerOptions): OperatorFunction<Uint8Array, Uint8Array> =>
  frame(varint(options), options);
