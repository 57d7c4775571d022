import { Observable, type OperatorFunction, type Subscriber } from 'rxjs';
import { checkFunction, checkHook, checkObject, checkOneOf } from '../src/check.js';
import { QueueOverflow, RateExceeded } from '../src/errors.js';
import { Consumer } from '../src/flow/consumer.js';
import { Queue } from '../src/flow/queue.js';
import { flow } from '../src/flow/scope.js';
import { beginTurn, endTurn } from '../src/flow/turn.js';
import type { Bucket, Waiter } from '../src/rate/bucket.js';
import { KeptLimit, type RateKey, type RateLimit, type RateLimitOptions } from '../src/rate/rate-limit.js';
import { Link, Step } from './link.js';

/**
 * What becomes of a message that is one too many.
 *
 * - `'slow-down'`: it waits, and so do those behind it; the sources above rest.
 * - `'drop'`: it is left out, and counted.
 * - `'disconnect'`: the stream fails with `RateExceeded`.
 * - a function: its result takes the message's place, to be answered in its turn.
 */
export type RatePolicy<A, B> = 'slow-down' | 'drop' | 'disconnect' | ((message: A) => B);

/** How a limit is kept. */
export interface LimitRateOptions<A, B = never> {
  /** What becomes of a message that is one too many (default `'slow-down'`). */
  readonly policy?: RatePolicy<A, B>;
  /**
   * Whose bucket a message is taken from, where the limit is a `rateLimit`: a key, or a function of the message. All who
   * have the same key share it; without one, all who share the limit do.
   */
  readonly key?: RateKey | ((message: A) => RateKey);
  /** How many bytes a message has (default: its `length`, if it is a Uint8Array). Asked only while bytes are limited. */
  readonly size?: (message: A) => number;
}

/** Messages that are kept of sources that cannot be paused. */
const MOST_HELD = 65_536;

/**
 * Lets so many messages, and bytes, a second through: token buckets.
 *
 *     messages  --abc-----|         limitRate({ messages: 500, messageBurst: 1 })
 *     out       --a-b-c---|         the sources above rest meanwhile
 *
 *                                   limitRate({ ... }, { policy: 'drop' })
 *     out       --a-c-----|
 *
 *                                   limitRate({ ... }, { policy: 'disconnect' })
 *     out       --a#                RateExceeded
 *
 *                                   limitRate({ ... }, { policy: () => x })
 *     out       --axc-----|
 *
 * What it counts is what passes here: behind `frame`, messages, however many of them came in one chunk. A peer that is
 * slowed down is not read from, so that TCP holds it back: one message waits, and what is left of its chunk. Of sources
 * that cannot be paused more is kept, which is warned of once (`SLUICE_UNREACHED`), and fails with `QueueOverflow`
 * above 65,536 messages. The end comes after what waits.
 *
 * Given numbers, each subscription has a bucket of its own: a connection, in a handler. Given a `rateLimit`, all share
 * its buckets, and those who wait for one take turns. Time is looked at in milliseconds, so that never too much goes
 * through, and with a burst of one message a little less.
 */
export const limitRate = <A, const B = never>(
  limit: RateLimit | RateLimitOptions,
  options: LimitRateOptions<A, B> = {},
): OperatorFunction<A, A | B> => {
  const { policy = 'slow-down', key, size = sizeOfBytes } = checkObject('options', options);
  if (typeof policy !== 'function') checkOneOf('policy', policy, ['slow-down', 'drop', 'disconnect']);
  checkFunction('size', size);
  const shared = limit instanceof KeptLimit;
  const kept = shared ? limit : new KeptLimit(limit as RateLimitOptions);
  if (!shared && key !== undefined) throw new TypeError('key goes with a rateLimit, and numbers were given');
  if (typeof key !== 'string' && typeof key !== 'number') checkHook('key', key);
  const bucketsOf = (out: Subscriber<A | B>): ((message: A) => Bucket) => {
    if (typeof key === 'function') return (message) => kept.bucketOf(checkKey(key(message)));
    const bucket = shared ? kept.keep(key) : kept.ownBucket();
    if (shared) out.add(() => kept.giveBack(key));
    return () => bucket;
  };
  return (messages) =>
    new Observable((out) => {
      const metering: Metering<A> = { limit: kept, bucketOf: bucketsOf(out), size };
      if (policy === 'slow-down') new SlowDown<A>(metering, out).subscribe(messages);
      else messages.subscribe(new Policing<A, B>(metering, policy, out));
    });
};

/** The limit, and what of it a message takes. */
interface Metering<A> {
  readonly limit: KeptLimit;
  readonly bucketOf: (message: A) => Bucket;
  readonly size: (message: A) => number;
}

const sizeOfBytes = (message: unknown): number => {
  if (message instanceof Uint8Array) return message.length;
  throw new TypeError(`size must be given where bytes are limited, and messages are ${typeof message}`);
};

