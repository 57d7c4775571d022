import type { OperatorFunction } from 'rxjs';
import { type NetstringOptions, netstring } from '../src/framing/netstring.js';
import { encodeFrames } from './encode-frames.js';

/**
 * Makes each payload a netstring: the inverse of `frameNetstring`.
 *
 *     payloads  --a-----b---|    a: "hi"  b: ""
 *               wrapNetstring()
 *     bytes     --x-----y---|    x: "2:hi,"  y: "0:,"
 *
 * Fails with a `RangeError` at a payload of more than `limit` bytes (1 MiB by default).
 */
export const wrapNetstring = (options?: NetstringOptions): OperatorFunction<Uint8Array, Uint8Array> =>
  encodeFrames(netstring(options));
