import type { Servers } from './servers.js';
import type { Session } from './session.js';
import type { Io } from './shell.js';

/** What a command is run with: the servers, who typed it, and where its words go. */
export interface Call extends Io {
  readonly servers: Servers;
  readonly session: Session;
}
