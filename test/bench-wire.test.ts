import * as assert from 'uvu/assert';
import { WrongArgument, planOf, usage } from '../bench/wire/arguments.js';
import { Missing, output } from '../bench/wire/build.js';
import { chart } from '../bench/wire/chart.js';
import { type Figures, figures, medians } from '../bench/wire/figures.js';
import { markdown, targetTable } from '../bench/wire/markdown.js';
import { median } from '../bench/wire/median.js';
import { RIVALS, readied } from '../bench/wire/rivals.js';
import type { Result } from '../bench/wire/rounds.js';
import { SCENARIOS } from '../bench/wire/scenarios.js';
import type { Session } from '../bench/wire/session.js';
import { isDisturbed, settled } from '../bench/wire/settle.js';
import { TARGETS, isAbout, judge } from '../bench/wire/targets.js';
import { suite } from './kit/suite.js';

const test = suite('bench:wire');

const known = { rivals: ['sluice', 'node-data', 'c'], scenarios: ['32x64x32', 'proxy'] };
const defaults = { folders: { whole: '/whole', part: '/part' }, node: '/bin/node' };
const plan = (...args: readonly string[]): ReturnType<typeof planOf> => planOf(args, known, defaults);

test('measures everything, three times, unless told otherwise', () => {
  assert.equal(plan(), {
    rounds: 3,
    seconds: 2,
    warmup: 1,
    only: known.rivals,
    scenarios: known.scenarios,
    targetsOnly: false,
    out: '/whole',
    node: '/bin/node',
    help: false,
  });
});

test('takes what it is told, and puts a part elsewhere than the whole', () => {
  const given = plan(
    '--rounds',
    '5',
    '--seconds=0.25',
    '--only',
    'c,sluice',
    '--scenario',
    'proxy',
    '--node',
    './node',
  );
  assert.equal([given.rounds, given.seconds, given.node], [5, 0.25, './node']);
  assert.equal([given.only, given.scenarios], [['c', 'sluice'], ['proxy']]);
  assert.is(given.out, '/part');
  assert.is(plan('--only', 'c', '--out', '/here').out, '/here');
});

test('is quick with what the targets need, unless told otherwise', () => {
  const quick = plan('--quick');
  assert.equal([quick.rounds, quick.seconds, quick.out, quick.targetsOnly], [1, 0.5, '/part', true]);
  assert.equal([plan('--quick', '--rounds', '2').rounds, plan('--quick', '--seconds', '1').seconds], [2, 1]);
  const named = plan('--quick', '--only', 'c');
  assert.equal([named.only, named.scenarios, named.targetsOnly], [['c'], known.scenarios, false]);
  assert.is(plan('--quick', '--scenario', 'proxy').targetsOnly, false);
});

for (const [args, said] of [
  [['--rounds', '0'], /--rounds takes a whole number from 1 to 99, got "0"/],
  [['--rounds', '1.5'], /--rounds takes a whole number from 1 to 99, got "1.5"/],
  [['--rounds', ''], /--rounds takes a whole number from 1 to 99, got ""/],
  [['--seconds', 'two'], /--seconds takes a number from 0.1 to 60, got "two"/],
  [['--only', 'sluice,nonsense'], /--only takes some of sluice, node-data, c; got "nonsense"/],
  [['--scenario', ''], /--scenario takes some of 32x64x32, proxy; got ""/],
  [['--fast'], /'--fast'/],
] as const) {
  test(`says what would be right instead of ${args.join(' ')}`, () => {
    assert.throws(
      () => plan(...args),
      (error: unknown) => error instanceof WrongArgument && said.test(error.message),
    );
  });
}

test('lists in its help every server, every scenario and every option', () => {
  const help = usage(known);
  for (const word of ['--quick', '--rounds', '--seconds', '--only', '--scenario', '--node', '--out', '--help'])
    assert.match(help, word);
  assert.match(help, 'sluice, node-data, c');
  assert.match(help, '32x64x32, proxy');
  assert.ok(plan('-h').help);
});

test('a program that is missing is told from one that fails', () => {
  assert.throws(
    () => output(['no-such-program'], 'apt-get install it'),
    (error: unknown) => error instanceof Missing && error.message === 'apt-get install it',
  );
  assert.throws(
    () => output(['sh', '-c', 'echo why >&2; exit 3'], ''),
    (error: unknown) => !(error instanceof Missing) && /exit 3: why/.test(String(error)),
  );
  assert.is(output(['echo', 'yes'], ''), 'yes\n');
});

