import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import * as assert from 'uvu/assert';
import { json, jsonWithin } from '../src/codec/json.js';
import { reasons } from '../src/codec/reasons.js';
import { raised } from './kit/raised.js';
import { suite } from './kit/suite.js';

const test = suite('json');
const why = E.mapLeft(reasons);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Texts full of what means something outside a string. */
const tricky = fc.string({
  unit: fc.constantFrom('"', '\\', '[', ']', '{', '}', ',', ':', 'a', 'é', '\n', '\u{1f600}'),
});
const tree = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(tricky, fc.integer(), fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(tricky, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

test('gives back what it was given', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      const text = JSON.stringify(value);
      fc.pre(!text.includes('__proto__'));
      assert.equal(json.decode(json.encode(value)), E.right(JSON.parse(text)));
    }),
    { numRuns: 300 },
  );
});

test('takes a shape by pipe', () => {
  const Ask = json.pipe(t.strict({ add: t.array(t.number) }));
  const decoded: t.Validation<{ readonly add: readonly number[] }> = Ask.decode(bytes('{"add":[1,2],"and":3}'));
  assert.equal(decoded, E.right({ add: [1, 2] }));
  assert.equal(Ask.encode({ add: [1, 2] }), bytes('{"add":[1,2]}'));
  assert.ok(Ask.is({ add: [] }));
  assert.not.ok(Ask.is({ add: ['1'] }));
  assert.equal(why(Ask.decode(bytes('{"add":[1,"two"]}'))), E.left(['add.1: expected number, got "two"']));
  assert.match(JSON.stringify(why(Ask.decode(bytes('{"add":')))), /not JSON: /);
});

test('names the place in the value, whatever is piped on to what', () => {
  const Message = json.pipe(t.union([t.strict({ sum: t.number }), t.strict({ names: t.array(t.string) })]));
  assert.equal(
    why(Message.decode(bytes('{"names":["a",2]}'))),
    E.left(['sum: expected number, got undefined', 'names.1: expected string, got 2']),
  );
  const Twice = json.pipe(t.UnknownRecord).pipe(t.intersection([t.type({ a: t.string }), t.type({ b: t.string })]));
  assert.equal(why(Twice.decode(bytes('{"a":"x","b":1}'))), E.left(['b: expected string, got 1']));
  assert.equal(Twice.encode({ a: 'x', b: 'y' }), bytes('{"a":"x","b":"y"}'));
});

test('does not decode what is not JSON', () => {
  for (const wrong of ['', ' ', '{', '[1,]', '{"a":1,}', "{'a':1}", 'NaN', '01', '[1] 2', '"\n"', '\ufeff1', '// a\n1'])
    assert.match(JSON.stringify(why(json.decode(bytes(wrong)))), /not JSON: /, wrong);
  assert.equal(why(json.decode(Uint8Array.of(0x22, 0xff, 0x22))), E.left(['not UTF-8']));
});

test('answers an Either to any bytes', () => {
  const Shape = json.pipe(t.array(t.union([t.number, t.record(t.string, t.string)])));
  const pieces = ['[', ']', '{', '}', ',', ':', '"', '\\', '"a"', '1', 'null', '\u0000', '__proto__', '\\u005f'].map(
    bytes,
  );
  const almost = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.uint8Array({ maxLength: 2 })), { maxLength: 30 });
  fc.assert(
    fc.property(almost, (parts) => {
      const frame = Uint8Array.from(parts.flatMap((part) => [...part]));
      assert.ok(['Left', 'Right'].includes(json.decode(frame)._tag));
      assert.ok(['Left', 'Right'].includes(Shape.decode(frame)._tag));
    }),
    { numRuns: 2000 },
  );
});

/** What the limits count, counted the slow way. */
const items = (value: unknown): number => {
  if (typeof value !== 'object' || value === null) return 0;
  const inside = Object.values(value);
  return Math.max(1, inside.length) + inside.reduce<number>((sum, item) => sum + items(item), 0);
};
const depth = (value: unknown): number =>
  typeof value !== 'object' || value === null ? 0 : 1 + Math.max(0, ...Object.values(value).map(depth));

