import { checkObject } from '../check.js';
import type { ProxyEnd, ProxyHeader } from '../codec/proxy-header.js';
import type { ProxyTlvs } from '../codec/proxy-tlvs.js';
import { hostAndPortOf } from './address.js';
import type { Connection } from './connection.js';

/** How a connection is told of. */
export interface ProxyHeaderOptions {
  /** 1 is a line of text, 2 (the default) is binary, and has room for TLVs. */
  readonly version?: 1 | 2;
  /** What else to say, in version 2: `{ crc32c: true }` adds a checksum. */
  readonly tlvs?: ProxyTlvs;
}

/**
 * The PROXY header for a connection that is passed on: its `peer` is the source, its `local` the destination.
 *
 *     serve((bytes, client) => dial(there).pipe(sendProxyHeader(proxyHeaderOf(client)), mergeMap((server) => ...)))
 *
 * Of a connection that came through another proxy it says what that one has said. One without addresses (in memory) is
 * told of without ends.
 */
export const proxyHeaderOf = (connection: Connection, options: ProxyHeaderOptions = {}): ProxyHeader => {
  const { version = 2, tlvs = {} } = checkObject('options', options);
  const { peer, local } = checkObject('connection', connection);
  const [source, destination] = [endOf(peer), endOf(local)];
  const known = source !== undefined && destination !== undefined;
  return { version, command: 'proxy', tlvs, ...(known ? { source, destination } : {}) };
};

const endOf = (shown: string): ProxyEnd | undefined => (shown.startsWith('/') ? { path: shown } : hostAndPortOf(shown));
