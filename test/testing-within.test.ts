import { type Server, createServer } from 'node:net';
import { once } from 'node:events';
import * as assert from 'uvu/assert';
import { within } from '../src/testing/within.js';
import { raised } from './kit/raised.js';
import { suite } from './kit/suite.js';

const test = suite('within');

const messageOf = async (work: Promise<void>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it did not fail');
};

const never = (): Promise<void> => new Promise(() => {});

test('passes on what the runner gives, and what the body fails with', async () => {
  const heard: unknown[] = [];
  await within(1_000, (...given: readonly unknown[]) => heard.push(...given))('a', 1);
  assert.equal(heard, ['a', 1]);
  const failing = within(1_000, () => Promise.reject(new Error('its own')));
  assert.is(await messageOf(failing()), 'its own');
  const throwing = within(1_000, () => {
    throw new Error('at once');
  });
  assert.is(await messageOf(throwing()), 'at once');
});

test('fails a body that never ends, by its name or the one given', async () => {
  assert.is(await messageOf(within(5, never)()), '"never" took over 5 ms; open: nothing');
  assert.match(await messageOf(within(5, async () => never())()), /^"the test" took/);
  assert.match(await messageOf(within(5, never, 'answers')()), /^"answers" took/);
});

test('names what the body has open, and nothing that was open before', async () => {
  const before = createServer().listen(0, '127.0.0.1');
  await once(before, 'listening');
  const servers: Server[] = [];
  const hanging = within(20, async () => {
    servers.push(createServer().listen(0, '127.0.0.1'), createServer().listen(0, '127.0.0.1'));
    timer = setTimeout(() => {}, 60_000);
    await never();
  });
  let timer: NodeJS.Timeout | undefined;
  const message = await messageOf(hanging());
  clearTimeout(timer);
  for (const server of [before, ...servers]) server.close();
  assert.is(message, '"the test" took over 20 ms; open: 2 × server, timer');
});

test('keeps no timer of its own, and checks what it is given', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  await within(60_000, () => {})();
  assert.is(timers(), before);
  assert.throws(() => within(0, never), raised(RangeError, /^ms must be a time from 1/));
  assert.throws(() => within(5, 'never' as never), raised(TypeError, /^body must be a function/));
});

test.run();
