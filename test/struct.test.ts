import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import type * as t from 'io-ts';
import * as assert from 'uvu/assert';
import {
  type Field,
  array,
  bytes,
  cstring,
  f32,
  f64,
  i16,
  i32,
  i64,
  i8,
  u16,
  u32,
  u64,
  u8,
} from '../src/codec/fields.js';
import { reasons } from '../src/codec/reasons.js';
import { type StructOptions, struct } from '../src/codec/struct.js';
import { raised } from './kit/raised.js';
import { suite } from './kit/suite.js';

const test = suite('struct');
const why = E.mapLeft(reasons);
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

const Student = struct({ name: cstring(128), rollno: u32, address: cstring(256) }, { order: 'le' });

// ── layouts ─────────────────────────────────────────────────────────────────────────────────────────────────────────

test('reads and writes a record of a C program', () => {
  const ann: t.TypeOf<typeof Student> = { name: 'Ann', rollno: 7, address: 'Łódź' };
  const frame = Student.encode(ann);
  assert.is(Student.size, 388);
  assert.is(frame.length, 388);
  assert.equal(frame.subarray(0, 5), hex('416e6e 00 00'));
  assert.equal(frame.subarray(128, 132), hex('07000000'));
  assert.equal(Student.decode(frame), E.right(ann));
});

test('is typed by its fields', () => {
  const typed: t.Type<
    { readonly a: number; readonly b: bigint; readonly c: readonly { readonly d: string }[]; readonly e: Uint8Array },
    Uint8Array,
    Uint8Array
  > = struct({ a: u8, b: u64, c: array(struct({ d: cstring(2) }), 2), e: bytes(1) });
  assert.is(typed.name, '{ a: u8, b: u64, c: array({ d: cstring(2) }, 2), e: bytes(1) }');
  // @ts-expect-error: a roll number is no text
  assert.throws(() => Student.encode({ name: 'Ann', rollno: '7', address: '' }));
});

const point = struct({ tag: u8, x: f64 }, { align: true });
const odd = struct({ a: u16, b: bytes(3) }, { align: true });
const packed = struct({ a: u8, b: u32 });

// What gcc 12 makes of the same structs on x86-64 (arm64 agrees), printed by a program of lines like these:
//   struct t1 { uint8_t a; uint16_t b; uint8_t c; uint32_t d; uint8_t e; uint64_t f; uint8_t g; };
//   printf("%zu %zu ... %zu", offsetof(struct t1, a), offsetof(struct t1, b), ..., sizeof(struct t1));
// A struct without `align` has __attribute__((packed)) there.
const layouts: readonly (readonly [Record<string, Field<unknown>>, StructOptions, readonly number[], number])[] = [
  [{ a: u8, b: u16, c: u8, d: u32, e: u8, f: u64, g: u8 }, { align: true }, [0, 2, 4, 8, 12, 16, 24], 32],
  [{ a: f64, b: u8 }, { align: true }, [0, 8], 16],
  [{ name: cstring(5), n: i32, flag: i8 }, { align: true }, [0, 8, 12], 16],
  [{ a: u8, p: point, b: u8 }, { align: true }, [0, 8, 24], 32],
  [{ a: u8, items: array(odd, 3), f: f32 }, { align: true }, [0, 2, 20], 24],
  [{ a: u8, p: packed, b: i16 }, { align: true }, [0, 1, 6], 8],
  [{ a: bytes(3), b: i64, c: array(i16, 3), d: f32 }, { align: true }, [0, 8, 16, 24], 32],
  [{ name: cstring(128), rollno: u32, address: cstring(256) }, { align: true }, [0, 128, 132], 388],
  [{ a: u8, b: u16, c: u32, d: u64 }, {}, [0, 1, 3, 7], 15],
  [{ a: u8, p: point, b: u16 }, {}, [0, 1, 17], 19],
];

for (const [fields, options, offsets, size] of layouts) {
  const type = struct(fields, options);
  test(`lies as in C: ${type.name}${options.align ? ', aligned' : ''}`, () => {
    assert.equal(Object.values(type.offsets), offsets);
    assert.is(type.size, size);
  });
}

test('has zeros in its gaps on the way out, and does not look at them on the way in', () => {
  const type = struct({ a: u8, b: u32, c: u8 }, { align: true });
  assert.equal(type.encode({ a: 1, b: 2, c: 3 }), hex('01 000000 00000002 03 000000'));
  assert.equal(type.decode(hex('01 aabbcc 00000002 03 ddeeff')), E.right({ a: 1, b: 2, c: 3 }));
});

