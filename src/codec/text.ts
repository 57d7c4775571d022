import * as t from 'io-ts';
import { checkInteger, checkObject } from '../check.js';
import { piping } from './piping.js';
import { decodeUtf8, encodeUtf8 } from './utf8.js';

/** What a text may be. */
export interface TextLimits {
  /** The most bytes that a text may have, in either direction. Default 1 MiB. */
  readonly maxBytes?: number;
}

/**
 * `text` with a limit of one's own.
 *
 * @throws RangeError at the call for an impossible limit, and from `encode` for a text that is over it.
 */
export const textWithin = (limits: TextLimits): t.Type<string, Uint8Array, Uint8Array> => {
  const { maxBytes = 1_048_576 } = checkObject('limits', limits);
  checkInteger('maxBytes', maxBytes, 1);
  const tooLong = (bytes: Uint8Array): string | undefined =>
    bytes.length > maxBytes ? `${bytes.length} bytes are more than the limit of ${maxBytes}` : undefined;

  return piping(
    new t.Type<string, Uint8Array, Uint8Array>(
      'text',
      t.string.is,
      (bytes, context) => {
        const excess = tooLong(bytes);
        if (excess !== undefined) return t.failure(bytes, context, excess);
        const text = decodeUtf8(bytes);
        return text === undefined ? t.failure(bytes, context, 'not UTF-8') : t.success(text);
      },
      (text) => {
        const bytes = encodeUtf8(text);
        const excess = tooLong(bytes);
        if (excess !== undefined) throw new RangeError(`text: ${excess}`);
        return bytes;
      },
    ),
  );
};

/**
 * Bytes as text: UTF-8 and nothing else, up to 1 MiB.
 *
 * Bytes that are not UTF-8 do not decode, where a lenient decoder would put U+FFFD in their place. A byte order mark
 * is kept as the character U+FEFF. On the way out half a surrogate pair, which has no bytes, becomes U+FFFD.
 */
export const text: t.Type<string, Uint8Array, Uint8Array> = textWithin({});
