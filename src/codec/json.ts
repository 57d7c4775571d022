import * as t from 'io-ts';
import { checkInteger, checkObject } from '../check.js';
import { piping } from './piping.js';
import { printable } from './shown.js';
import { decodeUtf8, encodeUtf8 } from './utf8.js';

/** What a message may cost. The limits hold in both directions, so what one side encodes the other can decode. */
export interface JsonLimits {
  /** The most bytes. Default 1 MiB. */
  readonly maxBytes?: number;
  /** The most values inside arrays and objects, all levels together; an empty one counts as one. Default 10,000. */
  readonly maxItems?: number;
  /** The most arrays and objects inside one another. Default 64. */
  readonly maxDepth?: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Where the string that has begun before `at` ends: at its closing quote, or with the bytes. */
const endOfString = (bytes: Uint8Array, at: number): number => {
  let end = at;
  while (end < bytes.length && bytes[end] !== QUOTE) end += bytes[end] === BACKSLASH ? 2 : 1;
  return end;
};

/** Counts without building anything: right for every text that is JSON, and no matter for one that is not. */
const measure = (bytes: Uint8Array): { readonly items: number; readonly depth: number } => {
  let items = 0;
  let open = 0;
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) at = endOfString(bytes, at + 1);
    else if (byte === COMMA) items++;
    else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      items++;
      open++;
      if (open > depth) depth = open;
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) open--;
  }
  return { items, depth };
};

/** A text without these has no key `__proto__`, spelt out or with escapes. */
const MAY_HAVE_PROTO = /__proto__|\\u00[567]/i;
const PROTO_KEY = 'a key __proto__ is not allowed';

const hasProtoKey = (parsed: unknown): boolean => {
  const values = [parsed];
  while (values.length > 0) {
    const value = values.pop();
    if (typeof value !== 'object' || value === null) continue;
    if (Object.hasOwn(value, '__proto__')) return true;
    for (const item of Object.values(value)) values.push(item);
  }
  return false;
};

/**
 * `json` with limits of one's own, for example for peers that have not logged in:
 *
 *     const Login = jsonWithin({ maxBytes: 512, maxItems: 4, maxDepth: 1 }).pipe(t.strict({ name: t.string }));
 *
 * @throws RangeError at the call for an impossible limit.
 */
export const jsonWithin = (limits: JsonLimits): t.Type<unknown, Uint8Array, Uint8Array> => {
  const { maxBytes = 1_048_576, maxItems = 10_000, maxDepth = 64 } = checkObject('limits', limits);
  checkInteger('maxBytes', maxBytes, 1);
  checkInteger('maxItems', maxItems, 0);
  checkInteger('maxDepth', maxDepth, 0);
  // Two items take three bytes at least (`[],`) and a level takes two: what is short enough need not be counted.
  const harmless = Math.min(Math.floor(1.5 * maxItems), 2 * maxDepth);

  const excess = (bytes: Uint8Array): string | undefined => {
    if (bytes.length > maxBytes) return `${bytes.length} bytes are more than the limit of ${maxBytes}`;
    if (bytes.length <= harmless) return undefined;
    const { items, depth } = measure(bytes);
    if (items > maxItems) return `${items} items are more than the limit of ${maxItems}`;
    return depth > maxDepth ? `${depth} levels are more than the limit of ${maxDepth}` : undefined;
  };

  return piping(
    new t.Type<unknown, Uint8Array, Uint8Array>(
      'json',
      t.unknown.is,
      (bytes, context) => {
        const over = excess(bytes);
        if (over !== undefined) return t.failure(bytes, context, over);
        const text = decodeUtf8(bytes);
        if (text === undefined) return t.failure(bytes, context, 'not UTF-8');
        try {
          const value = JSON.parse(text) as unknown;
          if (MAY_HAVE_PROTO.test(text) && hasProtoKey(value)) return t.failure(bytes, context, PROTO_KEY);
          return t.success(value);
        } catch (error) {
          return t.failure(bytes, context, `not JSON: ${printable((error as Error).message, 60)}`);
        }
      },
      (value) => {
        const text = JSON.stringify(value) as string | undefined;
        if (text === undefined) throw new TypeError(`json: a value of type ${typeof value} has no JSON`);
        const bytes = encodeUtf8(text);
        const over = excess(bytes);
        if (over !== undefined) throw new RangeError(`json: ${over}`);
        if (MAY_HAVE_PROTO.test(text) && hasProtoKey(JSON.parse(text))) throw new RangeError(`json: ${PROTO_KEY}`);
        return bytes;
      },
    ),
  );
};

/**
 * Bytes as JSON (RFC 8259), up to 1 MiB, 10,000 items and 64 levels. Give it a shape with `pipe`:
 *
 *     const Ask = json.pipe(t.strict({ add: t.array(t.number) }));
 *
 * The limits are looked at before anything is built, because a small message can be expensive: an array of 100,000
 * wrong items makes 200,000 errors and 54 MB. A key `__proto__` does not decode: code that copies objects, io-ts
 * included, would take its value for the prototype.
 */
export const json: t.Type<unknown, Uint8Array, Uint8Array> = jsonWithin({});
