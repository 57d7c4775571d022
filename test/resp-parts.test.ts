// The parts of examples/resp that are worth a test by themselves.
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { Commands } from '../examples/resp/command.js';
import { Database } from '../examples/resp/database.js';
import { Deque } from '../examples/resp/deque.js';
import { matches } from '../examples/resp/glob.js';
import { integerOf } from '../examples/resp/integer.js';
import { suite } from './kit/suite.js';

const test = suite('resp: parts');

test('patterns', () => {
  const rows: readonly (readonly [pattern: string, matched: string, not: string])[] = [
    ['', '', 'a'],
    ['*', 'anything', ''],
    ['a*', 'a abc', 'b ba'],
    ['*a', 'a ba', 'ab'],
    ['a**b', 'ab axb', 'a b'],
    ['a?c', 'abc', 'ac abbc'],
    ['a*b*c', 'abc axbyc abbc', 'acb ab'],
    ['[abc]', 'a b c', 'd ab ['],
    ['[a-c]x', 'ax bx', 'dx'],
    ['[c-a]', 'b', 'd'],
    ['[^a-c]', 'd -', 'a c'],
    ['[a', 'a', 'b'],
    ['[^', 'x', ''],
    ['a[', '', 'a a['],
    ['[\\]]', ']', '\\'],
    ['[a-]', 'a ]', 'b -'],
    ['\\*', '*', 'a \\*'],
    ['\\', '\\', 'a'],
    ['a.c', 'a.c', 'abc'],
    ['h[ae]llo*', 'hello hallo! hellooo', 'hillo'],
  ];
  for (const [pattern, matched, not] of rows) {
    if (pattern === '' || pattern === '*') assert.ok(matches(pattern, ''));
    for (const text of matched.split(' ').filter(Boolean)) assert.ok(matches(pattern, text), `${pattern} and ${text}`);
    for (const text of not.split(' ').filter(Boolean)) assert.not.ok(matches(pattern, text), `${pattern} and ${text}`);
  }
});

test('a pattern of stars and texts is what the regular expression of it is', () => {
  const signs = fc.array(fc.constantFrom('a', 'b', '*', '?'), { maxLength: 8 });
  const texts = fc.array(fc.constantFrom('a', 'b'), { maxLength: 10 });
  fc.assert(
    fc.property(signs, texts, (pattern, text) => {
      const expression = pattern.join('').replaceAll('?', '.').replaceAll('*', '.*');
      assert.is(matches(pattern.join(''), text.join('')), new RegExp(`^${expression}$`).test(text.join('')));
    }),
    { numRuns: 2_000 },
  );
});

test('a pattern with three hundred stars takes no longer than the pattern times the text', () => {
  const began = performance.now();
  assert.not.ok(matches(`${'a*'.repeat(300)}b`, 'a'.repeat(30_000)));
  assert.ok(performance.now() - began < 2_000);
});

test('a deque is what an array would be', () => {
  type Step = 'push' | 'unshift' | 'pop' | 'shift';
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom<Step>('push', 'push', 'unshift', 'unshift', 'pop', 'shift'), { maxLength: 200 }),
      (steps) => {
        const deque = new Deque<number>();
        const model: number[] = [];
        for (const [value, step] of steps.entries()) {
          if (step === 'push' || step === 'unshift') {
            deque[step](value);
            model[step](value);
          } else assert.is(deque[step](), model[step]());
          assert.is(deque.length, model.length);
        }
        assert.equal(
          Array.from({ length: deque.length }, (_, at) => deque.at(at)),
          model,
        );
      },
    ),
  );
});

test('numbers are those of 64 bits, written in one way', () => {
  for (const text of ['0', '1', '-1', '9223372036854775807', '-9223372036854775808'])
    assert.is(integerOf(text), BigInt(text));
  for (const text of [
    '',
    '-',
    '+1',
    '01',
    '-0',
    '1.0',
    ' 1',
    '1 ',
    '1e3',
    '0x1',
    '9223372036854775808',
    '-9223372036854775809',
  ]) {
    assert.is(integerOf(text), undefined, text);
  }
});

test('two commands that look alike are found out when the table is made', () => {
  const row = { name: 'get', arity: 2, flags: [], run: () => {} };
  assert.throws(() => new Commands([row, row]), /get looks like get/);
});

test('nothing stays of what was watched, nor of scans that were never ended', () => {
  let now = 1_000;
  const database = new Database(() => now);
  let changes = 0;
  const watcher = { changed: () => void changes++ };
  database.set('k', Uint8Array.of(1));
  database.watch('k', watcher);
  database.expireAt('k', 2_000);
  now = 2_000;
  assert.is(database.size, 1);
  assert.is(database.get('k'), undefined);
  assert.is(changes, 2);
  database.unwatch('k', watcher);
  database.set('k', Uint8Array.of(1));
  assert.is(changes, 2);
  for (let key = 0; key < 100; key++) database.set(`k${key}`, Uint8Array.of(1));
  const first = database.scan(0, 10)?.cursor as number;
  for (let scan = 0; scan < 100; scan++) database.scan(0, 10);
  assert.is(database.scan(first, 10), undefined);
});

// ── the page ────────────────────────────────────────────────────────────────────────────────────────────────────────

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const read = (path: string): string => readFileSync(at(path), 'utf8');
const page = read('docs/resp.md');

/** The files of the example, by the names that the page has for them. */
const files = new Map(
  ['', 'commands/'].flatMap((folder) =>
    readdirSync(at(`examples/resp/${folder}`))
      .filter((name) => name.endsWith('.ts'))
      .map((name): [string, string] => [`${folder}${name}`, read(`examples/resp/${folder}${name}`)]),
  ),
);

test('the code that docs/resp.md shows is the code that runs', () => {
  const shown = [...page.matchAll(/```typescript\n([^]*?)```/g)].map((match) => match[1] as string);
  assert.is(shown.length, 3);
  const all = [...files.values(), read('test/resp-stories.test.ts')];
  for (const excerpt of shown)
    assert.ok(
      all.some((text) => text.includes(excerpt.trimEnd())),
      excerpt,
    );
});

test('the lines that docs/resp.md counts are about as many as there are', () => {
  const rows = [...page.matchAll(/^\| (`.*) \| ([\d,]+) \| .* \|$/gm)];
  assert.is(rows.length, 6);
  const named = new Set(
    rows.flatMap(([, names = '']) => [...names.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string)),
  );
  const linesOf = (names: (name: string) => boolean): number =>
    [...files].filter(([name]) => names(name)).reduce((sum, [, text]) => sum + text.split('\n').length - 1, 0);
  for (const [, names = '', said = ''] of rows) {
    const own = [...names.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string);
    const rest = (name: string): boolean => names.includes('small ones') && !name.includes('/') && !named.has(name);
    const count = linesOf((name) => own.includes(name) || own.includes(`${name.split('/')[0]}/`) || rest(name));
    assert.ok(Math.abs(count / Number(said.replaceAll(',', '')) - 1) < 0.1, `${names}: ${count}`);
  }
});

test.run();
