import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { Meter } from '../src/server/rates.js';
import { suite } from './kit/suite.js';

const test = suite('rates');

const still = { bytesIn: 0, bytesOut: 0, messagesIn: 0, messagesOut: 0 };
const near = (rate: number, expected: number): void =>
  assert.ok(Math.abs(rate - expected) < 1e-6, `${rate} for ${expected}`);

test('a steady flow has its rate from the first look on, in each window', () => {
  const meter = new Meter();
  for (let second = 1; second <= 100; second++) {
    meter.look({ bytesIn: 1_000 * second, bytesOut: 10 * second, messagesIn: 3 * second, messagesOut: second }, 1);
    const { bytesIn, bytesOut, messagesIn, messagesOut } = meter.rates;
    for (const [rate, expected] of [
      [bytesIn, 1_000],
      [bytesOut, 10],
      [messagesIn, 3],
      [messagesOut, 1],
    ] as const) {
      for (const mean of Object.values(rate)) near(mean, expected);
    }
  }
});

test('what is over fades: at once, in ten seconds, in a minute', () => {
  const meter = new Meter();
  for (let second = 1; second <= 200; second++) meter.look({ ...still, messagesIn: 60 * second }, 1);
  for (let second = 1; second <= 10; second++) meter.look({ ...still, messagesIn: 60 * 200 }, 1);
  const { s1, s10, s60 } = meter.rates.messagesIn;
  near(s1, 0);
  near(s10, 60 / Math.E);
  near(s60, 60 * Math.exp(-1 / 6));
});

test('a look that comes late counts for as long as it took', () => {
  const meter = new Meter();
  meter.look({ ...still, bytesIn: 5_000 }, 5);
  near(meter.rates.bytesIn.s1, 1_000);
  for (let look = 0; look < 50; look++) meter.look({ ...still, bytesIn: 5_000 + 1_000 * 5 * (look + 1) }, 5);
  near(meter.rates.bytesIn.s60, 1_000);
});

test('begins anew from counts as they are', () => {
  const meter = new Meter();
  meter.look({ ...still, messagesOut: 100 }, 1);
  meter.begin({ ...still, messagesOut: 100 });
  near(meter.rates.messagesOut.s60, 0);
  meter.look({ ...still, messagesOut: 104 }, 1);
  near(meter.rates.messagesOut.s60, 4);
});

test('is never outside of what was seen', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(1_000), fc.integer({ min: 1, max: 5 })), { minLength: 1 }), (looks) => {
      const meter = new Meter();
      let count = 0;
      const rates = looks.map(([more, seconds]) => more / seconds);
      for (const [more, seconds] of looks) {
        count += more;
        meter.look({ ...still, bytesIn: count }, seconds);
      }
      for (const mean of Object.values(meter.rates.bytesIn)) {
        assert.ok(mean >= Math.min(...rates) - 1e-6 && mean <= Math.max(...rates) + 1e-6);
      }
    }),
    { numRuns: 200 },
  );
});

test.run();
