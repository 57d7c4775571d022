// Who is let in: all that is said before a session begins, as a gate for `authenticate`.
import * as E from 'fp-ts/lib/Either.js';
import { endWith, firstValueFrom, ignoreElements, merge, take, timer } from 'rxjs';
import { type AuthGate, type Connection, NotAuthenticated, type NotAuthenticatedReason, sameSecret } from 'sluice';
import { Command, FEATURES, type Reply, UNREADABLE, reply, utf8Option } from './control.js';

/** Who may come in: one user with a password, or everybody as `anonymous`. */
export type Accounts = { readonly user: string; readonly password: string } | 'anonymous';

const admits = (accounts: Accounts, name: string, password: string): boolean => {
  if (accounts === 'anonymous') return /^(?:anonymous|ftp)$/i.test(name);
  // Both are looked at, whichever is wrong: the time tells nothing.
  const [known, right] = [sameSecret(name, accounts.user), sameSecret(password, accounts.password)];
  return known && right;
};

/** Waits, unless the peer goes before. */
const pause = async (ms: number, connection: Connection): Promise<void> => {
  const gone = connection.closed.pipe(ignoreElements(), endWith(0));
  await firstValueFrom(merge(timer(ms), gone).pipe(take(1)));
};

/**
 * One attempt to log in: USER and PASS, and what may be asked before. A wrong password is answered `delay` milliseconds
 * later; `authenticate` counts the attempts, keeps an address out that fails too often, and has a deadline for all of it.
 */
export const loginGate = (accounts: Accounts, delay: number): AuthGate<string> => {
  const greeted = new WeakSet<Connection>();

  return async ({ connection, hear, say }) => {
    const answer = (lines: Reply): void => lines.forEach((line) => say(line));
    if (!greeted.has(connection)) answer(reply(220, 'sluice FTP server ready'));
    greeted.add(connection);

    let user: string | undefined;
    for (;;) {
      // One command after another is what a dialogue is.
      // oxlint-disable-next-line no-await-in-loop
      const { verb, argument } = E.getOrElse(() => UNREADABLE)(Command.decode(await hear()));
      if (verb === 'USER') {
        user = argument;
        answer(reply(331, accounts === 'anonymous' ? 'Any password will do' : 'Password, please'));
      } else if (verb === 'PASS' && user !== undefined) {
        if (admits(accounts, user, argument)) {
          answer(reply(230, 'Logged in'));
          return user;
        }
        // oxlint-disable-next-line no-await-in-loop
        await pause(delay, connection);
        answer(reply(530, 'Login incorrect'));
        return undefined;
      } else if (verb === 'QUIT') {
        answer(reply(221, 'Goodbye'));
        throw new NotAuthenticated('ended');
      } else if (verb !== '') answer(asked(verb, argument));
    }
  };
};

/** What anybody may ask. */
const asked = (verb: string, argument: string): Reply => {
  if (verb === 'PASS') return reply(503, 'USER comes first');
  if (verb === 'FEAT') return FEATURES;
  if (verb === 'OPTS') return utf8Option(argument) ?? reply(501, 'No such option');
  if (verb === 'SYST') return reply(215, 'UNIX Type: L8');
  if (verb === 'NOOP') return reply(200, 'Done');
  if (verb === 'HELP') return reply(214, 'Log in with USER and PASS');
  if (verb === 'AUTH') return reply(502, 'No TLS here');
  return verb === UNREADABLE.verb ? reply(500, 'Not a command') : reply(530, 'Log in with USER and PASS');
};

/** What is said to who is sent away. */
export const turnedAway = (reason: NotAuthenticatedReason): string | undefined => {
  if (reason === 'malformed') return reply(500, 'The line is too long')[0];
  if (reason === 'too-slow') return reply(421, 'Too slow, closing')[0];
  if (reason === 'crowded-out') return reply(421, 'Too many are waiting, come back later')[0];
  return reason === 'ended' ? undefined : reply(421, 'Too many failed logins, come back later')[0];
};
