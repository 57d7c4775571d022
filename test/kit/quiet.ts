import { setTimeout as wait } from 'node:timers/promises';

/** Waits until what `probe` tells has not changed for a while, and gives it: for what must come to rest by itself. */
export const quiet = async (probe: () => number): Promise<number> => {
  let last = probe();
  for (let rounds = 0; rounds < 5; rounds++) {
    await wait(4);
    const now = probe();
    if (now !== last) rounds = -1;
    last = now;
  }
  return last;
};

/** Lets the event loop go round a few times, so that what is under way arrives. */
export const rounds = async (count = 5): Promise<void> => {
  for (let round = 0; round < count; round++) await wait(1);
};
