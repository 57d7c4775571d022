import { Observable, type SchedulerLike, asyncScheduler, from } from 'rxjs';
import type { AuthGate } from '../src/auth/gate.js';
import { noteIdentity } from '../src/auth/identity.js';
import { checkFunction, checkObject, checkScheduler, checkTime } from '../src/check.js';
import type { InvertibleRule } from '../src/framing/rule.js';
import type { Handled, Handler } from '../src/server/outcome.js';
import { timetableOf } from '../src/time/timetable.js';
import { Threshold, type Warden, framingOf, handlerOf } from './threshold.js';

/** How a client logs in. */
export interface LogInOptions {
  /** How the frames of the dialogue are cut and put together (default: as the protocol's own). */
  readonly framing?: InvertibleRule;
  /** The most bytes of a frame of the dialogue, its header included (default 1,024). */
  readonly limit?: number;
  /** How long all of the dialogue may take, in milliseconds (default 10,000). */
  readonly deadline?: number;
  /** What the time is measured by (default `asyncScheduler`). */
  readonly scheduler?: SchedulerLike;
}

/**
 * The client's side of `authenticate`: says who it is, and serves only once the server has let it in, and has proved who
 * it is itself, where the way to log in has it so.
 *
 *     dial({ port: 7000 }).pipe(serve(logIn(scramLogin({ name: 'ann', password }), session))).subscribe()
 *
 * Tries once. The connection fails with `NotAuthenticated` where the server does not let it in, or is not who it should be.
 * `login` is `tokenLogin`, `hmacLogin`, `scramLogin`, or a dialogue of your own.
 */
export function logIn<P extends Handled>(login: AuthGate<unknown>, served: P, options?: LogInOptions): P;
export function logIn(login: AuthGate<unknown>, served: Handler, options?: LogInOptions): Handler;
export function logIn(
  login: AuthGate<unknown>,
  served: Handler | Handled,
  options: LogInOptions = {},
): Handler | Handled {
  checkFunction('login', login);
  const handler = handlerOf(served);
  const { framing, limit = 1_024, scheduler = asyncScheduler } = checkObject('options', options);
  const rule = framingOf(framing, served, limit);
  const deadline = checkTime('deadline', options.deadline ?? 10_000);
  checkScheduler('scheduler', scheduler);

  const loggedIn: Handler = (bytes, connection, watch) =>
    new Observable((out) => {
      const warden: Warden<unknown> = {
        gate: login,
        rule,
        deadline,
        attempts: 1,
        arrived: () => watch?.guarded(),
        left: ignore,
        keepsOut: () => false,
        failed: ignore,
        // Who we are to the other side is not what the other side is called.
        admitted: (identity) => {
          noteIdentity(connection, login, identity);
          watch?.admitted(undefined);
        },
        refused: ignore,
        farewell: ignore,
      };
      const serve = (rest: Observable<Uint8Array>): Observable<Uint8Array> => from(handler(rest, connection, watch));
      new Threshold(connection, warden, serve, timetableOf(scheduler), out).subscribe(bytes);
    });
  return typeof served === 'object' ? { ...served, handler: loggedIn } : loggedIn;
}

const ignore = (): undefined => {};
