import { Observable, type Subscriber } from 'rxjs';
import { checkHook, checkInteger, checkObject, checkOneOf } from '../check.js';
import { PeerTooSlow } from '../errors.js';
import { Gate } from '../flow/gate.js';
import { Queue } from '../flow/queue.js';
import { flow } from '../flow/scope.js';
import { Valve } from '../flow/valve.js';
import { warnUnreached } from '../flow/warning.js';

const POLICIES = ['drop-oldest', 'drop-newest', 'disconnect', 'pause'] as const;

/** What is done about a subscriber that is too slow: its oldest or newest value goes, it goes, or everyone waits for it. */
export type SlowPolicy = (typeof POLICIES)[number];

/** How a subscriber, or a topic by default, treats values that it cannot take yet. */
export interface TopicOptions {
  /** What to do when `highWater` values wait (default `drop-oldest`). */
  readonly policy?: SlowPolicy;
  /** How many values may wait for one subscriber (default 256). */
  readonly highWater?: number;
}

/** What a topic has done so far. */
export interface TopicStatistics {
  /** Values published. */
  readonly published: number;
  /** Values passed to a subscriber, counted for each. */
  readonly delivered: number;
  /** Values that a subscriber lost by its policy, counted for each. */
  readonly dropped: number;
  /** How many are subscribed now. */
  readonly subscribers: number;
}

/** One subscriber's own share of a topic. */
export interface Subscribed {
  /** Values that it lost by its policy. */
  readonly dropped: number;
  /** Values that wait for it. */
  readonly held: number;
}

/** How one subscriber wants it. */
export interface StreamOptions<A> extends TopicOptions {
  /** Leaves out what this says true of: one's own messages, for instance. */
  readonly except?: (value: A) => boolean;
  /** Called once on subscribing, with the subscriber's own counters. */
  readonly onSubscribed?: (subscribed: Subscribed) => void;
}

/** Values that come although a `pause` could reach nobody, before the slow one is disconnected after all. */
const UNREACHED_LIMIT = 65_536;

/**
 * Many publish, many subscribe, and one who is slow is nobody else's concern, unless it is told to be.
 *
 *     published    -a-b-c-d-e-f-|      a peer that is busy from a on takes two, its policy is drop-oldest
 *                  topic.stream({ policy: 'drop-oldest', highWater: 2 })
 *     to the peer  -a----------(ef)|   and its count of drops is 3
 *
 * A subscriber that is not full gets a value at once, and all get them in the same order. For one that is full, values
 * wait, up to `highWater`, and then its policy decides: `drop-oldest` and `drop-newest` count what they drop,
 * `disconnect` fails that subscriber with `PeerTooSlow`, and `pause` lets the sources that publish rest until it has
 * caught up.
 */
export class Topic<A> {
  readonly #policy: SlowPolicy;
  readonly #highWater: number;
  /** Closed while a subscriber whose policy is `pause` is full. */
  readonly #valve = new Valve();
  readonly #subscribers = new Set<TopicSubscriber<A>>();
  /** What is published while something is being published: it comes after that, for everyone. */
  readonly #next = new Queue<A>();
  #publishing = false;
  #pausing = 0;
  #full = 0;
  #published = 0;
  #delivered = 0;
  #dropped = 0;
  #ended = false;

  constructor(options: TopicOptions = {}) {
    this.#policy = checkOneOf('policy', checkObject('options', options).policy ?? 'drop-oldest', POLICIES);
    this.#highWater = checkInteger('highWater', options.highWater ?? 256, 1);
  }

  get statistics(): TopicStatistics {
    return {
      published: this.#published,
      delivered: this.#delivered,
      dropped: this.#dropped,
      subscribers: this.#subscribers.size,
    };
  }

