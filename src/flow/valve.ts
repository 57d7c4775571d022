import type { Gate } from './gate.js';

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
  /** Those that stopped at the closed valve, the longest waiting first. */
  #waiting: Set<Gate> | null = null;

  close(): void {
    this.closed = true;
  }

  /** Wakes those that stopped, in turn, until it is closed again. */
  open(): void {
    if (!this.closed) return;
    this.closed = false;
    this.openings++;
    const waiting = this.#waiting;
    if (waiting === null) return;
    for (const gate of waiting) {
      waiting.delete(gate);
      gate.proceed();
      if (this.closed) return;
    }
  }

  /** @internal Called by a gate that found the valve closed and has something waiting behind it. */
  enrol(gate: Gate): void {
    (this.#waiting ??= new Set()).add(gate);
  }

  /** @internal Called by a gate that goes away. */
  strike(gate: Gate): void {
    this.#waiting?.delete(gate);
  }
}
