import { VirtualTimeScheduler } from 'rxjs';
import * as assert from 'uvu/assert';
import { type NetworkOptions, networkOf } from '../src/testing/network.js';
import { type NetworkWire, wires } from '../src/testing/network-wire.js';
import { suite } from './kit/suite.js';

const test = suite('one end of the network in memory');

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What happens between two ends, `a` and `b`, when they do what the script says at its times. Both read, unless told. */
const between = (
  options: NetworkOptions,
  script: Readonly<Record<number, (a: NetworkWire, b: NetworkWire) => unknown>>,
  onReceived: (wire: NetworkWire, chunk: Uint8Array) => boolean = () => true,
): string[] => {
  const time = new VirtualTimeScheduler();
  const log: string[] = [];
  const [a, b] = wires(networkOf(options), time, ['a', 'b']);
  for (const wire of [a, b]) {
    const note = (what: string): void => void log.push(`${time.now()} ${wire.local} ${what}`);
    wire.attach({
      received: (chunk) => {
        if (onReceived(wire, chunk)) note(`received ${Buffer.from(chunk).toString()}`);
      },
      ended: () => note('ended'),
      drained: () => note('drained'),
      finished: () => note('finished'),
      failed: (error) => {
        note((error as { readonly code?: string }).code ?? 'failed');
        wire.destroy();
      },
      gone: () => note('gone'),
    });
    wire.resume();
  }
  for (const [at, work] of Object.entries(script)) time.schedule(() => void work(a, b), Number(at));
  time.flush();
  return log;
};

test('bytes and the end, in order', () => {
  const log = between(
    { latency: 5 },
    {
      0: (a) => {
        a.write(bytes('one'));
        a.write(bytes('two'));
        a.end();
        a.write(bytes('too late'));
      },
    },
  );
  assert.equal(log, ['0 a finished', '5 b received one', '5 b received two', '5 b ended']);
});

test('who is full hears of room when the news of it is back', () => {
  const log = between(
    { latency: 5, window: 6 },
    {
      0: (a) => {
        assert.is(a.write(bytes('one')), true);
        assert.is(a.write(bytes('two')), false);
        assert.is(a.pending, 6);
      },
    },
  );
  assert.equal(log, ['5 b received one', '5 b received two', '10 a drained']);
});

test('half of the window free is room', () => {
  const log = between(
    { window: 6 },
    {
      0: (a, b) => {
        a.write(bytes('one'));
        a.write(bytes('two'));
        b.pause();
      },
      1: (_, b) => b.resume(),
    },
    (wire, chunk) => {
      if (Buffer.from(chunk).toString() === 'one') wire.pause();
      return true;
    },
  );
  assert.equal(log, ['1 b received one', '1 a drained']);
});

test('what is given back comes again, first of all', () => {
  let given = false;
  const log = between(
    {},
    { 0: (a) => (a.write(bytes('one')), a.write(bytes('two'))), 3: (_, b) => b.resume() },
    (wire, chunk) => {
      if (given) return true;
      given = true;
      wire.pause();
      wire.unread(chunk);
      return false;
    },
  );
  assert.equal(log, ['3 b received one', '3 b received two']);
});

test('a reset is told to one who reads, after what had come and before what had not', () => {
  const log = between(
    { bandwidth: 1_000 },
    {
      0: (a, b) => (b.pause(), a.write(bytes('0123456789')), a.end()),
      3: (a) => a.reset(),
      20: (_, b) => b.resume(),
    },
  );
  assert.equal(log, [
    '0 a finished',
    '3 a gone',
    '20 b received 0',
    '20 b received 1',
    '20 b received 2',
    '20 b ECONNRESET',
    '20 b gone',
  ]);
});

test('to one who waits to write, at once', () => {
  const log = between(
    { window: 3, latency: 2 },
    {
      0: (a, b) => (a.pause(), b.pause(), a.write(bytes('one'))),
      5: (_, b) => b.reset(),
    },
  );
  assert.equal(log, ['5 b gone', '7 a ECONNRESET', '7 a gone']);
});

test('to one who writes or ends later, then', () => {
  const idle = between({}, { 0: (a, b) => (a.pause(), b.reset()) });
  assert.equal(idle, ['0 b gone']);
  for (const work of [(a: NetworkWire) => a.write(bytes('x')), (a: NetworkWire) => a.end()]) {
    const log = between({}, { 0: (a, b) => (a.pause(), b.reset()), 5: work });
    assert.equal(log, ['0 b gone', '5 a EPIPE', '5 a gone']);
  }
});

test('to close is an end, with bytes unread a reset', () => {
  const read = between({ latency: 1 }, { 0: (a) => a.write(bytes('x')), 3: (_, b) => b.destroy() });
  assert.equal(read, ['1 b received x', '3 b gone', '4 a ended']);
  const unread = between({ latency: 1 }, { 0: (a, b) => (b.pause(), a.write(bytes('x'))), 3: (_, b) => b.destroy() });
  assert.equal(unread, ['3 b gone', '4 a ECONNRESET', '4 a gone']);
});

test('bytes that come to one who has closed are answered by a reset', () => {
  const log = between({ latency: 2 }, { 0: (_, b) => b.destroy(), 5: (a) => a.write(bytes('x')) });
  assert.equal(log, ['0 b gone', '2 a ended', '9 a ECONNRESET', '9 a gone']);
});

test('a cut lets what was written come, and both sides see it', () => {
  const log = between(
    { latency: 2 },
    { 0: (a) => (a.write(bytes('x')), a.cut(), a.write(bytes('y'))), 1: (a) => a.end() },
  );
  assert.equal(log, ['2 b received x', '2 a ECONNRESET', '2 b ECONNRESET', '2 a gone', '2 b gone']);
});

test.run();
