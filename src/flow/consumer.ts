import { Gate } from './gate.js';
import { type Scope, flow, inScope } from './scope.js';
import { Valve } from './valve.js';
import { warnUnreached } from './warning.js';

/**
 * The two ends of an operator that can be slow: a valve towards its sources, a gate towards its own consumer.
 *
 * Made while the operator is being subscribed to. Fill and drain it by count or by bytes: it closes the valve when
 * `filled` reaches the high-water mark and opens it when `drained` has come down to the low one.
 */
export class Consumer {
  /** Closed while the operator holds all that it should. */
  readonly valve = new Valve();
  /** How the operator itself obeys the consumers below it, and in whose scope it emits. */
  readonly gate = new Gate();
  readonly name: string;
  readonly highWater: number;
  readonly #lowWater: number;
  readonly #joined: Gate | null;
  #subscribing = false;

  constructor(name: string, highWater: number) {
    this.name = name;
    this.highWater = highWater;
    this.#lowWater = highWater >> 1;
    this.#joined = flow.emitting;
    this.#joined?.join(this.valve);
  }

  /** Subscribes to what stands above, so that every source up there finds the valve. */
  subscribe<A>(work: () => A): A {
    const scope: Scope = { ...this.gate.scope, valve: this.valve };
    this.#subscribing = true;
    try {
      return inScope(scope, work);
    } finally {
      this.#subscribing = false;
    }
  }

  /** Something was queued, and `held` is what is queued now. */
  filled(held: number): void {
    if (held < this.highWater) return;
    this.valve.close();
    // What a source emits while it is being subscribed to was in memory already: no warning for `of` and `from`.
    if (!this.valve.reached && !this.#subscribing) warnUnreached(this.name, this.highWater);
  }

  /** Something was taken from the queue, and `held` is what is left. */
  drained(held: number): void {
    if (held <= this.#lowWater) this.valve.open();
  }

  /** Whether values come from a source that will not stop, however full the queue is. */
  get unreached(): boolean {
    return !this.valve.reached;
  }

  /** The operator is done: nothing waits for it any more. */
  leave(): void {
    this.#joined?.part(this.valve);
    this.gate.leave();
    this.valve.open();
  }
}
