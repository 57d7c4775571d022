import { type Scope, flow, inScope } from './scope.js';
import { beginTurn, endTurn } from './turn.js';
import type { Valve } from './valve.js';

/** The part of an observer that a gate emits to. */
interface Taker<A> {
  next(value: A): void;
  error(error: unknown): void;
  complete(): void;
}

/**
 * How a source that can be paused takes part: one gate for each subscription to it.
 *
 * A gate stands in the valves of every consumer below it. Made while the source is being subscribed to, it joins the
 * valve in scope; what is subscribed to later, while the source emits, joins through `flow.emitting`. A source looks
 * at `closed` before it emits, and leaves word with `wait` when it finds it so:
 *
 *     emit = (value) => gate.closed ? gate.wait(() => emit(value)) : gate.next(subscriber, value)
 *
 * An operator that makes many values of one (frames of a chunk) does the same with the gate that it finds emitting, and
 * so stops in the middle of a chunk. Waiters go in the order in which they came: the rest of a chunk before the next.
 */
export class Gate {
  /** The scope in which the source was subscribed to: what is subscribed to while it emits finds it again. */
  readonly scope: Scope;
  /** The valve that was in scope. */
  readonly #first: Valve | null;
  /** Those that joined later and are closed, of all that did: there may be thousands, so they tell. */
  #shut: Set<Valve> | null = null;
  #more: Set<Valve> | null = null;
  /** The valve of the operator that this gate belongs to, or in whose inner stream the source stands. */
  readonly host: Valve | null;
  /** Made when something waits, and only then. */
  #waiting: (() => void)[] | null = null;
  /** While one that waited is running: where the next that has to wait again goes, ahead of those who came later. */
  #place = -1;
  /** The source has nothing more to give. What waits may still go. */
  #over = false;

  constructor(scope: Scope = flow.scope, host: Valve | null = scope.within) {
    this.scope = scope;
    this.host = host;
    this.#first = scope.valve;
    if (this.#first !== null) this.#first.reached = true;
    if (flow.reached !== undefined) flow.reached = this;
  }

  /** Whether any consumer below wants the source to rest. */
  get closed(): boolean {
    return (this.#first !== null && this.#first.closed) || (this.#shut !== null && this.#shut.size > 0);
  }

  /** Whether something waits here for a valve to open: the source has more, and does not give it. */
  get resting(): boolean {
    return this.#waiting !== null;
  }

  /** Adds the valve of a consumer further down that was not in scope when the source was subscribed to. */
  join(valve: Valve): void {
    if (!this.#over) this.hold(valve);
  }

  /** @internal The same for a valve that opens by itself: also when there is nothing behind what waits. */
  hold(valve: Valve): void {
    valve.reached = true;
    if (valve === this.#first || this.#more?.has(valve)) return;
    (this.#more ??= new Set()).add(valve);
    valve.take(this);
    this.heed(valve);
  }

  /** @internal Takes such a valve out again. What it has to wake it still wakes: it may be about to. */
  part(valve: Valve): void {
    this.#more?.delete(valve);
    this.#shut?.delete(valve);
  }

  /** Calls `resume` once, as soon as all valves are open: at once if they are, and those who came before have gone. */
  wait(resume: () => void): void {
    if (this.#waiting === null) this.#waiting = [resume];
    else if (this.#place < 0) this.#waiting.push(resume);
    else this.#waiting.splice(this.#place, 0, resume);
    if (this.#place < 0) this.proceed();
    else this.#place++;
  }

  /** Takes back `resume`: it is not called any more. */
  forget(resume: () => void): void {
    const waiting = this.#waiting;
    const at = waiting?.indexOf(resume) ?? -1;
    if (waiting === null || at < 0) return;
    waiting.splice(at, 1);
    if (at < this.#place) this.#place--;
    if (waiting.length > 0) return;
    this.#waiting = null;
    this.#strike();
  }

  /** Emits `value` as this source: in its scope, and as the one that is emitting, unless `as` says that another is. */
  next<A>(taker: Taker<A>, value: A, as: Gate | null = this): void {
    const { scope, emitting } = flow;
    flow.scope = this.scope;
    flow.emitting = as;
    try {
      taker.next(value);
    } finally {
      flow.scope = scope;
      flow.emitting = emitting;
    }
  }

  /** Fails as this source: what is subscribed to in its place finds the same scope. */
  error(taker: Taker<never>, error: unknown): void {
    this.#over = true;
    this.run(() => taker.error(error));
  }

  /** Completes as this source: what is subscribed to next finds the same scope. */
  complete(taker: Taker<never>): void {
    this.#over = true;
    this.run(() => taker.complete());
  }

  /** Runs `work` as this source, for what is not a plain `next`. */
  run(work: () => void): void {
    inScope(this.scope, work, this);
  }

  /**
   * The source has nothing more to give, or nobody takes it. What waits still goes, for it may be the rest of a chunk
   * that was given before: a source that waits itself takes that back with `forget`.
   */
  leave(): void {
    this.#over = true;
    if (this.#waiting === null) this.#strike();
  }

  /** @internal Runs what waits, in order, for as long as no valve is closed. */
  proceed(): void {
    if (this.#place >= 0) return;
    beginTurn();
    try {
      while (this.#waiting !== null) {
        const valve = this.#closedValve();
        if (valve !== null) return valve.enrol(this);
        const resume = this.#waiting.shift() as () => void;
        if (this.#waiting.length === 0) this.#waiting = null;
        this.#place = 0;
        try {
          this.run(resume);
        } catch (error) {
          // As RxJS does with what it can tell nobody: those who wait behind are not to suffer from it.
          queueMicrotask(() => {
            throw error;
          });
        }
      }
      if (this.#over) this.#strike();
    } finally {
      this.#place = -1;
      endTurn();
    }
  }

  /** @internal Called by a valve that joined later, when it has opened or closed. */
  heed(valve: Valve): void {
    if (valve.closed) (this.#shut ??= new Set()).add(valve);
    else this.#shut?.delete(valve);
  }

  #closedValve(): Valve | null {
    if (this.#first !== null && this.#first.closed) return this.#first;
    if (this.#shut !== null) for (const valve of this.#shut) return valve;
    return null;
  }

  /** Has the valves forget this gate: none has to wake it, and if it is over none has to tell it anything. */
  #strike(): void {
    this.#first?.strike(this);
    if (!this.#over || this.#more === null) return;
    for (const valve of this.#more) valve.strike(this);
    this.#more = this.#shut = null;
  }
}
