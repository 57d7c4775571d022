import { type Contest, OURS } from './contest.js';
import { table } from './table.js';

/** Nanoseconds a unit, by the names of the runners; those that could not run are not there. */
export type Figures = ReadonlyMap<string, number>;

/** A contest with its figures. */
export interface Result {
  readonly group: string;
  readonly contest: Pick<Contest, 'name' | 'target'>;
  readonly figures: Figures;
}

/** The middle figure; of an even number the lower of the two. */
export const middle = (figures: readonly number[]): number => {
  if (figures.length === 0) throw new RangeError('there must be a figure');
  return figures.toSorted((a, b) => a - b)[(figures.length - 1) >> 1] as number;
};

/** Nanoseconds to three digits or so. */
export const shown = (ns: number): string =>
  Math.abs(ns) < 99.95 ? ns.toFixed(1) : Math.round(ns).toLocaleString('en');

const factor = (ratio: number): string => (ratio < 9.95 ? ratio.toFixed(2) : ratio.toFixed(0));

/** All that took part in some contest, in the order of their first appearance, ours first. */
const runners = (results: readonly Result[]): readonly string[] => [
  ...new Set([OURS, ...results.flatMap(({ figures }) => [...figures.keys()])]),
];

/** What each took: a row for a contest, a column for each that took part in any. */
export const figuresTable = (results: readonly Result[]): string => {
  const names = runners(results);
  const cell = (figure: number | undefined): string => (figure === undefined ? '-' : shown(figure));
  return table([
    ['', ...names],
    ...results.map(({ contest, figures }) => [contest.name, ...names.map((name) => cell(figures.get(name)))]),
  ]);
};

/** How a target was done by, in words; nothing where one of the two figures is not there. */
export interface Judgement {
  readonly said: string;
  readonly met: boolean;
}

export const judge = ({ contest: { target }, figures }: Result): Judgement | undefined => {
  const ours = figures.get(OURS);
  const other = target && figures.get('of' in target ? target.of : target.over);
  if (target === undefined || ours === undefined || other === undefined) return undefined;
  const met = 'of' in target ? ours <= target.times * other : ours - other < target.under;
  const said =
    'of' in target
      ? `at most ${target.times} x ${target.of}`
      : `under ${target.under} ns over ${target.over}: ${shown(ours - other)}`;
  return { said: `${said}, ${met ? 'met' : 'NOT MET'}`, met };
};

/** Ours in parts of each rival's, and what became of the targets. */
export const ratiosTable = (results: readonly Result[]): string => {
  const rivals = runners(results).slice(1);
  const rows = results.map((result) => {
    const ours = result.figures.get(OURS);
    const ratio = (other: number | undefined): string =>
      ours === undefined || other === undefined ? '-' : factor(ours / other);
    return [result.contest.name, ...rivals.map((name) => ratio(result.figures.get(name))), judge(result)?.said ?? ''];
  });
  return table([['ours / rival', ...rivals, 'target'], ...rows]);
};

/** How many targets were met, and which were not. */
export const targetsLine = (results: readonly Result[]): string => {
  const judged = results.flatMap((result) => {
    const judgement = judge(result);
    return judgement === undefined ? [] : [{ result, judgement }];
  });
  if (judged.length === 0) return 'no target was measured';
  const missed = judged.filter(({ judgement }) => !judgement.met);
  const list = missed.map(
    ({ result: { group, contest }, judgement }) => `\n  ${group}: ${contest.name} (${judgement.said})`,
  );
  return `${judged.length - missed.length} of ${judged.length} targets met${list.length > 0 ? '; not met:' : ''}${list.join('')}`;
};
