/** Moments in time, the earliest at hand: a binary heap. */
export class Moments {
  #heap: number[] = [];

  /** The earliest, or `undefined` when there is none. */
  get first(): number | undefined {
    return this.#heap[0];
  }

  add(moment: number): void {
    const heap = this.#heap;
    let at = heap.push(moment) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as number;
      if (above <= moment) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = moment;
  }

  /** Takes the earliest away. */
  drop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] as number) < (heap[child] as number)) child++;
      const below = heap[child] as number;
      if (below >= last) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }

  clear(): void {
    this.#heap = [];
  }
}
