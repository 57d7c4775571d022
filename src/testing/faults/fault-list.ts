import { type AddedFault, type Fault, type Faults, checkFault } from './fault.js';

/** Who is told of the faults of a network: of those that are there, and of each that comes or goes. */
export interface FaultWatch {
  added(fault: Fault): void;
  removed(fault: Fault): void;
}

/** The faults of a network, and those who suffer from them. */
export class FaultList implements Faults {
  readonly #faults = new Set<Fault>();
  readonly #watches = new Set<FaultWatch>();

  /** Whether new connections are to be refused. */
  get down(): boolean {
    for (const { type } of this.#faults) if (type === 'down') return true;
    return false;
  }

  add(given: Fault): AddedFault {
    const fault = checkFault(given);
    this.#faults.add(fault);
    for (const watch of this.#watches) {
      // What comes of it may be that it is taken away.
      if (this.#faults.has(fault)) watch.added(fault);
    }
    return { remove: () => this.#remove(fault) };
  }

  clear(): void {
    for (const fault of this.#faults) this.#remove(fault);
  }

  /** Tells a watch of what there is, and from now on of what changes. Gives what ends that. */
  watch(watch: FaultWatch): () => void {
    this.#watches.add(watch);
    for (const fault of this.#faults) watch.added(fault);
    return () => {
      this.#watches.delete(watch);
    };
  }

  #remove(fault: Fault): void {
    if (this.#faults.delete(fault)) for (const watch of this.#watches) watch.removed(fault);
  }
}
