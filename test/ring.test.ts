import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { Ring } from '../src/framing/ring.js';
import { bytes, text } from './kit/bytes.js';
import { suite } from './kit/suite.js';

const test = suite('ring');

/** What a ring is, too simple to be wrong. */
class Model {
  held: number[] = [];
  readonly capacity: number;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  write(chunk: Uint8Array): number {
    const taken = chunk.subarray(0, this.capacity - this.held.length);
    this.held.push(...taken);
    return taken.length;
  }
}

for (const capacity of [1, 2, 7, 64, 65, 1000, 3000]) {
  test(`of ${capacity} holds what an array would`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.uint8Array({ maxLength: capacity + 3 }), fc.nat(), fc.nat()), { maxLength: 60 }),
        (steps) => {
          const ring = new Ring(capacity);
          const model = new Model(capacity);
          for (const [chunk, roll, byte] of steps) {
            assert.is(ring.write(chunk), model.write(chunk));
            assert.is(ring.length, model.held.length);
            const start = roll % (ring.length + 1);
            const end = start + (byte % (ring.length - start + 1));
            assert.equal([...ring.slice(start, end)], model.held.slice(start, end));
            assert.is(ring.at(start), model.held[start] ?? -1);
            assert.is(ring.indexOf(byte % 256, start), model.held.indexOf(byte % 256, start));
            ring.drop(start);
            model.held.splice(0, start);
            assert.ok(ring.size <= capacity);
          }
        },
      ),
      { numRuns: 100 },
    );
  });
}

test('takes a chunk from the byte it is told', () => {
  const ring = new Ring(10);
  assert.is(ring.write(bytes('abcdef'), 4), 2);
  assert.is(text(ring.slice(0, 2)), 'ef');
});

test('starts with nothing, grows with what it holds, and lets it go', () => {
  const ring = new Ring(1_000_000);
  assert.is(ring.size, 0);
  ring.write(new Uint8Array(10));
  assert.is(ring.size, 64);
  ring.write(new Uint8Array(200_000));
  assert.ok(ring.size <= 2 * ring.length);
  ring.drop(ring.length - 1);
  ring.drop(1);
  assert.is(ring.size, 0);
  ring.write(new Uint8Array(1000));
  ring.drop(1000);
  assert.is(ring.size, 1024, 'the size of a usual frame is kept');
});

test('has at once the room that is expected, when half of it is needed', () => {
  const ring = new Ring(1_000_000);
  ring.write(new Uint8Array(1000), 0, 100_000);
  assert.is(ring.size, 1024, 'what is announced may never come');
  ring.write(new Uint8Array(49_000), 0, 100_000);
  assert.is(ring.size, 100_000);
});

test('gives its memory to a large frame that fills it', () => {
  const ring = new Ring(1_000_000);
  ring.write(new Uint8Array(5000).fill(1), 0, 6000);
  ring.write(new Uint8Array(1000).fill(2));
  assert.ok(ring.fits(6000));
  assert.not(ring.fits(5000));
  const given = ring.give();
  assert.equal([given.length, given[4999], given[5000]], [6000, 1, 2]);
  assert.equal([ring.length, ring.size], [0, 0]);
  ring.write(new Uint8Array(3));
  assert.is(ring.size, 64, 'and takes new memory');
});

test('gives only bytes that were written', () => {
  const ring = new Ring(100);
  ring.write(bytes('secret'));
  ring.drop(6);
  ring.write(bytes('ab'));
  assert.is(ring.at(2), -1);
  assert.is(ring.at(-1), -1);
  assert.throws(() => ring.slice(0, 3), /end must be a whole number from 0 to 2, got 3/);
  assert.throws(() => ring.slice(-1, 1), /start must be/);
  assert.throws(() => ring.drop(3), /count must be a whole number from 0 to 2, got 3/);
});

test('with a smaller capacity takes in no more, and loses nothing', () => {
  const ring = new Ring(10);
  ring.write(bytes('abcdef'));
  ring.capacity = 4;
  assert.is(ring.write(bytes('g')), 0);
  assert.is(text(ring.slice(0, 6)), 'abcdef');
  ring.drop(4);
  assert.is(ring.write(bytes('ghi')), 2);
  assert.is(text(ring.slice(0, 4)), 'efgh');
});

test('has a capacity of one byte or more', () => {
  assert.throws(() => new Ring(0), /capacity must be a whole number from 1/);
});

test.run();
