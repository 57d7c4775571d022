import { isDeepStrictEqual } from 'node:util';

type Fields = Readonly<Record<string, unknown>>;

/** What has fields to compare and nothing that is hidden. */
const fieldsOf = (value: unknown): Fields | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  return /^\[object (Object|Array)\]$/.test(Object.prototype.toString.call(value)) ? (value as Fields) : undefined;
};

const spelt = (bytes: Uint8Array, text: string): boolean =>
  bytes.length === text.length && bytes.every((byte, index) => byte === text.charCodeAt(index));

/**
 * Whether a value is made as another is: bytes by their bytes, whatever their class, objects and arrays by what they
 * hold. Where bytes came, a text may be expected: a letter stands for a byte.
 */
export const same = (actual: unknown, expected: unknown): boolean => {
  if (actual instanceof Uint8Array) {
    if (typeof expected === 'string') return spelt(actual, expected);
    return expected instanceof Uint8Array && Buffer.compare(actual, expected) === 0;
  }
  const [one, other] = [fieldsOf(actual), fieldsOf(expected)];
  if (one === undefined || other === undefined) return isDeepStrictEqual(actual, expected);
  const keys = Object.keys(one);
  return (
    Array.isArray(one) === Array.isArray(other) &&
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && same(one[key], other[key]))
  );
};

/** The value as it is now: bytes that are written to later do not change it. */
export const copied = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(copied);
  const fields = fieldsOf(value);
  if (fields === undefined) return value;
  return Object.fromEntries(Object.entries(fields).map(([key, item]) => [key, copied(item)]));
};