test('is big-endian unless told otherwise, and what is inside goes along unless it has an order of its own', () => {
  const plain = struct({ n: u16 });
  const big = struct({ n: u16 }, { order: 'be' });
  const fields = { n: u16, plain, big, both: array(plain, 2) };
  const value = { n: 1, plain: { n: 2 }, big: { n: 3 }, both: [{ n: 4 }, { n: 5 }] };
  for (const [order, wire] of [
    [undefined, '0001 0002 0003 0004 0005'],
    ['be', '0001 0002 0003 0004 0005'],
    ['le', '0100 0200 0003 0400 0500'],
  ] as const) {
    const type = struct(fields, order === undefined ? {} : { order });
    assert.equal(type.encode(value), hex(wire));
    assert.equal(type.decode(hex(wire)), E.right(value));
  }
});

// ── values ──────────────────────────────────────────────────────────────────────────────────────────────────────────

test('reads every kind of number in both orders', () => {
  const cases: readonly (readonly [Field<unknown>, unknown, string])[] = [
    [u8, 0xfe, 'fe'],
    [i8, -2, 'fe'],
    [u16, 0xfffe, 'fffe'],
    [i16, -2, 'fffe'],
    [u32, 0xfffe_fdfc, 'fffefdfc'],
    [i32, -2, 'fffffffe'],
    [u64, 0xfffe_fdfc_fbfa_f9f8n, 'fffefdfcfbfaf9f8'],
    [i64, -2n, 'fffffffffffffffe'],
    [f32, -1.5, 'bfc00000'],
    [f64, -1.5, 'bff8000000000000'],
  ];
  for (const [field, value, wire] of cases) {
    const big = struct({ value: field });
    const little = struct({ value: field }, { order: 'le' });
    assert.equal(big.encode({ value }), hex(wire), field.name);
    assert.equal(big.decode(hex(wire)), E.right({ value }), field.name);
    assert.equal(little.encode({ value }), hex(wire).toReversed(), field.name);
    assert.equal(little.decode(hex(wire).toReversed()), E.right({ value }), field.name);
  }
});

test('does not decode bytes of another length', () => {
  for (const length of [0, 387, 389, 1000])
    assert.equal(why(Student.decode(new Uint8Array(length))), E.left([`expected 388 bytes, got ${length}`]));
});

test('reads a text up to its first NUL', () => {
  const type = struct({ text: cstring(6) });
  assert.equal(type.decode(hex('616200 637aff')), E.right({ text: 'ab' }));
  assert.equal(type.decode(hex('000000 000000')), E.right({ text: '' }));
  assert.equal(why(type.decode(hex('616263 646566'))), E.left(['text: no NUL in 6 bytes']));
  assert.equal(why(type.decode(hex('61ff00 000000'))), E.left(['text: not UTF-8']));
});

test('names the place of a text that does not decode, however deep', () => {
  const type = struct({ id: u8, rows: array(struct({ n: u8, cells: array(cstring(2), 2) }), 2) });
  const frame = type.encode({
    id: 1,
    rows: [
      { n: 1, cells: ['a', 'b'] },
      { n: 2, cells: ['c', 'd'] },
    ],
  });
  frame[10] = 0x64;
  assert.equal(why(type.decode(frame)), E.left(['rows.1.cells.1: no NUL in 2 bytes']));
});

