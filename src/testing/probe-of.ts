import type { Protocol } from '../../operators/protocol.js';
import { codecOf } from '../codec/standard-schema.js';
import type { Handled, Handler } from '../server/outcome.js';

/** The bytes of a protocol's keep-alive probe, where it has one that is always the same. */
export const probeOf = (served: Handler | Handled): Uint8Array | undefined => {
  const { options } = served as Partial<Protocol<unknown, unknown>>;
  const probe = options?.keepAlive?.probe;
  if (options === undefined || probe === undefined || typeof probe === 'function') return undefined;
  const answers = codecOf(options.answer ?? options.message);
  return options.framing.encode(answers.encode(probe));
};