test('counts items and levels as they are, whatever stands in strings', () => {
  fc.assert(
    fc.property(tree, fc.constantFrom('', '  '), (value, indent) => {
      const frame = bytes(JSON.stringify(value, null, indent));
      const [maxItems, maxDepth] = [items(value), depth(value)];
      assert.equal(jsonWithin({ maxItems, maxDepth }).decode(frame), E.right(value));
      if (maxItems === 0) return;
      const fewer = `${maxItems} items are more than the limit of ${maxItems - 1}`;
      assert.equal(why(jsonWithin({ maxItems: maxItems - 1 }).decode(frame)), E.left([fewer]));
      const flatter = `${maxDepth} levels are more than the limit of ${maxDepth - 1}`;
      assert.equal(why(jsonWithin({ maxDepth: maxDepth - 1 }).decode(frame)), E.left([flatter]));
    }),
    { numRuns: 300, examples: [[[[], {}, {}], '']] },
  );
});

test('counts also where nothing takes more room than it must', () => {
  for (let count = 1; count < 100; count++) {
    const value = Array.from({ length: count }, () => []);
    const frame = bytes(JSON.stringify(value));
    assert.equal(jsonWithin({ maxItems: 2 * count }).decode(frame), E.right(value));
    assert.equal(
      why(jsonWithin({ maxItems: 2 * count - 1 }).decode(frame)),
      E.left([`${2 * count} items are more than the limit of ${2 * count - 1}`]),
    );
  }
});

test('keeps its limits in both directions', () => {
  const small = jsonWithin({ maxBytes: 20, maxItems: 3, maxDepth: 2 });
  for (const value of [[1, 2, 3], [[1]], 'a'.repeat(18)])
    assert.equal(small.decode(small.encode(value)), E.right(value));
  for (const value of [[1, 2, 3, 4], [[[]]], 'a'.repeat(19)]) {
    assert.throws(
      () => small.encode(value),
      raised(RangeError, /^json: \d+ (items|levels|bytes) are more than the limit of/),
    );
    assert.ok(E.isLeft(small.decode(json.encode(value))));
  }
});

test('has finite limits unless told otherwise', () => {
  const list = (length: number): Uint8Array => bytes(`[${Array(length).fill('1').join()}]`);
  assert.ok(E.isRight(json.decode(list(10_000))));
  assert.equal(why(json.decode(list(10_001))), E.left(['10001 items are more than the limit of 10000']));
  assert.ok(E.isRight(json.decode(bytes('['.repeat(64) + ']'.repeat(64)))));
  assert.equal(
    why(json.decode(bytes('['.repeat(65) + ']'.repeat(65)))),
    E.left(['65 levels are more than the limit of 64']),
  );
  assert.equal(why(json.decode(bytes('['.repeat(9_999)))), E.left(['9999 levels are more than the limit of 64']));
  assert.equal(
    why(json.decode(bytes(`"${'a'.repeat(1_048_575)}"`))),
    E.left(['1048577 bytes are more than the limit of 1048576']),
  );
});

test('refuses a message with 100,000 wrong items for one reason, before it builds any of them', () => {
  const Numbers = json.pipe(t.array(t.union([t.number, t.boolean])));
  const frame = bytes(`[${Array(100_000).fill('""').join()}]`);
  const decoded = Numbers.decode(frame);
  assert.equal(why(decoded), E.left(['100000 items are more than the limit of 10000']));
  assert.is(E.isLeft(decoded) && decoded.left.length, 1);
});

test('does not decode or encode a key __proto__, however it is spelt', () => {
  const refused = E.left(['a key __proto__ is not allowed']);
  for (const text of ['{"__proto__":{"admin":true}}', '[1,[{"a":{"\\u005f_proto__":1}}]]', '{"__pr\\u006Fto__":1}'])
    assert.equal(why(json.decode(bytes(text))), refused, text);
  assert.throws(
    () => json.encode(JSON.parse('{"__proto__":1}')),
    raised(RangeError, /^json: a key __proto__ is not allowed$/),
  );
});

test('takes every other name and text as an ordinary one', () => {
  for (const value of [
    { constructor: 1, toString: 2, hasOwnProperty: 3 },
    '__proto__',
    ['\\u005f_proto__'],
    { a: '__proto__' },
  ])
    assert.equal(json.decode(json.encode(value)), E.right(value));
});

test('says so when a value has no JSON', () => {
  for (const value of [undefined, () => 1, Symbol('a')])
    assert.throws(() => json.encode(value), raised(TypeError, /^json: .* has no JSON$/));
});

test('refuses impossible limits when they are given', () => {
  assert.throws(() => jsonWithin({ maxBytes: 0 }), raised(RangeError, /^maxBytes/));
  assert.throws(() => jsonWithin({ maxItems: -1 }), raised(RangeError, /^maxItems/));
  assert.throws(() => jsonWithin({ maxDepth: Infinity }), raised(RangeError, /^maxDepth/));
});

test.run();
