import type { DialOptions, DialState } from '../connection/dial.js';
import type { Changing } from './changing.js';
import type { Client } from './client.js';

/** How a server dials: as `dial` does. `reconnect` is on unless it is set to false. */
export type ConnectOptions = Omit<DialOptions, 'port' | 'host' | 'path' | 'scheduler'>;

/** What a dial of a server is doing. `given-up` and `ended` are the last that is told. */
export type DialledState = DialState | { readonly state: 'ended'; readonly address: string };

/** A peer that a server dials, and dials again when it is lost, and treats as one of its clients. */
export interface Dialled {
  /** Whom it dials: `host:port`. */
  readonly address: string;
  /** What it is doing: connecting, connected, waiting so many milliseconds, given up, ended. */
  readonly state: Changing<DialledState>;
  /** The client that it is at the moment, where it is connected. */
  readonly client: Client | undefined;
  /** Ends the retries, and the connection: what was sent is flushed first. */
  disconnect(): void;
}
