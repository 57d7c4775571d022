import * as E from 'fp-ts/lib/Either.js';
import type * as t from 'io-ts';
import { from, lastValueFrom, toArray } from 'rxjs';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { z } from 'zod';
import { decodeOr } from '../operators/decode-or.js';
import { encodeWith } from '../operators/encode-with.js';
import { reasons } from '../src/codec/reasons.js';
import { type CodecOrSchema, codecOf } from '../src/codec/standard-schema.js';
import { raised } from './kit/raised.js';
import { suite } from './kit/suite.js';

const test = suite('Standard Schema');
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

interface Ask {
  readonly add: number[];
}

const schemas: readonly (readonly [string, CodecOrSchema<Ask>])[] = [
  ['zod', z.object({ add: z.array(z.number()) })],
  ['valibot', v.object({ add: v.array(v.number()) })],
];

for (const [vendor, Ask] of schemas) {
  test(`${vendor} decodes, encodes and knows its values`, () => {
    const type: t.Type<Ask, Uint8Array, Uint8Array> = codecOf(Ask);
    assert.is(type.name, `pipe(json, ${vendor} schema)`);
    assert.equal(type.decode(bytes({ add: [1, 2], and: 3 })), E.right({ add: [1, 2] }));
    assert.equal(type.encode({ add: [1, 2] }), bytes({ add: [1, 2] }));
    assert.ok(type.is({ add: [] }));
    assert.not.ok(type.is({ add: ['1'] }));
    const decoded = type.decode(bytes({ add: [1, 'two'] }));
    assert.ok(E.isLeft(decoded));
    assert.match(reasons(decoded.left)[0] ?? '', /^add\.1: .*number/);
  });

  test(`${vendor} goes into the operators`, async () => {
    const wire = from([bytes({ add: [1] }), bytes('hello'), bytes({ add: [] })]);
    const sent = await lastValueFrom(wire.pipe(decodeOr(Ask, 'drop'), encodeWith(Ask), toArray()));
    assert.equal(sent, [bytes({ add: [1] }), bytes({ add: [] })]);
  });
}

test('schemas that need to wait are refused', () => {
  const late = [
    z.string().refine(() => Promise.resolve(true)),
    v.pipeAsync(
      v.string(),
      v.checkAsync(async () => true),
    ),
  ];
  for (const schema of late)
    assert.throws(() => codecOf<string>(schema).decode(bytes('a')), raised(TypeError, /only synchronous schemas/));
});

test('their messages cannot forge a line', () => {
  const decoded = codecOf(z.strictObject({})).decode(bytes({ '\r\n220 ok': 1 }));
  assert.ok(E.isLeft(decoded));
  assert.equal(reasons(decoded.left), ['Unrecognized key: "\\u{d}\\u{a}220 ok"']);
});

test.run();
