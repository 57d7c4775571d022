import { Observable, type ObservableInput, type OperatorFunction, asyncScheduler, isObservable } from 'rxjs';
import { chanceOf } from '../src/client/chance.js';
import { Lender, type LenderHealth, type PoolReport, type PoolStatistics } from '../src/client/lender.js';
import type { Line, PoolSession } from '../src/client/line.js';
import { type Lent, Loan, workOn } from '../src/client/loan.js';
import { Question } from '../src/client/question.js';
import {
  checkFunction,
  checkInteger,
  checkNumber,
  checkObject,
  checkOneOf,
  checkScheduler,
  checkText,
  checkTime,
} from '../src/check.js';
import { placeName } from '../src/connection/address.js';
import { type Backoff, type Reconnect, backoffOf } from '../src/connection/backoff.js';
import type { Connection } from '../src/connection/connection.js';
import { type DialOptions, dial } from '../src/connection/dial.js';
import { asking } from './asking.js';
import { type PoolProtocol, exchangeOf } from './exchange.js';

/** How a connection is seen to be in order before it is lent, after it was idle for long. */
export interface PoolHealth<Q, A> {
  /** Is in order if what this gives completes: `(lent) => lent.ask('ping')`. Else it is closed, and the next one taken. */
  readonly check: (lent: Lent<Q, A>) => ObservableInput<unknown>;
  /** Only after it was idle for so long, in milliseconds (default 10,000). */
  readonly after?: number;
  /** How long that may take, in milliseconds (default 1,000). */
  readonly within?: number;
}

/**
 * A pool. Whom to dial, and what can be set for a dial and for each connection, or `dial`; all else has a default but the
 * protocol. Times in milliseconds.
 */
export interface PoolOptions<Q, A> extends Omit<DialOptions, 'reconnect' | 'onState' | 'random'> {
  /** What it is called in errors (default: where it dials to, or `pool`). */
  readonly name?: string;
  /** What dials, each time that it is subscribed to, in place of a port or a path: `upstream.dial()` of `balance`. */
  readonly dial?: Observable<Connection>;
  /**
   * How requests are made: framing and messages; or, of a connection, the operator from requests to answers, one for each
   * and in order. To unsubscribe from that is to close the connection, as with `connection.writes`.
   */
  readonly protocol: PoolProtocol<Q, A> | PoolSession<Q, A>;
  /**
   * Requests that may wait for their answers on one connection at the same time (default 1: a connection is one request's
   * own until it is answered; more: they are pipelined).
   */
  readonly depth?: number;
  /** Connections that are always open (default 0). They are dialled when the pool is made. */
  readonly min?: number;
  /** The most at one time, those being dialled and closed included (default 8). One is dialled when all others are in use. */
  readonly max?: number;
  /** Requests and loans that may wait while all connections are in use (default 1,000). Those above it fail with `PoolFull`. */
  readonly waiting?: number;
  /** How long one may wait (default 5,000), and then fails with `AcquireTimeout`. */
  readonly acquire?: number;
  /** A connection above `min` that was idle for so long is closed (default 30,000; 0: never). */
  readonly idle?: number;
  /** A connection that was open for so long is closed as soon as nothing is asked on it (default 1,800,000; 0: never). */
  readonly life?: number;
  /** How much of `life` is left to chance, from 0 to 1 (default 0.2): not all are to go at once. */
  readonly jitter?: number;
  /** Which of several idle connections is used: the last that became idle (`lifo`, the default), or the first. */
  readonly order?: 'lifo' | 'fifo';
  /** How long a connection may be silent that owes an answer (default 30,000; 0: for ever). Then it is lost. */
  readonly hold?: number;
  /** Off unless given. */
  readonly health?: PoolHealth<Q, A>;
  /** How long not to dial after a dial that failed, or a connection that was lost at once: one wait for the whole pool. */
  readonly reconnect?: Omit<Reconnect, 'attempts' | 'stable'>;
  /** Where chance comes from: a number from 0 to 1 (default `Math.random`). What it throws is a warning. */
  readonly random?: () => number;
}

