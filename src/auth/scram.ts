import { nodeCrypto } from '../late.js';
import { checkFunction, checkInteger, checkObject } from '../check.js';
import { decodeUtf8 } from '../codec/utf8.js';
import type { Connection } from '../connection/connection.js';
import { NotAuthenticated } from '../errors.js';
import type { AuthGate, MaybeKnown, Named } from './gate.js';
import { letIn } from './let-in.js';
import { sameDigest } from './same-secret.js';
import { saslprep } from './saslprep.js';
import {
  type Hash,
  type ScramKeys,
  digest,
  fromBase64,
  hmac,
  keysOf,
  readKeys,
  saltedPassword,
  shownKeys,
  toBase64,
  xor,
} from './scram-keys.js';
import { Faulty, readClientFinal, readClientFirst, readServerFirst, writeName } from './scram-messages.js';

/** How often a password is hashed at least (RFC 7677), by default, and at most, whoever asks for it. */
const LEAST_ITERATIONS = 4_096;
const ITERATIONS = 100_000;
const MOST_ITERATIONS = 1_000_000;

const SALT = 16;

/** What was kept of a password (`scramVerifier`), by the name that goes with it; nothing where there is none. */
export type VerifierOf = (name: string, connection: Connection) => MaybeKnown<string> | PromiseLike<MaybeKnown<string>>;

/** What tells the tries of a mechanism from one another, so that the examples of the standards can be told again. */
interface Variant {
  readonly hash: Hash;
  readonly nonce: () => string;
}

/** 24 bytes of chance, in letters that all may stand in a nonce. */
const SHA_256: Variant = { hash: 'sha256', nonce: () => nodeCrypto().randomBytes(24).toString('base64') };

const prepared = (what: string, text: unknown): string => {
  if (typeof text !== 'string') throw new TypeError(`${what} must be a text, got ${typeof text}`);
  const form = saslprep(text);
  // Not what it is: it may be somebody's password.
  if (form === undefined || form === '') throw new RangeError(`${what} is empty, or has a letter that none may have`);
  return form;
};

// -- what is kept ----------------------------------------------------------------------------------------------------

/** How a password is made one that can be kept. */
export interface ScramVerifierOptions {
  /** How often it is hashed: the more, the longer to guess it, and for a client to log in (default 100,000). */
  readonly iterations?: number;
  /** Its salt (default: 16 bytes of chance). */
  readonly salt?: Uint8Array;
}

/**
 * What a server keeps of a password: a salt and two keys, from which neither the password nor a client's proof can be made.
 *
 *     await scramVerifier('pencil')    // SCRAM-SHA-256$100000:salt$storedKey:serverKey
 *
 * As PostgreSQL keeps it (RFC 5803). Takes a good tenth of a second, beside the event loop.
 */
export const scramVerifier = (password: string, options: ScramVerifierOptions = {}): Promise<string> => {
  const { iterations = ITERATIONS, salt = nodeCrypto().randomBytes(SALT) } = checkObject('options', options);
  const form = prepared('password', password);
  checkInteger('iterations', iterations, LEAST_ITERATIONS, MOST_ITERATIONS);
  if (!(salt instanceof Uint8Array) || salt.length === 0) throw new TypeError('salt must be bytes, one or more');
  return saltedPassword('sha256', form, salt, iterations).then((salted) => {
    const { storedKey, serverKey } = keysOf('sha256', salted);
    return shownKeys({ iterations, salt, storedKey, serverKey });
  });
};

// -- the server's side -----------------------------------------------------------------------------------------------

/** What can be set for `scramGate`. */
export interface ScramGateOptions {
  /** How often passwords are hashed, for names that are unknown: as for those that are not (default 100,000). */
  readonly iterations?: number;
  /**
   * What the salts of unknown names are made from (default: chance, anew in each process). With the same in all processes
   * and after each restart, nobody finds out which names there are.
   */
  readonly pepper?: Uint8Array;
}

/**
 * A gate for names and passwords, of which neither goes over the wire nor is kept: SCRAM-SHA-256.
 *
 *     authenticate(scramGate((name) => verifiers.get(name)), session)
 *
 * The messages are those of RFC 5802 and 7677, a frame each. A client that knows the password proves it, and so does the
 * server. Names that are unknown get as far as others. Names come in their SASLprep form (RFC 4013). Channel binding
 * (SCRAM-SHA-256-PLUS) is not offered, nor is it to act for another (authzid). The client's side is `scramLogin`.
 */
export const scramGate = (verifierOf: VerifierOf, options: ScramGateOptions = {}): AuthGate<Named> =>
  scramGateOf(SHA_256, verifierOf, options);

