// One direction of a connection with faults, and the two together, in virtual time.
import fc from 'fast-check';
import { VirtualTimeScheduler } from 'rxjs';
import * as assert from 'uvu/assert';
import { dice } from '../src/testing/dice.js';
import type { Fault } from '../src/testing/faults/fault.js';
import { FaultLine } from '../src/testing/faults/fault-line.js';
import { FaultLink } from '../src/testing/faults/fault-link.js';
import { FaultList } from '../src/testing/faults/fault-list.js';
import { clockOf } from '../src/time/clock.js';
import { suite } from './kit/suite.js';

const test = suite('a line with faults');

const bytes = (text: string): Uint8Array => Buffer.from(text);

/** A line in virtual time, and what comes out of it and when. */
class Rig {
  readonly time = new VirtualTimeScheduler();
  readonly log: string[] = [];
  readonly line: FaultLine;
  takes = true;

  constructor() {
    this.line = new FaultLine(clockOf(this.time), dice(1), () => this.note('over'));
    this.line.attach((piece) => {
      this.note(Buffer.from(piece).toString());
      return this.takes;
    });
  }

  note(what: string): void {
    this.log.push(`${this.time.now()} ${what}`);
  }

  send(text: string): void {
    this.line.send(bytes(text));
  }

  end(): void {
    this.line.end(() => this.note('end'));
  }

  add(fault: Fault): Fault {
    this.line.add(fault);
    return fault;
  }
}

/** What comes out of a line when this is done at its times. */
const told = (script: Readonly<Record<number, (rig: Rig) => unknown>>): string[] => {
  const rig = new Rig();
  for (const [at, work] of Object.entries(script)) rig.time.schedule(() => void work(rig), Number(at));
  rig.time.flush();
  assert.is(rig.line.held, 0);
  return rig.log;
};

test('without faults all comes out before the call returns', () => {
  const rig = new Rig();
  rig.send('one');
  rig.send('');
  rig.end();
  assert.equal(rig.log, ['0 one', '0 end']);
  assert.is(rig.line.held, 0);
});

test('latency: bytes, an end and what is behind them are as long under way', () => {
  const log = told({
    0: (rig) => (rig.add({ type: 'latency', ms: 20 }), rig.send('a')),
    5: (rig) => rig.send('b'),
    6: (rig) => (rig.end(), rig.line.behind(() => rig.note('behind'))),
  });
  assert.equal(log, ['20 a', '25 b', '26 end', '26 behind']);
});

test('latencies add up; one that is taken away is no reason to wait any more, and one that comes is', () => {
  const faults: Fault[] = [
    { type: 'latency', ms: 20 },
    { type: 'latency', ms: 30 },
  ];
  const log = told({
    0: (rig) => (rig.line.add(faults[0] as Fault), rig.line.add(faults[1] as Fault), rig.send('a')),
    10: (rig) => rig.send('b'),
    40: (rig) => rig.line.remove(faults[1] as Fault),
    41: (rig) => rig.send('c'),
    42: (rig) => rig.line.add({ type: 'latency', ms: 100 }),
  });
  assert.equal(log, ['40 a', '40 b', '161 c']);
});

test('jitter: sometimes sooner, sometimes later, never out of order', () => {
  const rig = new Rig();
  rig.add({ type: 'latency', ms: 50, jitter: 50 });
  for (let at = 0; at < 100; at++) rig.time.schedule(() => rig.send(`${at}`), at);
  rig.time.flush();
  const [times, sent] = [rig.log.map((line) => Number(line.split(' ')[0])), rig.log.map((line) => line.split(' ')[1])];
  assert.equal(
    sent,
    Array.from({ length: 100 }, (_, at) => `${at}`),
  );
  assert.equal(
    times,
    times.toSorted((a, b) => a - b),
  );
  const delays = times.map((time, at) => time - at);
  assert.ok(Math.min(...delays) >= 0 && Math.max(...delays) <= 100);
  assert.ok(new Set(delays).size > 10);
});

