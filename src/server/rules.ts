import { BlockList, type IPVersion, SocketAddress, isIP } from 'node:net';
import { checkInteger, checkText } from '../check.js';

/** One address or network that is let in, or is not. */
export interface AddressRule {
  readonly action: 'allow' | 'deny';
  /** The network, as it was understood: `10.0.0.0/8`, `::1/128`. */
  readonly cidr: string;
}

/**
 * Who may connect, by address: of new connections, and not of those that are there.
 *
 * Takes IPv4 and IPv6, an address or a network (`10.1.2.3`, `10.0.0.0/8`, `2001:db8::/32`). An IPv4 address that comes in
 * over IPv6 (`::ffff:10.1.2.3`) is judged as the IPv4 address that it is. Who is denied is denied, whatever is allowed;
 * once anything is allowed, all else is not. A Unix socket has no addresses, and nobody there is refused.
 */
export interface AddressRules {
  /** Lets this network in, and from now on nobody whom no rule lets in. A `RangeError` where it is no address. */
  allow(cidr: string): void;
  /** Does not let this network in. */
  deny(cidr: string): void;
  /** Takes back what was said of this network. False when nothing was. */
  forget(cidr: string): boolean;
  /** The rules, in the order in which they were made. */
  readonly list: readonly AddressRule[];
}

/** The networks of one action, in Node's own list. */
interface Networks {
  readonly list: BlockList;
  count: number;
}

const none = (): Networks => ({ list: new BlockList(), count: 0 });

/** @internal The rules, and the judgement by them. */
export class Rules implements AddressRules {
  readonly #rules = new Map<string, AddressRule>();
  #allowed = none();
  #denied = none();

  get list(): readonly AddressRule[] {
    return [...this.#rules.values()];
  }

  allow(cidr: string): void {
    this.#set(cidr, 'allow');
  }

  deny(cidr: string): void {
    this.#set(cidr, 'deny');
  }

  forget(cidr: string): boolean {
    const known = this.#rules.delete(networkOf(cidr).cidr);
    if (known) this.#rebuild();
    return known;
  }

  /** Why this address is refused, if it is. Without one, it is not. */
  judge(host: string | undefined): 'denied' | 'not-allowed' | undefined {
    if (host === undefined || this.#rules.size === 0) return undefined;
    const family = familyOf(host);
    if (this.#denied.list.check(host, family)) return 'denied';
    return this.#allowed.count > 0 && !this.#allowed.list.check(host, family) ? 'not-allowed' : undefined;
  }

  /** What was said of the same network before is taken back: the last word counts. */
  #set(given: string, action: AddressRule['action']): void {
    const network = networkOf(given);
    const known = this.#rules.delete(network.cidr);
    this.#rules.set(network.cidr, { action, cidr: network.cidr });
    if (known) this.#rebuild();
    else this.#add(action, network);
  }

  #add(action: AddressRule['action'], { address, prefix, family }: Network): void {
    const networks = action === 'allow' ? this.#allowed : this.#denied;
    networks.list.addSubnet(address, prefix, family);
    networks.count++;
  }

  /** Nothing can be taken out of Node's list. */
  #rebuild(): void {
    this.#allowed = none();
    this.#denied = none();
    for (const { action, cidr } of this.#rules.values()) this.#add(action, networkOf(cidr));
  }
}

const familyOf = (address: string): IPVersion => (address.includes(':') ? 'ipv6' : 'ipv4');

/** How an IPv4 address is written in IPv6, as Node writes it. */
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/;

interface Network {
  readonly address: string;
  readonly prefix: number;
  readonly family: IPVersion;
  readonly cidr: string;
}

/** Reads an address or a network. */
const networkOf = (given: string): Network => {
  const [address = '', length, ...more] = checkText('cidr', given).trim().split('/');
  const bad = isIP(address) === 0 || address.includes('%') || more.length > 0;
  if (bad || (length !== undefined && !/^\d{1,3}$/.test(length))) {
    throw new RangeError(`cidr must be an address or a network, such as 10.0.0.0/8, got ${JSON.stringify(given)}`);
  }
  const written = new SocketAddress({ address, family: familyOf(address) }).address;
  const mapped = MAPPED.exec(written)?.[1];
  const bits = familyOf(written) === 'ipv4' ? 32 : 128;
  const prefix = checkInteger(`the length of ${given}`, Number(length ?? bits), mapped === undefined ? 0 : 96, bits);
  const network = mapped === undefined ? { address: written, prefix } : { address: mapped, prefix: prefix - 96 };
  return { ...network, family: familyOf(network.address), cidr: `${network.address}/${network.prefix}` };
};

/** The host in an address such as `127.0.0.1:80` or `[::1]:80`. Nothing where there is none, as in a path. */
export const hostIn = (address: string): string | undefined => {
  const host = /^\[?(.*?)\]?:\d+$/.exec(address)?.[1]?.replace(/%.*/, '');
  return host === undefined || isIP(host) === 0 ? undefined : host;
};
