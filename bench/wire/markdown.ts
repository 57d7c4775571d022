import type { Figures } from './figures.js';
import type { Scenario } from './scenarios.js';
import { type Session, ranked, titleOf } from './session.js';
import type { Judged } from './targets.js';

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, column) => (column === 0 ? '---' : '---:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');

const shown = (value: number, digits: number): string => (Number.isFinite(value) ? value.toFixed(digits) : '-');

const whole = (value: number): string => (Number.isFinite(value) ? Math.round(value).toLocaleString('en') : '-');

const measured = (target: Judged, value: number): string =>
  target.how === 'ratio' ? value.toFixed(2) : `${Math.round(value)}${target.unit}`;

/** The targets that were measured, each with what was reached and whether that is enough. */
export const targetTable = (session: Session): string => {
  const rows = session.targets.flatMap((target) => {
    if (target.reached === undefined) return [];
    const scenario = session.scenarios.find(({ name }) => name === target.scenario);
    const ours = titleOf(session, target.ours);
    const against = target.against === undefined ? ours : `${ours} to ${titleOf(session, target.against)}`;
    return [
      [
        scenario?.title ?? target.scenario,
        against,
        `${target.bound} ${measured(target, target.wanted)}`,
        measured(target, target.reached),
        target.met === true ? 'met' : 'missed',
      ],
    ];
  });
  return table(['scenario', 'what', 'wanted', 'measured', ''], rows);
};

const COLUMNS: readonly (readonly [keyof Figures, string, (value: number) => string])[] = [
  ['messagesPerSecond', 'messages/s', whole],
  ['connectionsPerSecond', 'connections/s', whole],
  ['p50', 'p50 us', whole],
  ['p99', 'p99 us', whole],
  ['p999', 'p99.9 us', whole],
  ['memory', 'memory MB', whole],
  ['generatorLoad', 'generator busy', (value) => (Number.isFinite(value) ? `${Math.round(100 * value)} %` : '-')],
];

/** Which of the figures say something in a scenario. */
const columnsOf = ({ name, role, run }: Scenario): readonly (keyof Figures)[] => {
  if ('starts' in run) return [];
  if (name === 'accept') return ['connectionsPerSecond', 'p50', 'p99', 'p999', 'memory'];
  if (name === 'idle') return ['memory'];
  return role === 'drain'
    ? ['p50', 'p99', 'p999']
    : ['messagesPerSecond', 'p50', 'p99', 'p999', 'memory', 'generatorLoad'];
};

const scenarioTable = (session: Session, scenario: Scenario): string => {
  const { key, title, unit, digits } = scenario.measure;
  const columns = COLUMNS.filter(([figure]) => columnsOf(scenario).includes(figure));
  const results = ranked(session, scenario);
  const ours = results.find(({ rival }) => rival === 'sluice')?.figures?.[key];
  const rows = results.map(({ rival, figures, failed }) => {
    const name = rival.startsWith('sluice') ? `**${titleOf(session, rival)}**` : titleOf(session, rival);
    if (figures === null) return [name, `failed: ${(failed ?? '').split('\n')[0] ?? ''}`];
    const ratio = ours === undefined ? '-' : shown(ours / figures[key], 2);
    return [name, shown(figures[key], digits), ratio, ...columns.map(([figure, , show]) => show(figures[figure]))];
  });
  return table(['server', `${title}, ${unit}`, 'sluice to it', ...columns.map(([, head]) => head)], rows);
};

/** The whole session as a page. */
export const markdown = (session: Session): string => {
  const { processor, cores, memory, system, date } = session.machine;
  const scenarios = session.scenarios.filter(({ name }) => session.results.some(({ scenario }) => scenario === name));
  return `${[
    '# Whole servers over loopback',
    `${date}, ${processor}, ${cores} cores, ${memory} GB, ${system}. Server and generator on a core each; medians of ${session.rounds}, ${session.seconds} s each, in turns. "sluice to it" is how much sluice takes where the other takes 1.`,
    table(
      ['server', 'version'],
      session.servers.map(({ title, version }) => [title, version]),
    ),
    '## Targets',
    targetTable(session),
    ...scenarios.flatMap((scenario) => [`## ${scenario.title}`, scenarioTable(session, scenario)]),
  ].join('\n\n')}\n`;
};
