import type { OperatorFunction } from 'rxjs';
import type { DeframerOptions } from '../src/framing/deframer.js';
import { type LineOptions, line } from '../src/framing/line.js';
import { frame } from './frame.js';

/**
 * Cuts bytes into lines, and emits each without its ending. Lines are bytes: decode them with `text`.
 *
 *     bytes   --a---b-----|    a: "hel"  b: "lo\r\nyou\n"
 *             frameLines()
 *     lines   ------(xy)--|    x: "hello"  y: "you"
 *
 * A line ends in LF or CR LF, or in what `ending` says. Fails with `FrameTooLong` when one has more than `maxBytes`
 * (65,536 by default; the ending never counts), and with `TruncatedFrame` when the last has no ending: `onTruncated:
 * 'emit'` passes it on. See `frame` for the other options, and for how long a line may be kept. `endLines` is the inverse.
 */
export const frameLines = (options?: LineOptions & DeframerOptions): OperatorFunction<Uint8Array, Uint8Array> =>
  frame(line(options), options);
