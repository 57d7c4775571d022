/** FNV-1a, 32 bits (Fowler, Noll and Vo). */
const BASIS = 0x811c9dc5;
const PRIME = 0x01000193;

/** What happens in a simulation: a line of it each for whoever wants to read it, and one number for all of it. */
export class Trace {
  readonly #now: () => number;
  #log: ((line: string) => void) | undefined;
  #hash = BASIS;

  constructor(now: () => number, log: ((line: string) => void) | undefined) {
    this.#now = now;
    this.#log = log;
  }

  /** No more is told. */
  close(): void {
    this.#log = undefined;
  }

  /** The number. Two simulations with the same one were the same, byte for byte. */
  get digest(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  /** `bytes` count with all that is in them. */
  note(who: string, what: string, bytes?: Uint8Array): void {
    const now = this.#now();
    this.#mix(now);
    this.#mixText(who);
    this.#mixText(what);
    if (bytes !== undefined) for (const byte of bytes) this.#mix(byte);
    this.#log?.(`${(now / 1_000).toFixed(3)}s ${who} ${what}${bytes === undefined ? '' : ` ${bytes.length} bytes`}`);
  }

  #mix(value: number): void {
    this.#hash = Math.imul(this.#hash ^ value, PRIME);
  }

  #mixText(text: string): void {
    for (let at = 0; at < text.length; at++) this.#mix(text.charCodeAt(at));
  }
}