test('a server that cannot be built is left out, and a line says why', () => {
  const said: string[] = [];
  const there = { name: 'a', title: 'A', prepare: () => ({ programs: {}, version: '1' }) };
  const missing = {
    name: 'b',
    title: 'B',
    prepare: () => {
      throw new Missing('apt-get install b');
    },
  };
  const ready = readied([missing, there], 'node', (line) => said.push(line));
  assert.equal(ready, [{ name: 'a', title: 'A', framing: 'u16', warmup: 0, programs: {}, version: '1' }]);
  assert.equal(said, ['B is left out: apt-get install b']);
});

test('a median is the middle one, or between the middle two', () => {
  assert.is(median([9, 1, 5]), 5);
  assert.is(median([10, 1, 4, 2]), 3);
  assert.ok(Number.isNaN(median([])));
});

test('medians are taken of each figure by itself', () => {
  const of = medians([figures({ p50: 1, p99: 30 }), figures({ p50: 2, p99: 20 }), figures({ p50: 3, p99: 10 })]);
  assert.equal([of.p50, of.p99], [2, 20]);
  assert.ok(Number.isNaN(of.took));
});

const result = (scenario: string, rival: string, some: Partial<Figures>): Result => ({
  scenario,
  rival,
  rounds: 3,
  figures: figures(some),
  failed: null,
});

test('a round that something else disturbed counts only where no other does', () => {
  const [echo, , , , , , idle] = SCENARIOS;
  if (echo === undefined || idle === undefined) throw new Error('there are no scenarios');
  const quiet = figures({ cpuPerMessage: 1, serverLoad: 1, generatorLoad: 0.5 });
  const alsoQuiet = figures({ cpuPerMessage: 2, serverLoad: 0.5, generatorLoad: 0.95 });
  const disturbed = figures({ cpuPerMessage: 9, serverLoad: 0.5, generatorLoad: 0.5 });
  assert.equal(
    [quiet, alsoQuiet, disturbed].map((round) => isDisturbed(echo, round)),
    [false, false, true],
  );
  assert.not.ok(isDisturbed(idle, disturbed), 'an idle server has nothing to do');
  assert.is(settled(echo, [disturbed, quiet, disturbed]).cpuPerMessage, 1);
  assert.is(settled(echo, [disturbed, disturbed]).cpuPerMessage, 9);
});

test('every target is about a scenario that there is', () => {
  const names = SCENARIOS.map(({ name }) => name);
  for (const { scenario } of TARGETS) assert.ok(names.includes(scenario), scenario);
  const rivals = RIVALS.map(({ name }) => name);
  for (const { against } of TARGETS) assert.ok(against === undefined || rivals.includes(against), against);
});

const target = { scenario: 's', ours: 'sluice', figure: 'took', unit: ' ms' } as const;

for (const [title, how, bound, wanted, reached, met] of [
  ['a ratio is enough', 'ratio', 'at most', 1.5, 1.5, true],
  ['a ratio is too much', 'ratio', 'at most', 1.4, 1.5, false],
  ['a ratio is too little', 'ratio', 'at least', 1.6, 1.5, false],
  ['a difference is enough', 'difference', 'at most', 60, 50, true],
  ['a difference is too much', 'difference', 'at most', 49, 50, false],
] as const) {
  test(`judges that ${title}`, () => {
    const results = [result('s', 'sluice', { took: 150 }), result('s', 'other', { took: 100 })];
    const [judged] = judge([{ ...target, against: 'other', how, bound, wanted }], results);
    assert.equal([judged?.reached, judged?.met], [reached, met]);
  });
}

test('judges a value by itself, and nothing that was not measured', () => {
  const alone = { ...target, how: 'value', bound: 'at most', wanted: 200 } as const;
  assert.is(judge([alone], [result('s', 'sluice', { took: 150 })])[0]?.met, true);
  assert.is(judge([alone], [])[0]?.met, undefined);
  const against = { ...target, how: 'ratio', bound: 'at most', wanted: 1, against: 'other' } as const;
  assert.is(judge([against], [result('s', 'sluice', { took: 150 })])[0]?.met, undefined);
  assert.is(judge([{ ...alone, ours: 'another' }], [result('s', 'sluice', { took: 150 })])[0]?.met, undefined);
});

