import { type Figures, medians } from './figures.js';
import type { Scenario } from './scenarios.js';

/** A server or a generator that is asked for all that it can do is busy for more of the time than this. */
const BUSY = 0.9;

/** Whether neither was busy where one of them should have been: something else was. */
export const isDisturbed = ({ measure: { key } }: Scenario, { serverLoad, generatorLoad }: Figures): boolean =>
  (key === 'cpuPerMessage' || key === 'cpuPerConnection') && serverLoad < BUSY && generatorLoad < BUSY;

/** The medians of the rounds that nothing disturbed; of all, where there is no other. */
export const settled = (scenario: Scenario, all: readonly Figures[]): Figures => {
  const quiet = all.filter((round) => !isDisturbed(scenario, round));
  return medians(quiet.length > 0 ? quiet : all);
};
