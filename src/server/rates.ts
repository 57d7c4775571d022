/** How many a second, over the last second, over about the last ten, and over about the last minute. */
export interface Rate {
  readonly s1: number;
  readonly s10: number;
  readonly s60: number;
}

/** What goes through, a second. */
export interface Rates {
  readonly bytesIn: Rate;
  readonly bytesOut: Rate;
  readonly messagesIn: Rate;
  readonly messagesOut: Rate;
}

/** What is counted, and has rates. */
export interface Counted {
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
}

/** Numbers kept for each count: the count at the last look, and its three rates. */
const WIDTH = 4;

/** The weight of the last look of `seconds` in a mean over `window` seconds that forgets what is older. */
const weight = (seconds: number, window: number): number => 1 - Math.exp(-seconds / window);

/**
 * Rates of four counts, from looks at them about once a second: over the last second as it was, and means that forget
 * exponentially. As long as it is younger than a window, it is the plain mean since the beginning.
 */
export class Meter {
  readonly #numbers = Array.from({ length: 4 * WIDTH }, () => 0);
  #looks = 0;

  /** Begins anew, with counts as they are: nothing has gone through yet. */
  begin({ bytesIn, bytesOut, messagesIn, messagesOut }: Counted): void {
    this.#looks = 0;
    this.#numbers.fill(0);
    this.#numbers[0] = bytesIn;
    this.#numbers[WIDTH] = bytesOut;
    this.#numbers[2 * WIDTH] = messagesIn;
    this.#numbers[3 * WIDTH] = messagesOut;
  }

  /** Looks at the counts, `seconds` after the last time. */
  look({ bytesIn, bytesOut, messagesIn, messagesOut }: Counted, seconds: number): void {
    this.#looks++;
    const least = 1 / this.#looks;
    const ten = Math.max(weight(seconds, 10), least);
    const sixty = Math.max(weight(seconds, 60), least);
    this.#mean(0, bytesIn, seconds, ten, sixty);
    this.#mean(WIDTH, bytesOut, seconds, ten, sixty);
    this.#mean(2 * WIDTH, messagesIn, seconds, ten, sixty);
    this.#mean(3 * WIDTH, messagesOut, seconds, ten, sixty);
  }

  get rates(): Rates {
    return {
      bytesIn: this.#rate(0),
      bytesOut: this.#rate(WIDTH),
      messagesIn: this.#rate(2 * WIDTH),
      messagesOut: this.#rate(3 * WIDTH),
    };
  }

  #mean(at: number, count: number, seconds: number, ten: number, sixty: number): void {
    const numbers = this.#numbers as [number, number, number, number];
    const rate = (count - (numbers[at] as number)) / seconds;
    numbers[at] = count;
    numbers[at + 1] = rate;
    numbers[at + 2] = (numbers[at + 2] as number) * (1 - ten) + rate * ten;
    numbers[at + 3] = (numbers[at + 3] as number) * (1 - sixty) + rate * sixty;
  }

  #rate(at: number): Rate {
    const [s1 = 0, s10 = 0, s60 = 0] = this.#numbers.slice(at + 1, at + WIDTH);
    return { s1, s10, s60 };
  }
}
