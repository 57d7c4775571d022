// The eight faults: in stories, to the millisecond, and over real sockets.
import { setTimeout as wait } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { Handler } from '../src/server/outcome.js';
import { ending } from '../src/testing/ending.js';
import { type FaultyNetwork, faults } from '../src/testing/faults.js';
import type { Fault } from '../src/testing/faults/fault.js';
import { assertNoLeaks } from '../src/testing/leaks.js';
import { type Loopback, loopback } from '../src/testing/loopback.js';
import { marbles } from '../src/testing/marbles.js';
import { type PlainClient, plainClient } from '../src/testing/plain-client.js';
import type { Story } from '../src/testing/story.js';
import { suite } from './kit/suite.js';

const test = suite('faults');

const echo: Handler = (bytes) => bytes;

// ── in stories ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** A client says `abcd` after 2 ms and `e` after 3, and ends: with a fault, this comes back, and that is how it ended. */
const rows: Readonly<Record<string, readonly [fault: Fault, hears: string, ended: string, how?: string]>> = {
  'nothing wrong': [{ type: 'latency', ms: 0 }, '       --(w)e|', '            ----x'],
  latency: [{ type: 'latency', ms: 20, towards: 'client' }, '    20ms --(w)e|', '  ----x'],
  'latency, both ways': [{ type: 'latency', ms: 20 }, '          40ms --(w)e|', '  20ms ----x'],
  bandwidth: [
    { type: 'bandwidth', bytesPerSecond: 100, towards: 'server' },
    '10ms --a 9ms b 9ms c 9ms d 9ms (e|)',
    '50ms --x',
  ],
  slicer: [{ type: 'slicer', size: 2, ms: 5, towards: 'client' }, '--f----g----(e|)', ' ----x'],
  'byte limit': [{ type: 'byte-limit', bytes: 3, towards: 'client' }, '--(h|)#', '--x', 'ConnectionReset'],
  'slow close': [{ type: 'slow-close', ms: 30, towards: 'server' }, '--(w)e 30ms |', '  30ms ----x'],
  'black hole': [{ type: 'black-hole', towards: 'client' }, '', '                      ----x'],
  'black hole that ends': [{ type: 'black-hole', ms: 30, towards: 'client' }, '30ms #', '----x'],
  reset: [{ type: 'reset', ms: 3 }, '--w#', '---x', 'ConnectionReset'],
  down: [{ type: 'down' }, '#', ''],
};

const VALUES = { w: 'abcd', a: 'a', b: 'b', c: 'c', d: 'd', e: 'e', f: 'ab', g: 'cd', h: 'abc' };

for (const [name, [fault, hears, ended, how = 'finished']] of Object.entries(rows)) {
  for (const whose of ['ann', undefined]) {
    test(
      `a story: ${name}, of ${whose ?? 'all'}`,
      marbles(({ serve, client, faults: of, expectReceived, expectClosed }: Story) => {
        serve(echo);
        client('ann', '--ae|', { a: 'abcd', e: 'e' });
        of(whose).add(fault);
        expectReceived('ann', hears, VALUES);
        expectClosed('ann', ended, { x: how });
      }),
    );
  }
}

test(
  'a fault comes and goes while a story is told',
  marbles(async ({ serve, client, faults: of, expectReceived, expectClosed, pass }) => {
    serve(echo);
    client('ann', '        a 9ms b 9ms c|');
    client('bob', '        a 9ms b 9ms c|');
    expectReceived('ann', 'a 24ms (x|)', { a: 'a', x: 'bc' });
    expectReceived('bob', 'a 9ms b 9ms c|');
    expectClosed('ann', '  25ms x', { x: 'finished' });
    expectClosed('bob', '  21ms x', { x: 'finished' });
    await pass('5ms');
    const hole = of('ann').add({ type: 'black-hole' });
    await pass('20ms');
    hole.remove();
  }),
);

test(
  'while a network is down, who comes is refused',
  marbles(async ({ serve, client, faults: of, expectReceived, expectClosed, pass }) => {
    serve(echo);
    client('ann', '        ^-a');
    client('bob', '        ------^');
    client('cyd', '        -----------^--a|');
    expectReceived('ann', '--a-#', { a: 'a' });
    expectReceived('bob', '------#');
    expectReceived('cyd', '--------------a|', { a: 'a' });
    expectClosed('ann', '  ----x', { x: 'ConnectionReset' });
    expectClosed('cyd', '  ---------------x', { x: 'finished' });
    await pass('4ms');
    of().add({ type: 'down' });
    await pass('5ms');
    of().clear();
  }),
);

// ── over real sockets ───────────────────────────────────────────────────────────────────────────────────────────────

interface Real {
  readonly server: Loopback;
  readonly network: FaultyNetwork;
  readonly dial: () => Promise<PlainClient>;
}

/** A test with a server of echo behind a network with faults. In the end nothing may be left of either. */
const real = (name: string, story: (real: Real) => Promise<void>, handler = echo): void => {
  test(name, async () => {
    const allGone = assertNoLeaks();
    const server = await loopback(handler);
    const network = await faults({ to: server.port });
    try {
      await story({ server, network, dial: () => plainClient({ port: network.port }) });
    } finally {
      await network.close();
      await server.stop();
    }
    await allGone();
  });
};

/** Milliseconds that went by, and one more: a timer of Node's may be that much early. */
const taken = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return performance.now() - began + 1;
};

const atLeast = (time: number, least: number): void => assert.ok(time >= least, `${time} ms, and not ${least}`);

