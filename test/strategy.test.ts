// How a target is picked: the shares that come of it, and what they do when a target comes or goes.
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { fnv1a, spread } from '../src/client/hash.js';
import { type Candidate, STRATEGIES, pickerOf } from '../src/client/strategy.js';
import { dice } from '../src/testing/dice.js';
import { suite } from './kit/suite.js';

const test = suite('strategies');

const named = (name: string, weight = 1, connections = 0): Candidate => ({ name, weight, connections });
const several = (count: number): Candidate[] =>
  Array.from({ length: count }, (_, index) => named(`10.0.0.${index}:80`));
const keys = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `192.168.${index >> 8}.${index & 255}`);

/** Chance that is the same every time. */
const seeded = (seed: number): (() => number) => {
  const roll = dice(seed);
  return () => roll(1_000_000) / 1_000_000;
};

/** How often each was picked. */
const shares = (picked: readonly Candidate[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { name } of picked) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
};

const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 });
const loads = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 2, maxLength: 8 });

test('every strategy picks one of the candidates', () => {
  for (const strategy of STRATEGIES) {
    fc.assert(
      fc.property(loads, fc.integer(), fc.string({ minLength: 1 }), (connections, seed, key) => {
        const candidates = connections.map((count, index) => named(`t${index}`, 1 + (count % 3), count));
        const pick = pickerOf(strategy, seeded(seed));
        for (let picks = 0; picks < 5; picks++) assert.ok(candidates.includes(pick(candidates, key)));
      }),
    );
  }
});

test('round robin: each comes up exactly as often as its weight, in every round', () => {
  fc.assert(
    fc.property(weights, (given) => {
      const candidates = given.map((weight, index) => named(`t${index}`, weight));
      const total = given.reduce((sum, weight) => sum + weight, 0);
      const pick = pickerOf('round-robin', Math.random);
      for (let round = 0; round < 3; round++) {
        const picked = Array.from({ length: total }, () => pick(candidates, ''));
        assert.equal(shares(picked), Object.fromEntries(candidates.map(({ name, weight }) => [name, weight])));
      }
    }),
  );
});

test('round robin: the turns of a heavy one are spread among those of the others', () => {
  const pick = pickerOf('round-robin', Math.random);
  const candidates = [named('a', 5), named('b'), named('c')];
  assert.is(Array.from({ length: 14 }, () => pick(candidates, '').name).join(''), 'aabacaaaabacaa');
});

test('round robin: equals in the order of the list', () => {
  const pick = pickerOf('round-robin', Math.random);
  const candidates = several(3);
  assert.equal(
    Array.from({ length: 6 }, () => candidates.indexOf(pick(candidates, ''))),
    [0, 1, 2, 0, 1, 2],
  );
});

test('least connections: none is less busy for its weight than the one that is picked', () => {
  fc.assert(
    fc.property(loads, fc.integer(), (connections, seed) => {
      const candidates = connections.map((count, index) => named(`t${index}`, 1 + (index % 3), count));
      const picked = pickerOf('least-connections', seeded(seed))(candidates, '');
      for (const { connections: count, weight } of candidates) {
        assert.ok(picked.connections / picked.weight <= count / weight);
      }
    }),
  );
});

test('least connections: equals take turns by chance', () => {
  const pick = pickerOf('least-connections', seeded(1));
  const candidates = several(4);
  const counts = Object.values(shares(Array.from({ length: 4_000 }, () => pick(candidates, ''))));
  assert.is(counts.length, 4);
  for (const count of counts) assert.ok(count > 850 && count < 1_150, `${count} of 4000`);
});

test('two choices: never the busier of its two, and never one against itself', () => {
  fc.assert(
    fc.property(
      loads,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (given, a, b) => {
        const candidates = given.map((count, index) => named(`t${index}`, 1, count));
        const rolls = [a, b];
        const picked = pickerOf('two-choices', () => rolls.shift() as number)(candidates, '');
        // The two, as the text of the algorithm has them: one of all, and one of the rest.
        const first = Math.min(given.length - 1, Math.floor(a * given.length));
        const rest = candidates.filter((_, index) => index !== first);
        const second = rest[Math.min(rest.length - 1, Math.floor(b * rest.length))] as Candidate;
        const two = [candidates[first] as Candidate, second];
        assert.ok(two.includes(picked));
        assert.is(picked.connections, Math.min(...two.map(({ connections }) => connections)));
      },
    ),
  );
});

test('two choices: the busiest of several different ones is never picked', () => {
  const pick = pickerOf('two-choices', seeded(7));
  const candidates = [named('a', 1, 1), named('b', 1, 2), named('c', 1, 9)];
  const counts = shares(Array.from({ length: 3_000 }, () => pick(candidates, '')));
  assert.is(counts['c'], undefined);
  // a is in two of the three pairs.
  assert.ok((counts['a'] as number) > 1_800 && (counts['b'] as number) > 800, JSON.stringify(counts));
});

test('consistent hash: a key always has the same target, whatever the order of the list', () => {
  const pick = pickerOf('consistent-hash', Math.random);
  const candidates = several(7);
  for (const key of keys(500)) {
    assert.is(pick(candidates.toReversed(), key).name, pick(candidates, key).name);
    assert.is(pickerOf('consistent-hash', Math.random)(several(7), key).name, pick(candidates, key).name);
  }
});

test('consistent hash: shares are even, or as the weights say', () => {
  const pick = pickerOf('consistent-hash', Math.random);
  for (const given of [
    [1, 1, 1, 1, 1],
    [1, 2, 3, 4],
  ]) {
    const candidates = given.map((weight, index) => named(`10.0.0.${index}:80`, weight));
    const counts = shares(keys(20_000).map((key) => pick(candidates, key)));
    const total = given.reduce((sum, weight) => sum + weight, 0);
    for (const { name, weight } of candidates) {
      const share = ((counts[name] as number) / 20_000) * (total / weight);
      assert.ok(share > 0.93 && share < 1.07, `${name} has ${share} of its share`);
    }
  }
});

test('consistent hash: when one of n goes, its keys move and no other, about 1/n of all, to all that are left', () => {
  const pick = pickerOf('consistent-hash', Math.random);
  const all = keys(5_000);
  for (const count of [2, 3, 5, 10]) {
    const candidates = several(count);
    const [gone, ...left] = candidates as [Candidate, ...Candidate[]];
    const moved = all.filter((key) => pick(candidates, key) !== pick(left, key));
    for (const key of moved) assert.is(pick(candidates, key), gone);
    const part = (moved.length / all.length) * count;
    assert.ok(part > 0.85 && part < 1.15, `${moved.length} of 5000 moved, of ${count} targets`);
    assert.is(Object.keys(shares(moved.map((key) => pick(left, key)))).length, count - 1);
  }
});

test('the hash is FNV-1a, and what spreads it makes two of no two', () => {
  // The vectors of the authors' own test.
  assert.equal(['', 'a', 'b', 'foobar'].map(fnv1a), [0x811c9dc5, 0xe40c292c, 0xe70c2de5, 0xbf9cf968]);
  assert.is(fnv1a('é'), fnv1a(Buffer.from('é').toString('utf8')));
  const spreads = new Set(Array.from({ length: 10_000 }, (_, index) => spread(index)));
  assert.is(spreads.size, 10_000);
});

test.run();
