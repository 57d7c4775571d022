import { Observable, Subject, type Subscriber, Subscription, asyncScheduler, isObservable } from 'rxjs';
import { checkFunction, checkInteger, checkObject, checkOneOf, checkScheduler, checkText } from '../check.js';
import { type Place, placeName } from '../connection/address.js';
import type { Connection } from '../connection/connection.js';
import { type DialOptions, dial } from '../connection/dial.js';
import { NoTarget } from '../errors.js';
import { flow, inScope } from '../flow/scope.js';
import { clockOf } from '../time/clock.js';
import { chanceOf } from './chance.js';
import { type EjectOptions, Ejections, checkEject } from './ejections.js';
import { type Picker, STRATEGIES, type Strategy, pickerOf } from './strategy.js';
import { Listed, type Target, type TargetStatus, checkTargets } from './target.js';

/** How a balancer dials, and what it makes of failures. What can be set for a dial is passed on to each. */
export interface BalanceOptions extends Omit<
  DialOptions,
  'port' | 'host' | 'path' | 'reconnect' | 'onState' | 'random'
> {
  /** How many targets may be tried for one connection, each of them once (default 3). */
  readonly tries?: number;
  /** When a target that fails is left out, and for how long. */
  readonly eject?: EjectOptions;
  /** What dials a target (default `dial`). */
  readonly dial?: (options: DialOptions) => Observable<Connection>;
  /** Where chance comes from: a number from 0 to 1 (default `Math.random`). What it throws is a warning. */
  readonly random?: () => number;
}

/** What happens to the targets of a balancer. `target` is a name, as in `targets`. */
export type BalanceChange =
  /** It failed too often, the last time with `error`, and is not dialled for `ms` milliseconds. */
  | { readonly type: 'ejected'; readonly target: string; readonly ms: number; readonly error: unknown }
  /** It is dialled again, one dial at a time until one succeeds. */
  | { readonly type: 'returned'; readonly target: string }
  /** It came to the list, or went from it. Connections to one that went go on. */
  | { readonly type: 'added'; readonly target: string }
  | { readonly type: 'removed'; readonly target: string }
  /** The stream of lists failed, or gave a list that is none: the last good one stays. */
  | { readonly type: 'list-failed'; readonly error: unknown };

/** Several places that do the same work, as if they were one. */
export interface Balancer {
  /**
   * Picks a target when it is subscribed to, dials it, and emits the connection; tries the next one, up to `tries`, if
   * that fails. Fails with the error of the dial where one target was tried, else with `NoTarget`. `key` is what
   * `consistent-hash` goes by, and no other strategy needs one.
   */
  dial(key?: string): Observable<Connection>;
  /** The targets as they stand, in the order of the list. */
  readonly targets: readonly TargetStatus[];
  /** What happens to them from now on. Completes at `close`. */
  readonly changes: Observable<BalanceChange>;
  /** Lets go of the list and of all timers. Connections go on; dials fail from now on. */
  close(): void;
}

/**
 * Spreads connections over several targets that do the same work, and leaves out for a while those that fail.
 *
 *     const upstream = balance([{ port: 7001 }, { port: 7002, weight: 2 }], 'least-connections');
 *     upstream.dial().pipe(mergeMap(talk)).subscribe();
 *
 * `targets` is a list, or an Observable of lists, which is subscribed to until `close`; targets that stay on the list
 * keep their connections counted and their state. `strategy` is `round-robin` unless another is named.
 *
 * A target whose dials fail `eject.after` times in a row is ejected for a time that doubles, and then on trial. Never
 * more than a part of the targets is out. An ejected one is dialled only for a connection for which all others have
 * been tried.
 */
export const balance = (
  targets: readonly Target[] | Observable<readonly Target[]>,
  strategy: Strategy = 'round-robin',
  options: BalanceOptions = {},
): Balancer => new Balancing(targets, strategy, options);

class Balancing implements Balancer {
  readonly #changes = new Subject<BalanceChange>();
  readonly changes = this.#changes.asObservable();
  readonly #strategy: Strategy;
  readonly #tries: number;
  readonly #picker: Picker;
  readonly #ejections: Ejections;
  readonly #dialTo: (place: Place) => Observable<Connection>;
  #listed: ReadonlyMap<string, Listed> = new Map();
  /** The stream of lists. */
  #lists = Subscription.EMPTY;
  #closed = false;

