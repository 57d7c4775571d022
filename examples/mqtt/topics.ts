// Names of topics, filters over them, and a tree that matches one with the other: section 4.7 of the standard.

/** Whether it is the name of a topic: a character or more, and no wildcards. */
export const isTopic = (name: string): boolean => name.length > 0 && !/[+#\0]/.test(name);

/** Whether it is a filter: `+` is a level of its own, `#` too, and the last. */
export const isFilter = (filter: string): boolean =>
  filter.length > 0 &&
  !filter.includes('\0') &&
  filter
    .split('/')
    .every((level, index, { length }) => level === '+' || (level === '#' ? index === length - 1 : !/[+#]/.test(level)));

/** Topics of the broker itself begin so: a filter that begins with a wildcard does not match them. */
const OWN = '$';

interface Node<A> {
  readonly parent: Node<A> | null;
  readonly level: string;
  readonly below: Map<string, Node<A>>;
  value: A | undefined;
}

/**
 * Values by path, a level a node: a topic finds the filters that match it (`forTopic`), or a filter the topics that it
 * matches (`forFilter`). What it takes to find them is bounded by what is in the tree, never by what is asked.
 */
export class TopicTree<A> {
  readonly #root: Node<A> = { parent: null, level: '', below: new Map(), value: undefined };
  #size = 0;

  /** Paths that have a value. */
  get size(): number {
    return this.#size;
  }

  get(path: string): A | undefined {
    return this.#find(path)?.value;
  }

  set(path: string, value: A): void {
    let node = this.#root;
    for (const level of path.split('/')) {
      let next = node.below.get(level);
      if (next === undefined) {
        next = { parent: node, level, below: new Map(), value: undefined };
        node.below.set(level, next);
      }
      node = next;
    }
    if (node.value === undefined) this.#size++;
    node.value = value;
  }

  /** Takes a path out, and the nodes that were there for it alone. */
  delete(path: string): void {
    const found = this.#find(path);
    if (found?.value === undefined) return;
    found.value = undefined;
    this.#size--;
    for (let node = found; node.parent !== null && node.value === undefined && node.below.size === 0;) {
      node.parent.below.delete(node.level);
      node = node.parent;
    }
  }

  /** The values of the filters that match a topic. */
  forTopic(topic: string): A[] {
    const levels = topic.split('/');
    const values: A[] = [];
    const take = (node: Node<A> | undefined): void => {
      if (node?.value !== undefined) values.push(node.value);
    };
    const descend = (node: Node<A> | undefined, depth: number): void => {
      if (node === undefined) return;
      const wild = depth > 0 || !topic.startsWith(OWN);
      if (wild) take(node.below.get('#')); // what is above it counts as well: a/# matches a
      const level = levels[depth];
      if (level === undefined) return take(node);
      if (wild) descend(node.below.get('+'), depth + 1);
      descend(node.below.get(level), depth + 1);
    };
    descend(this.#root, 0);
    return values;
  }

  /** The values of the topics that a filter matches. */
  forFilter(filter: string): A[] {
    const levels = filter.split('/');
    const values: A[] = [];
    const descend = (node: Node<A> | undefined, depth: number): void => {
      if (node === undefined) return;
      const level = levels[depth];
      if ((level === undefined || level === '#') && node.value !== undefined) values.push(node.value);
      if (level === undefined) return;
      if (level !== '+' && level !== '#') return descend(node.below.get(level), depth + 1);
      for (const [name, next] of node.below) {
        if (node !== this.#root || !name.startsWith(OWN)) descend(next, level === '#' ? depth : depth + 1);
      }
    };
    descend(this.#root, 0);
    return values;
  }

  #find(path: string): Node<A> | undefined {
    let node: Node<A> | undefined = this.#root;
    for (const level of path.split('/')) node = node?.below.get(level);
    return node;
  }
}
