import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import * as assert from 'uvu/assert';
import { json, jsonWithin } from '../src/codec/json.js';
import { reasons } from '../src/codec/reasons.js';
import { suite } from './kit/suite.js';

const test = suite('reasons');

const reasonsOf = <A>(type: t.Type<A, Uint8Array, Uint8Array>, value: unknown): readonly string[] => {
  const decoded = type.decode(new TextEncoder().encode(JSON.stringify(value)));
  return E.isLeft(decoded) ? reasons(decoded.left) : [];
};

test('names the place, what was expected and what came', () => {
  const Person = json.pipe(t.strict({ name: t.string, born: t.strict({ year: t.Int }), tags: t.array(t.string) }));
  assert.equal(reasonsOf(Person, { name: 5, born: { year: 1.5 }, tags: ['a', null, ['b'], { c: 1 }, true] }), [
    'name: expected string, got 5',
    'born.year: expected Int, got 1.5',
    'tags.1: expected string, got null',
    'tags.2: expected string, got an array of 1',
    'tags.3: expected string, got an object',
    'tags.4: expected string, got true',
  ]);
  assert.equal(reasonsOf(json.pipe(t.number), 'five'), ['expected number, got "five"']);
});

test('shows values of every kind without looking into them', () => {
  const shown = (value: unknown): string | undefined => {
    const decoded = t.never.decode(value);
    return E.isLeft(decoded) ? reasons(decoded.left)[0] : undefined;
  };
  const kinds = [undefined, 10n, Symbol('a'), () => 1, new Uint8Array(3), Number.NaN];
  assert.equal(
    kinds.map(shown),
    ['undefined', '10n', 'a symbol', 'a function', '3 bytes', 'NaN'].map((kind) => `expected never, got ${kind}`),
  );
});

test('gives a line to ten errors and counts the rest', () => {
  const many = jsonWithin({ maxItems: 200_000 }).pipe(t.array(t.union([t.number, t.boolean])));
  const decoded = many.decode(new TextEncoder().encode(`[${Array(100_000).fill('""').join()}]`));
  assert.ok(E.isLeft(decoded));
  assert.is(decoded.left.length, 200_000);
  const lines = reasons(decoded.left);
  assert.is(lines.length, 11);
  assert.is(lines[0], '0: expected number, got ""');
  assert.is(lines[10], 'and 199990 more');
  assert.ok(lines.join().length < 500);
  assert.is(reasons(decoded.left.slice(0, 10)).length, 10);
});

test('lets no peer forge a line', () => {
  const nasty = '\r\n220 ok\u001b[2J\u0000\u0085\u2028\u202e\ud800é';
  const safe = '\\u{d}\\u{a}220 ok\\u{1b}[2J\\u{0}\\u{85}...';
  assert.equal(reasonsOf(json.pipe(t.number), nasty), [`expected number, got "${safe}"`]);
  assert.equal(reasonsOf(json.pipe(t.record(t.string, t.number)), { [nasty]: null }), [
    `${safe}: expected number, got null`,
  ]);
});

test('escapes the message of a codec, and cuts it', () => {
  const loud = new t.Type<string>(
    'loud',
    t.string.is,
    (value, context) => t.failure(value, context, `wrong:\n${String(value)}`),
    t.identity,
  );
  assert.equal(reasonsOf(json.pipe(loud), 'x'.repeat(500)), [`wrong:\\u{a}${'x'.repeat(69)}...`]);
});

test('never echoes more than 80 bytes, and only ASCII that can be printed', () => {
  const Shape = json.pipe(t.record(t.string, t.record(t.string, t.number)));
  const long = fc.string({ unit: 'binary', maxLength: 300 }).filter((text) => text !== '__proto__');
  fc.assert(
    fc.property(long, long, fc.oneof(long, fc.constant(null)), (outer, inner, value) => {
      const words = ': expected number, got "......"'.length;
      for (const line of reasonsOf(Shape, { [outer]: { [inner]: value } })) {
        assert.match(line, /^[ -~]*$/);
        assert.ok(line.length <= words + 80, line);
      }
    }),
    { numRuns: 300 },
  );
  assert.ok((reasonsOf(json.pipe(t.strict({ [`long${'g'.repeat(900)}`]: t.number })), null)[0] ?? '').length < 120);
});

test.run();
