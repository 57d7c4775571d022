import * as assert from 'uvu/assert';
import type { Target } from '../bench/micro/contest.js';
import { type Result, figuresTable, judge, middle, ratiosTable, shown, targetsLine } from '../bench/micro/report.js';
import { table } from '../bench/micro/table.js';
import { suite } from './kit/suite.js';

const result = (name: string, figures: Readonly<Record<string, number>>, target?: Target): Result => ({
  group: 'framing',
  contest: { name, ...(target && { target }) },
  figures: new Map(Object.entries(figures)),
});

const report = suite('the tables of the benchmarks');

report('words stand at the left, figures at the right, and a dash for none', () => {
  const rows = [
    ['', 'ours', 'theirs'],
    ['a frame', '1.0', '10.0'],
    ['b', '22.0'],
  ];
  assert.is(table(rows), ['         ours  theirs', 'a frame   1.0    10.0', 'b        22.0       -'].join('\n'));
});

report('a table of nothing is nothing', () => {
  assert.is(table([]), '');
});

report('the middle figure counts, and of an even number the lower', () => {
  assert.is(middle([3]), 3);
  assert.is(middle([9, 1, 5]), 5);
  assert.is(middle([4, 1, 9, 5]), 4);
  assert.throws(() => middle([]), /a figure/);
});

report('figures have the digits that mean something', () => {
  assert.equal([3.1234, 99.94, 99.96, 1234.5, -2.04].map(shown), ['3.1', '99.9', '100', '1,235', '-2.0']);
});

report('ours comes first, then the others as they appear', () => {
  const results = [result('a', { ours: 10, 'by hand': 8 }), result('b', { ours: 20, package: 200, 'by hand': 10 })];
  assert.is(
    figuresTable(results),
    ['   ours  by hand  package', 'a  10.0      8.0        -', 'b  20.0     10.0      200'].join('\n'),
  );
});

report('a ratio says how many times the rival ours is, and what became of the target', () => {
  const results = [
    result('a', { ours: 10, 'by hand': 8 }, { times: 1.5, of: 'by hand' }),
    result('b', { ours: 20, 'by hand': 10, package: 1 }),
  ];
  assert.is(
    ratiosTable(results),
    [
      'ours / rival  by hand  package                      target',
      'a                1.25        -  at most 1.5 x by hand, met',
      'b                2.00       20',
    ].join('\n'),
  );
});

const times: Target = { times: 1.5, of: 'by hand' };
const over: Target = { under: 15, over: 'map' };

for (const [ours, other, target, met] of [
  [15, 10, times, true],
  [15.1, 10, times, false],
  [14.9, 0, over, true],
  [15, 0, over, false],
  [30, 20, over, true],
  [10, 20, over, true],
] as const) {
  const rival = 'of' in target ? target.of : target.over;
  report(`${ours} beside ${other} is ${met ? '' : 'not '}enough for ${JSON.stringify(target)}`, () => {
    const judgement = judge(result('a', { ours, [rival]: other }, target));
    assert.is(judgement?.met, met);
    assert.match(judgement?.said ?? '', met ? /, met$/ : /, NOT MET$/);
  });
}

report('without the rival there is no judgement', () => {
  assert.is(judge(result('a', { ours: 1 }, times)), undefined);
  assert.is(judge(result('a', { 'by hand': 1 }, times)), undefined);
  assert.is(judge(result('a', { ours: 1, 'by hand': 1 })), undefined);
});

report('the last line counts the targets and names those that were not met', () => {
  const good = result('a', { ours: 10, 'by hand': 8 }, times);
  const bad = result('b', { ours: 20, 'by hand': 10 }, times);
  assert.is(targetsLine([good]), '1 of 1 targets met');
  assert.is(targetsLine([good, bad]), '1 of 2 targets met; not met:\n  framing: b (at most 1.5 x by hand, NOT MET)');
  assert.is(targetsLine([result('c', { ours: 1 })]), 'no target was measured');
});

report.run();
