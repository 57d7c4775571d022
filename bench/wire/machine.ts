import { cpus, release, totalmem, type } from 'node:os';

/** Where and when something was measured. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  /** In GB. */
  readonly memory: number;
  readonly system: string;
  /** A day, as 2026-01-31. */
  readonly date: string;
}

export const machine = (): Machine => ({
  processor: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memory: Math.round(totalmem() / 1e9),
  system: `${type()} ${release()}`,
  date: new Date().toISOString().slice(0, 10),
});