real('without faults bytes, ends and resets go through', async ({ server, network, dial }) => {
  const [ann, bob] = [await dial(), await dial()];
  ann.end('hello');
  assert.is(await ann.heard(5), 'hello');
  assert.is(await ann.over, 'end');
  await bob.send('x').heard(1);
  assert.is(network.connections, 1);
  bob.reset();
  await bob.over;
  const outcomes = await server.stop();
  assert.equal(outcomes.map(ending), ['finished', 'ConnectionReset']);
});

real('latency and slow close', async ({ network, dial }) => {
  const ann = await dial();
  const slow = network.add({ type: 'latency', ms: 30, jitter: 5 });
  atLeast(await taken(() => ann.send('x').heard(1)), 50);
  slow.remove();
  network.add({ type: 'slow-close', ms: 40, towards: 'client' });
  await ann.send('y').heard(2);
  atLeast(await taken(() => ann.end().over), 40);
  assert.is(await ann.over, 'end');
});

real('bandwidth: who sends more is slowed, and all of it comes', async ({ server, network, dial }) => {
  const ann = await dial();
  const narrow = network.add({ type: 'bandwidth', bytesPerSecond: 1_000 });
  atLeast(await taken(() => ann.send('x'.repeat(100)).heard(100)), 100);
  ann.end(Buffer.alloc(8_000_000));
  await wait(100);
  assert.ok((server.connections[0]?.statistics.bytesIn ?? 0) < 1_000_000);
  narrow.remove();
  assert.is(await ann.over, 'end');
  assert.is(ann.bytes.length, 8_000_100);
});

real('a slicer gives what was one in pieces', async ({ network, dial }) => {
  const ann = await dial();
  network.add({ type: 'slicer', size: 3, variation: 1, ms: 4, towards: 'client' });
  let pieces = 0;
  ann.socket.on('data', () => pieces++);
  assert.is(await ann.send('abcdefghijklmnopqrstuvwxyz').heard(26), 'abcdefghijklmnopqrstuvwxyz');
  assert.ok(pieces > 1);
});

real('a byte limit: so many come, and then both sides see the end', async ({ server, network, dial }) => {
  network.add({ type: 'byte-limit', bytes: 5, towards: 'server' });
  const ann = await dial();
  assert.is(await ann.send('hello world').over, 'end');
  assert.equal((await server.stop()).map(ending), ['finished']);
  assert.is(server.connections[0]?.statistics.bytesIn, 5);
});

real('a black hole holds all, the end too; and gives it back', async ({ network, dial }) => {
  const [ann, bob] = [await dial(), await dial()];
  const hole = network.add({ type: 'black-hole' });
  ann.end('hello');
  await wait(100);
  assert.is(ann.text, '');
  hole.remove();
  assert.is(await ann.over, 'end');
  assert.is(ann.text, 'hello');
  network.add({ type: 'black-hole', ms: 10 });
  assert.is(await bob.send('x').over, 'reset');
});

real('a reset, of some', async ({ server, network, dial }) => {
  const [ann, bob] = [await dial(), await dial()];
  await Promise.all([ann.send('x').heard(1), bob.send('x').heard(1)]);
  network.add({ type: 'reset', chance: 0 });
  await ann.send('y').heard(2);
  network.add({ type: 'reset', ms: 5 });
  assert.equal(await Promise.all([ann.over, bob.over]), ['reset', 'reset']);
  assert.equal((await server.stop()).map(ending), ['ConnectionReset', 'ConnectionReset']);
});

real('down: all are reset and new ones refused, until it is up again at the same port', async ({ network, dial }) => {
  const { port } = network;
  const ann = await dial();
  await ann.send('x').heard(1);
  const down = network.add({ type: 'down' });
  const twice = network.add({ type: 'down' });
  assert.is(await ann.over, 'reset');
  down.remove();
  const refused = await dial().then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error.code,
  );
  assert.is(refused, 'ECONNREFUSED');
  twice.remove();
  const bob = await dial();
  await bob.send('y').heard(1);
  assert.is(network.port, port);
  network.add({ type: 'down' });
  network.clear();
  assert.is(await (await dial()).end('z').over, 'end');
});

real('who does not read is not read from', async ({ server, network, dial }) => {
  const ann = await dial();
  const hole = network.add({ type: 'black-hole', towards: 'client' });
  ann.end(Buffer.alloc(64_000_000));
  const come = (): number => server.connections[0]?.statistics.bytesIn ?? 0;
  // oxlint-disable-next-line no-await-in-loop
  for (let before = -1; come() === 0 || come() > before; await wait(100)) before = come();
  assert.ok(come() < 32_000_000, `${come()} bytes have come to the server`);
  hole.remove();
  assert.is(await ann.over, 'end');
  assert.is(ann.bytes.length, 64_000_000);
});

test('a server that is not there: the client is reset', async () => {
  const allGone = assertNoLeaks();
  const server = await loopback(echo);
  await server.stop();
  const network = await faults({ to: server.port });
  assert.is(await (await plainClient({ port: network.port })).over, 'reset');
  await network.close();
  await network.close();
  await allGone();
});

test('to a Unix socket, with faults from the first byte, for the time of a block', async () => {
  const allGone = assertNoLeaks();
  {
    await using server = await loopback(echo, { unix: true });
    await using network = await faults({ to: { path: server.address.path as string }, seed: 2 });
    network.add({ type: 'slicer', size: 1 });
    const ann = await plainClient({ port: network.port });
    assert.is(await ann.end('hello').over, 'end');
    assert.is(ann.text, 'hello');
  }
  await allGone();
});

test.run();
