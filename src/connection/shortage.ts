import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import type { Subscription } from 'rxjs';
import type { Clock } from '../time/clock.js';

/** How long after a connection it is looked whether there are descriptors left, in milliseconds. */
const LOOK = 1;

/** The first wait after a failed accept and the longest, in milliseconds. It doubles while failures go on. */
const FIRST_WAIT = 100;
const LONGEST_WAIT = 1_000;

/** What an acceptor does when the system has no descriptor left: it refuses who comes for a while, and says so. */
export class Shortage {
  readonly #clock: Clock;
  readonly #tell: (code: string, wait: number) => void;
  #wait = 0;
  #until = -Infinity;
  #looking: Subscription | undefined;

  /** `tell`: why who comes is refused, and for how many milliseconds. */
  constructor(clock: Clock, tell: (code: string, wait: number) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Whether who comes now is to be refused. */
  get lasts(): boolean {
    return this.#clock.now() < this.#until;
  }

  /** Somebody has come, perhaps with the last descriptor. */
  looks(): void {
    this.#looking ??= this.#clock.after(LOOK, () => {
      this.#looking = undefined;
      const code = descriptorShortage();
      if (code !== undefined) this.#backOff(code);
    });
  }

  /** Somebody could not be accepted. */
  failed({ code = 'unknown' }: NodeJS.ErrnoException): void {
    if (PEER_GONE.has(code)) this.#tell(code, 0);
    else this.#backOff(code);
  }

  /** There is no acceptor any more. */
  leave(): void {
    this.#looking?.unsubscribe();
  }

  #backOff(code: string): void {
    const now = this.#clock.now();
    this.#wait = now < this.#until + LONGEST_WAIT ? Math.min(this.#wait * 2, LONGEST_WAIT) : FIRST_WAIT;
    this.#until = now + this.#wait;
    this.#tell(code, this.#wait);
  }
}

/** The peer was gone again before it was accepted: no shortage of ours, and nothing to wait for. */
const PEER_GONE: ReadonlySet<string> = new Set(['ECONNABORTED', 'ECONNRESET', 'EPROTO']);

/**
 * What the system says when it has no descriptor left, found out by taking one. Node itself says nothing: it accepts
 * and closes whoever comes then, and nobody learns of it.
 */
const descriptorShortage = (): string | undefined => {
  try {
    closeSync(openSync(devNull, 'r'));
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'EMFILE' || code === 'ENFILE' ? code : undefined;
  }
};
