import { checkFunction } from '../check.js';
import type { Connection } from '../connection/connection.js';
import { NotAuthenticated } from '../errors.js';
import type { AuthGate, MaybeKnown } from './gate.js';
import { letIn } from './let-in.js';

/**
 * A gate without words: who the peer is, its connection tells.
 *
 *     connectionGate(({ tls }) => (tls?.authorized ? tls.certificate?.subject : undefined))    // mutual TLS
 *     connectionGate(({ proxy }) => proxy?.tlvs?.ssl?.verified ? proxy.tlvs.ssl.commonName : undefined)
 */
export const connectionGate = <Id>(
  identify: (connection: Connection) => MaybeKnown<Id> | PromiseLike<MaybeKnown<Id>>,
): AuthGate<Id> => {
  checkFunction('identify', identify);
  return async ({ connection }) => {
    const identity = letIn(await identify(connection));
    // To ask again would not help.
    if (identity === undefined) throw new NotAuthenticated('refused');
    return identity;
  };
};
