import * as t from 'io-ts';
import { checkBoolean, checkObject, checkOneOf } from '../check.js';
import { type Field, Misfit, type ValueOf, checkField, misfit, within } from './fields.js';
import { shown } from './shown.js';

/** How a struct lies in memory. */
export interface StructOptions {
  /** Byte order. Default that of the struct around it, and outermost `be`, the order of networks. */
  readonly order?: 'be' | 'le';
  /**
   * Lays the fields out as a C compiler does where a number's alignment is its size (x86-64, arm64): each begins at a
   * multiple of its alignment, and the struct's size is a multiple of its largest. Default `false`: packed, no gaps.
   */
  readonly align?: boolean;
}

/** The fields of a struct, in order, by name. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** What a struct's value is in TypeScript. */
export type StructOf<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> };

/** A codec of a fixed number of bytes, which is also a field: structs go into structs. */
export interface Struct<A> extends t.Type<A, Uint8Array, Uint8Array>, Field<A> {
  readonly name: string;
  readonly is: t.Is<A>;
  /** Bytes of a whole struct, as `sizeof` counts them: what `frameFixed` cuts. */
  readonly size: number;
  /** Where each field begins, as `offsetof` tells it. */
  readonly offsets: { readonly [K in keyof A]: number };
}

/** The first multiple of `alignment` that is not before `offset`. */
const aligned = (offset: number, alignment: number): number => Math.ceil(offset / alignment) * alignment;

const checkName = (name: string): void => {
  // JavaScript takes the first for the prototype, and moves numbers ahead of all other names.
  if (name === '__proto__' || /^\d+$/.test(name))
    throw new RangeError(`a field's name must not be __proto__ or a number, got ${shown(name)}`);
};

/**
 * A C struct as an io-ts type: so many bytes are one value, field by field.
 *
 *     const Student = struct({ name: cstring(128), rollno: u32, address: cstring(256) }, { order: 'le' });
 *     type Student = t.TypeOf<typeof Student>;    // { readonly name: string; readonly rollno: number; ... }
 *     bytes.pipe(frameFixed(Student.size), map(Student.decode))
 *
 * Bytes of another length do not decode. As in C a struct inside another keeps its own layout; it takes the byte order
 * of the outer one unless it has one of its own. Gaps are zero on the way out and not looked at on the way in.
 *
 * @throws RangeError from `encode`, with the field, the value and what is allowed, for a value that does not fit its
 * field; RangeError or TypeError at the call for impossible fields or options.
 */
export const struct = <F extends Fields>(fields: F, options: StructOptions = {}): Struct<StructOf<F>> => {
  type A = StructOf<F>;
  const { order, align = false } = checkObject('options', options);
  if (order !== undefined) checkOneOf('order', order, ['be', 'le']);
  checkBoolean('align', align);
  const places: { readonly name: string; readonly field: Field<unknown>; readonly offset: number }[] = [];
  let end = 0;
  let alignment = 1;
  for (const [name, field] of Object.entries(checkObject('fields', fields))) {
    checkName(name);
    checkField(`field ${name}`, field);
    if (align) alignment = Math.max(alignment, field.alignment);
    const offset = aligned(end, align ? field.alignment : 1);
    places.push({ name, field, offset });
    end = offset + field.size;
  }
  if (places.length === 0) throw new RangeError('a struct must have at least one field');
  const size = aligned(end, alignment);

  const read = (view: DataView, at: number, outer: boolean): A => {
    const little = order === undefined ? outer : order === 'le';
    const value: Record<string, unknown> = {};
    let current = '';
    try {
      for (const { name, field, offset } of places) {
        current = name;
        value[name] = field.read(view, at + offset, little);
      }
    } catch (error) {
      throw within(error, current);
    }
    return value as A;
  };

  const write = (view: DataView, at: number, value: A, outer: boolean): void => {
    if (typeof value !== 'object' || value === null) throw misfit('an object', value);
    const little = order === undefined ? outer : order === 'le';
    let current = '';
    try {
      for (const { name, field, offset } of places) {
        current = name;
        field.write(view, at + offset, value[name], little);
      }
    } catch (error) {
      throw within(error, current);
    }
  };

  const codec: t.Type<A, Uint8Array, Uint8Array> = new t.Type(
    `{ ${places.map(({ name, field }) => `${name}: ${field.name}`).join(', ')} }`,
    (value): value is A => t.UnknownRecord.is(value) && places.every(({ name, field }) => field.is(value[name])),
    (bytes, context) => {
      if (bytes.length !== size) return t.failure(bytes, context, `expected ${size} bytes, got ${bytes.length}`);
      try {
        return t.success(read(new DataView(bytes.buffer, bytes.byteOffset, size), 0, false));
      } catch (error) {
        if (!(error instanceof Misfit)) throw error;
        return t.failure(undefined, [...context, { key: error.path, type: codec }], error.reason);
      }
    },
    (value) => {
      const bytes = new Uint8Array(size);
      try {
        write(new DataView(bytes.buffer), 0, value, false);
      } catch (error) {
        if (!(error instanceof Misfit)) throw error;
        throw new RangeError(`${error.path || 'the value of a struct'} ${error.reason}`);
      }
      return bytes;
    },
  );
  const offsets = Object.fromEntries(places.map(({ name, offset }) => [name, offset])) as Struct<A>['offsets'];
  return Object.assign(codec, { size, alignment, offsets, read, write });
};
