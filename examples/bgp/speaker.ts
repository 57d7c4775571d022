// A BGP speaker: the machine of machine.ts with a connection and the time. What comes is cut by message-rule.ts and decoded
// by messages.ts; a fault is the last word to the peer, and the error of its connection.
import * as E from 'fp-ts/lib/Either.js';
import {
  EMPTY,
  type Observable,
  type SchedulerLike,
  Subject,
  asyncScheduler,
  catchError,
  concat,
  concatWith,
  connect,
  defer,
  finalize,
  mergeMap,
  of,
  startWith,
  take,
  takeUntil,
  throwError,
} from 'rxjs';
import { FrameTooSlow, InvalidMessage, MalformedFrame, PeerIdle, PeerSilent } from 'sluice';
import { type Peer, type Protocol, keepAlive, protocol } from 'sluice/operators';
import type { Opener } from 'sluice/server';
import { SessionFault, administrativeShutdown, collision, holdTimerExpired, malformedOpen } from './faults.js';
import { type Agreed, type Happening, type Speaker, type State, type StateName, isNewerKept, step } from './machine.js';
import { messageRule } from './message-rule.js';
import { type Message, idNumber, keepalive, message } from './messages.js';

/** How long the peer may take for its OPEN: "a large value" for the hold timer (RFC 4271, section 8.2.2). */
const OPEN_TIME = 4 * 60_000;

const SECOND = 1_000;

/** The session with a peer has gone from one state to another. */
export interface Change {
  /** Its address. */
  readonly peer: string;
  readonly from: StateName;
  readonly to: StateName;
  /** What was agreed on, if it was. */
  readonly agreed: Agreed | undefined;
  /** UPDATEs that have come in this session. */
  readonly updates: number;
  /** Why it has ended, where it has and not because the peer closed its connection. */
  readonly error: unknown;
}

export interface SpeakerOptions extends Speaker {
  readonly onChange?: (change: Change) => void;
  /** Whether we are about to stop: then who is still there is told. */
  readonly stopping?: () => boolean;
  readonly scheduler?: SchedulerLike;
}

const check = (name: string, value: number, least: number, most: number): void => {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new RangeError(`${name} must be a whole number from ${least} to ${most}, got ${value}`);
};

const checkSpeaker = ({ as, id, hold, peerAs }: Speaker): void => {
  check('as', as, 1, 0xffff_ffff);
  if (peerAs !== undefined) check('peerAs', peerAs, 1, 0xffff_ffff);
  if (!idNumber(id)) throw new RangeError(`id must be four numbers as in 10.0.0.1, and not all 0, got ${id}`);
  if (hold !== 0) check('hold', hold, 3, 0xffff);
};

/** What the peer is told about an error: nothing, where its connection is lost or it has told us. */
const lastWord = (error: unknown): SessionFault | undefined => {
  if (error instanceof SessionFault) return error;
  if (error instanceof MalformedFrame && error.cause instanceof SessionFault) return error.cause;
  if (error instanceof InvalidMessage) return malformedOpen([], { cause: error });
  const late = error instanceof PeerIdle || error instanceof PeerSilent || error instanceof FrameTooSlow;
  return late ? holdTimerExpired([], { cause: error }) : undefined;
};

/** What a speaker knows of all its sessions: those whose peer has said who it is, by that. */
type Sessions = Map<string, Session>;

/** The session with one peer. */
class Session {
  readonly #options: SpeakerOptions;
  readonly #peer: Peer<Message>;
  readonly #sessions: Sessions;
  readonly #opener: Opener;
  /** Fails when the session has to end for reasons outside it. */
  readonly #ended = new Subject<never>();
  #state: State;
  #updates = 0;
  #error: unknown;

  constructor(options: SpeakerOptions, peer: Peer<Message>, sessions: Sessions) {
    this.#options = options;
    this.#peer = peer;
    this.#sessions = sessions;
    this.#opener = peer.opener ?? 'passive';
    this.#state = { name: this.#opener === 'active' ? 'Connect' : 'Idle' };
  }

