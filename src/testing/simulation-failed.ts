/** Thrown for a simulation in which something was wrong: all that was, when, and with which seed and options. */
export class SimulationFailed extends Error {
  override readonly name = 'SimulationFailed';
  /** The same seed with the same options is the same simulation again: with `log`, it tells how it came to that. */
  readonly seed: number;

  /** `options`: those that are numbers, as in a call. */
  constructor(seed: number, options: string, wrong: string, cause?: unknown) {
    super(`seed ${seed} (${options}):\n${wrong}`, { cause });
    this.seed = seed;
  }
}
