import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import * as assert from 'uvu/assert';
import { json, jsonWithin } from '../src/codec/json.js';
import { reasons } from '../src/codec/reasons.js';
import { type StandardSchema, codecOf } from '../src/codec/standard-schema.js';
import { raised } from './kit/raised.js';
import { suite } from './kit/suite.js';

const test = suite('codecOf');
const why = E.mapLeft(reasons);
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

type Validate<A> = StandardSchema<A>['~standard']['validate'];
const schema = <A>(validate: Validate<A>): StandardSchema<A> => ({
  '~standard': { version: 1, vendor: 'handmade', validate },
});

interface Ask {
  readonly add: readonly number[];
}
const isAsk = t.strict({ add: t.array(t.number) }).is;
const Ask = schema<Ask>((value) =>
  isAsk(value) ? { value } : { issues: [{ message: 'must be a list', path: ['add', { key: 0 }, Symbol('deep')] }] },
);

test('gives back an io-ts type over bytes as it is', () => {
  const type = json.pipe(t.number);
  assert.is(codecOf(type), type);
});

test('takes a schema over JSON', () => {
  const type: t.Type<Ask, Uint8Array, Uint8Array> = codecOf(Ask);
  assert.equal(type.decode(bytes({ add: [1, 2] })), E.right({ add: [1, 2] }));
  assert.equal(type.encode({ add: [1, 2] }), bytes({ add: [1, 2] }));
  assert.equal(why(type.decode(bytes({ add: '1' }))), E.left(['add.0.Symbol(deep): must be a list']));
  assert.match(JSON.stringify(why(type.decode(Uint8Array.of(0x7b)))), /not JSON/);
  assert.ok(type.is({ add: [] }));
  assert.not.ok(type.is({ add: 'no' }));
  assert.is(type.name, 'pipe(json, handmade schema)');
});

test('takes a schema over another codec, with its limits', () => {
  const type = codecOf(Ask, jsonWithin({ maxItems: 3 }));
  assert.equal(type.decode(bytes({ add: [1] })), E.right({ add: [1] }));
  assert.equal(why(type.decode(bytes({ add: [1, 2, 3] }))), E.left(['4 items are more than the limit of 3']));
});

test('takes a schema that is a function, as some are', () => {
  const callable = Object.assign(
    () => false,
    schema(() => ({ value: 1 })),
  );
  assert.equal(codecOf(callable).decode(bytes(null)), E.right(1));
});

test('gives what the schema made of the value, and sends it as it is', () => {
  const dates = schema((value) => ({ value: new Date(value as string) }));
  const day = new Date('2026-11-20T00:00:00.000Z');
  assert.equal(codecOf(dates).decode(bytes('2026-11-20')), E.right(day));
  assert.equal(codecOf(dates).encode(day), bytes('2026-11-20T00:00:00.000Z'));
});

test('lists a few issues and counts the rest', () => {
  const issues = Array.from({ length: 30 }, (_, index) => ({ message: `no\n${'!'.repeat(200)}`, path: [index] }));
  const decoded = why(codecOf(schema(() => ({ issues }))).decode(bytes(1)));
  assert.ok(E.isLeft(decoded));
  assert.is(decoded.left.length, 11);
  assert.is(decoded.left[2], `2: no\\u{a}${'!'.repeat(73)}...`);
  assert.is(decoded.left[10], 'and 20 more');
});

test('reports an issue without a path', () => {
  assert.equal(why(codecOf(schema(() => ({ issues: [{ message: 'no' }] }))).decode(bytes(1))), E.left(['no']));
});

test('refuses a schema that answers with a Promise, and looks after the Promise', async () => {
  const unheard: unknown[] = [];
  const hear = (reason: unknown): number => unheard.push(reason);
  process.on('unhandledRejection', hear);
  try {
    const late = codecOf(schema(() => Promise.reject(new Error('later'))));
    const refusal = raised(TypeError, /^a handmade schema answered with a Promise: only synchronous schemas/);
    assert.throws(() => late.decode(bytes(1)), refusal);
    assert.throws(() => late.is(1), refusal);
    await new Promise((done) => setTimeout(done, 5));
    assert.equal(unheard, []);
  } finally {
    process.off('unhandledRejection', hear);
  }
});

test('refuses what is neither', () => {
  for (const wrong of [undefined, null, 'json', 7, {}, () => 1])
    assert.throws(
      () => codecOf(wrong as never),
      raised(TypeError, /^codec must be an io-ts type over bytes or a Standard Schema, got /),
    );
});

test.run();