  /**
   * Messages in, messages out, with an agreed hold time of 9 s:
   *
   *     messages  --o-k--------------        o: OPEN, k: KEEPALIVE
   *     says      o-k--- 3s k 3s k 3s (n#)   n: NOTIFICATION, the hold timer has expired
   */
  talk(messages: Observable<Message>): Observable<Message> {
    return messages.pipe(
      takeUntil(this.#ended),
      connect((heard) =>
        heard.pipe(
          take(1),
          mergeMap((open) => this.#goOn(open, heard)),
        ),
      ),
      startWith(...this.#hear({ type: 'connected' })),
      concatWith(defer(() => this.#goodbye())),
      catchError((error: unknown) => this.#fail(error)),
      finalize(() => this.#leave()),
    );
  }

  /** The first message is an OPEN, or a fault. It says how long either side may be silent from now on. */
  #goOn(open: Message, rest: Observable<Message>): Observable<Message> {
    const { scheduler = asyncScheduler } = this.#options;
    const says = this.#hear(open);
    const hold = this.#meet() * SECOND;
    // The machine is told of the peer's keep-alives too: the first one is its consent.
    const times = { interval: hold / 3, hold, probe: keepalive, isKeepAlive: () => false, scheduler };
    return rest.pipe(
      keepAlive<Message, Message>(
        times,
        mergeMap((heard) => this.#hear(heard)),
      ),
      startWith(...says),
    );
  }

  #hear(happening: Happening): readonly Message[] {
    const next = step(this.#options, this.#state, happening);
    if (E.isLeft(next)) throw next.left;
    if (happening.type === 'update') this.#updates++;
    this.#turn(next.right.state);
    return next.right.says;
  }

  /** The peer has said who it is: one session with it is enough. Gives the hold time. */
  #meet(): number {
    const { agreed } = this.#state as State & { readonly agreed: Agreed };
    const name = `AS${agreed.as} ${agreed.id}`;
    const older = this.#sessions.get(name);
    if (older !== undefined) {
      const there = { state: older.#state, opener: older.#opener };
      if (!isNewerKept(this.#options, there, { agreed, opener: this.#opener })) throw collision();
      older.#ended.error(collision());
    }
    this.#sessions.set(name, this);
    this.#peer.name = name;
    return agreed.hold;
  }

  #goodbye(): Observable<Message> {
    return this.#options.stopping?.() ? of(administrativeShutdown().notification) : EMPTY;
  }

  #fail(error: unknown): Observable<Message> {
    const fault = lastWord(error);
    this.#error = fault ?? error;
    const failed = throwError(() => this.#error);
    return fault === undefined ? failed : concat(of(fault.notification), failed);
  }

  #leave(): void {
    const { name } = this.#peer;
    if (this.#sessions.get(name) === this) this.#sessions.delete(name);
    this.#turn({ name: 'Idle' });
  }

  #turn(to: State): void {
    const from = this.#state;
    this.#state = to;
    if (from.name === to.name) return;
    const known = 'agreed' in to ? to : from;
    this.#options.onChange?.({
      peer: this.#peer.address,
      from: from.name,
      to: to.name,
      agreed: 'agreed' in known ? known.agreed : undefined,
      updates: this.#updates,
      error: this.#error,
    });
  }
}

/** Speaks BGP-4 up to Established, and stays there. */
export const bgp = (options: SpeakerOptions): Protocol<Message, Message> => {
  checkSpeaker(options);
  const sessions: Sessions = new Map();
  return protocol({
    name: 'bgp',
    framing: messageRule,
    message,
    firstMessage: OPEN_TIME,
    frameDeadline: OPEN_TIME,
    session: (messages, peer) => new Session(options, peer, sessions).talk(messages),
    ...(options.scheduler === undefined ? {} : { scheduler: options.scheduler }),
  });
};