  constructor(targets: readonly Target[] | Observable<readonly Target[]>, strategy: Strategy, options: BalanceOptions) {
    const { tries = 3, eject, dial: dialOne = dial, random, ...how } = checkObject('options', options);
    this.#strategy = checkOneOf('strategy', strategy, STRATEGIES);
    this.#tries = checkInteger('tries', tries, 1);
    this.#picker = pickerOf(strategy, chanceOf(random));
    checkFunction('dial', dialOne);
    this.#dialTo = (place) => dialOne({ ...how, ...place });
    const clock = clockOf(checkScheduler('scheduler', how.scheduler ?? asyncScheduler));
    this.#ejections = new Ejections(checkEject(eject), clock, {
      ejected: ({ name: target }, ms, error) => this.#changes.next({ type: 'ejected', target, ms, error }),
      returned: ({ name: target }) => this.#changes.next({ type: 'returned', target }),
    });
    if (isObservable(targets)) this.#follow(targets);
    else {
      this.#take(targets);
      if (this.#listed.size === 0) throw new RangeError('targets must have one target or more, got none');
    }
  }

  get targets(): readonly TargetStatus[] {
    return [...this.#listed.values()].map(({ status }) => status);
  }

  dial(key?: string): Observable<Connection> {
    const checked = this.#strategy === 'consistent-hash' ? checkText('key', key) : '';
    return new Observable((out) => {
      const { scope } = flow;
      const failures = new Map<Listed, unknown>();
      const attempt = (): void => {
        const target = this.#pick(failures, checked);
        if (target === undefined) return out.error(reasonOf(failures, this.#closed));
        const failed = (error: unknown): void => {
          failures.set(target, error);
          attempt();
        };
        inScope(scope, () => this.#dial(target, out, failed));
      };
      attempt();
    });
  }

  close(): void {
    this.#closed = true;
    this.#lists.unsubscribe();
    this.#ejections.close();
    this.#changes.complete();
  }

  // -- one dial ------------------------------------------------------------------------------------------------------

  /** One that may be dialled and has not been yet; when there is none left, one that is out. */
  #pick(tried: ReadonlyMap<Listed, unknown>, key: string): Listed | undefined {
    if (this.#closed || tried.size === this.#tries) return undefined;
    const untried = [...this.#listed.values()].filter((target) => !tried.has(target));
    const welcome = untried.filter(isWelcome);
    const candidates = welcome.length > 0 ? welcome : untried;
    return candidates.length > 0 ? this.#picker(candidates, key) : undefined;
  }

  /** Dials `target` for `out`, and counts. `failed` is called where no connection came. */
  #dial(target: Listed, out: Subscriber<Connection>, failed: (error: unknown) => void): void {
    target.dialling++;
    const underWay = new Subscription(() => target.dialling--);
    out.add(underWay);
    const dialling = target.dial.subscribe({
      next: (connection) => {
        underWay.unsubscribe();
        target.made++;
        target.open++;
        connection.closed.subscribe({ complete: () => target.open-- });
        if (this.#isListed(target)) this.#ejections.succeeded(target);
        out.next(connection);
      },
      error: (error: unknown) => {
        if (underWay.closed) return out.error(error);
        underWay.unsubscribe();
        target.failed++;
        if (this.#isListed(target)) this.#ejections.failed(target, error);
        failed(error);
      },
      complete: () => out.complete(),
    });
    out.add(dialling);
  }

  // -- the list ------------------------------------------------------------------------------------------------------

  #isListed(target: Listed): boolean {
    return this.#listed.get(target.name) === target;
  }

  #follow(lists: Observable<readonly Target[]>): void {
    const failed = (error: unknown): void => this.#changes.next({ type: 'list-failed', error });
    this.#lists = lists.subscribe({
      next: (list) => {
        try {
          this.#take(list);
        } catch (error) {
          failed(error);
        }
      },
      error: failed,
    });
  }

  #take(list: readonly Target[]): void {
    const before = this.#listed;
    const listed = new Map<string, Listed>();
    for (const { weight, ...place } of checkTargets(list)) {
      const name = placeName(place);
      const target = before.get(name) ?? new Listed(name, this.#dialTo(place));
      target.weight = weight;
      listed.set(name, target);
    }
    this.#listed = listed;
    for (const target of before.values()) if (!listed.has(target.name)) this.#ejections.forget(target);
    this.#ejections.listed(listed.size);
    for (const target of before.keys()) if (!listed.has(target)) this.#changes.next({ type: 'removed', target });
    for (const target of listed.keys()) if (!before.has(target)) this.#changes.next({ type: 'added', target });
  }
}

/** Who is on trial is not dialled by everyone at once. */
const isWelcome = ({ state, dialling }: Listed): boolean => state === 'in' || (state === 'on-trial' && dialling === 0);

const reasonOf = (failures: ReadonlyMap<Listed, unknown>, closed: boolean): unknown => {
  const [only] = failures.values();
  if (failures.size === 1) return only;
  return new NoTarget(
    [...failures].map(([{ name: target }, error]) => ({ target, error })),
    closed,
  );
};
