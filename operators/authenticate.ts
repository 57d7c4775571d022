import { Observable, type SchedulerLike, asyncScheduler, from } from 'rxjs';
import type { AuthGate } from '../src/auth/gate.js';
import { nameIn, noteIdentity } from '../src/auth/identity.js';
import { Lockout, type LockoutOptions } from '../src/auth/lockout.js';
import {
  checkFunction,
  checkHook,
  checkInteger,
  checkObject,
  checkScheduler,
  checkText,
  checkTime,
} from '../src/check.js';
import type { Connection } from '../src/connection/connection.js';
import { LimitReached, type NotAuthenticatedReason } from '../src/errors.js';
import type { InvertibleRule } from '../src/framing/rule.js';
import { tell } from '../src/hook.js';
import type { Handled, Handler } from '../src/server/outcome.js';
import type { Watch } from '../src/server/watch.js';
import { timetableOf } from '../src/time/timetable.js';
import { Threshold, type Warden, framingOf, handlerOf } from './threshold.js';

/** What happens at a gate. Of what the peer has said it tells nothing. */
export type AuthEvent<Id> =
  /** The peer is who it says. */
  | { readonly type: 'admitted'; readonly connection: Connection; readonly identity: Id }
  /** It is not; of its attempts this is the so-manieth. */
  | { readonly type: 'attempt-failed'; readonly connection: Connection; readonly attempt: number }
  /** It is sent away. */
  | { readonly type: 'refused'; readonly connection: Connection; readonly reason: NotAuthenticatedReason };

/** How strict a gate is. Times in milliseconds. */
export interface AuthenticateOptions<Id> {
  /** How the frames of the dialogue are cut and put together (default: as the protocol's own). */
  readonly framing?: InvertibleRule;
  /** The most bytes of a frame of the dialogue, its header included (default 1,024). */
  readonly limit?: number;
  /** How long all of the dialogue may take (default 10,000). */
  readonly deadline?: number;
  /** How many attempts a connection has (default 3). */
  readonly attempts?: number;
  /**
   * How many may stand in front of the gate at once (default 10,000). When there are more, the one that has stood there
   * longest is sent away: who comes only to hold a place cannot keep others out.
   */
  readonly maxWaiting?: number;
  /** How an address that fails again and again is kept out, for longer each time; `false`: it is not. */
  readonly lockout?: LockoutOptions | false;
  /** What is said last to who is sent away, as one frame: bytes, or a text as UTF-8 (default: nothing). */
  readonly farewell?: (reason: NotAuthenticatedReason) => Uint8Array | string | undefined;
  /**
   * What the peer is to be called from then on: `peer.name`, and `client.name` in the registry of a server. By default the
   * identity itself if it is a text, or its `name`; where it has none, the peer keeps the name that it has.
   */
  readonly name?: (identity: Id) => string;
  /** Called with what happens: for the registry, a log, a count. */
  readonly onEvent?: (event: AuthEvent<Id>) => void;
  /** What times are measured by (default `asyncScheduler`). */
  readonly scheduler?: SchedulerLike;
}

/**
 * Puts a gate in front of a protocol, or of any handler: nothing that a peer sends reaches it before the gate knows who
 * the peer is.
 *
 *     bytes     --h---t---a--b-|     h: hello, which is no token  t: the token  a, b: what comes then
 *               authenticate(tokenGate([['t', 'ann']], { refusal: 'no' }), upper)
 *     answers   --n-------A--B-|
 *
 * Gives the same protocol, with the gate; `identityOf(connection, gate)` tells its session who is there. What is behind
 * the gate is not even begun before: no session, no subscription, and no broadcast goes to who is in front, nor what
 * `server.send` sends.
 *
 * While the gate thinks, or the peer does not take what is said to it, it is not read from. The connection fails with
 * `NotAuthenticated` when the attempts are used up, the dialogue takes too long, the peer ends or says what is no frame of
 * it, and at once while its address is kept out. To have got in makes no failure undone. With what the gate or a hook
 * throws, it fails as with any error of the program's. Secrets are in no event and no error of this.
 */
export function authenticate<Id, P extends Handled>(
  gate: AuthGate<Id>,
  served: P,
  options?: AuthenticateOptions<Id>,
): P;
export function authenticate<Id>(gate: AuthGate<Id>, served: Handler, options?: AuthenticateOptions<Id>): Handler;
export function authenticate<Id>(
  gate: AuthGate<Id>,
  served: Handler | Handled,
  options: AuthenticateOptions<Id> = {},
): Handler | Handled {
  checkFunction('gate', gate);
  const handler = handlerOf(served);
  const { framing, lockout = {}, scheduler = asyncScheduler } = checkObject('options', options);
  const rule = framingOf(framing, served, options.limit ?? 1_024);
  const deadline = checkTime('deadline', options.deadline ?? 10_000);
  const attempts = checkInteger('attempts', options.attempts ?? 3, 1);
  const maxWaiting = checkInteger('maxWaiting', options.maxWaiting ?? 10_000, 1);
  const waiting = new Set<() => void>();
  const failures = lockout === false ? undefined : new Lockout(lockout);
  const name = checkHook('name', options.name);
  const farewell = checkHook('farewell', options.farewell);
  const onEvent = checkHook('onEvent', options.onEvent);
  checkScheduler('scheduler', scheduler);

  const guarded: Handler = (bytes, connection, watch) =>
    new Observable((out) => {
      const timetable = timetableOf(scheduler);
      const key = failures?.keyOf(connection);
      const warden: Warden<Id> = {
        gate,
        rule,
        deadline,
        attempts,
        arrived: (giveWay) => {
          watch?.guarded();
          waiting.add(giveWay);
          const [longest] = waiting;
          if (waiting.size > maxWaiting) longest?.();
        },
        left: (giveWay) => waiting.delete(giveWay),
        keepsOut: () => failures?.keepsOut(key, timetable.clock.now()) === true,
        failed: (attempt) => {
          failures?.failed(key, timetable.clock.now());
          watch?.attemptFailed(attempt);
          tell('onEvent', onEvent, { type: 'attempt-failed', connection, attempt });
        },
        admitted: (identity) => {
          const called = name === undefined ? nameIn(identity) : checkText('name', name(identity));
          noteIdentity(connection, gate, identity, called);
          if (watch !== undefined && called !== undefined) rename(watch, called, name !== undefined);
          watch?.admitted(identity);
          tell('onEvent', onEvent, { type: 'admitted', connection, identity });
        },
        farewell: ({ reason }) => farewell?.(reason),
        refused: ({ reason }) => tell('onEvent', onEvent, { type: 'refused', connection, reason }),
      };
      const serve = (rest: Observable<Uint8Array>): Observable<Uint8Array> => from(handler(rest, connection, watch));
      new Threshold(connection, warden, serve, timetable, out).subscribe(bytes);
    });
  return typeof served === 'object' ? { ...served, handler: guarded } : guarded;
}

/** A name that nobody asked for is none where it is too long for the server: that keeps nobody out. */
const rename = (watch: Watch, name: string, asked: boolean): void => {
  try {
    watch.name = name;
  } catch (error) {
    if (asked || !(error instanceof LimitReached)) throw error;
  }
};
