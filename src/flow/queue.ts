/** A queue whose front costs the same however long it is: `Array.shift` moves all that is behind. */
export class Queue<A> {
  length = 0;
  /** Made when it is needed: most queues stay empty. */
  #items: (A | undefined)[] | null = null;
  #head = 0;

  push(item: A): void {
    (this.#items ??= []).push(item);
    this.length++;
  }

  /** Takes the oldest, or `undefined` when there is none. */
  shift(): A | undefined {
    const items = this.#items;
    if (items === null) return undefined;
    const item = items[this.#head];
    items[this.#head++] = undefined;
    this.length--;
    if (this.length === 0) this.clear();
    else if (this.#head >= 1_024 && this.#head * 2 >= items.length) {
      this.#items = items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** The oldest, left where it is. */
  peek(): A | undefined {
    return this.#items?.[this.#head];
  }

  clear(): void {
    this.length = 0;
    this.#items = null;
    this.#head = 0;
  }
}
