import type { OperatorFunction } from 'rxjs';
import { type VarintOptions, varint } from '../src/framing/varint.js';
import { encodeFrames } from './encode-frames.js';

/**
 * Puts before each payload its length as a varint: the inverse of `frameVarint`.
 *
 *     payloads  --a-----b---|    a: "hi"  b: ""
 *               prefixVarint()
 *     bytes     --x-----y---|    x: 02 "hi"  y: 00
 *
 * Fails with a `RangeError` at a payload of more than `limit` bytes (1 MiB by default).
 */
export const prefixVarint = (options?: VarintOptions): OperatorFunction<Uint8Array, Uint8Array> =>
  encodeFrames(varint(options));
