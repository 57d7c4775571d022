import type { Connection, ReadBuffer } from '../../src/index.js';
import { copy } from '../../operators/index.js';
import type { Transport } from '../connection-laws.js';

/** A transport with another read buffer: what is read is good for a moment only, and is copied by who reads. */
export const copying = (transport: Transport, readBuffer: ReadBuffer): Transport => ({
  ...transport,
  open: async (options) => {
    const ends = await transport.open({ ...options, readBuffer });
    const { near } = ends;
    const { get } = Reflect.getOwnPropertyDescriptor(Object.getPrototypeOf(near), 'reads') as {
      get: (this: Connection) => Connection['reads'];
    };
    Object.defineProperty(near, 'reads', { get: () => get.call(near).pipe(copy()) });
    return ends;
  },
});
