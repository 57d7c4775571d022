import type { OperatorFunction } from 'rxjs';
import { type LineOptions, line } from '../src/framing/line.js';
import { encodeFrames } from './encode-frames.js';

/**
 * Puts an ending after each line: the inverse of `frameLines`.
 *
 *     lines   --a-----b---|    a: "hi"  b: ""
 *             endLines()
 *     bytes   --x-----y---|    x: "hi\n"  y: "\n"
 *
 * Writes LF, or CR LF where `ending` is `'crlf'`. Fails with a `RangeError` at a line that has an ending in it, or has
 * more than `maxBytes` (65,536 by default).
 */
export const endLines = (options?: LineOptions): OperatorFunction<Uint8Array, Uint8Array> =>
  encodeFrames(line(options));
