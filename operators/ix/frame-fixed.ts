import type { MonoTypeOperatorAsyncFunction } from 'ix/interfaces';
import type { DeframerOptions } from '../../src/framing/deframer.js';
import { fixed } from '../../src/framing/fixed.js';
import { frame } from './frame.js';

/** The pull twin of `frameFixed`. See `frame` beside it. */
export const frameFixed = (size: number, options?: DeframerOptions): MonoTypeOperatorAsyncFunction<Uint8Array> =>
  frame(fixed(size), options);
