/** How a connection was over for one side: its peer ended it (FIN), or it broke (RST, or this side gave it up). */
export type Over = 'end' | 'reset';

/** What a client hears: keeps all of it, and lets a test wait for a part. */
export class Ear {
  readonly over: Promise<Over>;
  #chunks: Buffer[] = [];
  #length = 0;
  #isOver: Over | undefined;
  #tellOver!: (over: Over) => void;
  readonly #waiting = new Set<() => void>();

  constructor() {
    this.over = new Promise((resolve) => {
      this.#tellOver = resolve;
    });
  }

  hear(chunk: Uint8Array): void {
    this.#chunks.push(Buffer.from(chunk));
    this.#length += chunk.length;
    for (const look of this.#waiting) look();
  }

  /** Nothing more will come. The first word counts. */
  end(over: Over): void {
    this.#isOver ??= over;
    this.#tellOver(this.#isOver);
    for (const look of this.#waiting) look();
  }

  /** All that was heard so far. */
  get bytes(): Buffer {
    const [only, ...others] = this.#chunks;
    if (only !== undefined && others.length === 0) return only;
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }

  /** Waits until so many bytes were heard, or the text matches; then gives all that was heard. Fails if it is over before. */
  heard(what: number | RegExp): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const there = typeof what === 'number' ? this.#length >= what : this.bytes.toString().search(what) >= 0;
        if (!there && this.#isOver === undefined) return;
        this.#waiting.delete(look);
        if (there) return resolve(this.bytes);
        const wanted = typeof what === 'number' ? `${what} bytes` : String(what);
        reject(
          new Error(
            `over (${this.#isOver}) before it heard ${wanted}; it heard ${this.#length} bytes: ${JSON.stringify(this.bytes.toString())}`,
          ),
        );
      };
      this.#waiting.add(look);
      look();
    });
  }
}
