import type { Protocol } from '../../operators/protocol.js';
import type { Handled, Handler } from '../server/outcome.js';

/** The bytes of a protocol's keep-alive probe, where it has one that is always the same. */
export const probeOf = (served: Handler | Handled): Uint8Array | undefined => {
  const { options, encode } = served as Partial<Protocol<unknown, unknown>>;
  const probe = options?.keepAlive?.probe;
  return probe === undefined || typeof probe === 'function' ? undefined : encode?.(probe);
};
