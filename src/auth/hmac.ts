import { nodeCrypto } from '../late.js';
import { checkFunction, checkObject, checkText } from '../check.js';
import { decodeUtf8, encodeUtf8 } from '../codec/utf8.js';
import type { Connection } from '../connection/connection.js';
import { NotAuthenticated } from '../errors.js';
import type { AuthGate, MaybeKnown, Named } from './gate.js';
import { letIn } from './let-in.js';
import { sameDigest } from './same-secret.js';

/** The key that goes with a name, from 16 bytes; nothing where there is none. */
export type KeyOf = (
  name: string,
  connection: Connection,
) => MaybeKnown<Uint8Array> | PromiseLike<MaybeKnown<Uint8Array>>;

/** Bytes of chance from either side. */
const NONCE = 32;
/** Bytes of a proof. */
const PROOF = 32;
const SHORTEST_KEY = 16;

const checkKey = (key: unknown): Uint8Array => {
  if (!(key instanceof Uint8Array)) throw new TypeError(`key must be bytes, got ${typeof key}`);
  if (key.length >= SHORTEST_KEY) return key;
  throw new RangeError(`key must have ${SHORTEST_KEY} bytes or more, got ${key.length}`);
};

/** Who speaks is part of the proof: so that nobody's own proof can be sent back to him. */
const proofOf = (
  side: 'client' | 'server',
  key: Uint8Array,
  asked: Uint8Array,
  answered: Uint8Array,
  name: string,
): Uint8Array =>
  nodeCrypto()
    .createHmac('sha256', key)
    .update(`${side}\0`)
    .update(asked)
    .update(answered)
    .update(encodeUtf8(name))
    .digest();

const shown = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

const malformed = (): NotAuthenticated => new NotAuthenticated('malformed');

/** Bytes in base64url, as they were encoded and in no other form. */
const bytesOf = (text: string | undefined, length?: number): Uint8Array => {
  const bytes = Buffer.from(text ?? '', 'base64url');
  if (shown(bytes) !== text || (length !== undefined && bytes.length !== length)) throw malformed();
  return bytes;
};

const textOf = (frame: Uint8Array): string => {
  const text = decodeUtf8(frame);
  if (text === undefined) throw malformed();
  return text;
};

/**
 * A gate for whoever has the key that goes with his name, and does not say it: challenge and response, HMAC-SHA-256.
 *
 *     server  NONCE
 *     client  NAME.NONCE.PROOF      HMAC of "client", both nonces and the name
 *     server  PROOF                 HMAC of "server" and the same, or the word `refused`
 *
 * Each a frame, in base64url: 32 bytes of chance from either side, so that nothing that was overheard is of use again, and
 * a proof from either side, so that the client too knows whom it talks to. Keys are for machines: who listens in can try
 * out words, so that a password would be found. For people there is `scramGate`. The client's side is `hmacLogin`.
 */
export const hmacGate = (keyOf: KeyOf): AuthGate<Named> => {
  checkFunction('keyOf', keyOf);
  return async ({ connection, hear, say }) => {
    const asked = nodeCrypto().randomBytes(NONCE);
    say(shown(asked));
    const [first, second, third, ...more] = textOf(await hear()).split('.');
    if (more.length > 0) throw malformed();
    const name = textOf(bytesOf(first));
    const answered = bytesOf(second, NONCE);
    const proof = bytesOf(third, PROOF);
    const known = letIn(await keyOf(name, connection));
    // Of a name that is unknown no less is computed.
    const key = known === undefined ? nodeCrypto().randomBytes(SHORTEST_KEY) : checkKey(known);
    const right = sameDigest(proofOf('client', key, asked, answered, name), proof);
    if (right && known !== undefined) {
      say(shown(proofOf('server', key, asked, answered, name)));
      return { name };
    }
    say('refused');
    return undefined;
  };
};

/** Who logs in by `hmacLogin`. */
export interface HmacLoginOptions {
  readonly name: string;
  /** The key, from 16 bytes. */
  readonly key: Uint8Array;
}

/** The other side of `hmacGate`, for `logIn`. Fails as `unproven` where the server does not know the key itself. */
export const hmacLogin = (options: HmacLoginOptions): AuthGate<Named> => {
  const name = checkText('name', checkObject('options', options).name);
  const key = Uint8Array.from(checkKey(options.key));
  return async ({ hear, say }) => {
    const asked = bytesOf(textOf(await hear()), NONCE);
    const answered = nodeCrypto().randomBytes(NONCE);
    say([encodeUtf8(name), answered, proofOf('client', key, asked, answered, name)].map(shown).join('.'));
    const answer = textOf(await hear());
    if (answer === 'refused') return undefined;
    if (!sameDigest(proofOf('server', key, asked, answered, name), bytesOf(answer, PROOF))) {
      throw new NotAuthenticated('unproven');
    }
    return { name };
  };
};
