import { nodeCrypto } from '../late.js';
import { encodeUtf8 } from '../codec/utf8.js';

const bytesOf = (name: string, secret: Uint8Array | string): Uint8Array => {
  if (secret instanceof Uint8Array) return secret;
  if (typeof secret === 'string') return encodeUtf8(secret);
  // Not what it is: it may be somebody's secret all the same.
  throw new TypeError(`${name} must be bytes or a text, got ${typeof secret}`);
};

/** @internal The digest by which a secret is compared, and kept. */
export const digestOf = (name: string, secret: Uint8Array | string): Uint8Array =>
  nodeCrypto().createHash('sha256').update(bytesOf(name, secret)).digest();

/** @internal Whether two digests are the same, in a time that does not tell where they differ. */
export const sameDigest = (one: Uint8Array, other: Uint8Array): boolean => nodeCrypto().timingSafeEqual(one, other);

/**
 * Whether two secrets are the same, in a time that does not tell how much of them is: their hashes are compared, so not
 * even the length is told. A text stands for its UTF-8.
 */
export const sameSecret = (one: Uint8Array | string, other: Uint8Array | string): boolean =>
  sameDigest(digestOf('one', one), digestOf('other', other));
