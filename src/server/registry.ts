import { type Observable, Subject } from 'rxjs';
import { LimitReached } from '../errors.js';
import type { Client, ServedClient } from './client.js';

/** Something that has changed among the clients of a server. */
export type RegistryChange =
  /** One who has left is in no room any more, and that is not told for each. */
  | { readonly type: 'joined' | 'left'; readonly client: Client }
  | { readonly type: 'named'; readonly client: Client; readonly name: string; readonly before: string }
  | { readonly type: 'entered' | 'exited'; readonly client: Client; readonly room: string };

/** All who are connected to a server. Nothing is copied to look at them: take a copy, `[...clients]`, to keep one. */
export interface Registry extends Iterable<Client> {
  /** How many there are. */
  readonly count: number;
  /** The one with this number. */
  get(id: number): Client | undefined;
  /** The one at this address, `127.0.0.1:51512`. On a Unix socket all have the same, and it is the one who came last. */
  at(address: string): Client | undefined;
  /** All who are called so, in the order in which they got the name. */
  named(name: string): readonly Client[];
  /** All who are in a room. */
  in(room: string): Iterable<Client>;
  /** All whom the program has marked with a tag. */
  tagged(tag: string): Iterable<Client>;
  /** The rooms in which there is somebody, and who is in each. */
  readonly rooms: ReadonlyMap<string, ReadonlySet<Client>>;
  /** What changes, as it does. */
  readonly changes: Observable<RegistryChange>;
}

/** @internal The registry, for its server. */
export class Clients implements Registry {
  readonly rooms = new Map<string, Set<ServedClient>>();
  readonly #changes = new Subject<RegistryChange>();
  readonly changes: Observable<RegistryChange> = this.#changes.asObservable();
  readonly #byId = new Map<number, ServedClient>();
  readonly #byAddress = new Map<string, ServedClient>();
  readonly #byName = new Map<string, Set<ServedClient>>();
  readonly #byTag = new Map<string, Set<ServedClient>>();

  get count(): number {
    return this.#byId.size;
  }

  [Symbol.iterator](): IterableIterator<ServedClient> {
    return this.#byId.values();
  }

  get(id: number): ServedClient | undefined {
    return this.#byId.get(id);
  }

  at(address: string): ServedClient | undefined {
    return this.#byAddress.get(address);
  }

  named(name: string): readonly ServedClient[] {
    return [...(this.#byName.get(name) ?? [])];
  }

  in(room: string): Iterable<ServedClient> {
    return this.rooms.get(room) ?? [];
  }

  tagged(tag: string): Iterable<ServedClient> {
    return this.#byTag.get(tag) ?? [];
  }

  add(client: ServedClient): void {
    if (this.#byId.has(client.id)) throw new Error(`there is a client ${client.id} already`);
    this.#byId.set(client.id, client);
    this.#byAddress.set(client.address, client);
    put(this.#byName, client.name, client);
    this.#tell({ type: 'joined', client });
  }

  remove(client: ServedClient): void {
    this.#byId.delete(client.id);
    if (this.#byAddress.get(client.address) === client) this.#byAddress.delete(client.address);
    take(this.#byName, client.name, client);
    for (const room of client.rooms) take(this.rooms, room, client);
    for (const tag of client.marks) take(this.#byTag, tag, client);
    this.#tell({ type: 'left', client });
  }

  rename(client: ServedClient, before: string): void {
    const { name } = client;
    take(this.#byName, before, client);
    put(this.#byName, name, client);
    this.#tell({ type: 'named', client, name, before });
  }

  enter(client: ServedClient, room: string): void {
    put(this.rooms, room, client);
    this.#tell({ type: 'entered', client, room });
  }

  exit(client: ServedClient, room: string): void {
    take(this.rooms, room, client);
    this.#tell({ type: 'exited', client, room });
  }

  /** Throws `LimitReached` if as many as may bear the tag do so. */
  tag(client: ServedClient, tag: string, limit: number): void {
    if ((this.#byTag.get(tag)?.size ?? 0) >= limit) throw new LimitReached('clients with a tag', limit);
    put(this.#byTag, tag, client);
  }

  untag(client: ServedClient, tag: string): void {
    take(this.#byTag, tag, client);
  }

  #tell(change: RegistryChange): void {
    this.#changes.next(change);
  }
}

const put = (sets: Map<string, Set<ServedClient>>, key: string, client: ServedClient): void => {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([client]));
  else set.add(client);
};

const take = (sets: Map<string, Set<ServedClient>>, key: string, client: ServedClient): void => {
  const set = sets.get(key);
  if (set?.delete(client) === true && set.size === 0) sets.delete(key);
};
