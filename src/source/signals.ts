import { constants } from 'node:os';
import { Observable, share } from 'rxjs';
import { checkOneOf } from '../check.js';

/** A process does not get to hear of the other two. */
const CATCHABLE = (Object.keys(constants.signals) as NodeJS.Signals[]).filter(
  (name) => name !== 'SIGKILL' && name !== 'SIGSTOP',
);

/** A signal that comes again so soon, in milliseconds, is the same one: npm passes on what the terminal sent to all. */
const ECHO = 100;

/**
 * The signals of the process as they come, by name: what stops a server.
 *
 *     const stop = signals('SIGINT', 'SIGTERM');
 *
 * While anybody is subscribed, the signals do not end the process. Shared: however many connections wait for it, the
 * process has one listener a signal. One Ctrl-C is one value, also under `npm start`, where it arrives twice. Never
 * completes.
 */
export const signals = (...names: readonly NodeJS.Signals[]): Observable<NodeJS.Signals> => {
  if (names.length === 0) throw new TypeError('signals takes the name of at least one signal, such as SIGTERM');
  for (const name of names) checkOneOf('signals', name, CATCHABLE);
  return new Observable<NodeJS.Signals>((subscriber) => {
    let last = -Infinity;
    const came = (name: NodeJS.Signals): void => {
      const now = performance.now();
      if (now - last >= ECHO) subscriber.next(name);
      last = now;
    };
    for (const name of names) process.on(name, came);
    return () => {
      for (const name of names) process.off(name, came);
    };
  }).pipe(share());
};
