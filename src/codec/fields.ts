import type * as t from 'io-ts';
import { checkInteger } from '../check.js';
import { shown } from './shown.js';
import { decodeUtf8, encodeUtf8, encodeUtf8Into } from './utf8.js';

/** A value of a fixed number of bytes, as a C struct has them: `u32`, `cstring(16)`, `array(u8, 4)`, another struct. */
export interface Field<A> {
  readonly name: string;
  /** Bytes that it takes. */
  readonly size: number;
  /** Where a C compiler would let it begin: at a multiple of this. */
  readonly alignment: number;
  readonly is: t.Is<A>;
  /** Reads what begins at byte `at`. */
  read(view: DataView, at: number, little: boolean): A;
  /** Writes at byte `at`, where all bytes are zero so far. */
  write(view: DataView, at: number, value: A, little: boolean): void;
}

/** What a field's value is in TypeScript. */
export type ValueOf<F> = F extends Field<infer A> ? A : never;

/**
 * @internal Thrown by `read` and `write` where bytes and a value do not go together. Each level that it passes on
 * its way out adds to the path.
 *
 * It is no `Error`: `struct` always catches it, and a stack would cost ten times the decoding.
 */
export class Misfit {
  path = '';
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }

  /** The same misfit, seen from outside the item or field `key`. */
  within(key: string | number): this {
    this.path = this.path === '' ? String(key) : `${key}.${this.path}`;
    return this;
  }
}

/** @internal Marks an error that is on its way out of the item or field `key`, if it is a misfit. */
export const within = (error: unknown, key: string | number): unknown =>
  error instanceof Misfit ? error.within(key) : error;

/** @internal What an encoder says of a value that it cannot take. */
export const misfit = (allowed: string, value: unknown): Misfit =>
  new Misfit(`must be ${allowed}, got ${shown(value)}`);

type Get<A> = (view: DataView, at: number, little: boolean) => A;
type Put<A> = (view: DataView, at: number, value: A, little: boolean) => void;

const scalar = <A>(name: string, size: number, allowed: string, is: t.Is<A>, read: Get<A>, set: Put<A>): Field<A> => ({
  name,
  size,
  alignment: size,
  is,
  read,
  write(view, at, value, little) {
    if (!is(value)) throw misfit(allowed, value);
    set(view, at, value, little);
  },
});

const whole = (name: string, size: number, least: number, most: number, get: Get<number>, set: Put<number>) =>
  scalar(
    name,
    size,
    `a whole number from ${least} to ${most}`,
    (value): value is number => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
    get,
    set,
  );

const big = (name: string, least: bigint, most: bigint, get: Get<bigint>, set: Put<bigint>) =>
  scalar(
    name,
    8,
    `a bigint from ${least}n to ${most}n`,
    (value): value is bigint => typeof value === 'bigint' && value >= least && value <= most,
    get,
    set,
  );

/** `uint8_t`: a whole number from 0 to 255. */
export const u8: Field<number> = whole(
  'u8',
  1,
  0,
  0xff,
  (view, at) => view.getUint8(at),
  (view, at, value) => view.setUint8(at, value),
);

/** `uint16_t`: a whole number from 0 to 65,535. */
export const u16: Field<number> = whole(
  'u16',
  2,
  0,
  0xffff,
  (view, at, little) => view.getUint16(at, little),
  (view, at, value, little) => view.setUint16(at, value, little),
);

/** `uint32_t`: a whole number from 0 to 4,294,967,295. */
export const u32: Field<number> = whole(
  'u32',
  4,
  0,
  0xffff_ffff,
  (view, at, little) => view.getUint32(at, little),
  (view, at, value, little) => view.setUint32(at, value, little),
);

/** `uint64_t`: a bigint, because a number is exact only up to 2^53. */
export const u64: Field<bigint> = big(
  'u64',
  0n,
  2n ** 64n - 1n,
  (view, at, little) => view.getBigUint64(at, little),
  (view, at, value, little) => view.setBigUint64(at, value, little),
);

/** `int8_t`: a whole number from -128 to 127. */
export const i8: Field<number> = whole(
  'i8',
  1,
  -0x80,
  0x7f,
  (view, at) => view.getInt8(at),
  (view, at, value) => view.setInt8(at, value),
);

/** `int16_t`: a whole number from -32,768 to 32,767. */
export const i16: Field<number> = whole(
  'i16',
  2,
  -0x8000,
  0x7fff,
  (view, at, little) => view.getInt16(at, little),
  (view, at, value, little) => view.setInt16(at, value, little),
);

