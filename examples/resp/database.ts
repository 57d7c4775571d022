// The values of one database, when they expire, and who watches them.
import type { Deque } from './deque.js';
import { wrongType } from './request-error.js';

/** A hash: its fields, by name. */
export type Hash = Map<string, Uint8Array>;

/** What a key can have: a string, a hash, a list, a set. Bytes are never changed once they are here. */
export type Value = Uint8Array | Hash | Deque<Uint8Array> | Set<string>;

/** Who wants to know that a key was changed: a transaction. */
export interface Watcher {
  changed(): void;
}

/** Scans that may be under way at once. The oldest is forgotten for one more. */
const SCANS = 64;

/** Keys with a time to live that are looked at in one go, and how many goes there may be at a time. */
const SWEEP = 200;
const SWEEPS = 50;

/**
 * Keys are texts with a character for each byte. A key that is over is gone for whoever asks; `sweep`, called now and
 * then, lets go of those nobody asks for.
 */
export class Database {
  readonly #now: () => number;
  readonly #values = new Map<string, Value>();
  readonly #expiries = new Map<string, number>();
  readonly #watchers = new Map<string, Set<Watcher>>();
  /** A map can be gone through while it changes: what is there all the time comes once. */
  readonly #scans = new Map<number, Iterator<string>>();
  #scanned = 0;
  #swept: Iterator<[string, number]> = this.#expiries.entries();

  /** `now` is in milliseconds since 1970. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** How many keys there are. Those that are over and have not been looked at since are counted. */
  get size(): number {
    return this.#values.size;
  }

  /** How many of them have a time to live. */
  get expiring(): number {
    return this.#expiries.size;
  }

  now(): number {
    return this.#now();
  }

  get(key: string): Value | undefined {
    if (this.#expiries.size > 0) this.#dropIfOver(key);
    return this.#values.get(key);
  }

  string(key: string): Uint8Array | undefined {
    const value = this.get(key);
    if (value === undefined || value instanceof Uint8Array) return value;
    throw wrongType();
  }

  hash(key: string): Hash | undefined {
    const value = this.get(key);
    if (value === undefined || value instanceof Map) return value;
    throw wrongType();
  }

  members(key: string): Set<string> | undefined {
    const value = this.get(key);
    if (value === undefined || value instanceof Set) return value;
    throw wrongType();
  }

  list(key: string): Deque<Uint8Array> | undefined {
    const value = this.get(key);
    if (value === undefined || !(value instanceof Uint8Array || value instanceof Map || value instanceof Set))
      return value;
    throw wrongType();
  }

  /** Gives a key a value, and for as long as it has one, unless it is to keep its time to live. */
  set(key: string, value: Value, keepTime = false): void {
    if (!keepTime && this.#expiries.size > 0) this.#expiries.delete(key);
    this.#values.set(key, value);
    this.changed(key);
  }

  delete(key: string): boolean {
    if (this.get(key) === undefined) return false;
    this.#drop(key);
    return true;
  }

  clear(): void {
    for (const key of this.#watchers.keys()) if (this.#values.has(key)) this.changed(key);
    this.#values.clear();
    this.#expiries.clear();
    this.#scans.clear();
  }

  // ── times to live ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** When a key is over, in milliseconds since 1970; undefined when it is for good. */
  expiry(key: string): number | undefined {
    return this.#expiries.get(key);
  }

  /** Gives a key that is there a time at which it is over. In the past: it is over. */
  expireAt(key: string, at: number): void {
    if (at <= this.#now()) return this.#drop(key);
    this.#expiries.set(key, at);
    this.changed(key);
  }

  /** Takes the time to live away. Answers whether there was one. */
  persist(key: string): boolean {
    if (!this.#expiries.delete(key)) return false;
    this.changed(key);
    return true;
  }

  /** Lets go of keys that are over: a few, and more as long as many of these are. */
  sweep(): void {
    for (let round = 0; round < SWEEPS; round++) {
      if (this.#sweepSome() * 4 < SWEEP) return;
    }
  }

  #sweepSome(): number {
    const now = this.#now();
    const most = Math.min(SWEEP, this.#expiries.size);
    let over = 0;
    for (let count = 0; count < most; count++) {
      let next = this.#swept.next();
      if (next.done === true) {
        this.#swept = this.#expiries.entries();
        next = this.#swept.next();
        if (next.done === true) break;
      }
      const [key, at] = next.value;
      if (at > now) continue;
      this.#drop(key);
      over++;
    }
    return over;
  }

  #dropIfOver(key: string): void {
    const at = this.#expiries.get(key);
    if (at !== undefined && at <= this.#now()) this.#drop(key);
  }

  #drop(key: string): void {
    this.#values.delete(key);
    this.#expiries.delete(key);
    this.changed(key);
  }

  // ── looking at all ────────────────────────────────────────────────────────────────────────────────────────────────

  /** All keys. Those that are over are let go of on the way. */
  *keys(): Generator<string> {
    for (const key of this.#values.keys()) if (this.get(key) !== undefined) yield key;
  }

  /** The next keys of a scan, and the number under which it goes on: 0 begins one, and is given at its end. */
  scan(cursor: number, count: number): { readonly cursor: number; readonly keys: readonly string[] } | undefined {
    const under = cursor === 0 ? this.keys() : this.#scans.get(cursor);
    if (under === undefined) return undefined;
    this.#scans.delete(cursor);
    const keys: string[] = [];
    while (keys.length < count) {
      const next = under.next();
      if (next.done === true) return { cursor: 0, keys };
      keys.push(next.value);
    }
    const [oldest] = this.#scans.keys();
    if (oldest !== undefined && this.#scans.size >= SCANS) this.#scans.delete(oldest);
    this.#scans.set(++this.#scanned, under);
    return { cursor: this.#scanned, keys };
  }

  // ── who watches ───────────────────────────────────────────────────────────────────────────────────────────────────

  watch(key: string, watcher: Watcher): void {
    // One that is over already is not there: that it goes is no change.
    this.get(key);
    const watchers = this.#watchers.get(key);
    if (watchers === undefined) this.#watchers.set(key, new Set([watcher]));
    else watchers.add(watcher);
  }

  unwatch(key: string, watcher: Watcher): void {
    const watchers = this.#watchers.get(key);
    if (watchers?.delete(watcher) === true && watchers.size === 0) this.#watchers.delete(key);
  }

  /** A value was changed where it is. */
  changed(key: string): void {
    if (this.#watchers.size === 0) return;
    for (const watcher of this.#watchers.get(key) ?? []) watcher.changed();
  }
}
