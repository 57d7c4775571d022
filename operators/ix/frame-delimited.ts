import type { MonoTypeOperatorAsyncFunction } from 'ix/interfaces';
import type { DeframerOptions } from '../../src/framing/deframer.js';
import { type DelimitedOptions, type Delimiter, delimited } from '../../src/framing/delimited.js';
import { frame } from './frame.js';

/** The pull twin of `frameDelimited`. See `frame` beside it. */
export const frameDelimited = (
  delimiters: Delimiter | readonly Delimiter[],
  options?: DelimitedOptions & DeframerOptions,
): MonoTypeOperatorAsyncFunction<Uint8Array> => frame(delimited(delimiters, options), options);
