// Bytes as texts; and names that came lately, since a key that is asked for again needs no new text to be made and hashed.

/** Not in Node's types: a text of the bytes as they are, a character for each, without a Buffer around them. */
const { latin1Slice } = Buffer.prototype as unknown as {
  readonly latin1Slice: (this: Uint8Array, start: number, end: number) => string;
};

/** These bytes as a text that has a character for each of them. */
export const latin1 = (bytes: Uint8Array, start: number, end: number): string => latin1Slice.call(bytes, start, end);

/** How many are kept, each at a place of its own, and how long they are at the most. */
const PLACES = 1_024;
const LONGEST = 40;

const recent: string[] = Array.from({ length: PLACES }, () => '');

/** The same, which is kept for a while where it is short. */
export const nameOf = (bytes: Uint8Array, start: number, end: number): string => {
  const length = end - start;
  if (length > LONGEST) return latin1(bytes, start, end);
  let hash = length;
  for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0;
  const place = (hash ^ (hash >>> 15)) & (PLACES - 1);
  const known = recent[place] as string;
  let same = known.length === length;
  for (let at = 0; same && at < length; at++) same = known.charCodeAt(at) === bytes[start + at];
  return same ? known : (recent[place] = latin1(bytes, start, end));
};