const scenarios = SCENARIOS.filter(({ name }) => ['32x64x32', 'drain', 'proxy'].includes(name));
const results: readonly Result[] = [
  result('32x64x32', 'sluice', {
    cpuPerMessage: 0.4,
    messagesPerSecond: 2_500_000,
    p50: 700,
    p99: 1_400,
    memory: 71,
    generatorLoad: 0.56,
  }),
  result('32x64x32', 'node-data', { cpuPerMessage: 0.2, messagesPerSecond: 5_000_000 }),
  result('32x64x32', 'slow', { cpuPerMessage: 8, messagesPerSecond: 100_000 }),
  { scenario: '32x64x32', rival: 'broken', rounds: 0, figures: null, failed: 'it ended\nsomewhere' },
  result('drain', 'sluice', { took: 301.4 }),
];
const session: Session = {
  machine: { processor: 'A <fast> & new one', cores: 2, memory: 8, system: 'Linux 6', date: '2026-01-31' },
  rounds: 3,
  seconds: 2,
  servers: [
    { name: 'sluice', title: 'sluice', version: 'Node v20' },
    { name: 'node-data', title: 'Node, by hand', version: 'Node v20' },
    { name: 'slow', title: 'slow "& <old>', version: '0.1' },
    { name: 'broken', title: 'broken', version: '0.2' },
  ],
  scenarios,
  results,
  targets: judge(TARGETS, results),
};

test('a target is about the two that it compares, in its scenario', () => {
  const [one] = judge([{ ...target, how: 'ratio', bound: 'at most', wanted: 1, against: 'other' }], []);
  if (one === undefined) throw new Error('there is none');
  const about = [
    ['s', 'sluice'],
    ['s', 'other'],
    ['s', 'third'],
    ['t', 'sluice'],
  ] as const;
  assert.equal(
    about.map(([scenario, rival]) => isAbout(one, scenario, rival)),
    [true, true, false, false],
  );
  assert.ok(isAbout({ ...one, ours: 'third' }, 's', 'third'));
});

test('the targets are shown with what was wanted and measured; those that were not measured are left out', () => {
  assert.equal(targetTable(session).split('\n'), [
    '| scenario | what | wanted | measured |  |',
    '| --- | ---: | ---: | ---: | ---: |',
    '| 32 B x 64 x 32 | sluice to Node, by hand | at most 1.15 | 2.00 | missed |',
    '| shutdown with 10,000 idle connections | sluice | at most 2000 ms | 301 ms | met |',
  ]);
});

test('the page says where and how, and ranks the servers of each scenario, the failed ones last', () => {
  const page = markdown(session);
  assert.match(page, '2026-01-31, A <fast> & new one, 2 cores, 8 GB, Linux 6.');
  assert.match(page, 'medians of 3, 2 s each');
  assert.match(page, '| Node, by hand | Node v20 |');
  assert.equal(page.slice(page.indexOf('## 32 B x 64 x 32'), page.indexOf('## shutdown')).trim().split('\n').slice(2), [
    '| server | server CPU per message, us | sluice to it | messages/s | p50 us | p99 us | p99.9 us | memory MB | generator busy |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    '| Node, by hand | 0.200 | 2.00 | 5,000,000 | - | - | - | - | - |',
    '| **sluice** | 0.400 | 1.00 | 2,500,000 | 700 | 1,400 | - | 71 | 56 % |',
    '| slow "& <old> | 8.000 | 0.05 | 100,000 | - | - | - | - | - |',
    '| broken | failed: it ended |',
  ]);
  assert.not.match(page, '## a proxy');
});

test('the chart has a bar for each server that was measured, as long as its figure, cut off where that is far out', () => {
  const svg = chart(session);
  const bars = [...svg.matchAll(/<rect x="\d+" y="\d+" width="(\d+)" height="\d+" fill="(#\w+)"/g)];
  const lengths = bars.map(([, length]) => Number(length));
  assert.equal(lengths, [23, 45, 180]);
  assert.equal(
    bars.map(([, , colour]) => colour).map((colour, _, [first]) => colour === first),
    [true, false, true],
  );
  assert.match(svg, '>… 8.000<');
  assert.match(svg, '>0.400<');
  assert.not.match(svg, 'broken');
});

test('the chart is well-formed whatever a server is called', () => {
  const svg = chart(session);
  assert.match(svg, 'slow &quot;&amp; &lt;old&gt;');
  assert.match(svg, 'A &lt;fast&gt; &amp; new one');
  assert.is(svg.match(/<text/g)?.length, svg.match(/<\/text>/g)?.length);
  assert.match(chart({ ...session, results: [] }), /^<svg [^>]+>[^]*<\/svg>\n$/);
});

test.run();
