import { inspect, isDeepStrictEqual } from 'node:util';
import { type Mark, drawRows, shownTime } from './diagram.js';

const ENCODER = new TextEncoder();

const isPlainObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** The same with all bytes of one kind: a `Buffer` is as good as a `Uint8Array`. */
const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return value.map(plain);
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
};

/** Whether a value is what was expected. A text is also expected of bytes: its UTF-8. */
export const sameValue = (actual: unknown, expected: unknown): boolean => {
  if (actual instanceof Uint8Array && typeof expected === 'string') return sameValue(actual, ENCODER.encode(expected));
  return isDeepStrictEqual(plain(actual), plain(expected));
};

/** So many bytes are shown, from a little before the first that differs. */
const SHOWN = 48;
const BEFORE = 16;

const shownBytes = (bytes: Uint8Array, from: number): string => {
  const part = bytes.subarray(from, from + SHOWN);
  const text = JSON.stringify(new TextDecoder().decode(part));
  const hex = [...part].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const where = part.length < bytes.length ? `  (bytes ${from} to ${from + part.length} of ${bytes.length})` : '';
  return `${text}  hex ${hex}${where}`;
};

/** A value for people: bytes as text and as hex, an error as its first line. */
export const shownValue = (value: unknown, from = 0): string => {
  if (value instanceof Uint8Array) return shownBytes(value, from);
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  return typeof value === 'string' ? JSON.stringify(value) : inspect(value, { breakLength: Infinity, depth: 4 });
};

const sameMark = (actual: Mark | undefined, expected: Mark | undefined): boolean =>
  actual !== undefined &&
  expected !== undefined &&
  actual.at === expected.at &&
  actual.sign === expected.sign &&
  sameValue(actual.value, expected.value);

const shownMark = (mark: Mark | undefined, value: unknown, from: number): string => {
  if (mark === undefined) return 'nothing';
  const what = value === undefined ? `${mark.symbol} (${mark.sign})` : `${mark.symbol} = ${shownValue(value, from)}`;
  return `${what}  at ${shownTime(mark.at)}`;
};

/** What stands on both sides, as bytes on both where it is on one, and from where on it is worth showing. */
const bothValues = (actual: unknown, expected: unknown): { actual: unknown; expected: unknown; from: number } => {
  const text = actual instanceof Uint8Array && typeof expected === 'string';
  const bytes = text ? ENCODER.encode(expected) : expected;
  if (!(actual instanceof Uint8Array && bytes instanceof Uint8Array)) return { actual, expected: bytes, from: 0 };
  const differs = actual.findIndex((byte, at) => byte !== bytes[at]);
  const at = differs < 0 ? Math.min(actual.length, bytes.length) : differs;
  const fits = Math.max(actual.length, bytes.length) <= SHOWN;
  return { actual, expected: bytes, from: fits ? 0 : Math.max(0, at - BEFORE) };
};

/** So many moments before and after the first difference are drawn. */
const NEAR = 12;

/** The marks near a moment. */
const near = (rows: readonly (readonly Mark[])[], at: number): Mark[][] => {
  const moments = [...new Set(rows.flat().map((mark) => mark.at))].toSorted((a, b) => a - b);
  const here = moments.indexOf(at);
  const first = moments[Math.max(0, here - NEAR)] ?? 0;
  const last = moments[Math.min(moments.length - 1, here + NEAR)] ?? 0;
  return rows.map((row) => row.filter((mark) => mark.at >= first && mark.at <= last));
};

/** Gives what came the letters of what was expected, where they stand for the same. */
const named = (actual: readonly Mark[], expected: readonly Mark[]): Mark[] => {
  const known = expected.filter(({ sign }) => sign === 'value');
  return actual.map((mark) => {
    if (mark.sign !== 'value') return mark;
    const same = known.find(({ value }) => sameValue(mark.value, value));
    return { ...mark, symbol: same?.symbol ?? '?' };
  });
};

/**
 * Compares a row with what was expected of it. Nothing when they are the same; else both diagrams under each other, a
 * mark at the first difference, and what stands there in each, bytes as text and hex. `?` is a value that the expected
 * row does not have. Of a long row, what is near is drawn.
 */
export const difference = (name: string, actual: readonly Mark[], expected: readonly Mark[]): string | undefined => {
  const most = Math.max(actual.length, expected.length);
  for (let index = 0; index < most; index++) {
    if (!sameMark(actual[index], expected[index])) return shownDifference(name, actual, expected, index);
  }
  return undefined;
};

/** The same for one value, whenever it came. */
export const valueDifference = (name: string, actual: unknown, expected: unknown): string | undefined => {
  if (sameValue(actual, expected)) return undefined;
  const values = bothValues(actual, expected);
  return [
    `${name} differs`,
    `  was       ${shownValue(values.actual, values.from)}`,
    `  expected  ${shownValue(values.expected, values.from)}`,
  ].join('\n');
};

const shownDifference = (name: string, actual: readonly Mark[], expected: readonly Mark[], index: number): string => {
  const [is, should] = [actual[index], expected[index]];
  const at = Math.min(is?.at ?? Infinity, should?.at ?? Infinity);
  const [nearby = [], wanted = []] = near([actual, expected], at);
  const { lines, columns } = drawRows([named(nearby, expected), wanted]);
  const [was] = is === undefined ? [] : named([is], expected);
  const values = bothValues(was?.value, should?.value);
  return [
    `${name}: the rows differ at ${shownTime(at)}`,
    `  was       ${lines[0]}`,
    `  expected  ${lines[1]}`,
    `            ${' '.repeat(columns.get(at) ?? 0)}^`,
    `  was       ${shownMark(was, values.actual, values.from)}`,
    `  expected  ${shownMark(should, values.expected, values.from)}`,
  ].join('\n');
};

/** A row alone, with its values below it. */
export const shownRow = (marks: readonly Mark[]): string => {
  const values = marks.filter(({ sign }) => sign === 'value').map(({ value }) => shownValue(value));
  return [drawRows([marks]).lines[0], ...values].join('\n       ');
};
