import type { Observable } from 'rxjs';
import type { Client } from './client.js';

/** Something that has changed among the clients of a server. */
export type RegistryChange =
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
  /** All whom the program has marked with a tag. Looks at every client. */
  tagged(tag: string): Iterable<Client>;
  /** The rooms in which there is somebody, and how many are in each. */
  readonly rooms: ReadonlyMap<string, number>;
  /** What changes, as it does. */
  readonly changes: Observable<RegistryChange>;
}