  /** Gives `value` to every subscriber. After `complete`, to nobody. */
  publish(value: A): void {
    if (this.#ended) return;
    if (this.#pausing > 0) flow.emitting?.join(this.#valve);
    this.#next.push(value);
    this.#giveOut();
  }

  /** Ends the streams of all subscribers, each after what waits for it. */
  complete(): void {
    this.#ended = true;
    this.#giveOut();
  }

  /** What is published from the moment of subscribing on. The options override the topic's own. */
  stream(options: StreamOptions<A> = {}): Observable<A> {
    const settings = {
      policy: checkOneOf('policy', checkObject('options', options).policy ?? this.#policy, POLICIES),
      highWater: checkInteger('highWater', options.highWater ?? this.#highWater, 1),
      except: checkHook('except', options.except),
    };
    const onSubscribed = checkHook('onSubscribed', options.onSubscribed);
    return new Observable((out) => {
      if (this.#ended) return out.complete();
      const subscriber = new TopicSubscriber<A>(out, settings, this.#published, {
        delivered: () => void this.#delivered++,
        dropped: () => void this.#dropped++,
        full: () => this.#oneIsFull(),
        caughtUp: () => this.#oneCaughtUp(),
      });
      const pauses = settings.policy === 'pause' ? 1 : 0;
      this.#pausing += pauses;
      this.#subscribers.add(subscriber);
      out.add(() => {
        this.#pausing -= pauses;
        this.#subscribers.delete(subscriber);
        subscriber.leave();
      });
      onSubscribed?.(subscriber);
    });
  }

  #giveOut(): void {
    if (this.#publishing) return;
    this.#publishing = true;
    try {
      while (this.#next.length > 0) {
        const value = this.#next.shift() as A;
        const number = ++this.#published;
        for (const subscriber of this.#subscribers) if (subscriber.since < number) subscriber.take(value);
      }
      if (this.#ended) for (const subscriber of this.#subscribers) subscriber.end();
    } finally {
      this.#publishing = false;
    }
  }

  #oneIsFull(): void {
    this.#full++;
    this.#valve.close();
    if (!this.#valve.reached) warnUnreached('topic');
  }

  #oneCaughtUp(): void {
    if (--this.#full === 0) this.#valve.open();
  }
}

interface Settings<A> {
  readonly policy: SlowPolicy;
  readonly highWater: number;
  readonly except: ((value: A) => boolean) | undefined;
}

interface Counted {
  delivered(): void;
  dropped(): void;
  full(): void;
  caughtUp(): void;
}

class TopicSubscriber<A> implements Subscribed {
  dropped = 0;
  /** How much had been published before it came. */
  readonly since: number;
  readonly #out: Subscriber<A>;
  readonly #settings: Settings<A>;
  readonly #counted: Counted;
  readonly #gate = new Gate();
  readonly #queue = new Queue<A>();
  #waiting = false;
  #full = false;
  #ended = false;

  constructor(out: Subscriber<A>, settings: Settings<A>, since: number, counted: Counted) {
    this.#out = out;
    this.#settings = settings;
    this.since = since;
    this.#counted = counted;
  }

  get held(): number {
    return this.#queue.length;
  }

  take(value: A): void {
    if (this.#leavesOut(value)) return;
    if (!this.#waiting && !this.#gate.closed) return this.#pass(value);
    const { policy, highWater } = this.#settings;
    if (this.#queue.length >= highWater && !this.#makeRoom()) return;
    this.#queue.push(value);
    if (policy === 'pause' && this.#queue.length >= highWater && !this.#full) {
      this.#full = true;
      this.#counted.full();
    }
    if (this.#waiting) return;
    this.#waiting = true;
    this.#gate.wait(this.#goOn);
  }

  end(): void {
    this.#ended = true;
    if (!this.#waiting) this.#gate.complete(this.#out);
  }

  leave(): void {
    this.#queue.clear();
    this.#gate.forget(this.#goOn);
    this.#gate.leave();
    this.#catchUp();
  }

  /** What it throws is this subscriber's error, and not the publisher's. */
  #leavesOut(value: A): boolean {
    try {
      return this.#settings.except?.(value) === true;
    } catch (error) {
      this.#gate.error(this.#out, error);
      return true;
    }
  }

  /** Whether there is room now for one more. */
  #makeRoom(): boolean {
    const { policy, highWater } = this.#settings;
    if (policy === 'disconnect' || this.#queue.length >= highWater + UNREACHED_LIMIT) {
      this.#gate.error(this.#out, new PeerTooSlow(this.#queue.length));
      return false;
    }
    if (policy === 'pause') return true;
    this.dropped++;
    this.#counted.dropped();
    if (policy === 'drop-newest') return false;
    this.#queue.shift();
    return true;
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
    this.#counted.delivered();
    this.#gate.next(this.#out, value);
  }

  #catchUp(): void {
    if (!this.#full) return;
    this.#full = false;
    this.#counted.caughtUp();
  }
}

/** A topic: see `Topic`. */
export const topic = <A>(options?: TopicOptions): Topic<A> => new Topic(options);
