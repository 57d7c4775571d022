import { checkText } from '../check.js';

/** What a peer is called, and where it belongs. */
export interface Belonging {
  /** Its name: its address, until somebody gives it another. */
  name: string;
  /** The rooms that it is in. */
  readonly rooms: ReadonlySet<string>;
  /** Puts it into a room, for broadcasts. */
  enter(room: string): void;
  /** Takes it out again. */
  exit(room: string): void;
}

/** Who opened a connection: we dialled (`active`), or they did (`passive`). */
export type Opener = 'active' | 'passive';

/**
 * Who watches a connection: `createServer` gives one to its handlers, as their third argument, for its statistics and
 * events. A `protocol` tells it of everything by itself; a plain handler may tell it what it likes.
 */
export interface Watch extends Belonging {
  /** Who opened the connection. */
  readonly opener: Opener;
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
  /** A gate stands in front of it (`authenticate`): nothing is sent to it besides, until it is admitted. */
  guarded(): void;
  /** An attempt to get in has failed: the first is number 1. */
  attemptFailed(attempt: number): void;
  /** The gate has let it in, and this is who it is. */
  admitted(identity: unknown): void;
}

const NOWHERE: ReadonlySet<string> = new Set();

/** @internal The same for a peer that nobody watches. */
export class Unwatched implements Belonging {
  name: string;
  #rooms: Set<string> | undefined;

  constructor(name: string) {
    this.name = name;
  }

  get rooms(): ReadonlySet<string> {
    return this.#rooms ?? NOWHERE;
  }

  enter(room: string): void {
    (this.#rooms ??= new Set()).add(checkText('room', room));
  }

  exit(room: string): void {
    this.#rooms?.delete(room);
  }
}
