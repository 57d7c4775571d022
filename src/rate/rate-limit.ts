import { type SchedulerLike, asyncScheduler } from 'rxjs';
import { checkInteger, checkNumber, checkObject, checkScheduler } from '../check.js';
import { timetableOf } from '../time/timetable.js';
import { Bucket, type Rates, type Terms } from './bucket.js';

/** How much may come. A second's worth may come at once after a quiet second, unless a burst says otherwise. */
export interface RateLimits {
  /** Messages a second (default `Infinity`). Fractions are fine: 0.1 is one in ten seconds. */
  readonly messages?: number;
  /** How many messages may come at once after a quiet time (default: those of a second, 1 at least). */
  readonly messageBurst?: number;
  /** Bytes a second (default `Infinity`). */
  readonly bytes?: number;
  /**
   * How many bytes may come at once after a quiet time (default: those of a second, 1 at least). A message with more
   * goes when nothing has for so long that the bucket is full, and those behind it wait accordingly longer.
   */
  readonly byteBurst?: number;
}

/** A limit, and how it is kept. */
export interface RateLimitOptions extends RateLimits {
  /**
   * How many keys have a bucket of their own; the one that was not asked for longest is forgotten (default 10,000). Those
   * come on top that are the key of a connection as long as it is there.
   */
  readonly keys?: number;
  /** What time is measured by (default `asyncScheduler`). */
  readonly scheduler?: SchedulerLike;
}

/** What has come of a limit so far: messages, by what became of them, and the keys that have a bucket. */
export interface RateStatistics {
  /** Those that went through, at once or later. */
  readonly passed: number;
  /** Those of them that had to wait. */
  readonly slowed: number;
  readonly dropped: number;
  readonly answered: number;
  /** Those that a connection was ended over. */
  readonly disconnected: number;
  readonly keys: number;
}

/** What buckets are told apart by. */
export type RateKey = string | number;

/**
 * A limit that many share, that can be changed while it is in force, and that counts.
 *
 * Made by `rateLimit`, kept by `limitRate`.
 */
export interface RateLimit {
  /** The limits in force, the defaults filled in. */
  readonly limits: Readonly<Required<RateLimits>>;
  /** Changes the limits, from now on and for everybody; what is left out stays as it is. */
  set(limits: RateLimits): void;
  readonly statistics: RateStatistics;
}

const LEAST = 0.001;
const MOST = 1e12;

const checkRate = (name: string, value: number | undefined): number =>
  value === undefined || value === Infinity ? Infinity : checkNumber(name, value, LEAST, MOST);

const checkBurst = (name: string, value: number | undefined, rate: number): number =>
  value === undefined || value === Infinity ? Math.max(1, value ?? rate) : checkNumber(name, value, 1, MOST);

const ratesOf = (limits: RateLimits): Rates => {
  const messages = checkRate('messages', limits.messages);
  const bytes = checkRate('bytes', limits.bytes);
  return {
    messages,
    messageBurst: checkBurst('messageBurst', limits.messageBurst, messages),
    bytes,
    byteBurst: checkBurst('byteBurst', limits.byteBurst, bytes),
  };
};

/** @internal A limit, for who keeps it. */
export class KeptLimit implements RateLimit, Terms {
  rates: Rates;
  readonly waitedFor = new Set<Bucket>();
  passed = 0;
  slowed = 0;
  dropped = 0;
  answered = 0;
  disconnected = 0;
  readonly #keys: number;
  readonly #scheduler: SchedulerLike;
  readonly #buckets = new Map<RateKey | undefined, Bucket>();
  /** Those of keys that somebody keeps to for as long as he is there: they are not forgotten meanwhile. */
  readonly #kept = new Map<RateKey | undefined, { readonly bucket: Bucket; users: number }>();
  #given: RateLimits;

  constructor(options: RateLimitOptions) {
    const { keys = 10_000, scheduler = asyncScheduler, ...limits } = checkObject('options', options);
    this.rates = ratesOf(limits);
    this.#given = limits;
    this.#keys = checkInteger('keys', keys, 1);
    this.#scheduler = checkScheduler('scheduler', scheduler);
  }

  get limits(): Readonly<Required<RateLimits>> {
    return this.rates;
  }

  set(limits: RateLimits): void {
    const given = { ...this.#given, ...checkObject('limits', limits) };
    const rates = ratesOf(given);
    // What was allowed until now was allowed by the rates until now.
    const kept = Array.from(this.#kept.values(), ({ bucket }) => bucket);
    const buckets = new Set([...this.#buckets.values(), ...kept, ...this.waitedFor]);
    for (const bucket of buckets) bucket.settle();
    this.#given = given;
    this.rates = rates;
    for (const bucket of buckets) bucket.changed();
  }

  get statistics(): RateStatistics {
    const { passed, slowed, dropped, answered, disconnected } = this;
    return { passed, slowed, dropped, answered, disconnected, keys: this.#buckets.size + this.#kept.size };
  }

  /** A bucket that nobody shares. */
  ownBucket(): Bucket {
    return new Bucket(this, timetableOf(this.#scheduler));
  }

  /** The bucket of a key, or the one of all who have none. */
  bucketOf(key: RateKey | undefined): Bucket {
    const buckets = this.#buckets;
    const kept = this.#kept.size > 0 ? this.#kept.get(key) : undefined;
    if (kept !== undefined) return kept.bucket;
    const bucket = buckets.get(key) ?? this.ownBucket();
    // In again at the end: in front is who was not asked for longest.
    buckets.delete(key);
    buckets.set(key, bucket);
    this.#forgetOldest();
    return bucket;
  }

  /** The same, for one who asks once and keeps to it until he gives it back. */
  keep(key: RateKey | undefined): Bucket {
    const bucket = this.bucketOf(key);
    const kept = this.#kept.get(key);
    this.#buckets.delete(key);
    if (kept === undefined) this.#kept.set(key, { bucket, users: 1 });
    else kept.users++;
    return bucket;
  }

  giveBack(key: RateKey | undefined): void {
    const kept = this.#kept.get(key);
    if (kept === undefined || --kept.users > 0) return;
    this.#kept.delete(key);
    this.#buckets.set(key, kept.bucket);
    this.#forgetOldest();
  }

  #forgetOldest(): void {
    if (this.#buckets.size > this.#keys) this.#buckets.delete(this.#buckets.keys().next().value);
  }
}

/**
 * A limit on messages and bytes a second, to be kept with `limitRate`: by a whole server, or by each of many keys.
 *
 *     const all = rateLimit({ messages: 50_000 });
 *     const each = rateLimit({ messages: 100, bytes: 65_536 });
 *     serve((bytes, { peer }) => bytes.pipe(frameLines(), limitRate(each, { key: peer }), limitRate(all), ...))
 *     each.set({ messages: 10 });
 *
 * A token bucket for each key. Time is monotonic: a change of the wall clock lets nothing through.
 */
export const rateLimit = (options: RateLimitOptions): RateLimit => new KeptLimit(options);
