import type { MonoTypeOperatorAsyncFunction } from 'ix/interfaces';
import type { DeframerOptions } from '../../src/framing/deframer.js';
import { type VarintOptions, varint } from '../../src/framing/varint.js';
import { frame } from './frame.js';

/** The pull twin of `frameVarint`. See `frame` beside it. */
export const frameVarint = (options?: VarintOptions & DeframerOptions): MonoTypeOperatorAsyncFunction<Uint8Array> =>
  frame(varint(options), options);
