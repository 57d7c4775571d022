import * as assert from 'uvu/assert';
import { type Mark, drawRows, readDiagram, shownTime } from '../src/testing/diagram.js';
import { suite } from './kit/suite.js';

const test = suite('the diagrams of a story');

const read = (diagram: string, values?: Record<string, unknown>): unknown[] =>
  readDiagram('what a client does', diagram, values).marks.map(({ at, sign, value }) =>
    sign === 'value' ? [at, value] : [at, sign],
  );

const length = (diagram: string): number => readDiagram('what a client does', diagram).length;

test('a character is a millisecond, and a letter its value', () => {
  assert.equal(read('--a-b', { a: 'hello' }), [
    [2, 'hello'],
    [4, 'b'],
  ]);
  assert.is(length('--a-b'), 5);
  assert.is(length(''), 0);
});

test('spaces are there to align', () => {
  assert.equal(read('  --a   - b'), read('--a-b'));
  assert.is(length('  --a   - b'), 5);
});

test('a group takes one millisecond, whatever stands in it', () => {
  assert.equal(read('-(ab|)c'), [
    [1, 'a'],
    [1, 'b'],
    [1, 'end'],
    [2, 'c'],
  ]);
});

test('time progresses', () => {
  assert.equal(read('a 10s b 250ms c 2m d 1h e 1.5s f'), [
    [0, 'a'],
    [10_001, 'b'],
    [10_252, 'c'],
    [130_253, 'd'],
    [3_730_254, 'e'],
    [3_731_755, 'f'],
  ]);
  assert.is(length('24h'), 86_400_000);
});

test('without spaces around it, it is letters', () => {
  assert.equal(read('-1s'), [
    [1, '1'],
    [2, 's'],
  ]);
});

test('a client connects, ends, resets, stops reading and goes on', () => {
  assert.equal(read('-^<->|#'), [
    [1, 'open'],
    [2, 'pause'],
    [4, 'resume'],
    [5, 'end'],
    [6, 'reset'],
  ]);
});

const mistakes: readonly (readonly [string, string])[] = [
  ['--a-!-', '"!" has no meaning in a diagram\n  --a-!-\n      ^'],
  ['-(a-b)', 'time does not pass inside a group\n  -(a-b)\n     ^'],
  ['-(a 1s b)', 'time does not pass inside a group\n  -(a 1s b)\n      ^'],
  ['(a(b))', 'a group stands inside a group\n  (a(b))\n    ^'],
  ['a)', 'a group ends that has not begun\n  a)\n   ^'],
  ['(ab', 'a group does not end\n  (ab\n     ^'],
  ['a 0.5ms b', '0.5ms is not a whole number of milliseconds\n  a 0.5ms b\n    ^'],
];

for (const [diagram, message] of mistakes) {
  test(`${diagram} is a mistake, and shown where`, () => {
    assert.throws(
      () => read(diagram),
      (error: unknown) => error instanceof SyntaxError && error.message === message,
    );
  });
}

test('each kind of row has its signs', () => {
  const refused = (kind: Parameters<typeof readDiagram>[0], diagram: string): string => {
    try {
      readDiagram(kind, diagram);
      return 'read';
    } catch (error) {
      return (error as Error).message.split('\n')[0] ?? '';
    }
  };
  assert.is(refused('what a client receives', '--a|'), 'read');
  assert.is(refused('what a client receives', '--<'), '< has no meaning in what a client receives');
  assert.is(refused('what is reported', '--a'), 'read');
  assert.is(refused('what is reported', '--a|'), '| has no meaning in what is reported');
  assert.is(refused('a time', '10s -'), 'read');
  assert.is(refused('a time', '10s a'), 'a has no meaning in a time');
});

const mark = (at: number, symbol: string): Mark => ({ at, sign: 'value', symbol, value: symbol });

test('rows are drawn under each other: the same moment, the same column', () => {
  const { lines, columns } = drawRows([
    [mark(0, 'a'), mark(2, 'b'), mark(2, 'c'), mark(5_000, 'd')],
    [mark(0, 'a'), mark(3, 'b'), mark(5_000, 'd')],
  ]);
  assert.equal(lines, ['a-(bc)- 4996ms d', 'a--   b 4996ms d']);
  assert.is(columns.get(3), 6);
  for (const line of lines) assert.is(length(line), 5_001);
});

test('a time is shown as it is written', () => {
  assert.equal([0, 5, 1_000, 1_500, 60_000, 86_400_000].map(shownTime), ['0ms', '5ms', '1s', '1500ms', '1m', '24h']);
});

test.run();
