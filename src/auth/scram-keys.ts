import { nodeCrypto } from '../late.js';
import { encodeUtf8 } from '../codec/utf8.js';

/** @internal The hash that a mechanism is made with. RFC 5802 has its example in SHA-1, and nothing else here does. */
export type Hash = 'sha256' | 'sha1';

/** @internal What a server keeps of a password: enough to check a proof, and to give one. */
export interface ScramKeys {
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

const SIZES: Readonly<Record<Hash, number>> = { sha256: 32, sha1: 20 };

/** @internal */
export const hmac = (hash: Hash, key: Uint8Array, text: string): Uint8Array =>
  nodeCrypto().createHmac(hash, key).update(encodeUtf8(text)).digest();

/** @internal */
export const digest = (hash: Hash, bytes: Uint8Array): Uint8Array =>
  nodeCrypto().createHash(hash).update(bytes).digest();

/** @internal Each byte of one with the same of the other. */
export const xor = (one: Uint8Array, other: Uint8Array): Uint8Array =>
  one.map((byte, index) => byte ^ (other[index] as number));

/** @internal The password, salted: some time's work, and done beside the event loop. */
export const saltedPassword = (hash: Hash, password: string, salt: Uint8Array, rounds: number): Promise<Uint8Array> =>
  new Promise((done, failed) => {
    nodeCrypto().pbkdf2(encodeUtf8(password), salt, rounds, SIZES[hash], hash, (error, salted) => {
      if (error === null) done(salted);
      else failed(error);
    });
  });

/** @internal What the client proves that it has, and what is kept of that. */
export const keysOf = (hash: Hash, salted: Uint8Array) => {
  const clientKey = hmac(hash, salted, 'Client Key');
  return { clientKey, storedKey: digest(hash, clientKey), serverKey: hmac(hash, salted, 'Server Key') };
};

/** @internal Bytes in base64, in the one form that there is of them; else nothing. */
export const fromBase64 = (text: string, length?: number): Uint8Array | undefined => {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text || bytes.length !== (length ?? bytes.length)) return undefined;
  return bytes;
};

/** @internal */
export const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** @internal Keys as a text to be kept (RFC 5803, and as PostgreSQL keeps them). */
export const shownKeys = ({ iterations, salt, storedKey, serverKey }: ScramKeys): string =>
  `SCRAM-SHA-256$${iterations}:${toBase64(salt)}$${toBase64(storedKey)}:${toBase64(serverKey)}`;

/** @internal The same read back; nothing where it is anything else. */
export const readKeys = (text: string): ScramKeys | undefined => {
  const [, rounds = '', ...parts] = /^SCRAM-SHA-256\$([1-9]\d{0,9}):([^$:]+)\$([^$:]+):([^$:]+)$/.exec(text) ?? [];
  const [salt, storedKey, serverKey] = parts.map((part, index) =>
    fromBase64(part, index === 0 ? undefined : SIZES.sha256),
  );
  if (salt === undefined || storedKey === undefined || serverKey === undefined) return undefined;
  return { iterations: Number(rounds), salt, storedKey, serverKey };
};
