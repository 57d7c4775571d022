import { checkFunction, checkInteger, checkObject } from '../check.js';
import { connectionLimits } from '../connection/connection.js';
import { type NetworkOptions, networkOf } from './network.js';
import type { MarblesOptions, Teller } from './story.js';
import { tell } from './telling.js';

/**
 * Tells a story in virtual time: a server and its clients over a network in memory, in a test that takes milliseconds.
 *
 *     test('echoes', marbles(({ serve, client, expectReceived, expectClosed }) => {
 *       serve((bytes) => bytes);
 *       client('ann', '        --a--b--|', { a: 'hi', b: 'ho' });
 *       expectReceived('ann', '--a--b--|', { a: 'hi', b: 'ho' });
 *       expectClosed('ann', '  --------x', { x: 'finished' });
 *     }));
 *
 * The signs stand in a table at the top of `diagram.ts`. Gives a function for any test runner. The story lasts as long as
 * its longest row. Handlers may await: microtasks run dry before time moves; RxJS's timers, `Date` and
 * `performance.now` are on the story's time. The same story is the same every time.
 *
 * Rejects with `StoryFailed` when a row differs, when something that a client received or the end of its connection was
 * never asserted, when a connection, a timer or a subscription is left open, and at once when the story waits for
 * something real. The probes of a protocol's keep-alive need not be asserted. One story at a time in a process.
 */
export const marbles = (story: Teller, options: MarblesOptions = {}): (() => Promise<void>) => {
  checkFunction('story', story);
  networkOf(checkObject('options', options));
  connectionLimits(options.connection ?? {});
  return () => tell(story, options);
};

/** How `everySplit` goes about it. */
export interface EverySplitOptions extends Omit<MarblesOptions, 'split' | 'coalesce'> {
  /** How many times the bytes are split by chance (default 8): by `seed`, and by the seeds that follow it. */
  readonly random?: number;
}

/**
 * Tells a story once for each way in which the network may split the bytes: as they are, by one, two, three and five,
 * joined, and by chance. The rows must be the same every time. A failure says at its end which way it was.
 */
export const everySplit = (story: Teller, options: EverySplitOptions = {}): (() => Promise<void>) => {
  checkFunction('story', story);
  const { random = 8, ...rest } = checkObject('options', options);
  const { seed } = networkOf(rest);
  connectionLimits(rest.connection ?? {});
  const ways: NetworkOptions[] = [
    {},
    ...[1, 2, 3, 5].map((split) => ({ split })),
    { coalesce: true },
    ...Array.from({ length: checkInteger('random', random, 0, 10_000) }, (_, index) => ({
      split: 'random' as const,
      seed: seed + index,
    })),
  ];
  return async () => {
    for (const way of ways) {
      // One after another: each has the whole of time to itself.
      // oxlint-disable-next-line no-await-in-loop
      await tell(story, { ...rest, ...way });
    }
  };
};
