import type { Gate } from './gate.js';
import { type Scope, openScope } from './scope.js';

/**
 * What a slow consumer closes to make its sources rest, and opens when it can take more.
 *
 * A consumer makes one valve and subscribes to its source with the valve in scope (see `scope.ts`); every source that
 * can be paused joins the valves that it finds through a `Gate`. Closing costs the same for one source as for ten
 * thousand: a source looks before it emits, and only the ones that did stop are woken.
 */
export class Valve {
  /** Whether the sources above are to rest. Opens and closes as often as the consumer likes. */
  closed = false;
  /** How often it was opened: who left something behind it can tell whether that may have gone through. */
  openings = 0;
  /** Whether any source has ever joined. A consumer that fills up without one says so (law 4). */
  reached = false;
  /** The valve of the consumer that this one's consumer feeds. */
  readonly below: Valve | null;
  /** The valve of the last consumer of all down there: which stream this one belongs to. */
  readonly root: Valve;
  /** Where this stream was subscribed to outside of any other: the root of the one that it is fed by all the same. */
  kin: Valve | undefined = undefined;
  /** The valve of the operator in whose inner stream this one's consumer stands. */
  readonly within: Valve | null;
  /** Those that stopped at the closed valve, the longest waiting first. */
  #waiting: Set<Gate> | null = null;
  /** Those that joined while they emitted. They are told, because they may have many such valves to look at. */
  #joined: Set<Gate> | null = null;
  #waking = false;
  /** Nobody would open it again. */
  #released = false;

  constructor(scope: Scope = openScope) {
    this.below = scope.valve;
    this.root = scope.valve?.root ?? this;
    this.within = scope.within;
  }

  close(): void {
    if (this.closed || this.#released) return;
    this.closed = true;
    this.#tell();
  }

  /** Wakes those that stopped, in turn, until it is closed again. */
  open(): void {
    if (!this.closed) return;
    this.closed = false;
    this.openings++;
    this.#tell();
    // A loop and not a recursion: one that is woken may close the valve and open it again.
    if (this.#waiting === null || this.#waking) return;
    this.#waking = true;
    try {
      for (const gate of this.#waiting) {
        if (this.closed) return;
        this.#waiting.delete(gate);
        gate.proceed();
      }
    } finally {
      this.#waking = false;
    }
  }

  /** Nobody closes it any more: opens, and those that joined while they emitted forget it. */
  release(): void {
    this.#released = true;
    this.open();
    const joined = this.#joined;
    this.#joined = null;
    if (joined !== null) for (const gate of joined) gate.part(this);
  }

  /** Whether this one may stay closed until `valve` opens, or is `valve`. */
  waitsFor(valve: Valve): boolean {
    return this === valve || (this.below !== null && this.below.waitsFor(valve));
  }

  /** @internal Called by a gate that joins while it emits. */
  take(gate: Gate): void {
    (this.#joined ??= new Set()).add(gate);
  }

  /** @internal Called by a gate that found the valve closed and has something waiting behind it. */
  enrol(gate: Gate): void {
    (this.#waiting ??= new Set()).add(gate);
  }

  /** @internal Called by a gate that goes away. */
  strike(gate: Gate): void {
    this.#waiting?.delete(gate);
    this.#joined?.delete(gate);
  }

  #tell(): void {
    if (this.#joined !== null) for (const gate of this.#joined) gate.heed(this);
  }
}
