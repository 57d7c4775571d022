import { type Scope, flow } from './scope.js';
import { beginTurn, endTurn } from './turn.js';
import type { Valve } from './valve.js';

/** The part of an observer that a gate emits to. */
interface Next<A> {
  next(value: A): void;
}

/**
 * How a source that can be paused takes part: one gate for each subscription to it.
 *
 * A gate stands in the valves of every consumer below it. Made while the source is being subscribed to, it joins the
 * valve in scope; what is subscribed to later, while the source emits, joins through `flow.emitting`. A source looks
 * at `closed` before it emits, and leaves word with `wait` when it finds it so:
 *
 *     emit = (value) => gate.closed ? (hold(value), gate.wait(() => emit(value))) : gate.next(subscriber, value)
 *
 * An operator that makes many values of one (frames of a chunk) does the same with the gate that it finds emitting
 * (`waitBelow`), and so stops in the middle of a chunk. Waiters go in the order in which they came: the rest of a chunk before the next.
 */
export class Gate {
  /** The scope in which the source was subscribed to: what is subscribed to while it emits finds it again. */
  readonly scope: Scope;
  readonly #first: Valve | null;
  #more: Valve[] | null = null;
  #waiting: (() => void)[] = [];
  /** Those of them that wait for an operator below, and do not go away with the source. */
  #below: Set<() => void> | null = null;
  /** While one that waited is running: where the next that has to wait again goes, ahead of those who came later. */
  #place = -1;
  #left = false;

  constructor(scope: Scope = flow.scope) {
    this.scope = scope;
    this.#first = scope.valve;
    if (this.#first !== null) this.#first.reached = true;
  }

  /** Whether any consumer below wants the source to rest. */
  get closed(): boolean {
    return this.#closedValve() !== null;
  }

  /** Whether something waits here for a valve to open: the source has more, and does not give it. */
  get resting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Whether `valve` can make this source rest. */
  obeys(valve: Valve): boolean {
    return this.#first === valve || (this.#more !== null && this.#more.includes(valve));
  }

  /** Adds the valve of a consumer further down that was not in scope when the source was subscribed to. */
  join(valve: Valve): void {
    valve.reached = true;
    if (!this.obeys(valve)) (this.#more ??= []).push(valve);
  }

  /** Takes such a valve out again when its consumer is gone. */
  part(valve: Valve): void {
    const at = this.#more?.indexOf(valve) ?? -1;
    if (at < 0) return;
    this.#more?.splice(at, 1);
    valve.strike(this);
    if (this.#waiting.length > 0) this.proceed();
  }

  /** Calls `resume` once, as soon as all valves are open: at once if they are. */
  wait(resume: () => void): void {
    if (this.#place >= 0) {
      this.#waiting.splice(this.#place++, 0, resume);
      return;
    }
    this.#waiting.push(resume);
    this.proceed();
  }

  /**
   * The same for an operator below that has something left of what this source has emitted. That does not go away with
   * the source: when the source leaves, it waits on, in the same valves.
   */
  waitBelow(resume: () => void): void {
    (this.#below ??= new Set()).add(resume);
    this.wait(resume);
  }

  /** @internal Runs what waits, in order, for as long as no valve is closed. */
  proceed(): void {
    if (this.#place >= 0) return;
    beginTurn();
    try {
      while (this.#waiting.length > 0) {
        const valve = this.#closedValve();
        if (valve !== null) {
          valve.enrol(this);
          return;
        }
        const resume = this.#waiting.shift() as () => void;
        this.#below?.delete(resume);
        this.#place = 0;
        this.run(resume);
      }
    } finally {
      this.#place = -1;
      endTurn();
    }
  }

  /** The source has nothing more to give, or nobody takes it: leaves every valve and forgets what it had waiting. */
  leave(): void {
    this.#left = true;
    this.#bequeath();
    this.#first?.strike(this);
    if (this.#more !== null) for (const valve of this.#more) valve.strike(this);
    this.#more = null;
    this.#waiting = [];
  }

  /** Emits `value` as this source: in its scope, and as the one that is emitting. */
  next<A>(observer: Next<A>, value: A): void {
    const { scope, emitting } = flow;
    flow.scope = this.scope;
    flow.emitting = this;
    try {
      observer.next(value);
    } finally {
      flow.scope = scope;
      flow.emitting = emitting;
    }
  }

  /** Runs `work` as this source, for what is not a plain `next`: completing, subscribing to an inner source. */
  run(work: () => void): void {
    const { scope, emitting } = flow;
    flow.scope = this.scope;
    flow.emitting = this;
    try {
      work();
    } finally {
      flow.scope = scope;
      flow.emitting = emitting;
    }
  }

  /** Leaves what waits for operators below to a gate of its own. */
  #bequeath(): void {
    const waiting = this.#waiting.filter((resume) => this.#below?.has(resume));
    this.#below = null;
    if (waiting.length === 0) return;
    const heir = new Gate(this.scope);
    if (this.#more !== null) for (const valve of this.#more) heir.join(valve);
    for (const resume of waiting) heir.waitBelow(resume);
  }

  #closedValve(): Valve | null {
    if (this.#left) return null;
    if (this.#first !== null && this.#first.closed) return this.#first;
    if (this.#more === null) return null;
    for (const valve of this.#more) if (valve.closed) return valve;
    return null;
  }
}
