import { suite as uvuSuite, type Callback, type Test } from 'uvu';

export interface SuiteOptions {
  /** Milliseconds a test may take (uvu has no limit of its own). */
  readonly timeout?: number;
}

const limited =
  <T>(title: string, body: Callback<T>, timeout: number): Callback<T> =>
  async (context) => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const open = process.getActiveResourcesInfo().filter((name) => name !== 'Timeout' && !name.endsWith('Wrap'));
        reject(new Error(`"${title}" took over ${timeout} ms; open: ${open.join(', ') || 'nothing'}`));
      }, timeout);
    });
    try {
      await Promise.race([body(context), late]);
    } finally {
      clearTimeout(timer);
    }
  };

/** uvu's suite, with a time limit on every test. Call run() at the end of the file. */
export function suite<T = Record<string, unknown>>(name: string, context?: T, options: SuiteOptions = {}): Test<T> {
  const inner = uvuSuite<T>(name, context);
  const timeout = options.timeout ?? 5000;
  const outer = (title: string, body: Callback<T>): void => inner(title, limited(title, body, timeout));
  return Object.assign(outer, {
    only: (title: string, body: Callback<T>): void => inner.only(title, limited(title, body, timeout)),
    skip: (title?: string, body?: Callback<T>): void => inner.skip(title, body),
    before: inner.before,
    after: inner.after,
    run: (): void => inner.run(),
  }) as Test<T>;
}
