import { Gate } from './gate.js';
import { type Scope, flow, inScope } from './scope.js';
import { Valve } from './valve.js';
import { warnOverrun, warnUnreached } from './warning.js';

/** How many values may come to a closed valve before it is plain that some source does not obey it. */
const OVERRUN = 1_024;

/**
 * What can be slow and emits nothing: a valve towards its sources.
 *
 * Made while it is being subscribed to. Fill it by count or by bytes: it closes the valve when `filled` reaches the
 * high-water mark.
 */
export class Intake {
  /** Closed while all is held that should be. */
  readonly valve = new Valve(flow.scope);
  /** What was in force when it was made. */
  readonly outside = flow.scope;
  readonly #name: string;
  readonly #highWater: number;
  /** The source that emitted while the operator was being subscribed to, as in a group of `groupBy`. */
  readonly #inside: Gate | null = flow.emitting;
  /** Whether `subscribe` is under way: what comes then was in memory already. */
  subscribing = false;
  /** Values that came since the valve was closed. */
  #overrun = 0;

  constructor(name: string, highWater: number) {
    this.#name = name;
    this.#highWater = highWater;
    if (this.valve.below !== null) this.valve.below.reached = true;
    this.#joinWhoEmits();
  }

  /** What the sources above find. */
  get scope(): Scope {
    return { ...this.outside, valve: this.valve };
  }

  /** Subscribes to what stands above, so that every source up there finds the valve. */
  subscribe<A>(work: () => A): A {
    const { scope } = this;
    this.subscribing = true;
    try {
      return inScope(scope, work);
    } finally {
      this.subscribing = false;
    }
  }

  /** Something was queued, and `held` is what is queued now. */
  filled(held: number): void {
    if (held < this.#highWater) return;
    this.#overrun = this.valve.closed ? this.#overrun + 1 : 0;
    this.shut();
    // No warning for `of` and `from`.
    if (this.subscribing) return;
    if (!this.valve.reached) warnUnreached(this.#name);
    else if (this.#overrun === OVERRUN) warnOverrun(this.#name, OVERRUN);
  }

  /** Nobody takes anything any more. */
  leave(): void {
    this.valve.release();
  }

  /** The sources above are to rest. */
  protected shut(): void {
    this.#joinWhoEmits();
    this.valve.close();
  }

  #joinWhoEmits(): void {
    const { emitting } = flow;
    if (emitting !== null && this.#isFedBy(emitting)) emitting.join(this.valve);
  }

  /**
   * Whether a source that has not found the valve is to rest for it all the same. Yes if both belong to one stream, as
   * with a group of `groupBy`, or a second subscriber of `share`. No if they only meet in a Subject: there a slow peer
   * would stop the others. And no if this operator may wait for that source, as where values are fed back: both would
   * wait for ever.
   */
  #isFedBy(source: Gate): boolean {
    for (let { host } = source; host !== null; host = host.within) if (this.valve.waitsFor(host)) return false;
    const root = source.scope.valve?.root ?? source.host?.root.kin;
    return root === this.valve.root || (this.#inside !== null && root === this.#inside.scope.valve?.root);
  }
}

/**
 * The two ends of an operator that can be slow: a valve towards its sources, a gate towards its own consumer.
 *
 * It opens the valve when `drained` has come down to half of the high-water mark.
 */
export class Consumer extends Intake {
  /** How the operator itself obeys the consumers below it, and in whose scope it emits. */
  readonly gate = new Gate(flow.scope, this.valve);
  readonly #least: number;
  #resume: (() => void) | null = null;
  /** What waits at the gate; made when something first does. */
  #goOn: (() => void) | null = null;

  constructor(name: string, highWater: number) {
    super(name, highWater);
    this.#least = highWater >> 1;
  }

  /** A consumer below is full: the sources are to rest, too, until `resume` is called. One call is as good as ten. */
  wait(resume: () => void): void {
    if (this.#resume !== null) return;
    this.#resume = resume;
    this.shut();
    this.gate.wait((this.#goOn ??= () => this.#proceed()));
  }

  /** Something was taken from the queue, and `held` is what is left. */
  drained(held: number): void {
    if (held <= this.#least && this.#resume === null) this.valve.open();
  }

  /** The operator is done, and has unsubscribed from what stands above: nothing waits for it any more. */
  override leave(): void {
    if (this.#goOn !== null) this.gate.forget(this.#goOn);
    this.gate.leave();
    super.leave();
  }

  #proceed(): void {
    const resume = this.#resume;
    this.#resume = null;
    resume?.();
  }
}
