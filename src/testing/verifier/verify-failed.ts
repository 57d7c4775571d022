import type { VerifyCase } from './stream.js';
import type { VerifyCheck } from './trial.js';

/** What is known of a failure. */
export interface Failure {
  /** Who found it: `verifyRule` or `verifyDecoder`. */
  readonly by: string;
  readonly check: VerifyCheck;
  readonly wrong: string;
  readonly where: string;
  /** What was delivered, or encoded. */
  readonly input: readonly (readonly [name: string, shown: string])[];
  readonly expected: string;
  readonly got: string;
  readonly smallest: VerifyCase<unknown> | undefined;
  readonly test: string;
  readonly budget: number;
  readonly seed: number;
}

const WIDTH = 10;

/**
 * A decoder is wrong. The message says how, for the smallest input that shows it, and ends with a test to paste.
 */
export class VerifyFailed extends Error {
  override readonly name = 'VerifyFailed';
  /** What was looked at when it was found. */
  readonly check: VerifyCheck;
  /** What should have come of it, in words. */
  readonly expected: string;
  /** What came of it. */
  readonly got: string;
  /** The smallest case that shows it, cut as it has to be. None where a payload is not cut back into itself. */
  readonly smallest: VerifyCase<unknown> | undefined;
  /** A test that fails, as a program: it has to be given the decoder, or the rule. */
  readonly test: string;
  /** The budget and the seed with which it was found. */
  readonly budget: number;
  readonly seed: number;

  constructor({ by, check, wrong, where, input, expected, got, smallest, test, budget, seed }: Failure) {
    const lines = [...input, ['expected', expected], ['got', got]] as const;
    super(
      [
        `${by}: ${wrong}${where}`,
        '',
        ...lines.map(([name, shown]) => `  ${name.padEnd(WIDTH)}${shown}`),
        '',
        `Found by the check '${check}' with budget ${budget} and seed ${seed}. As a test:`,
        '',
        test,
      ].join('\n'),
    );
    this.check = check;
    this.expected = expected;
    this.got = got;
    this.smallest = smallest;
    this.test = test;
    this.budget = budget;
    this.seed = seed;
  }
}
