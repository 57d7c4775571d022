import type { Connection } from '../connection/connection.js';
import type { ClientStatistics } from './statistics.js';

/** What a client is doing: flags, since more than one may be so. */
export interface ClientState {
  /** It is there. */
  readonly connected: boolean;
  /** One side has ended and the other has not yet. */
  readonly halfClosed: boolean;
  /** Nothing has come from it for `idleAfter` milliseconds. */
  readonly idle: boolean;
  /** It is not read from: `pauseListening`, or a consumer that is full. */
  readonly paused: boolean;
  /** It has been silent, was sent a keep-alive, and has not been heard since. */
  readonly keepAlivePending: boolean;
}

/** Who opened a connection: we dialled (`active`), or they did (`passive`). */
export type Opener = 'active' | 'passive';

/** A client as it was at one moment: plain values, to be printed or sent. */
export interface ClientSnapshot {
  readonly id: number;
  readonly address: string;
  readonly name: string;
  readonly opener: Opener;
  readonly rooms: readonly string[];
  readonly tags: readonly string[];
  readonly state: ClientState;
  readonly statistics: ClientStatistics;
}

/**
 * One who is connected to a server. All of it is as of the moment in which it is looked at; of one that is gone it stays as it was at the end.
 */
export interface Client {
  /** A number of its own in this process: that of its connection, and of the `peer` that its session talks to. */
  readonly id: number;
  /** Where it is: `127.0.0.1:51512`, `[::1]:51512`, or the path of a Unix socket. */
  readonly address: string;
  /** What it is called: its address, until its session gives it another name (`peer.name`). */
  readonly name: string;
  readonly opener: Opener;
  readonly connection: Connection;
  readonly rooms: ReadonlySet<string>;
  /** Words that the program marks it with: `client.tags.add('slow')`. They mean nothing to the server. */
  readonly tags: Set<string>;
  readonly state: ClientState;
  readonly statistics: ClientStatistics;
  /** Puts it into a room, for broadcasts. Nothing happens if it is in there, or is gone. */
  enter(room: string): void;
  /** Takes it out again. */
  exit(room: string): void;
  /** All of this as a plain value. */
  snapshot(): ClientSnapshot;
}
