import { checkText } from '../check.js';
import { formatIp, isMapped, parseIp } from '../codec/ip-address.js';
import { hostAndPortOf } from './address.js';
import type { Connection } from './connection.js';

/** Bytes of an IPv6 address that tell one network from another: whoever has one address has all behind them. */
const NETWORK = 8;

/**
 * What a peer is counted by, where addresses are counted: `192.0.2.1`, `2001:db8:0:1::/64`.
 *
 * An IPv4 address as a whole; of an IPv6 address the first 64 bits, since who has one of those addresses has them all. One
 * that has no address is counted by what it is called: all who come by one Unix socket are one.
 */
export const networkOf = ({ peer }: Pick<Connection, 'peer'>): string => {
  const host = hostAndPortOf(checkText('peer', peer))?.host;
  const address = host === undefined ? undefined : parseIp(host);
  if (host === undefined || address?.length !== 16) return host ?? peer;
  if (isMapped(address)) return formatIp(address.subarray(12));
  return `${formatIp(address.fill(0, NETWORK))}/64`;
};
