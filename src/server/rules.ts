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
