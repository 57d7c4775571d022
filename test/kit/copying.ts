import type { ReadBuffer } from '../../src/index.js';
import { copy } from '../../operators/index.js';
import type { Transport } from '../connection-laws.js';

/** A transport with another read buffer: what is read is good for a moment only, and is copied by who reads. */
export const copying = (transport: Transport, readBuffer: ReadBuffer): Transport => ({
  ...transport,
  open: async (options) => {
    const ends = await transport.open({ ...options, readBuffer });
    Object.assign(ends.near, { reads: ends.near.reads.pipe(copy()) });
    return ends;
  },
});
