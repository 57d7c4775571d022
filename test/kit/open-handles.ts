import * as assert from 'uvu/assert';
import { setTimeout as wait } from 'node:timers/promises';

// These are opened when first looked at.
void [process.stdout, process.stderr];

const HANDLES = /^(TCP|Pipe).*Wrap$|^Timeout$|^Immediate$/;

/** What is open in this process that could be ours: sockets, servers, timers, by name. */
const open = (): string[] =>
  process
    .getActiveResourcesInfo()
    .filter((name) => HANDLES.test(name))
    .toSorted();

const beyond = (before: readonly string[]): string[] => {
  const rest = [...before];
  return open().filter((name) => {
    const at = rest.indexOf(name);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
};

/** Notes what is open now; the function it gives fails unless, a moment later at most, nothing more is. */
export const openHandles = (): (() => Promise<void>) => {
  const before = open();
  return async () => {
    for (let tries = 0; tries < 50 && beyond(before).length > 0; tries++) await wait(2);
    assert.equal(beyond(before), [], 'left open');
  };
};