test('throws a RangeError with field, value and range for what does not fit', () => {
  const cases: readonly (readonly [Field<unknown>, unknown, RegExp])[] = [
    [u8, 300, /^f must be a whole number from 0 to 255, got 300$/],
    [u8, -1, /^f must be a whole number from 0 to 255, got -1$/],
    [u8, 1.5, /got 1.5$/],
    [u8, '7', /got "7"$/],
    [u8, undefined, /got undefined$/],
    [i8, 128, /^f must be a whole number from -128 to 127, got 128$/],
    [u16, 65_536, /from 0 to 65535, got 65536$/],
    [i16, -32_769, /from -32768 to 32767, got -32769$/],
    [u32, -1, /^f must be a whole number from 0 to 4294967295, got -1$/],
    [u32, Number.NaN, /got NaN$/],
    [u32, 1n, /got 1n$/],
    [i32, 2 ** 31, /from -2147483648 to 2147483647, got 2147483648$/],
    [u64, -1n, /^f must be a bigint from 0n to 18446744073709551615n, got -1n$/],
    [u64, 2n ** 64n, /got 18446744073709551616n$/],
    [u64, 1, /got 1$/],
    [i64, 2n ** 63n, /from -9223372036854775808n to 9223372036854775807n, got 9223372036854775808n$/],
    [f32, 3.5e38, /^f must be a number that a 32-bit float can hold, got 3.5e\+38$/],
    [f32, '1', /got "1"$/],
    [f64, 1n, /^f must be a number, got 1n$/],
    [bytes(2), new Uint8Array(3), /^f must be 2 bytes, got 3 bytes$/],
    [bytes(2), [1, 2], /got an array of 2$/],
    [cstring(4), 'abcd', /^f must be a text of at most 3 bytes of UTF-8 without a NUL, got "abcd"$/],
    [cstring(4), 'éé', /got "\\u\{e9\}\\u\{e9\}"$/],
    [cstring(4), 'a\0b', /got "a\\u\{0\}b"$/],
    [cstring(4), 5, /got 5$/],
    [array(u8, 2), [1], /^f must be an array of 2, got an array of 1$/],
    [array(u8, 2), 'ab', /got "ab"$/],
    [array(u8, 2), [1, 256], /^f.1 must be a whole number from 0 to 255, got 256$/],
    [struct({ g: array(struct({ h: u8 }), 1) }), { g: [{ h: -1 }] }, /^f.g.0.h must be a whole number/],
    [struct({ g: u8 }), null, /^f must be an object, got null$/],
  ];
  for (const [field, value, message] of cases) {
    assert.throws(() => struct({ f: field }).encode({ f: value }), raised(RangeError, message));
    assert.not.ok(struct({ f: field }).is({ f: value }), String(message));
  }
  assert.throws(
    () => struct({ f: u8 }).encode(undefined as never),
    raised(RangeError, /^the value of a struct must be/),
  );
});

test('holds what only just fits', () => {
  const type = struct({ a: u64, b: i64, c: f32, d: f32, e: f64, f: cstring(4) });
  for (const value of [
    { a: 0n, b: -(2n ** 63n), c: Infinity, d: Number.NaN, e: Number.MAX_VALUE, f: '' },
    { a: 2n ** 64n - 1n, b: 2n ** 63n - 1n, c: -Infinity, d: 2 ** 127, e: Number.NaN, f: 'aé' },
  ]) {
    assert.ok(type.is(value));
    assert.equal(type.decode(type.encode(value)), E.right(value));
  }
});

test('knows its own values', () => {
  assert.ok(Student.is({ name: 'Ann', rollno: 7, address: '' }));
  for (const value of [null, 1, [], {}, { name: 'Ann', rollno: 7 }, { name: 'a'.repeat(128), rollno: 7, address: '' }])
    assert.not.ok(Student.is(value));
});

test('keeps no hold on the frame, and decodes to plain bytes', () => {
  const type = struct({ data: bytes(3) });
  const chunk = Buffer.from('..abc..');
  const decoded = type.decode(chunk.subarray(2, 5));
  chunk.fill(0);
  assert.equal(decoded, E.right({ data: Uint8Array.of(0x61, 0x62, 0x63) }));
  assert.is(E.isRight(decoded) && decoded.right.data.buffer.byteLength, 3);
});

// ── any layout ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** A field, and values that it holds. */
interface Kind {
  readonly field: Field<unknown>;
  readonly values: fc.Arbitrary<unknown>;
}

const kind = <A>(field: Field<A>, values: fc.Arbitrary<A>): fc.Arbitrary<Kind> => fc.constant({ field, values });
const whole = (field: Field<number>, min: number, max: number) => kind(field, fc.integer({ min, max }));
const order = fc.constantFrom('be' as const, 'le' as const, undefined);