const costOf = <A>({ limit, size }: Metering<A>, message: A): number => {
  if (limit.rates.bytes === Infinity) return 0;
  const cost = size(message);
  if (cost >= 0 && cost < Infinity) return cost;
  throw new RangeError(`size must give a number of bytes, got ${cost}`);
};

/** What is no text or number is like nothing else: each message would have a bucket of its own. */
const checkKey = (key: RateKey): RateKey => {
  if (typeof key === 'string' || typeof key === 'number') return key;
  throw new TypeError(`key must give a text or a number, got ${typeof key}`);
};

/** Whatever is too much does not go through as it is. */
class Policing<A, B> extends Step<A> {
  protected readonly metering: Metering<A>;
  protected readonly policy: Exclude<RatePolicy<A, B>, 'slow-down'>;

  constructor(metering: Metering<A>, policy: Exclude<RatePolicy<A, B>, 'slow-down'>, out: Subscriber<A | B>) {
    super(out);
    this.metering = metering;
    this.policy = policy;
  }

  protected take(message: A): void {
    const { metering, policy, out } = this;
    const { limit } = metering;
    const bucket = metering.bucketOf(message);
    if (bucket.take(costOf(metering, message))) {
      limit.passed++;
      out.next(message);
    } else if (policy === 'drop') limit.dropped++;
    else if (policy === 'disconnect') {
      limit.disconnected++;
      const what = bucket.lacking;
      out.error(new RateExceeded(what, limit.rates[what]));
    } else {
      limit.answered++;
      out.next(policy(message));
    }
  }
}

/** Whatever is too much waits, and what is above rests. */
class SlowDown<A> implements Waiter {
  size = 0;
  readonly #metering: Metering<A>;
  readonly #out: Subscriber<A>;
  readonly #consumer = new Consumer('limitRate', 1);
  readonly #gate = this.#consumer.gate;
  readonly #held = new Queue<A>();
  /** For whose turn it waits. */
  #bucket: Bucket | null = null;
  /** Passes on the end, or the error, once what is held has gone. */
  #last: (() => void) | null = null;

  constructor(metering: Metering<A>, out: Subscriber<A>) {
    this.#metering = metering;
    this.#out = out;
  }

  subscribe(messages: Observable<A>): void {
    const link = new Link<A>(this.#out, {
      next: (message) => this.#take(message),
      error: (error) => this.#end(() => this.#gate.error(this.#out, error)),
      complete: () => this.#end(() => this.#gate.complete(this.#out)),
    });
    this.#out.add(() => {
      this.#held.clear();
      this.#bucket?.forget(this);
      this.#consumer.leave();
    });
    this.#consumer.subscribe(() => messages.subscribe(link));
  }

  /** Its turn has come. */
  pass(): void {
    this.#bucket = null;
    this.#metering.limit.passed++;
    beginTurn();
    try {
      this.#gate.next(this.#out, this.#held.shift() as A);
      this.#goOn();
    } catch (error) {
      this.#gate.error(this.#out, error);
    } finally {
      endTurn();
    }
  }

  #take(message: A): void {
    const metering = this.#metering;
    const goes = this.#held.length === 0 && metering.bucketOf(message).take(costOf(metering, message));
    if (!goes) return this.#hold(message);
    metering.limit.passed++;
    // As whoever emits it, as if nobody stood between.
    this.#gate.next(this.#out, message, flow.emitting);
    if (this.#gate.closed) this.#consumer.wait(this.#goOn);
  }

  #hold(message: A): void {
    if (this.#held.length === MOST_HELD) {
      return this.#gate.error(this.#out, new QueueOverflow('limitRate', MOST_HELD));
    }
    this.#metering.limit.slowed++;
    this.#held.push(flow.lent && message instanceof Uint8Array ? (new Uint8Array(message) as A) : message);
    this.#consumer.filled(this.#held.length);
    if (this.#held.length === 1 && !this.#gate.closed) this.#waitForTurn();
  }

  #waitForTurn(): void {
    const message = this.#held.peek() as A;
    try {
      this.size = costOf(this.#metering, message);
      this.#bucket = this.#metering.bucketOf(message);
    } catch (error) {
      return this.#gate.error(this.#out, error);
    }
    this.#bucket.wait(this);
  }

  /** What is next: the next message in its turn, the end, or more from above. */
  readonly #goOn = (): void => {
    if (this.#out.closed || this.#bucket !== null) return;
    if (this.#gate.closed) this.#consumer.wait(this.#goOn);
    else if (this.#held.length > 0) this.#waitForTurn();
    else if (this.#last !== null) this.#last();
    else this.#consumer.drained(0);
  };

  #end(passOn: () => void): void {
    if (this.#held.length === 0) passOn();
    else this.#last = passOn;
  }
}
