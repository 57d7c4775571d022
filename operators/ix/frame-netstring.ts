import type { MonoTypeOperatorAsyncFunction } from 'ix/interfaces';
import type { DeframerOptions } from '../../src/framing/deframer.js';
import { type NetstringOptions, netstring } from '../../src/framing/netstring.js';
import { frame } from './frame.js';

/** The pull twin of `frameNetstring`. See `frame` beside it. */
export const frameNetstring = (
  options?: NetstringOptions & DeframerOptions,
): MonoTypeOperatorAsyncFunction<Uint8Array> => frame(netstring(options), options);
