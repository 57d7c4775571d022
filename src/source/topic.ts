import { Observable, type Subscriber } from 'rxjs';
import { checkHook, checkInteger, checkObject, checkOneOf } from '../check.js';
import { LimitReached } from '../errors.js';
import { Queue } from '../flow/queue.js';
import { flow } from '../flow/scope.js';
import { Valve } from '../flow/valve.js';
import { warnUnreached } from '../flow/warning.js';
import { tell } from '../hook.js';
import { Mailbox, type MailboxReport, POLICIES, type SlowPolicy } from './mailbox.js';

/** How a subscriber, or a topic by default, treats values that it cannot take yet. */
export interface TopicOptions {
  /** What to do when `highWater` values wait (default `drop-oldest`). */
  readonly policy?: SlowPolicy;
  /** How many values may wait for one subscriber (default 256). */
  readonly highWater?: number;
}

/** How a topic is made. */
export interface TopicLimits extends TopicOptions {
  /** How many may be subscribed at once (default 100,000). One more fails with `LimitReached`. */
  readonly maxSubscribers?: number;
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
export interface Subscribed<A = never> {
  /** Values that it lost by its policy. */
  readonly dropped: number;
  /** Values that wait for it. */
  readonly held: number;
  /**
   * Gives a value to this subscriber alone, whatever its `except` says, and by its policy. False when that drops it.
   */
  offer(value: A): boolean;
}

/** How one subscriber wants it. */
export interface StreamOptions<A> extends TopicOptions {
  /** Leaves out what this says true of: one's own messages, for instance. */
  readonly except?: (value: A) => boolean;
  /** Called with each value that the subscriber loses by its policy. */
  readonly onDropped?: (value: A) => void;
  /** Called once on subscribing, with the subscriber's own counters, and a way to give something to it alone. */
  readonly onSubscribed?: (subscribed: Subscribed<A>) => void;
}

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
  readonly #maxSubscribers: number;
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

  constructor(options: TopicLimits = {}) {
    this.#policy = checkOneOf('policy', checkObject('options', options).policy ?? 'drop-oldest', POLICIES);
    this.#highWater = checkInteger('highWater', options.highWater ?? 256, 1);
    this.#maxSubscribers = checkInteger('maxSubscribers', options.maxSubscribers ?? 100_000, 1);
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
      except: checkHook('except', options.except),
      valve: this.#valve,
    };
    const highWater = checkInteger('highWater', options.highWater ?? this.#highWater, 1);
    const onDropped = checkHook('onDropped', options.onDropped);
    const onSubscribed = checkHook('onSubscribed', options.onSubscribed);
    return new Observable((out) => {
      if (this.#ended) return out.complete();
      if (this.#subscribers.size >= this.#maxSubscribers) {
        return out.error(new LimitReached('subscribers of a topic', this.#maxSubscribers));
      }
      const subscriber = new TopicSubscriber<A>(out, highWater, settings, this.#published, {
        delivered: () => void this.#delivered++,
        dropped: (value) => {
          this.#dropped++;
          tell('onDropped', onDropped, value);
        },
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
        for (const subscriber of this.#subscribers) if (subscriber.since < number) subscriber.give(value);
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
  /** The topic's own. */
  readonly valve: Valve;
  readonly except: ((value: A) => boolean) | undefined;
}

class TopicSubscriber<A> extends Mailbox<A> implements Subscribed<A> {
  /** How much had been published before it came. */
  readonly since: number;
  readonly #settings: Settings<A>;

  constructor(out: Subscriber<A>, highWater: number, settings: Settings<A>, since: number, report: MailboxReport<A>) {
    super(out, highWater, report);
    this.#settings = settings;
    this.since = since;
  }

  give(value: A): void {
    if (!this.#leavesOut(value)) this.take(value, this.#settings.policy);
  }

  offer(value: A): boolean {
    const { policy, valve } = this.#settings;
    if (policy === 'pause') flow.emitting?.join(valve);
    return this.take(value, policy);
  }

  /** What it throws is this subscriber's error, and not the publisher's. */
  #leavesOut(value: A): boolean {
    try {
      return this.#settings.except?.(value) === true;
    } catch (error) {
      this.fail(error);
      return true;
    }
  }
}

/** A topic: see `Topic`. */
export const topic = <A>(options?: TopicLimits): Topic<A> => new Topic(options);
