import { BlockList } from 'node:net';
import { checkInteger, checkText } from '../check.js';
import { formatIp, isMapped, parseIp } from '../codec/ip-address.js';
import { hostAndPortOf } from './address.js';

const familyOf = (address: Uint8Array): 'ipv4' | 'ipv6' => (address.length === 4 ? 'ipv4' : 'ipv6');

/** Puts an address or a network (`10.1.2.3`, `10.0.0.0/8`, `2001:db8::/32`) on a list. */
const add = (list: BlockList, name: string, network: unknown): void => {
  const [text = '', length, ...more] = checkText(name, network).split('/');
  const given = parseIp(text);
  if (given === undefined || more.length > 0 || (length !== undefined && !/^\d{1,3}$/.test(length))) {
    throw new RangeError(`${name} must be an address or a network, such as 10.0.0.0/8, got ${JSON.stringify(network)}`);
  }
  const bits = given.length * 8;
  const prefix = checkInteger(`the length of ${text}`, Number(length ?? bits), isMapped(given) ? 96 : 0, bits);
  // An IPv4 address is one, however it is written.
  const address = isMapped(given) ? given.subarray(12) : given;
  list.addSubnet(formatIp(address), prefix - (bits - address.length * 8), familyOf(address));
};

/** Whether a peer (`127.0.0.1:80`, `[::1]:80`) is of one of these networks. One that has no address is of none. */
export const networks = (name: string, cidrs: readonly unknown[]): ((peer: string) => boolean) => {
  const list = new BlockList();
  for (const cidr of cidrs) add(list, name, cidr);
  return (peer) => {
    const given = parseIp(hostAndPortOf(peer)?.host ?? '');
    if (given === undefined) return false;
    const address = isMapped(given) ? given.subarray(12) : given;
    return list.check(formatIp(address), familyOf(address));
  };
};
