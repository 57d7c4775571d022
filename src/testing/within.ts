import { checkFunction, checkTime } from '../check.js';

/** What Node calls things that keep a process going, and what a person calls them. */
const NAMES: Readonly<Record<string, string>> = {
  TCPSocketWrap: 'socket',
  TCPServerWrap: 'server',
  PipeWrap: 'pipe or Unix socket',
  Timeout: 'timer',
  ProcessWrap: 'child process',
};

/** What there is now beyond what there was before: `2 × socket, server`. */
const openBeyond = (before: readonly string[]): string => {
  const counts = new Map<string, number>();
  for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1);
  for (const type of before) counts.set(type, (counts.get(type) ?? 0) - 1);
  const open = [...counts].filter(([, count]) => count > 0);
  return open.map(([type, count]) => `${count > 1 ? `${count} × ` : ''}${NAMES[type] ?? type}`).join(', ') || 'nothing';
};

/**
 * Fails a test that would otherwise hang: gives a test that fails when `body` takes over `ms` milliseconds, with its
 * name and with what it has opened and not closed.
 *
 *     test('answers', within(1_000, async () => { ... }));
 *
 *     "the test" took over 1000 ms; open: 2 × socket, server
 *
 * Whatever the runner gives to a test is passed on to `body`. A `body` that never lets go of the thread is not noticed.
 */
export const within = <Given extends readonly unknown[]>(
  ms: number,
  body: (...given: Given) => unknown,
  name?: string,
): ((...given: Given) => Promise<void>) => {
  checkTime('ms', ms);
  checkFunction('body', body);
  const title = name ?? (body.name || 'the test');
  return async (...given) => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`"${title}" took over ${ms} ms; open: ${openBeyond(before)}`));
      }, ms);
    });
    const before = process.getActiveResourcesInfo();
    try {
      await Promise.race([body(...given), late]);
    } finally {
      clearTimeout(timer);
    }
  };
};
