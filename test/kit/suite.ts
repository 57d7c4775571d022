import { suite as uvuSuite, type Callback, type Test } from 'uvu';
import { within } from '../../src/testing/within.js';

export interface SuiteOptions {
  /** Milliseconds a test may take (uvu has no limit of its own). */
  readonly timeout?: number;
}

/** uvu's suite, with a time limit on every test. Call run() at the end of the file. */
export function suite<T = Record<string, unknown>>(name: string, context?: T, options: SuiteOptions = {}): Test<T> {
  const inner = uvuSuite<T>(name, context);
  const timeout = options.timeout ?? 5000;
  const outer = (title: string, body: Callback<T>): void => inner(title, within(timeout, body, title));
  return Object.assign(outer, {
    only: (title: string, body: Callback<T>): void => inner.only(title, within(timeout, body, title)),
    skip: (title?: string, body?: Callback<T>): void => inner.skip(title, body),
    before: inner.before,
    after: inner.after,
    run: (): void => inner.run(),
  }) as Test<T>;
}
