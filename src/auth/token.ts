import { checkObject } from '../check.js';
import type { Connection } from '../connection/connection.js';
import { NotAuthenticated } from '../errors.js';
import type { AuthGate, MaybeKnown } from './gate.js';
import { letIn } from './let-in.js';
import { digestOf, sameDigest, sameSecret } from './same-secret.js';

/** Whose token it is: a table of all there are, or who finds out, and has to compare as `sameSecret` does. */
export type Tokens<Id> =
  | Iterable<readonly [token: string | Uint8Array, identity: Id]>
  | ((token: Uint8Array, connection: Connection) => MaybeKnown<Id> | PromiseLike<MaybeKnown<Id>>);

/** What is said to a token. */
export interface TokenOptions {
  /** Said to one that is right (default: nothing). */
  readonly welcome?: string | Uint8Array;
  /** Said to one that is wrong; the peer may then send another. By default it is not told, and has to connect again. */
  readonly refusal?: string | Uint8Array;
}

/** Who has a token, by all tokens there are: each is looked at, so that time does not tell which was nearly right. */
const lookUp = <Id>(tokens: Iterable<readonly [string | Uint8Array, Id]>) => {
  const known = Array.from(tokens, ([token, identity]) => ({ digest: digestOf('a token', token), identity }));
  return (token: Uint8Array): Id | undefined => {
    const digest = digestOf('token', token);
    let found: Id | undefined;
    for (const one of known) if (sameDigest(one.digest, digest)) found = one.identity;
    return found;
  };
};

/**
 * A gate for whoever has a token: the first frame is one.
 *
 *     authenticate(tokenGate([['s3cret', 'ann']]), session)
 *
 * The token goes over the wire as it is: use it under TLS, or on a machine of one's own. Of a table only hashes are kept.
 */
export const tokenGate = <Id>(tokens: Tokens<Id>, options: TokenOptions = {}): AuthGate<Id> => {
  const { welcome, refusal } = checkObject('options', options);
  if (typeof tokens !== 'function' && typeof tokens?.[Symbol.iterator] !== 'function') {
    throw new TypeError(`tokens must be a table of them or a function, got ${typeof tokens}`);
  }
  const find = typeof tokens === 'function' ? tokens : lookUp(tokens);
  return async ({ connection, hear, say }) => {
    const identity = letIn(await find(await hear(), connection));
    if (identity !== undefined) {
      if (welcome !== undefined) say(welcome);
      return identity;
    }
    if (refusal === undefined) throw new NotAuthenticated('refused');
    say(refusal);
    return undefined;
  };
};

/** What is expected in answer to a token. */
export interface TokenLoginOptions {
  /** What the server says to a token that is right (default: nothing is waited for). */
  readonly welcome?: string | Uint8Array;
}

/** The other side of `tokenGate`: sends the token, for `logIn`. */
export const tokenLogin = (token: string | Uint8Array, options: TokenLoginOptions = {}): AuthGate<true> => {
  const { welcome } = checkObject('options', options);
  digestOf('token', token);
  if (welcome !== undefined) digestOf('welcome', welcome);
  return async ({ hear, say }) => {
    say(token);
    return welcome === undefined || sameSecret(await hear(), welcome) ? true : undefined;
  };
};
