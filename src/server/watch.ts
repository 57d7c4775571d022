/**
 * Who watches a connection: `createServer` gives one to its handlers, as their third argument, for its statistics and
 * events. A `protocol` tells it of everything by itself; a plain handler may tell it what it likes.
 */
export interface Watch {
  /** What the peer is called. Setting it tells the server. */
  name: string;
  /** The rooms that the peer is in. */
  readonly rooms: ReadonlySet<string>;
  enter(room: string): void;
  exit(room: string): void;
  /** A message came. */
  received(message: unknown): void;
  /** A message goes out. */
  sent(message: unknown): void;
  /** Something happened to a keep-alive: see `KeepAliveEvent`. */
  keepAlive(event: 'sent' | 'received' | 'pending' | 'expired'): void;
  /** A frame was left out, or was no message; `why` has a line for each thing that is wrong. */
  refused(why: readonly string[]): void;
  /** A broadcast to this peer was dropped. */
  dropped(): void;
}