/** `int32_t`: a whole number from -2,147,483,648 to 2,147,483,647. */
export const i32: Field<number> = whole(
  'i32',
  4,
  -0x8000_0000,
  0x7fff_ffff,
  (view, at, little) => view.getInt32(at, little),
  (view, at, value, little) => view.setInt32(at, value, little),
);

/** `int64_t`: a bigint. */
export const i64: Field<bigint> = big(
  'i64',
  -(2n ** 63n),
  2n ** 63n - 1n,
  (view, at, little) => view.getBigInt64(at, little),
  (view, at, value, little) => view.setBigInt64(at, value, little),
);

/** `float`: any number that is not too large for it, rounded to its 24 bits on the way out. */
export const f32: Field<number> = scalar(
  'f32',
  4,
  'a number that a 32-bit float can hold',
  (value): value is number =>
    typeof value === 'number' && (Number.isFinite(Math.fround(value)) || !Number.isFinite(value)),
  (view, at, little) => view.getFloat32(at, little),
  (view, at, value, little) => view.setFloat32(at, value, little),
);

/** `double`: any number. */
export const f64: Field<number> = scalar(
  'f64',
  8,
  'a number',
  (value): value is number => typeof value === 'number',
  (view, at, little) => view.getFloat64(at, little),
  (view, at, value, little) => view.setFloat64(at, value, little),
);

/** The most bytes or items that a field may have. */
const MOST = 0x7fff_ffff;

const part = (view: DataView, at: number, size: number): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset + at, size);

/** `uint8_t[size]`: exactly so many bytes. What is decoded is a copy, so keeping it does not keep the frame. */
export const bytes = (size: number): Field<Uint8Array> => {
  checkInteger('size of bytes', size, 1, MOST);
  const is = (value: unknown): value is Uint8Array => value instanceof Uint8Array && value.length === size;
  return {
    name: `bytes(${size})`,
    size,
    alignment: 1,
    is,
    read: (view, at) => part(view, at, size).slice(),
    write(view, at, value) {
      if (!is(value)) throw misfit(`${size} bytes`, value);
      part(view, at, size).set(value);
    },
  };
};

/**
 * `char[size]` with a text in UTF-8. As in C, `size` counts the NUL at its end: `cstring(128)` has room for 127 bytes.
 *
 * What follows the first NUL is not looked at, and is all NUL on the way out. Bytes without a NUL, or that are not
 * UTF-8, do not decode; a text that does not fit with its NUL, or has one inside, is not encoded.
 */
export const cstring = (size: number): Field<string> => {
  checkInteger('size of cstring', size, 1, MOST);
  const most = size - 1;
  const is = (value: unknown): value is string =>
    typeof value === 'string' && !value.includes('\0') && encodeUtf8(value).length <= most;
  return {
    name: `cstring(${size})`,
    size,
    alignment: 1,
    is,
    read(view, at) {
      const room = part(view, at, size);
      const end = room.indexOf(0);
      if (end < 0) throw new Misfit(`no NUL in ${size} bytes`);
      const text = decodeUtf8(room.subarray(0, end));
      if (text === undefined) throw new Misfit('not UTF-8');
      return text;
    },
    write(view, at, value) {
      const fits = typeof value === 'string' && !value.includes('\0') && encodeUtf8Into(value, part(view, at, most));
      if (!fits) throw misfit(`a text of at most ${most} bytes of UTF-8 without a NUL`, value);
    },
  };
};

/** @internal A field, as part of a larger one. */
export const checkField = (name: string, field: Field<unknown>): void => {
  if (typeof field?.read !== 'function')
    throw new TypeError(`${name} must be one such as u8 or cstring(16), got ${shown(field)}`);
};

/** `of[length]`: exactly so many values of one kind, one after another. */
export const array = <A>(of: Field<A>, length: number): Field<readonly A[]> => {
  checkField('the field of array', of);
  checkInteger('length of array', length, 1, MOST);
  const { size } = of;
  return {
    name: `array(${of.name}, ${length})`,
    size: size * length,
    alignment: of.alignment,
    is: (value): value is readonly A[] => Array.isArray(value) && value.length === length && value.every(of.is),
    read(view, at, little) {
      const values: A[] = [];
      try {
        while (values.length < length) values.push(of.read(view, at + values.length * size, little));
      } catch (error) {
        throw within(error, values.length);
      }
      return values;
    },
    write(view, at, values, little) {
      if (!Array.isArray(values) || values.length !== length) throw misfit(`an array of ${length}`, values);
      let index = 0;
      try {
        for (; index < length; index++) of.write(view, at + index * size, values[index] as A, little);
      } catch (error) {
        throw within(error, index);
      }
    },
  };
};
