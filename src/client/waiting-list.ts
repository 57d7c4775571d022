/** One who waits in a list, and may leave it at any time. */
export abstract class Waiting {
  /** @internal Its neighbours, while it waits. */
  before: Waiting | null = null;
  behind: Waiting | null = null;
  /** @internal The list in which it waits. */
  list: object | null = null;
  /** When it began to wait. */
  since = 0;
}

/** Who came first is first, and to leave from the middle costs no more than to leave from the front. */
export class WaitingList<A extends Waiting> {
  #first: A | null = null;
  #last: A | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): A | null {
    return this.#first;
  }

  has(one: A): boolean {
    return one.list === this;
  }

  push(one: A): void {
    one.list = this;
    one.before = this.#last;
    if (this.#last === null) this.#first = one;
    else this.#last.behind = one;
    this.#last = one;
    this.#size++;
  }

  /** Takes it out, wherever it stands. */
  take(one: A): void {
    const { before, behind } = one;
    if (before === null) this.#first = behind as A | null;
    else before.behind = behind;
    if (behind === null) this.#last = before as A | null;
    else behind.before = before;
    one.before = one.behind = one.list = null;
    this.#size--;
  }
}
