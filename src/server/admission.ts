import { networkOf } from '../connection/network-of.js';
import { Alarm, type Timetable } from '../time/timetable.js';
import { Changeable } from './changing.js';
import type { ServedClient } from './client.js';
import type { RefusedReason } from './events.js';
import { type ServerLimits, limitsOf } from './limits.js';
import type { Clients } from './registry.js';
import { Rules, hostIn } from './rules.js';

/** A client, and when it was heard last as far as is known. */
interface Candidate {
  readonly client: ServedClient;
  readonly seenAt: number;
}

/**
 * @internal Who is let in, and when: the gate in front of a server.
 *
 * It is closed, and those who come wait in front of it, while somebody has paused it, while the server is full and the
 * policy is to wait, and while too many have come in a second. Who comes through is let in or refused at once.
 */
export class Admission {
  /** Whether those who come have to wait. */
  readonly closed = new Changeable(false);
  readonly rules = new Rules();
  readonly #clients: Clients;
  #limits: ServerLimits;
  #paused = false;
  /** How many accepted clients there are of each address: an IPv4 address, or the network of an IPv6 address. */
  readonly #ofNetwork = new Map<string, number>();
  /** Those who have been told to go. They are not counted: their places are as good as free. */
  readonly #leaving = new Set<ServedClient>();
  /** Those who stand in front of a gate: they go first for others, in the order in which they came. */
  readonly #guarded = new Set<ServedClient>();
  /** Who is to go next, the last of them first. Found for all together, since it takes a look at each. */
  #candidates: Candidate[] = [];
  /** How many may come in at once by the accept rate, as it was at a time. */
  #tokens = 0;
  #countedAt = 0;
  #timetable: Timetable | null = null;
  #alarm: Alarm | null = null;

  constructor(limits: Partial<ServerLimits>, clients: Clients) {
    this.#limits = limitsOf(limits);
    this.#clients = clients;
  }

  get limits(): ServerLimits {
    return this.#limits;
  }

  change(limits: Partial<ServerLimits>): void {
    this.#count();
    this.#limits = limitsOf(limits, this.#limits);
    this.refresh();
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    this.refresh();
  }

  /** The server runs from now on, by this time; or has stopped. */
  goBy(timetable: Timetable | null): void {
    this.#alarm?.clear();
    this.#candidates = [];
    this.#timetable = timetable;
    if (timetable === null) return;
    this.#alarm = new Alarm(timetable, { due: () => this.refresh() });
    this.#tokens = this.#burst;
    this.#countedAt = timetable.now();
    this.refresh();
  }

  /** Somebody has come through the gate: why he is refused, if he is. `makeRoom` disconnects whom it is given. */
  judge(address: string, makeRoom: (client: ServedClient) => void): RefusedReason | undefined {
    const host = hostIn(address);
    const { maxConnections, whenFull, maxPerAddress } = this.#limits;
    const reason = this.rules.judge(host);
    if (reason !== undefined) return reason;
    if (host !== undefined && (this.#ofNetwork.get(networkOf({ peer: address })) ?? 0) >= maxPerAddress) {
      return 'too-many-of-address';
    }
    // Who is refused for what he is uses up nothing of what others may come by.
    this.#count();
    this.#tokens--;
    this.refresh();
    if (this.#present < maxConnections) return undefined;
    const idlest = whenFull === 'close-idlest' ? this.#idlest() : undefined;
    if (idlest === undefined) return 'full';
    makeRoom(idlest);
    return undefined;
  }

  /** One more is there. */
  joined(client: ServedClient): void {
    this.#countNetwork(client, 1);
    this.refresh();
  }

  /** One stands in front of a gate, or has come through. */
  guards(client: ServedClient, guarded: boolean): void {
    if (guarded && client.opener === 'passive' && !this.#leaving.has(client)) this.#guarded.add(client);
    else this.#guarded.delete(client);
  }

  /** One was told to go. */
  leaves(client: ServedClient): void {
    this.#guarded.delete(client);
    this.#leaving.add(client);
    this.refresh();
  }

  left(client: ServedClient): void {
    this.#guarded.delete(client);
    this.#leaving.delete(client);
    this.#countNetwork(client, -1);
    this.refresh();
  }

  /** Looks whether the gate is to be open now, or closed. */
  refresh(): void {
    if (this.#timetable === null) return;
    this.#count();
    const { maxConnections, whenFull, acceptRate } = this.#limits;
    const early = this.#tokens < 1;
    if (early) this.#alarm?.set(((1 - this.#tokens) / acceptRate) * 1_000);
    const full = whenFull === 'wait' && this.#present >= maxConnections;
    this.closed.set(this.#paused || early || full);
  }

  /** How many have been told to go and are still there. */
  get leaving(): number {
    return this.#leaving.size;
  }

  get #present(): number {
    return this.#clients.count - this.#leaving.size;
  }

  get #burst(): number {
    return Math.max(1, this.#limits.acceptRate);
  }

  /** Counts what has come to be allowed by now. A bucket of tokens, that holds a second's worth. */
  #count(): void {
    const now = this.#timetable?.now() ?? 0;
    const { acceptRate } = this.#limits;
    const more = acceptRate === Infinity ? Infinity : ((now - this.#countedAt) / 1_000) * acceptRate;
    this.#tokens = Math.min(this.#burst, this.#tokens + more);
    this.#countedAt = now;
  }

  #countNetwork({ address, opener }: ServedClient, more: 1 | -1): void {
    if (hostIn(address) === undefined || opener === 'active') return;
    const network = networkOf({ peer: address });
    const count = (this.#ofNetwork.get(network) ?? 0) + more;
    if (count > 0) this.#ofNetwork.set(network, count);
    else this.#ofNetwork.delete(network);
  }

  /** The accepted client that has been silent longest; but nobody who is known goes for one of whom nothing is. */
  #idlest(): ServedClient | undefined {
    const [stranger] = this.#guarded;
    if (stranger !== undefined) return stranger;
    return this.#nextCandidate() ?? this.#lookForCandidates();
  }

  #lookForCandidates(): ServedClient | undefined {
    this.#candidates = [...this.#clients]
      .filter(({ opener }) => opener === 'passive')
      .map((client) => ({ client, seenAt: client.seenAt }))
      .toSorted((one, other) => other.seenAt - one.seenAt || other.client.id - one.client.id);
    return this.#nextCandidate();
  }

  /** The next who has not been heard since they were looked for: nobody else can have been silent longer. */
  #nextCandidate(): ServedClient | undefined {
    for (let next = this.#candidates.pop(); next !== undefined; next = this.#candidates.pop()) {
      const { client, seenAt } = next;
      if (!client.gone && client.leaving === undefined && client.seenAt === seenAt) return client;
    }
    return undefined;
  }
}
