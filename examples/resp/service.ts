// What all clients share.
import type { Server } from 'sluice/server';
import type { Channels } from './channels.js';
import type { Commands } from './command.js';
import type { Database } from './database.js';
import type { Limits } from './limits.js';
import type { Session } from './session.js';

export interface Service {
  /** The time, in milliseconds since 1970. */
  readonly now: () => number;
  readonly databases: readonly Database[];
  readonly channels: Channels;
  readonly commands: Commands;
  readonly limits: Limits;
  /** What a client has to say before it is heard; undefined: nothing. */
  readonly password: string | undefined;
  /** Who is served, by the number of the client. */
  readonly sessions: Map<number, Session>;
  /** The server that serves them: its registry knows who is there. */
  readonly server: Server<Uint8Array>;
}
