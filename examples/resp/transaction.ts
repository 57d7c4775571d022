import type { Command } from './command.js';
import type { Database, Watcher } from './database.js';
import type { Request } from './request.js';
import { RequestError } from './request-error.js';

/** What a client has asked to be done at once, and what must not change before. */
export class Transaction implements Watcher {
  /** MULTI was said: commands are kept. */
  open = false;
  /** One of them was none. */
  failed = false;
  /** A key that is watched was changed. */
  stale = false;
  readonly #watched = new Map<Database, Set<string>>();
  #kept: (readonly [Command, Request])[] = [];
  #size = 0;

  get length(): number {
    return this.#kept.length;
  }

  get watched(): number {
    let count = 0;
    for (const keys of this.#watched.values()) count += keys.size;
    return count;
  }

  changed(): void {
    this.stale = true;
  }

  keep(command: Command, request: Request, limit: number): void {
    // With what it costs to keep anything.
    this.#size += request.frame.length + 128;
    if (this.#size > limit) {
      this.failed = true;
      this.#kept = [];
      throw new RequestError('ERR the transaction is too long');
    }
    if (!this.failed) this.#kept.push([command, request.keep()]);
  }

  watch(database: Database, key: string): void {
    const keys = this.#watched.get(database) ?? new Set();
    this.#watched.set(database, keys.add(key));
    database.watch(key, this);
  }

  unwatch(): void {
    for (const [database, keys] of this.#watched) for (const key of keys) database.unwatch(key, this);
    this.#watched.clear();
    this.stale = false;
  }

  /** Looks whether a key that is watched is over by now: that is a change too. */
  look(): void {
    for (const [database, keys] of this.#watched) for (const key of keys) database.get(key);
  }

  /** Ends it, and gives the commands that were kept. */
  end(): readonly (readonly [Command, Request])[] {
    const kept = this.#kept;
    this.open = this.failed = false;
    this.#kept = [];
    this.#size = 0;
    this.unwatch();
    return kept;
  }
}