test('bandwidth: what is carried in ten milliseconds at once, and a byte where that is less', () => {
  const fast = told({
    0: (rig) => (rig.add({ type: 'bandwidth', bytesPerSecond: 1_000 }), rig.send('0123456789abcdefghij+'), rig.end()),
  });
  assert.equal(fast, ['10 0123456789', '20 abcdefghij', '21 +', '21 end']);
  const slow = told({
    0: (rig) => (
      rig.add({ type: 'bandwidth', bytesPerSecond: 50 }),
      rig.add({ type: 'bandwidth', bytesPerSecond: 80 })
    ),
    1: (rig) => rig.send('ab'),
  });
  assert.equal(slow, ['21 a', '41 b']);
});

test('bandwidth comes after latency, and is free again when nothing was sent', () => {
  const log = told({
    0: (rig) => (rig.add({ type: 'latency', ms: 100 }), rig.add({ type: 'bandwidth', bytesPerSecond: 100 })),
    1: (rig) => rig.send('abc'),
    500: (rig) => rig.send('d'),
  });
  assert.equal(log, ['111 a', '121 b', '131 c', '610 d']);
});

test('a line that becomes wide again gives what it held back at once', () => {
  let slow!: Fault;
  const log = told({
    0: (rig) => ((slow = rig.add({ type: 'bandwidth', bytesPerSecond: 1 })), rig.send('abc'), rig.end()),
    1_500: (rig) => rig.line.remove(slow),
  });
  assert.equal(log, ['1000 a', '1500 bc', '1500 end']);
});

test('slicer: pieces of a size, each in a turn of its own, so long after the one before', () => {
  const log = told({
    0: (rig) => (rig.add({ type: 'slicer', size: 2, ms: 5 }), rig.send('abcde'), rig.send('f'), rig.end()),
    100: (rig) => (rig.line.add({ type: 'slicer', size: 3 }), rig.send('ghij')),
  });
  assert.equal(log, ['0 ab', '5 cd', '10 e', '15 f', '15 end', '100 gh', '105 ij']);
});

test('slicer: without a wait it is still a turn each', () => {
  const rig = new Rig();
  rig.add({ type: 'slicer', size: 1 });
  rig.send('ab');
  rig.send('c');
  assert.equal(rig.log, ['0 a']);
  rig.time.flush();
  assert.equal(rig.log, ['0 a', '0 b', '0 c']);
});

test('slicer: give or take', () => {
  const rig = new Rig();
  rig.add({ type: 'slicer', size: 5, variation: 2 });
  rig.send('x'.repeat(1_000));
  rig.time.flush();
  const sizes = rig.log.map((line) => line.length - 2);
  assert.is(
    sizes.reduce((sum, size) => sum + size),
    1_000,
  );
  assert.equal(
    [...new Set(sizes.slice(0, -1))].toSorted((a, b) => a - b),
    [3, 4, 5, 6, 7],
  );
});

test('byte limit: so many bytes, and then it says so', () => {
  const log = told({
    0: (rig) => rig.send('before'),
    1: (rig) => (rig.add({ type: 'byte-limit', bytes: 4 }), rig.send('ab'), rig.send('cdef'), rig.line.close()),
  });
  assert.equal(log, ['0 before', '1 ab', '1 cd', '1 over']);
  const none = told({ 0: (rig) => (rig.add({ type: 'byte-limit', bytes: 0 }), rig.send('ab'), rig.line.close()) });
  assert.equal(none, ['0 over']);
  const least = told({
    0: (rig) => {
      const most = rig.add({ type: 'byte-limit', bytes: 3 });
      rig.add({ type: 'byte-limit', bytes: 5 });
      rig.send('ab');
      rig.line.remove(most);
      rig.send('cdef');
      rig.line.close();
    },
  });
  assert.equal(least, ['0 ab', '0 cde', '0 over']);
});

