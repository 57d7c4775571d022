import { Observable, type OperatorFunction, type SchedulerLike, type Subscriber, asyncScheduler } from 'rxjs';
import { checkFunction, checkHook, checkObject, checkScheduler, checkTime } from '../src/check.js';
import { PeerIdle } from '../src/errors.js';
import { tell } from '../src/hook.js';
import { Patience } from '../src/time/patience.js';
import { Silence } from '../src/time/silence.js';
import { type Heard, Link } from './link.js';

/**
 * What happens to a keep-alive: a probe was sent; one was received; the peer has been silent for the interval, was sent
 * one, and owes a sign of life (told once, until it gives one); the hold time is over.
 */
export type KeepAliveEvent = 'sent' | 'received' | 'pending' | 'expired';

/** How a connection is kept alive. Times in milliseconds. */
export interface KeepAliveOptions<A, B> {
  /** A probe is sent when so long nothing else was sent, or nothing was heard. 0: never. */
  readonly interval: number;
  /** The peer is given up when nothing came from it for so long: the hold time (default 1.5 x `interval`). 0: never. */
  readonly hold?: number;
  /** The message that says "I am here", or a function that makes one. */
  readonly probe: B | (() => B);
  /** Tells the peer's own probes from its messages: they count as a sign of life and are not passed on. */
  readonly isKeepAlive: (message: A) => boolean;
  /** Called with what happens: count it, log it. */
  readonly onEvent?: (event: KeepAliveEvent) => void;
  /** What the times are measured by (default `asyncScheduler`). */
  readonly scheduler?: SchedulerLike;
}

/**
 * Keeps a connection alive around a session: hears the peer's probes, sends ours, and gives up a peer that is silent.
 *
 *     messages  --a----k---------------     k: isKeepAlive
 *               keepAlive({ interval: 5, hold: 9, probe: p, isKeepAlive }, map(upper))
 *     out       --A----p----p---#           PeerIdle, 9 ms after k
 *
 * Only whole messages of the peer keep it alive: not our own, and not bytes that are no message. A probe is due when
 * nothing was sent for `interval`, so that the peer hears us, and when nothing was heard for as long, so that a peer
 * which only answers probes is asked. It goes before data that is queued for the peer: at most one, while it is full.
 *
 * Once the session has listened to its messages the peer is heard to its end; what comes when the session listens no
 * more is a sign of life and is dropped. What `probe` and `isKeepAlive` throw is the stream's error; what `onEvent`
 * throws is a warning. Hold time as in BGP (RFC 4271, section 4.4), 0 included.
 */
export const keepAlive = <A, B>(
  options: KeepAliveOptions<A, B>,
  session: OperatorFunction<A, B>,
): OperatorFunction<A, B> => keepingAlive(options)(checkFunction('session', session));

/** @internal The options of `keepAlive` checked, for sessions that come later. */
export const keepingAlive = <A, B>(
  options: KeepAliveOptions<A, B>,
): ((session: OperatorFunction<A, B>) => OperatorFunction<A, B>) => {
  const { probe, scheduler = asyncScheduler } = checkObject('options', options);
  if (probe === undefined) throw new TypeError('probe must be a message or a function that makes one, got undefined');
  const interval = checkTime('interval', options.interval, 0);
  const settings: Settings<A, B> = {
    interval,
    hold: checkTime('hold', options.hold ?? interval * 1.5, 0),
    probe: typeof probe === 'function' ? (probe as () => B) : () => probe,
    isKeepAlive: checkFunction('isKeepAlive', options.isKeepAlive),
    onEvent: checkHook('onEvent', options.onEvent),
    scheduler: checkScheduler('scheduler', scheduler),
  };
  return (session) => (messages) =>
    new Observable((out) => {
      const hearing = new Hearing(settings, messages, out);
      const speaking = new Speaking(settings, hearing, out);
      session(new Observable((listener) => hearing.listen(listener))).subscribe(new Link<B>(out, speaking));
    });
};

interface Settings<A, B> {
  readonly interval: number;
  readonly hold: number;
  readonly probe: () => B;
  readonly isKeepAlive: (message: A) => boolean;
  readonly onEvent: ((event: KeepAliveEvent) => void) | undefined;
  readonly scheduler: SchedulerLike;
}

/** The peer's side: what comes from it, whether or not the session listens. */
class Hearing<A> extends Patience<unknown> implements Heard<A> {
  readonly #settings: Settings<A, unknown>;
  readonly #messages: Observable<A>;
  #listener: Subscriber<A> | null = null;
  #begun = false;
  #ended = false;

  constructor(settings: Settings<A, unknown>, messages: Observable<A>, out: Subscriber<unknown>) {
    super(settings.scheduler, settings.hold, out);
    this.#settings = settings;
    this.#messages = messages;
  }

  /** The session listens. Nothing is read before it does for the first time. */
  listen(listener: Subscriber<A>): void {
    if (this.#listener !== null) return listener.error(new Error('the messages of keepAlive have a subscriber'));
    if (this.#ended) return listener.complete();
    this.#listener = listener;
    listener.add(() => {
      this.#listener = null;
    });
    if (this.#begun) return;
    this.#begun = true;
    this.begin();
    this.listening(() => this.#messages.subscribe(new Link<A>(this.out, this)));
  }

  next(message: A): void {
    this.begin();
    if (this.#settings.isKeepAlive(message)) tell('onEvent', this.#settings.onEvent, 'received');
    else this.#listener?.next(message);
  }

  /** Nothing more is expected of the peer, and its answers may take their time. */
  complete(): void {
    this.#ended = true;
    this.#listener?.complete();
  }

  error(error: unknown): void {
    this.#ended = true;
    (this.#listener ?? this.out).error(error);
  }

  gone(): void {
    this.stop();
  }

  protected failure(): PeerIdle {
    tell('onEvent', this.#settings.onEvent, 'expired');
    return new PeerIdle(this.ms);
  }
}

/** Our side: the session's answers, and probes where there are none. */
class Speaking<B> extends Silence<B> implements Heard<B> {
  readonly #settings: Settings<never, B>;
  readonly #hearing: Patience<unknown>;
  /** When the peer was heard that owes a sign of life, or -1. */
  #owesSince = -1;
  /** At which opening of a closed valve a probe was put in front: a second one would only wait behind it. */
  #waitingSince = -1;

  constructor(settings: Settings<never, B>, hearing: Patience<unknown>, out: Subscriber<B>) {
    super(settings.scheduler, settings.interval, out);
    this.#settings = settings;
    this.#hearing = hearing;
  }

  next(answer: B): void {
    this.broken();
    this.out.next(answer);
  }

  gone(): void {
    this.stop();
  }

  /** A peer that says nothing is silence too. */
  protected override get since(): number {
    const heard = this.#hearing.since;
    return heard < 0 ? super.since : Math.min(super.since, heard);
  }

  protected speak(): void {
    const { valve } = this.scope;
    if (valve !== null && valve.closed) {
      if (this.#waitingSince === valve.openings) return;
      this.#waitingSince = valve.openings;
    }
    this.out.next(this.#settings.probe());
    const { interval, onEvent } = this.#settings;
    tell('onEvent', onEvent, 'sent');
    const heard = this.#hearing.since;
    if (heard < 0 || heard === this.#owesSince || this.now() - heard < interval) return;
    this.#owesSince = heard;
    tell('onEvent', onEvent, 'pending');
  }
}
