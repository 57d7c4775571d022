import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { interval } from 'rxjs';
import * as assert from 'uvu/assert';
import { assertNoLeaks } from '../src/testing/leaks.js';
import { loopback } from '../src/testing/loopback.js';
import { raised } from './kit/raised.js';
import { suite } from './kit/suite.js';

const test = suite('assertNoLeaks');

/** What it says of a body, line by line; nothing when all is well. */
const leaksOf = async (body: () => unknown): Promise<string[]> => {
  try {
    await assertNoLeaks(body)();
    return [];
  } catch (error) {
    return (error as Error).message.split('\n');
  }
};

test('is content with what is closed by the end, or a moment later', async () => {
  await assertNoLeaks(async () => {
    const server = await loopback((bytes) => bytes);
    const ann = await server.dial();
    await ann.send('hello').heard(5);
    await server.stop();
    setTimeout(() => {}, 20);
  })();
});

test('names a server and its sockets by their addresses', async () => {
  const server = createServer();
  const sockets: Socket[] = [];
  const leaks = await leaksOf(async () => {
    server.on('connection', (socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    sockets.push(connect((server.address() as AddressInfo).port, '127.0.0.1'));
    await once(server, 'connection');
  });
  for (const socket of sockets) socket.destroy();
  server.close();
  assert.is(leaks.length, 4, leaks.join('\n'));
  const [, listening, near, far] = leaks as [string, string, string, string];
  assert.match(listening, /^ {2}a server 127\.0\.0\.1:\d+$/);
  assert.match(
    near,
    /^ {2}a socket 127\.0\.0\.1:\d+ → 127\.0\.0\.1:\d+, made at .*testing-leaks\.test\.[jt]s:\d+:\d+\)?$/,
  );
  assert.match(far, /^ {2}a socket 127\.0\.0\.1:\d+ → 127\.0\.0\.1:\d+$/);
});

test('names a timer, and where the program made it, through RxJS too', async () => {
  const own: NodeJS.Timeout[] = [];
  const leaks = await leaksOf(() => {
    own.push(
      setTimeout(() => {}, 60_000),
      setTimeout(() => {}, 60_000).unref(),
    );
  });
  for (const timer of own) clearTimeout(timer);
  assert.is(leaks.length, 2);
  assert.match(leaks[1] as string, /^ {2}a timer of 60000 ms, made at .*testing-leaks\.test\.[jt]s:\d+:\d+\)?$/);

  const ticking: { unsubscribe(): void }[] = [];
  const leaked = await leaksOf(() => ticking.push(interval(5_000).subscribe()));
  for (const tick of ticking) tick.unsubscribe();
  assert.match(leaked[1] as string, /^ {2}a timer of 5000 ms, made at .*testing-leaks\.test\.[jt]s:\d+:\d+\)?$/);
});

test('names a listener of the process', async () => {
  const onStop = (): void => {};
  const leaks = await leaksOf(() => {
    process.on('SIGUSR2', onStop);
    process.once('exit', onStop);
  });
  process.off('SIGUSR2', onStop).off('exit', onStop);
  assert.equal(leaks.toSorted(), [
    '  a listener of process for SIGUSR2: onStop',
    '  a listener of process for exit: onStop',
    'left open:',
  ]);
});

test('leaves out what was open before', async () => {
  const timer = setTimeout(() => {}, 60_000);
  const known = (): void => {};
  process.on('SIGUSR2', known);
  assert.equal(await leaksOf(() => {}), []);
  process.off('SIGUSR2', known);
  clearTimeout(timer);
});

test('without a body: watches from now on', async () => {
  const allClosed = assertNoLeaks();
  const timer = setTimeout(() => {}, 60_000);
  try {
    await allClosed();
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /^left open:\n {2}a timer of 60000 ms/);
  }
  clearTimeout(timer);
});

test('a body that fails is told as it is, and gets what the runner gives', async () => {
  try {
    await assertNoLeaks((given: string) => {
      throw new Error(`its own ${given}`);
    })('failure');
    assert.unreachable();
  } catch (error) {
    assert.is((error as Error).message, 'its own failure');
  }
  assert.throws(() => assertNoLeaks(5 as never), raised(TypeError, /^body must be a function/));
});

test.run();
