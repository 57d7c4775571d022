import type { OperatorFunction } from 'rxjs';
import type { DeframerOptions } from '../src/framing/deframer.js';
import { type NetstringOptions, netstring } from '../src/framing/netstring.js';
import { frame } from './frame.js';

/**
 * Cuts bytes into netstrings, and emits what is in them.
 *
 *     bytes   --a---b-----|    a: "2:h"  b: "i,0:,"
 *             frameNetstring()
 *     frames  ------(xy)--|    x: "hi"  y: ""
 *
 * Fails with `FrameTooLong` when more than `limit` bytes (1 MiB by default) are announced, with `MalformedFrame` when a
 * digit, the colon or the comma is not where it should be, and with `TruncatedFrame` when the bytes end inside a frame.
 * See `frame` for the other options, and for how long a frame may be kept. `wrapNetstring` is the inverse.
 */
export const frameNetstring = (
  options?: NetstringOptions & DeframerOptions,
): OperatorFunction<Uint8Array, Uint8Array> => frame(netstring(options), options);
