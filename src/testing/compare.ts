import { isDeepStrictEqual } from 'node:util';
import { type Mark, drawRows, shownTime } from './diagram.js';

const ENCODER = new TextEncoder();

/** Bytes of whatever kind are the same if they are; text stands for its UTF-8. */
const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  return value;
};

/** Whether a value is what was expected. A text is also expected of bytes: its UTF-8. */
export const sameValue = (actual: unknown, expected: unknown): boolean => {
  if (actual instanceof Uint8Array && typeof expected === 'string') return sameValue(actual, ENCODER.encode(expected));
  return isDeepStrictEqual(plain(actual), plain(expected));
};

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');

/** A value for people: bytes as text and as hex. */
export const shownValue = (value: unknown): string => {
  if (value instanceof Uint8Array) return `${JSON.stringify(new TextDecoder().decode(value))}  hex ${hex(value)}`;
  if (typeof value === 'string') return `${JSON.stringify(value)}  hex ${hex(ENCODER.encode(value))}`;
  return JSON.stringify(value) ?? String(value);
};

const sameMark = (actual: Mark | undefined, expected: Mark | undefined): boolean =>
  actual !== undefined &&
  expected !== undefined &&
  actual.at === expected.at &&
  actual.sign === expected.sign &&
  (actual.sign !== 'value' || sameValue(actual.value, expected.value));

const shownMark = (mark: Mark | undefined): string => {
  if (mark === undefined) return 'nothing';
  const what = mark.sign === 'value' ? `${mark.symbol} = ${shownValue(mark.value)}` : `${mark.symbol} (${mark.sign})`;
  return `${what}  at ${shownTime(mark.at)}`;
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
 * mark at the first difference, and what stands there in each, as text and hex.
 */
export const difference = (name: string, actual: readonly Mark[], expected: readonly Mark[]): string | undefined => {
  const came = named(actual, expected);
  const most = Math.max(came.length, expected.length);
  for (let index = 0; index < most; index++) {
    const [is, should] = [came[index], expected[index]];
    if (sameMark(is, should)) continue;
    const { lines, columns } = drawRows([came, expected]);
    const at = Math.min(is?.at ?? Infinity, should?.at ?? Infinity);
    return [
      `${name}: the rows differ at ${shownTime(at)}`,
      `  was       ${lines[0]}`,
      `  expected  ${lines[1]}`,
      `            ${' '.repeat(columns.get(at) ?? 0)}^`,
      `  was       ${shownMark(is)}`,
      `  expected  ${shownMark(should)}`,
    ].join('\n');
  }
  return undefined;
};
