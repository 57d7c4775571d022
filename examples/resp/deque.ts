/** A row of values that grows and shrinks at both ends in no time, and can be looked at anywhere: a list of Redis. */
export class Deque<A> {
  #values: (A | undefined)[] = [undefined, undefined, undefined, undefined];
  #front = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  at(index: number): A {
    return this.#values[this.#place(index)] as A;
  }

  push(value: A): void {
    this.#makeRoom();
    this.#values[this.#place(this.#length++)] = value;
  }

  unshift(value: A): void {
    this.#makeRoom();
    this.#front = this.#place(-1);
    this.#values[this.#front] = value;
    this.#length++;
  }

  pop(): A | undefined {
    return this.#length === 0 ? undefined : this.#take(this.#place(--this.#length));
  }

  shift(): A | undefined {
    if (this.#length === 0) return undefined;
    const place = this.#front;
    this.#front = this.#place(1);
    this.#length--;
    return this.#take(place);
  }

  /** Takes the value out of its place: nothing is to be kept from being forgotten. */
  #take(place: number): A {
    const value = this.#values[place] as A;
    this.#values[place] = undefined;
    return value;
  }

  /** There are always a power of two places. */
  #place(index: number): number {
    return (this.#front + index) & (this.#values.length - 1);
  }

  #makeRoom(): void {
    const { length } = this.#values;
    if (this.#length < length) return;
    const values = Array.from<A | undefined>({ length: length * 2 });
    for (let index = 0; index < length; index++) values[index] = this.at(index);
    this.#values = values;
    this.#front = 0;
  }
}
