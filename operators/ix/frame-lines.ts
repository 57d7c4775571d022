import type { MonoTypeOperatorAsyncFunction } from 'ix/interfaces';
import type { DeframerOptions } from '../../src/framing/deframer.js';
import { type LineOptions, line } from '../../src/framing/line.js';
import { frame } from './frame.js';

/** The pull twin of `frameLines`. See `frame` beside it. */
export const frameLines = (options?: LineOptions & DeframerOptions): MonoTypeOperatorAsyncFunction<Uint8Array> =>
  frame(line(options), options);
