import { existsSync } from 'node:fs';
import { NEVER, map, mergeMap, throwError } from 'rxjs';
import * as assert from 'uvu/assert';
import { frameFixed } from '../operators/frame-fixed.js';
import { protocol } from '../operators/protocol.js';
import { serve } from '../operators/serve.js';
import { text } from '../src/codec/text.js';
import { line } from '../src/framing/line.js';
import type { Handler } from '../src/server/outcome.js';
import { ending } from '../src/testing/ending.js';
import { assertNoLeaks } from '../src/testing/leaks.js';
import { loopback } from '../src/testing/loopback.js';
import { suite } from './kit/suite.js';

const test = suite('loopback');

const echo: Handler = (bytes) => bytes;

test('serves a handler on a free port, and tells how each connection ended', async () => {
  const allGone = assertNoLeaks();
  const server = await loopback(frameFixed(4));
  const half = await server.dial();
  half.end('abc');
  assert.is(await half.over, 'end');
  const whole = await server.dial();
  whole.end('abcd');
  assert.is(await whole.heard(4), 'abcd');
  assert.is(server.address.name, `127.0.0.1:${server.port}`);
  assert.equal((await server.stop()).map(ending), ['TruncatedFrame', 'finished']);
  assert.is(server.connections.length, 2);
  await allGone();
});

test('serves a protocol, and an operator from connections to outcomes', async () => {
  const upper = protocol({
    name: 'upper',
    framing: line(),
    message: text,
    session: (said) => said.pipe(map((one) => one.toUpperCase())),
  });
  for (const served of [upper, { serving: serve(upper, { concurrency: 1 }) }]) {
    const server = await loopback(served);
    const ann = await server.dial();
    assert.is(await ann.send('é\n').heard(/\n/), 'É\n');
    await server.stop();
  }
});

test('a Unix socket in a folder of its own, which is gone in the end', async () => {
  const server = await loopback(echo, { unix: true });
  const path = server.address.path as string;
  assert.ok(existsSync(path));
  assert.is(server.port, 0);
  const [ann, bob] = [await server.dial(), await server.dial()];
  ann.end('over a path');
  await ann.heard(/path$/);
  bob.reset();
  assert.equal((await server.stop()).map(ending).toSorted(), ['finished', 'finished']);
  assert.not.ok(existsSync(path));
});

test('what was sent before the stop is answered', async () => {
  const server = await loopback(echo);
  const ann = await server.dial();
  ann.send('last words');
  await server.stop();
  assert.is(ann.text, 'last words');
  assert.is(await ann.over, 'end');
  assert.equal(server.outcomes.map(ending), ['finished']);
});

test('cuts at the deadline who does not end, and stops once', async () => {
  const server = await loopback(() => NEVER, { drain: 20 });
  const ann = await server.dial({ halfOpen: true });
  const [first, second] = await Promise.all([server.stop(), server.stop()]);
  assert.is(first, second);
  assert.equal(first.map(ending), ['DrainTimeout']);
  assert.is(await ann.over, 'reset');
});

test('fails where the server fails', async () => {
  const broken = mergeMap(() => throwError(() => new Error('the server broke')));
  const server = await loopback({ serving: broken });
  await server.dial();
  try {
    await server.stop();
    assert.unreachable();
  } catch (error) {
    assert.is((error as Error).message, 'the server broke');
  }
});

test('its options are checked', async () => {
  const refused = async (options: object, message: RegExp): Promise<void> => {
    try {
      await loopback(echo, options);
    } catch (error) {
      return assert.match((error as Error).message, message);
    }
    assert.unreachable();
  };
  await refused({ unix: 'yes' }, /^unix must be true or false, got "yes"$/);
  await refused({ drain: -1 }, /^drain must be a time/);
  await refused({ unix: true, halfClose: 0 }, /^halfClose must be a time/);
});

test('stops by itself at the end of a block', async () => {
  const allGone = assertNoLeaks();
  {
    await using server = await loopback(echo);
    const ann = await server.dial();
    assert.is(await ann.send('hello').heard(5), 'hello');
  }
  await allGone();
});

test('a client says what it heard when it waits in vain', async () => {
  await using server = await loopback(echo);
  const ann = await server.dial();
  const waiting = ann.heard(/goodbye/);
  ann.end('hello');
  try {
    await waiting;
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /^over \(end\) before it heard \/goodbye\/; it heard 5 bytes: "hello"$/);
  }
  const bob = await server.dial();
  bob.reset();
  assert.is(await bob.over, 'reset');
});

test.run();
