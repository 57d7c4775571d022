import * as assert from 'uvu/assert';
import { MB, flood, pipeline, silentReaders, stalledProxy } from '../kit/flow-load.js';
import { suite } from '../kit/suite.js';

// Over TCP, the server in a process of its own. What is counted is bytes and frames; the times are generous.

const test = suite('memory is bounded', undefined, { timeout: 20_000 });

const FRAME = 1_024;

/** What lies between the socket and the frames: a chunk being cut, and what Node has read ahead. */
const READ_AHEAD = 256 * 1_024;

const middle = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

for (const [program, where] of [
  ['inside', 'inside the handler of a connection'],
  ['after', 'after a mergeMap over all connections'],
] as const) {
  test(`a client pushes 256 MB at a millisecond for each KiB, mapAsync ${where}`, async () => {
    const { taken, grownAtMost, framesDone, framesHeldAtMost, bytesIn } = await flood(program);
    assert.ok(framesDone > 50, `${framesDone} frames were done`);
    assert.ok(framesHeldAtMost <= 4 + 16, `${framesHeldAtMost} frames under way or waiting`);
    assert.ok(bytesIn - framesDone * FRAME < READ_AHEAD, `${bytesIn} bytes read for ${framesDone} frames done`);
    assert.ok(grownAtMost < 32 * MB, `the process grew by ${grownAtMost} bytes`);
    assert.ok(taken < 16 * MB, `the system took ${taken} bytes from the client`);
  });
}

test('twenty clients push at one slow operator: each gets its turn', async () => {
  const { framesHeldAtMost, grownAtMost, share } = await flood('after', 20, 700);
  assert.is(share.length, 20);
  assert.ok(Math.min(...share) > 0, `frames for each: ${share.join(', ')}`);
  assert.ok(Math.max(...share) - Math.min(...share) < 500, `frames for each: ${share.join(', ')}`);
  assert.ok(framesHeldAtMost <= 4 + 16);
  assert.ok(grownAtMost < 32 * MB);
});

test('whatever queue stands between the frames and the slow handler, it stays at its mark', async () => {
  const most = { concatMap: 1 + 64, mergeMap: 4 + 64, observeOn: 4 + 16 + 3 * 64 };
  await Promise.all(
    Object.entries(most).map(async ([program, held]) => {
      const { framesHeldAtMost, framesDone, bytesIn, grownAtMost } = await flood(program as keyof typeof most, 1, 500);
      assert.ok(framesDone > 10, `${program}: ${framesDone} frames were done`);
      assert.ok(framesHeldAtMost <= held, `${program}: ${framesHeldAtMost} frames under way or waiting`);
      assert.ok(bytesIn - framesDone * FRAME < READ_AHEAD + held * FRAME, `${program}: ${bytesIn} bytes read`);
      assert.ok(grownAtMost < 32 * MB);
    }),
  );
});

for (const clients of [1, 8]) {
  test(`${clients} of an echo write 256 MB and never read: others are answered, the deadline closes`, async () => {
    const { took, during, after, closed, taken } = await silentReaders(clients, 600);
    assert.ok(during.bufferedAtMost < MB, `${during.bufferedAtMost} bytes wait for one of them`);
    assert.ok(during.buffers < clients * 0.5 * MB, `${during.buffers} bytes in buffers`);
    // Garbage counts, too: the 4 MB that each could send until the system's own buffers were full.
    assert.ok(during.grownAtMost < (16 + 4 * clients) * MB, `the process grew by ${during.grownAtMost} bytes`);
    assert.ok(taken < clients * 32 * MB, `the system took ${taken} bytes`);
    assert.ok(took.length > 10 && Math.max(...took) < 1_000, `another was answered within ${Math.max(...took)} ms`);
    assert.ok(middle(took) < 50, `mostly within ${middle(took)} ms`);
    assert.is(closed, clients);
    assert.is(after.ended.filter((how) => how === 'WriteStalled').length, clients);
  });
}

test('a far end that reads nothing stops the near end of a proxy, and nothing is lost', async () => {
  const size = 64 * MB;
  const { stopped, taken, received, bufferedAtMost, buffers } = await stalledProxy(size);
  assert.ok(stopped);
  assert.ok(taken < size / 2, `the system took ${taken} bytes`);
  assert.ok(bufferedAtMost < MB, `${bufferedAtMost} bytes wait for the far end`);
  assert.ok(buffers < MB, `${buffers} bytes in buffers`);
  assert.is(received, size);
});

test('a million requests in one go are answered in order, and others are answered meanwhile', async () => {
  const { wrong, others, bufferedAtMost, buffers } = await pipeline(1_000_000);
  assert.is(wrong, 0);
  assert.ok(Math.max(...others) < 1_000, `another was answered within ${Math.max(...others)} ms`);
  assert.ok(bufferedAtMost < 2 * MB, `${bufferedAtMost} bytes wait for it`);
  assert.ok(buffers < 2 * MB, `${buffers} bytes in buffers`);
});

test.run();
