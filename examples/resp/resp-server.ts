// The server: the rule, the sessions and the store put together.
import { EMPTY, asyncScheduler, defer, interval, switchMap } from 'rxjs';
import type { Handler } from 'sluice';
import { frame, frameDeadline } from 'sluice/operators';
import { type Server, type ServerOptions, createServer } from 'sluice/server';
import { allCommands } from './all-commands.js';
import { Channels, MAX_ROOM } from './channels.js';
import { Database } from './database.js';
import { type Limits, defaultLimits } from './limits.js';
import type { Service } from './service.js';
import { Session } from './session.js';

/** What can be set, besides where the server listens. */
export interface RespOptions extends ServerOptions {
  /** What a client has to say (AUTH) before it is heard. Without it, everybody is. */
  readonly password?: string;
  /** How many databases there are (default 16). */
  readonly databases?: number;
  /** How much a client may send, and have waiting: see `Limits` for each and its default. */
  readonly limited?: Partial<Limits>;
  /** How long a request may take from its first byte to its last, in milliseconds (default 10 minutes). */
  readonly requestDeadline?: number;
}

/** How often keys that are over are looked for, in milliseconds. */
const SWEEP = 100;

/** A store that speaks RESP2 and RESP3, as Redis does. */
export const respServer = (options: RespOptions = {}): Server<Uint8Array> => {
  const { password, databases = 16, limited = {}, requestDeadline = 600_000, ...listening } = options;
  const { scheduler = asyncScheduler } = options;
  const limits = { ...defaultLimits, ...limited };

  const handler: Handler = (bytes, connection, watch) =>
    defer(() => {
      if (watch === undefined) throw new TypeError('clients are those of a server: createServer');
      const session = new Session(service, connection, watch);
      return bytes.pipe(frame(session.rule), frameDeadline(requestDeadline, scheduler), session.answers);
    });

  const server = createServer('resp', handler, {
    // What is answered is copied or kept by then: nothing that is read is looked at later.
    readBuffer: 'shared',
    writeLimit: limits.output,
    highWater: limits.messages,
    ...listening,
    // A channel is a room.
    limits: { maxRooms: limits.names, maxNameLength: MAX_ROOM, ...listening.limits },
  });
  const now = (): number => scheduler.now();
  const service: Service = {
    now,
    databases: Array.from({ length: databases }, () => new Database(now)),
    channels: new Channels(() => server),
    commands: allCommands,
    limits,
    password,
    sessions: new Map(),
    server,
  };
  server.state.pipe(switchMap(({ running }) => (running ? interval(SWEEP, scheduler) : EMPTY))).subscribe(() => {
    for (const database of service.databases) database.sweep();
  });
  return server;
};
