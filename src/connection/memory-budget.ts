import { totalmem } from 'node:os';
import { checkInteger, checkObject } from '../check.js';
import { MemoryExceeded } from '../errors.js';

/** How many bytes all connections of the process may hold together. */
export interface MemoryLimits {
  /**
   * Beyond this, who takes in more and holds more than an equal share of it is not read from any more; one of them always
   * is, so that there is an end to it.
   */
  readonly soft: number;
  /** Beyond this, those who hold most fail with `MemoryExceeded`, until it is no more than this. */
  readonly hard: number;
}

/**
 * What all connections of the process hold: unfinished frames, and what was written and waits for a peer that is full. A
 * worker thread has a budget of its own.
 */
export interface MemoryBudget extends MemoryLimits {
  /** Bytes that are held now. What is less than 4,096 bytes of a connection is not counted. */
  readonly held: number;
  /** How many connections hold them. */
  readonly holders: number;
  /** How many of those are not read from because of the soft mark. */
  readonly paused: number;
  /** How many have failed because of it so far, at the hard mark or after they had waited for too long. */
  readonly closed: number;
  /** Changes the marks, in force at once; what is left out stays as it is. */
  set(limits: Partial<MemoryLimits>): void;
}

/** @internal One who holds bytes. */
export interface Holder {
  /** How many, as they are counted. */
  readonly counted: number;
  /** Is not to be read from, or may be again: later, and not in the midst of what somebody else is doing. */
  press(pressed: boolean): void;
  /** Has to go. */
  exceed(error: MemoryExceeded): void;
}

/** Once it has come down to this part of the soft mark, those who were paused are read from again. */
const EASED = 7 / 8;

/** @internal The budget, for the connections. */
export class Budget implements MemoryBudget {
  soft: number;
  hard: number;
  held = 0;
  holders = 0;
  closed = 0;
  /**
   * All that have ever held something, and are still there. A set that loses and takes in the same few again and again is
   * made anew each time, and that in the collector's old space: with frames of 16 KiB it was a sixth of a server's work.
   */
  readonly #known = new Set<Holder>();
  readonly #pressed = new Set<Holder>();
  #closing = false;

  constructor(hard: number) {
    this.hard = hard;
    this.soft = Math.floor(hard / 2);
  }

  get paused(): number {
    return this.#pressed.size;
  }

  set(limits: Partial<MemoryLimits>): void {
    const hard = checkInteger('hard', checkObject('limits', limits).hard ?? this.hard, 1);
    // One that was not given gives way to a hard mark below it.
    this.soft = checkInteger('soft', limits.soft ?? Math.min(this.soft, hard), 1, hard);
    this.hard = hard;
    this.#ease();
    this.#close();
  }

  /** A holder that held `before` holds more now, or less. */
  count(holder: Holder, before: number): void {
    const now = holder.counted;
    this.held += now - before;
    if (now === 0) this.holders--;
    else if (before === 0) {
      this.holders++;
      this.#known.add(holder);
    }
    if (now > before) this.#grew(holder);
    else if (this.#pressed.size > 0) {
      if (now < this.#share) this.#relent(holder);
      this.#ease();
    }
  }

  /** One that is paused has waited for as long as it may. */
  giveUp(holder: Holder): void {
    this.#end(holder, this.soft);
  }

  /** One that holds nothing will never hold anything again. */
  forget(holder: Holder): void {
    this.#known.delete(holder);
  }

  get #share(): number {
    return this.soft / this.holders;
  }

  #grew(holder: Holder): void {
    if (this.held <= this.soft) return;
    // One may always go on: a frame that is not finished gives back its memory only when the rest of it comes.
    if (holder.counted >= this.#share && this.#pressed.size + 1 < this.holders && !this.#pressed.has(holder)) {
      this.#pressed.add(holder);
      holder.press(true);
    }
    if (this.held <= this.hard || this.#closing) return;
    // Not in the midst of what somebody else is doing.
    this.#closing = true;
    process.nextTick(() => {
      this.#closing = false;
      this.#close();
    });
  }

  #relent(holder: Holder): void {
    if (this.#pressed.delete(holder)) holder.press(false);
  }

  /** Lets all go on when there is room again; or the one paused first, when all that hold something are. */
  #ease(): void {
    for (const holder of this.#pressed) {
      if (this.held > this.soft * EASED && this.#pressed.size < this.holders) return;
      this.#relent(holder);
    }
  }

  #close(): void {
    while (this.held > this.hard) {
      let largest: Holder | undefined;
      for (const holder of this.#known) if (holder.counted > (largest?.counted ?? 0)) largest = holder;
      if (largest === undefined) return;
      this.#end(largest, this.hard);
    }
  }

  #end(holder: Holder, limit: number): void {
    this.closed++;
    holder.exceed(new MemoryExceeded(holder.counted, this.held, limit));
  }
}

/** @internal Memory that this process may have: all of the machine's, or less where it is confined. */
const available = (): number => {
  const confined = process.constrainedMemory();
  return confined > 0 ? Math.min(confined, totalmem()) : totalmem();
};

/** @internal */
export const budget = new Budget(Math.floor(available() / 4));

/**
 * What all connections of this process may hold together (default: a quarter of the memory it may have is the hard
 * mark, half of that the soft one). Each connection has bounds of its own besides.
 *
 *     memoryBudget.set({ soft: 256 * 2 ** 20, hard: 512 * 2 ** 20 });
 *
 * One that is paused for its sake, and for whom nothing gets better within its write deadline, fails as well; not while
 * its peer takes what was written to it, each time before that deadline.
 */
export const memoryBudget: MemoryBudget = budget;