const kinds = fc.letrec<{ kind: Kind; record: Kind }>((tie) => ({
  kind: fc.oneof(
    { depthSize: 'small', maxDepth: 3 },
    fc.oneof(
      whole(u8, 0, 0xff),
      whole(i8, -0x80, 0x7f),
      whole(u16, 0, 0xffff),
      whole(i16, -0x8000, 0x7fff),
      whole(u32, 0, 0xffff_ffff),
      whole(i32, -0x8000_0000, 0x7fff_ffff),
      kind(u64, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
      kind(i64, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
      kind(f32, fc.float()),
      kind(f64, fc.double()),
      fc.integer({ min: 1, max: 9 }).map((size): Kind => {
        return { field: bytes(size), values: fc.uint8Array({ minLength: size, maxLength: size }) };
      }),
      fc.integer({ min: 1, max: 20 }).map((size): Kind => {
        const field = cstring(size);
        return { field, values: fc.string({ unit: 'binary', maxLength: size - 1 }).filter(field.is) };
      }),
    ),
    fc.tuple(tie('kind'), fc.integer({ min: 1, max: 4 })).map(([{ field, values }, length]): Kind => {
      return { field: array(field, length), values: fc.array(values, { minLength: length, maxLength: length }) };
    }),
    tie('record'),
  ),
  record: fc
    .tuple(fc.array(tie('kind'), { minLength: 1, maxLength: 5 }), order, fc.boolean())
    .map(([inside, given, align]): Kind => {
      const named = inside.map(({ field, values }, index) => [`f${index}`, field, values] as const);
      const fields = Object.fromEntries(named.map(([name, field]) => [name, field]));
      const values = Object.fromEntries(named.map(([name, , value]) => [name, value]));
      return {
        field: struct(fields, given === undefined ? { align } : { align, order: given }),
        values: fc.record(values, { noNullPrototype: true }),
      };
    }),
}));

const layout = kinds.record.map(({ field, values }) => ({ type: struct({ all: field }), values }));

test('gives back what it was given, in any layout and anywhere in a chunk', () => {
  const story = layout.chain(({ type, values }) => fc.tuple(fc.constant(type), values, fc.nat(9)));
  fc.assert(
    fc.property(story, ([type, all, before]) => {
      assert.ok(type.is({ all }));
      const frame = type.encode({ all });
      assert.is(frame.length, type.size);
      assert.equal(type.decode(frame), E.right({ all }));
      const chunk = Buffer.alloc(before + type.size + 3, 0xee);
      chunk.set(frame, before);
      assert.equal(type.decode(chunk.subarray(before, before + type.size)), E.right({ all }));
    }),
    { numRuns: 400 },
  );
});

test('answers an Either to any bytes, in any layout', () => {
  const story = layout.chain(({ type }) =>
    fc.tuple(
      fc.constant(type),
      fc.oneof(fc.uint8Array({ minLength: type.size, maxLength: type.size }), fc.uint8Array()),
    ),
  );
  fc.assert(
    fc.property(story, ([type, frame]) => {
      const decoded = type.decode(frame);
      if (E.isRight(decoded)) assert.equal(type.decode(type.encode(decoded.right)), decoded);
      else assert.is(decoded.left.length, 1);
    }),
    { numRuns: 400 },
  );
});

// ── misuse ──────────────────────────────────────────────────────────────────────────────────────────────────────────

test('takes names that objects have already, and refuses those it could not keep in place', () => {
  const type = struct({ constructor: u8, toString: u8, hasOwnProperty: u8 });
  const value = { constructor: 1, toString: 2, hasOwnProperty: 3 };
  assert.equal(type.decode(Uint8Array.of(1, 2, 3)), E.right(value));
  assert.equal(type.encode(value), Uint8Array.of(1, 2, 3));
  assert.not.ok(type.is({}));
  assert.throws(() => type.encode({} as never), raised(RangeError, /^constructor must be .*, got a function$/));
  const name = raised(RangeError, /^a field's name must not be __proto__ or a number, got "(__proto__|7)"$/);
  assert.throws(() => struct({ ['__proto__']: u8 }), name);
  assert.throws(() => struct({ a: u8, 7: u8 }), name);
});

test('refuses impossible fields and options when they are given', () => {
  assert.throws(() => struct({}), raised(RangeError, /^a struct must have at least one field$/));
  assert.throws(
    () => struct({ a: cstring as never }),
    raised(TypeError, /^field a must be one such as .*, got a function$/),
  );
  assert.throws(() => struct({ a: undefined as never }), raised(TypeError, /^field a must be one such as/));
  assert.throws(
    () => struct({ a: u8 }, { order: 'LE' as never }),
    raised(TypeError, /^order must be one of "be", "le"/),
  );
  assert.throws(
    () => struct({ a: u8 }, { align: 4 as never }),
    raised(TypeError, /^align must be true or false, got 4$/),
  );
  for (const size of [0, -1, 1.5, 2 ** 31]) {
    assert.throws(() => bytes(size), raised(RangeError, /^size of bytes must be/));
    assert.throws(() => cstring(size), raised(RangeError, /^size of cstring must be/));
    assert.throws(() => array(u8, size), raised(RangeError, /^length of array must be/));
  }
});

test.run();
