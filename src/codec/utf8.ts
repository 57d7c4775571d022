// Unlike the default decoder this one refuses what is not UTF-8, and keeps a byte order mark as the character it is.
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** The text, or `undefined` where the bytes are not UTF-8. */
export const decodeUtf8 = (bytes: Uint8Array): string | undefined => {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
};

/** The bytes of a text. Half a surrogate pair has none: it becomes U+FFFD, as everywhere on the web. */
export const encodeUtf8 = (text: string): Uint8Array => encoder.encode(text);

/** Writes as much of the text as `room` holds, and tells whether that was all of it. */
export const encodeUtf8Into = (text: string, room: Uint8Array): boolean =>
  encoder.encodeInto(text, room).read === text.length;
