import { PeerTooSlow } from '../errors.js';
import { Gate } from '../flow/gate.js';
import { Queue } from '../flow/queue.js';
import { type Scope, flow } from '../flow/scope.js';

/** The policies, for checking one. */
export const POLICIES = ['drop-oldest', 'drop-newest', 'disconnect', 'pause'] as const;

/** What is done about a subscriber that is too slow: its oldest or newest value goes, it goes, or everyone waits for it. */
export type SlowPolicy = (typeof POLICIES)[number];

/** Values that come although a `pause` could reach nobody, before the slow one is disconnected after all. */
const UNREACHED_LIMIT = 65_536;

/** Whom a mailbox is for. */
interface Recipient<A> {
  readonly closed: boolean;
  next(value: A): void;
  error(error: unknown): void;
  complete(): void;
}

/** What a mailbox tells of what it does. */
export interface MailboxReport<A> {
  /** A value is passed on. */
  delivered(): void;
  /** A value is lost, by the policy. */
  dropped(value: A): void;
  /** It is full, and the policy is that everyone waits. */
  full(): void;
  /** It is not full any more, or gone. */
  caughtUp(): void;
}

/**
 * Where what is published waits for one subscriber: passed on at once unless the subscriber is full, and then kept, up to
 * `highWater`, and then the policy decides. Made while the subscriber subscribes, or later, in the scope of that moment.
 */
export class Mailbox<A> {
  /** Values that were lost by the policy. */
  dropped = 0;
  readonly #out: Recipient<A>;
  readonly #highWater: number;
  readonly #report: MailboxReport<A>;
  readonly #gate: Gate;
  readonly #queue = new Queue<A>();
  #waiting = false;
  #full = false;
  #ended = false;

  constructor(out: Recipient<A>, highWater: number, report: MailboxReport<A>, scope: Scope = flow.scope) {
    this.#gate = new Gate(scope);
    this.#out = out;
    this.#highWater = highWater;
    this.#report = report;
  }

  /** Values that wait. */
  get held(): number {
    return this.#queue.length;
  }

  /** Whether `value` was passed on, or waits. */
  take(value: A, policy: SlowPolicy): boolean {
    if (!this.#waiting && !this.#gate.closed) {
      this.#pass(value);
      return true;
    }
    if (this.#queue.length >= this.#highWater && !this.#makeRoom(value, policy)) return false;
    this.#queue.push(value);
    if (policy === 'pause' && this.#queue.length >= this.#highWater && !this.#full) {
      this.#full = true;
      this.#report.full();
    }
    if (!this.#waiting) {
      this.#waiting = true;
      this.#gate.wait(this.#goOn);
    }
    return true;
  }

  /** Passes on all that waits, and `value` behind it, whether there is room or not: for what no policy may drop. */
  force(value: A): void {
    for (let held = this.#queue.shift(); held !== undefined; held = this.#queue.shift()) this.#pass(held);
    this.#pass(value);
  }

  end(): void {
    this.#ended = true;
    if (!this.#waiting) this.#gate.complete(this.#out);
  }

  fail(error: unknown): void {
    this.#gate.error(this.#out, error);
  }

  leave(): void {
    this.#queue.clear();
    this.#gate.forget(this.#goOn);
    this.#gate.leave();
    this.#catchUp();
  }

  /** Whether there is room now for one more. */
  #makeRoom(value: A, policy: SlowPolicy): boolean {
    if (policy === 'disconnect' || this.#queue.length >= this.#highWater + UNREACHED_LIMIT) {
      this.fail(new PeerTooSlow(this.#queue.length));
      return false;
    }
    if (policy === 'pause') return true;
    this.dropped++;
    const lost = policy === 'drop-newest' ? value : (this.#queue.shift() as A);
    this.#report.dropped(lost);
    return policy === 'drop-oldest';
  }

  /** One at a time, so that what follows from a value is done before the next; what comes meanwhile goes behind. */
  readonly #goOn = (): void => {
    if (this.#queue.length > 0) {
      this.#pass(this.#queue.shift() as A);
      if (!this.#out.closed) this.#gate.wait(this.#goOn);
      return;
    }
    this.#waiting = false;
    this.#catchUp();
    if (this.#ended) this.#gate.complete(this.#out);
  };

  #pass(value: A): void {
    this.#report.delivered();
    this.#gate.next(this.#out, value);
  }

  #catchUp(): void {
    if (!this.#full) return;
    this.#full = false;
    this.#report.caughtUp();
  }
}