/** @internal The same with what it is told to go by. */
export const scramGateOf = (variant: Variant, verifierOf: VerifierOf, options: ScramGateOptions): AuthGate<Named> => {
  checkFunction('verifierOf', verifierOf);
  const { iterations = ITERATIONS, pepper = nodeCrypto().randomBytes(32) } = checkObject('options', options);
  checkInteger('iterations', iterations, LEAST_ITERATIONS, MOST_ITERATIONS);
  if (!(pepper instanceof Uint8Array)) throw new TypeError(`pepper must be bytes, got ${typeof pepper}`);
  /** What an unknown name would have if it were not. */
  const decoy = (name: string): ScramKeys => {
    const salt = nodeCrypto().createHmac('sha256', pepper).update(name).digest().subarray(0, SALT);
    return { iterations, salt, storedKey: nodeCrypto().randomBytes(32), serverKey: nodeCrypto().randomBytes(32) };
  };
  const keysFor = async (name: string, connection: Connection): Promise<ScramKeys> => {
    const verifier = letIn(await verifierOf(name, connection));
    if (verifier === undefined) return decoy(name);
    const keys = readKeys(verifier);
    if (keys === undefined) throw new TypeError('verifierOf must give what scramVerifier has made');
    return keys;
  };

  return async ({ connection, hear, say }) => {
    try {
      const first = readClientFirst(textOf(await hear()));
      const keys = await keysFor(first.name, connection);
      const nonce = first.nonce + variant.nonce();
      const offer = `r=${nonce},s=${toBase64(keys.salt)},i=${keys.iterations}`;
      say(offer);
      const final = readClientFinal(textOf(await hear()), first, nonce, keys.storedKey.length);
      const spoken = `${first.bare},${offer},${final.signed}`;
      const clientKey = xor(final.proof, hmac(variant.hash, keys.storedKey, spoken));
      if (!sameDigest(digest(variant.hash, clientKey), keys.storedKey)) throw new Faulty('invalid-proof');
      say(`v=${toBase64(hmac(variant.hash, keys.serverKey, spoken))}`);
      return { name: first.name };
    } catch (error) {
      if (!(error instanceof Faulty)) throw error;
      say(`e=${error.fault}`);
      if (error.fault !== 'invalid-proof') throw new NotAuthenticated('malformed');
      return undefined;
    }
  };
};

const textOf = (frame: Uint8Array): string => {
  const text = decodeUtf8(frame);
  if (text === undefined) throw new Faulty('invalid-encoding');
  return text;
};

// -- the client's side -----------------------------------------------------------------------------------------------

/** Who logs in by `scramLogin`. */
export interface ScramLoginOptions {
  readonly name: string;
  readonly password: string;
  /** How often a server may ask for the password to be hashed, which is work (default and most: 1,000,000). */
  readonly maxIterations?: number;
}

/**
 * The other side of `scramGate`, for `logIn`. Fails as `unproven` where the server does not know the password itself, and
 * as `malformed` where it asks for fewer than 4,096 iterations, or more than `maxIterations`.
 */
export const scramLogin = (options: ScramLoginOptions): AuthGate<Named> => scramLoginOf(SHA_256, options);

/** @internal The same with what it is told to go by. */
export const scramLoginOf = (variant: Variant, options: ScramLoginOptions): AuthGate<Named> => {
  const { name, password, maxIterations = MOST_ITERATIONS } = checkObject('options', options);
  const [who, secret] = [prepared('name', name), prepared('password', password)];
  checkInteger('maxIterations', maxIterations, LEAST_ITERATIONS, MOST_ITERATIONS);
  return async ({ hear, say }) => {
    const own = variant.nonce();
    const first = `n=${writeName(who)},r=${own}`;
    say(`n,,${first}`);
    const offer = decodeUtf8(await hear()) ?? '';
    if (offer.startsWith('e=')) return undefined;
    const asked = readServerFirst(offer, own);
    if (asked === undefined || asked.iterations < LEAST_ITERATIONS || asked.iterations > maxIterations) {
      throw new NotAuthenticated('malformed');
    }
    const salted = await saltedPassword(variant.hash, secret, asked.salt, asked.iterations);
    const { clientKey, storedKey, serverKey } = keysOf(variant.hash, salted);
    const signed = `c=biws,r=${asked.nonce}`;
    const spoken = `${first},${offer},${signed}`;
    say(`${signed},p=${toBase64(xor(clientKey, hmac(variant.hash, storedKey, spoken)))}`);
    const answer = decodeUtf8(await hear()) ?? '';
    if (answer.startsWith('e=')) return undefined;
    const [, given = ''] = /^v=([^,]+)(?:,.*)?$/s.exec(answer) ?? [];
    const proof = fromBase64(given, storedKey.length);
    if (proof === undefined || !sameDigest(proof, hmac(variant.hash, serverKey, spoken))) {
      throw new NotAuthenticated('unproven');
    }
    return { name: who };
  };
};