test('slow close: only the end, and once the fault is gone at once', () => {
  let slow!: Fault;
  const log = told({
    0: (rig) => ((slow = rig.add({ type: 'slow-close', ms: 50 })), rig.send('a'), rig.end()),
    1: (rig) => rig.line.behind(() => rig.note('behind')),
  });
  assert.equal(log, ['0 a', '50 end', '50 behind']);
  const taken = told({
    0: (rig) => ((slow = rig.add({ type: 'slow-close', ms: 50 })), rig.end()),
    20: (rig) => rig.line.remove(slow),
  });
  assert.equal(taken, ['20 end']);
});

test('black hole: nothing, and then all of it in order', () => {
  let hole!: Fault;
  const log = told({
    0: (rig) => ((hole = rig.add({ type: 'black-hole' })), rig.send('a')),
    5: (rig) => (rig.send('b'), rig.end(), assert.is(rig.line.held, 2)),
    90: (rig) => rig.line.remove(hole),
  });
  assert.equal(log, ['90 a', '90 b', '90 end']);
});

test('who is full is given nothing before he has room, whatever the faults say', () => {
  const rig = new Rig();
  rig.takes = false;
  rig.send('a');
  rig.send('b');
  rig.end();
  rig.add({ type: 'latency', ms: 5 });
  rig.time.flush();
  assert.equal(rig.log, ['0 a']);
  rig.takes = true;
  rig.line.goOn();
  rig.time.flush();
  assert.equal(rig.log, ['0 a', '5 b', '5 end']);
});

test('what is dropped does not come, and nothing comes over a closed line', () => {
  const log = told({
    0: (rig) => (rig.add({ type: 'latency', ms: 5 }), rig.send('a'), rig.end(), rig.line.drop()),
    1: (rig) => rig.send('b'),
    10: (rig) => (rig.send('c'), rig.line.close(), rig.send('d'), rig.end()),
  });
  assert.equal(log, ['6 b']);
});

// ── any faults at any time ──────────────────────────────────────────────────────────────────────────────────────────

const anyFault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({ type: fc.constant('latency' as const), ms: fc.nat(50), jitter: fc.constant(0) }),
  fc.record({ type: fc.constant('bandwidth' as const), bytesPerSecond: fc.integer({ min: 10, max: 5_000 }) }),
  fc.record({ type: fc.constant('slicer' as const), size: fc.integer({ min: 1, max: 9 }), ms: fc.nat(3) }),
  fc.record({ type: fc.constant('slow-close' as const), ms: fc.integer({ min: 1, max: 50 }) }),
  fc.constant({ type: 'black-hole' as const }),
);

const anyDeed = fc.record({
  at: fc.nat(200),
  lasts: fc.nat(200),
  fault: anyFault,
  text: fc.string({ minLength: 1, maxLength: 30, unit: 'binary-ascii' }),
});

test('whatever comes and goes: nothing is lost, nothing comes twice, and the end is the last', () => {
  fc.assert(
    fc.property(fc.array(anyDeed, { maxLength: 20 }), (deeds) => {
      const rig = new Rig();
      const heard: string[] = [];
      const sent: string[] = [];
      const line = new FaultLine(clockOf(rig.time), dice(7), () => {});
      line.attach((piece) => heard.push(Buffer.from(piece).toString()) > 0);
      for (const { at, lasts, fault, text } of deeds) {
        rig.time.schedule(() => {
          sent.push(text);
          line.send(bytes(text));
          line.add(fault);
        }, at);
        rig.time.schedule(() => line.remove(fault), at + lasts);
      }
      rig.time.schedule(() => line.end(() => heard.push('END')), 201);
      rig.time.flush();
      assert.is(heard.join(''), `${sent.join('')}END`);
      // All were taken away by then, and nothing waits for one that is gone.
      assert.ok(rig.time.now() <= 401);
    }),
    { numRuns: 300 },
  );
});

// ── the two directions of a connection ──────────────────────────────────────────────────────────────────────────────

