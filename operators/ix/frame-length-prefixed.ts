import type { MonoTypeOperatorAsyncFunction } from 'ix/interfaces';
import type { DeframerOptions } from '../../src/framing/deframer.js';
import { type LengthPrefixedOptions, type Width, lengthPrefixed } from '../../src/framing/length-prefixed.js';
import { frame } from './frame.js';

/** The pull twin of `frameLengthPrefixed`. See `frame` beside it. */
export const frameLengthPrefixed = (
  length: Width | LengthPrefixedOptions,
  options?: DeframerOptions,
): MonoTypeOperatorAsyncFunction<Uint8Array> => frame(lengthPrefixed(length), options);
