import { type Observable, Subscription, take } from 'rxjs';
import { type Backoff, waitOf } from '../connection/backoff.js';
import type { Connection } from '../connection/connection.js';
import { inScope, openScope } from '../flow/scope.js';
import type { Clock } from '../time/clock.js';

/** What dialling comes to. */
interface Told {
  opened(connection: Connection): void;
  /** A dial failed, and none is made before a while has passed. */
  failed(error: unknown): void;
  /** It has. */
  ready(): void;
}

/** How a dialler dials, and waits after failures. */
export interface DiallerOptions {
  readonly dial: Observable<Connection>;
  readonly backoff: Backoff;
  readonly chance: () => number;
}

/**
 * Dials for a pool, any number at a time while all goes well. After a failure there is one wait for all, and then one
 * dial at a time until something has gone well again: a server that comes back is not met by a herd.
 */
export class Dialler {
  /** Failures since all went well, and what the last of them was. */
  failures = 0;
  lastFailure: unknown;
  readonly #options: DiallerOptions;
  readonly #clock: Clock;
  readonly #told: Told;
  readonly #dials = new Set<Subscription>();
  #pause: Subscription | null = null;

  constructor(options: DiallerOptions, clock: Clock, told: Told) {
    this.#options = options;
    this.#clock = clock;
    this.#told = told;
  }

  /** Dials that are under way. */
  get dialling(): number {
    return this.#dials.size;
  }

  /** Whether a dial would be made now. */
  get ready(): boolean {
    return this.#pause === null && (this.failures === 0 || this.#dials.size === 0);
  }

  /** Dials. In a scope of its own: a connection outlasts whoever happens to be the first to need it. */
  dial(): void {
    const dialling = new Subscription(() => this.#dials.delete(dialling));
    this.#dials.add(dialling);
    const failed = (error: unknown): void => {
      if (dialling.closed) return;
      dialling.unsubscribe();
      this.failed(error);
      this.#told.failed(error);
    };
    const attempt = inScope(openScope, () =>
      this.#options.dial.pipe(take(1)).subscribe({
        next: (connection) => {
          dialling.unsubscribe();
          this.#told.opened(connection);
        },
        error: failed,
        complete: () => failed(new Error('the dial gave no connection')),
      }),
    );
    dialling.add(attempt);
  }

  /** Something was wrong: a wait begins. Failures during a wait belong to what it was begun for. */
  failed(error: unknown): void {
    this.lastFailure = error;
    if (this.#pause !== null) return;
    const { backoff, chance } = this.#options;
    this.#pause = this.#clock.after(waitOf(backoff, ++this.failures, chance), () => {
      this.#pause = null;
      this.#told.ready();
    });
  }

  /** All goes well. */
  succeeded(): void {
    this.failures = 0;
  }

  /** Gives up what is under way. */
  stop(): void {
    this.#pause?.unsubscribe();
    for (const dialling of this.#dials) dialling.unsubscribe();
  }
}