interface Linked {
  readonly time: VirtualTimeScheduler;
  readonly list: FaultList;
  readonly link: FaultLink;
  readonly log: string[];
}

const linked = (seed = 1): Linked => {
  const time = new VirtualTimeScheduler();
  const log: string[] = [];
  const list = new FaultList();
  const note = (what: string): boolean => log.push(`${time.now()} ${what}`) > 0;
  const link = new FaultLink(clockOf(time), dice(seed), { reset: () => note('reset'), close: () => note('close') });
  link.toServer.attach((piece) => note(`to server ${Buffer.from(piece).toString()}`));
  link.toClient.attach((piece) => note(`to client ${Buffer.from(piece).toString()}`));
  link.begin([list]);
  return { time, list, link, log };
};

const both = ({ link }: Linked): void => {
  link.toServer.send(bytes('up'));
  link.toClient.send(bytes('down'));
};

test('a fault is of one direction, or of both', () => {
  const rig = linked();
  rig.list.add({ type: 'latency', ms: 5, towards: 'server' });
  rig.list.add({ type: 'latency', ms: 9, towards: 'client' });
  rig.list.add({ type: 'latency', ms: 1 });
  both(rig);
  rig.time.flush();
  assert.equal(rig.log, ['6 to server up', '10 to client down']);
});

test('reset and down are of the whole; a black hole may be in the end', () => {
  const rig = linked();
  const { remove } = rig.list.add({ type: 'reset', ms: 5 });
  remove();
  rig.list.add({ type: 'reset', ms: 7 });
  rig.list.add({ type: 'black-hole', ms: 20, towards: 'client' });
  rig.time.schedule(() => rig.list.add({ type: 'down' }), 30);
  rig.time.flush();
  assert.equal(rig.log, ['7 reset', '20 reset', '30 reset']);
  assert.ok(rig.list.down);
  rig.list.clear();
  assert.not.ok(rig.list.down);
});

test('a byte limit in either direction closes it', () => {
  const rig = linked();
  rig.list.add({ type: 'byte-limit', bytes: 3 });
  both(rig);
  assert.equal(rig.log, ['0 to server up', '0 to client dow', '0 close']);
});

test('chance: a part of the connections has it, and has it in both directions', () => {
  const list = new FaultList();
  let suffer = 0;
  const time = new VirtualTimeScheduler();
  const roll = dice(3);
  list.add({ type: 'black-hole', chance: 0.3 });
  list.add({ type: 'latency', ms: 5, chance: 0 });
  for (let connection = 0; connection < 1_000; connection++) {
    const heard: number[] = [];
    const link = new FaultLink(clockOf(time), roll, { reset: () => {}, close: () => {} });
    for (const line of [link.toServer, link.toClient]) line.attach((piece) => heard.push(piece.length) > 0);
    link.begin([list]);
    both({ link } as Linked);
    assert.ok(heard.length === 0 || heard.length === 2);
    if (heard.length === 0) suffer++;
  }
  assert.ok(suffer > 250 && suffer < 350, `${suffer} of 1000`);
});

test('one that is over is told of no more faults, and waits for none', () => {
  const rig = linked();
  rig.list.add({ type: 'reset', ms: 5 });
  rig.list.add({ type: 'latency', ms: 5 });
  both(rig);
  rig.link.leave();
  rig.list.add({ type: 'down' });
  both(rig);
  rig.time.flush();
  assert.equal(rig.log, []);
});

test('what is taken away because it was added is not had by the others', () => {
  const list = new FaultList();
  const had: string[] = [];
  const watch = (name: string): void => {
    list.watch({
      added: ({ type }) => {
        had.push(`${name} ${type}`);
        list.clear();
      },
      removed: ({ type }) => had.push(`${name} no ${type}`),
    });
  };
  watch('a');
  watch('b');
  list.add({ type: 'down' });
  assert.equal(had, ['a down', 'a no down', 'b no down']);
});

test.run();