/** A pool of dialled connections. `Q` is what is asked, `A` what is answered. */
export interface Pool<Q, A> {
  /**
   * Requests in, their answers out, in the order of the requests.
   *
   *     requests  --a-b-c-----------|      each takes 4 ms, and there are two connections
   *               pool.ask()
   *     answers   ------A-B-C-------|
   *
   * The sources above rest while all connections are in use, or a consumer below is full. A stream waits in the pool's
   * list as one, however many requests it has, and is never refused for the length of that. Fails in its turn, after
   * the answers before it, with the first request that fails, as `ask(request)` does; then, and when it is
   * unsubscribed from, what has not been sent is not sent.
   */
  ask(): OperatorFunction<Q, A>;
  /**
   * Asks when it is subscribed to, emits the answer, and completes; each subscription asks anew. Unsubscribing before it is
   * sent takes it back; after that, the answer is dropped.
   *
   * Fails with `RequestLost` when the connection is lost before the answer: the request may have been executed, so it is
   * not repeated, unless you do (`retry`). With `AcquireTimeout` and `PoolFull` where it was not sent for want of a
   * connection, `PoolClosed` after `drain` or `close`, and with the codec's error for a request that has no bytes.
   */
  ask(request: Q): Observable<A>;
  /**
   * Lends a connection to `work` alone, until what that gives has ended: for requests that belong together.
   *
   *     redis.use(({ ask }) => concat(ask(['MULTI']), ask(['INCR', 'n']), ask(['EXEC'])))
   *
   * Waits in the same list as requests. The connection goes back to the pool if `work` completes and nothing is owed on
   * it; else it is closed, for nobody knows in what state it is.
   */
  use<B>(work: (lent: Lent<Q, A>) => ObservableInput<B>): Observable<B>;
  readonly statistics: PoolStatistics;
  /**
   * Takes no more, answers what was asked, closes each connection when nothing is asked on it, and after `ms`
   * milliseconds all of them. Gives its report when the last is gone. Called again, it gives the same report.
   */
  drain(ms: number): Promise<PoolReport>;
  /** Closes at once: what waits fails with `PoolClosed`, what was sent with `RequestLost`. */
  close(): void;
}

// Declared like `protocol`, and made of the same operators: so it stands beside it. Who holds which connection, and who
// waits for one, is in src/client.

/**
 * Keeps connections to a server that answers each request with one answer, and asks over them.
 *
 *     const redis = pool({ port: 6379, max: 8, depth: 32, protocol: { framing: resp(), message: Command, answer: Reply } });
 *     requests.pipe(redis.ask()).subscribe(console.log);
 *
 * A connection that says what nobody asked, or ends, or breaks, is lost: the requests in flight on it fail, and those
 * that were not sent yet go to another one. While dialling fails there is one wait for all, and one dial after it.
 * Connections are kept until they have been idle for a while, so a program that is to end has to `drain` or `close`.
 */
export const pool = <Q, A = Q>(options: PoolOptions<Q, A>): Pool<Q, A> => {
  const { protocol, health, scheduler = asyncScheduler, order = 'lifo' } = checkObject('options', options);
  const { prepare, session } = exchangeOf(protocol);
  const max = checkInteger('max', options.max ?? 8, 1);
  const depth = checkInteger('depth', options.depth ?? 1, 1);

  const lender = new Lender<unknown, A>({
    name: checkText('name', options.name ?? (options.dial === undefined ? placeName(options) : 'pool')),
    dial: dialOf(options),
    session,
    depth,
    min: checkInteger('min', options.min ?? 0, 0, max),
    max,
    waiting: checkInteger('waiting', options.waiting ?? 1_000, 0),
    acquire: checkTime('acquire', options.acquire ?? 5_000),
    idle: checkTime('idle', options.idle ?? 30_000, 0),
    life: checkTime('life', options.life ?? 1_800_000, 0),
    jitter: checkNumber('jitter', options.jitter ?? 0.2, 0, 1),
    order: checkOneOf('order', order, ['lifo', 'fifo']),
    hold: checkTime('hold', options.hold ?? 30_000, 0),
    health: health === undefined ? null : healthOf(health, prepare),
    backoff: backoffOf(checkObject('reconnect', options.reconnect ?? {})) as Backoff,
    chance: chanceOf(options.random),
    scheduler: checkScheduler('scheduler', scheduler),
  });

  const askOne = (request: Q): Observable<A> =>
    new Observable((out) => {
      const question = new Question<unknown, A>(prepare(request), out);
      out.add(() => lender.withdraw(question));
      lender.enlist(question);
    });

  return {
    ask: ((...given: readonly [] | readonly [Q]) =>
      given.length === 0 ? asking({ lender, prepare, concurrency: max * depth }) : askOne(given[0])) as Pool<
      Q,
      A
    >['ask'],
    use: (work) => {
      checkFunction('work', work);
      return new Observable((out) => {
        const loan = new Loan((line: Line<unknown, A>) => workOn(line, prepare, work), out);
        out.add(() => lender.withdraw(loan));
        lender.enlist(loan);
      });
    },
    get statistics() {
      return lender.statistics;
    },
    drain: (ms) => lender.drain(checkTime('ms', ms, 0)),
    close: () => lender.close(),
  };
};

/** What dials: what is given, or `dial` by the same options. The pool itself dials again. */
const dialOf = <Q, A>(options: PoolOptions<Q, A>): Observable<Connection> => {
  const { dial: given, port, path } = options;
  if (given === undefined) return dial({ ...options, reconnect: false });
  if (!isObservable(given)) throw new TypeError(`dial must be an Observable, got ${typeof given}`);
  if (port === undefined && path === undefined) return given;
  throw new TypeError('give either what dials, or a port or a path, got both');
};

const healthOf = <Q, A>(health: PoolHealth<Q, A>, prepare: (request: Q) => unknown): LenderHealth<unknown, A> => {
  const { after, within } = checkObject('health', health);
  const check = checkFunction('health.check', health.check);
  return {
    check: (line) => workOn(line, prepare, check),
    after: checkTime('health.after', after ?? 10_000),
    within: checkTime('health.within', within ?? 1_000),
  };
};
