import { checkFunction, checkInteger, checkObject, checkTime } from '../check.js';
import { hostAndPortOf } from '../connection/address.js';
import type { Connection } from '../connection/connection.js';
import { networkOf } from '../connection/network-of.js';

/** Who is kept out for a while. Times in milliseconds. */
export interface LockoutOptions {
  /** After how many failed attempts (default 5). */
  readonly after?: number;
  /** For how long the first time (default 1,000). Each further attempt that fails doubles it. */
  readonly first?: number;
  /** For how long at most (default 900,000). */
  readonly longest?: number;
  /** After what time without a failed attempt all is forgotten (default 900,000). */
  readonly forget?: number;
  /** How many addresses are known at once; the one that failed longest ago is forgotten (default 10,000). */
  readonly addresses?: number;
  /**
   * What is kept out (default `networkOf`: an IPv4 address, or the network of an IPv6 address); nothing for who is not to
   * be. By default that is who has no address, as on a Unix socket: one would keep out all.
   */
  readonly key?: (connection: Connection) => string | undefined;
}

const addressOf = (connection: Connection): string | undefined =>
  hostAndPortOf(connection.peer) === undefined ? undefined : networkOf(connection);

interface Failures {
  readonly count: number;
  /** When the last of them was, and until when its address is kept out. */
  readonly at: number;
  readonly until: number;
}

/** @internal Who has failed how often. That somebody has got in changes nothing: he may guess for others, too. */
export class Lockout {
  readonly keyOf: (connection: Connection) => string | undefined;
  readonly #after: number;
  readonly #first: number;
  readonly #longest: number;
  readonly #forget: number;
  readonly #addresses: number;
  readonly #failures = new Map<string, Failures>();

  constructor(options: LockoutOptions) {
    const { after = 5, first = 1_000, longest = 900_000, addresses = 10_000 } = checkObject('lockout', options);
    this.keyOf = checkFunction('lockout.key', options.key ?? addressOf);
    this.#after = checkInteger('lockout.after', after, 1);
    this.#longest = checkTime('lockout.longest', longest);
    this.#first = Math.min(checkTime('lockout.first', first), longest);
    this.#forget = checkTime('lockout.forget', options.forget ?? 900_000);
    this.#addresses = checkInteger('lockout.addresses', addresses, 1);
  }

  /** Whether an address is kept out at this time. */
  keepsOut(key: string | undefined, now: number): boolean {
    if (key === undefined) return false;
    const failures = this.#failures.get(key);
    return failures !== undefined && now < failures.until;
  }

  /** An attempt has failed. */
  failed(key: string | undefined, now: number): void {
    if (key === undefined) return;
    const before = this.#failures.get(key);
    const known = before !== undefined && now - Math.max(before.at, before.until) < this.#forget ? before.count : 0;
    const count = known + 1;
    const over = count - this.#after;
    const until = over < 0 ? 0 : now + Math.min(this.#longest, this.#first * 2 ** over);
    // In again at the end: in front is who failed longest ago.
    this.#failures.delete(key);
    this.#failures.set(key, { count, at: now, until });
    if (this.#failures.size > this.#addresses) this.#failures.delete(this.#failures.keys().next().value as string);
  }
}
