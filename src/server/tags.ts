import { checkText } from '../check.js';

/** @internal Who keeps account of who bears which tag. */
export interface TagKeeper {
  /** Throws if nobody else, or not this one, may bear it. */
  tagged(tag: string): void;
  untagged(tag: string): void;
}

/** @internal The tags of one client: a set that its server knows of. */
export class Tags extends Set<string> {
  readonly #keeper: TagKeeper;

  constructor(keeper: TagKeeper) {
    super();
    this.#keeper = keeper;
  }

  override add(tag: string): this {
    if (this.has(checkText('tag', tag))) return this;
    this.#keeper.tagged(tag);
    return super.add(tag);
  }

  override delete(tag: string): boolean {
    if (!super.delete(tag)) return false;
    this.#keeper.untagged(tag);
    return true;
  }

  override clear(): void {
    for (const tag of this) this.delete(tag);
  }
}
