import { median } from './median.js';

/** What one measurement gives. Times in microseconds, memory in MB, loads in cores; NaN where it says nothing. */
export interface Figures {
  readonly messagesPerSecond: number;
  readonly connectionsPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly cpuPerMessage: number;
  readonly cpuPerConnection: number;
  /** In KB: what the server grew by while the connections were opened. */
  readonly memoryPerConnection: number;
  readonly memory: number;
  /** In milliseconds: how long the measured part took. */
  readonly took: number;
  readonly serverLoad: number;
  readonly generatorLoad: number;
}

/** Figures of which only some are known. */
export const figures = (known: Partial<Figures>): Figures => ({
  messagesPerSecond: Number.NaN,
  connectionsPerSecond: Number.NaN,
  p50: Number.NaN,
  p99: Number.NaN,
  p999: Number.NaN,
  cpuPerMessage: Number.NaN,
  cpuPerConnection: Number.NaN,
  memoryPerConnection: Number.NaN,
  memory: Number.NaN,
  took: Number.NaN,
  serverLoad: Number.NaN,
  generatorLoad: Number.NaN,
  ...known,
});

/** The median of each figure. */
export const medians = (all: readonly Figures[]): Figures => {
  const keys = Object.keys(figures({})) as (keyof Figures)[];
  return figures(Object.fromEntries(keys.map((key) => [key, median(all.map((one) => one[key]))])));
};
