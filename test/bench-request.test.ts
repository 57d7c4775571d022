import * as assert from 'uvu/assert';
import { chosen, readRequest } from '../bench/micro/request.js';
import { suite } from './kit/suite.js';

const request = suite('the command line of the benchmarks');

request('asks for everything, three times, where it says nothing', () => {
  const all = readRequest([]);
  assert.equal(all.groups, []);
  assert.is(all.only, '');
  assert.is(all.rounds, 3);
  assert.not.ok(all.help || all.json);
});

request('names groups, and a part of what is in them', () => {
  const { groups, only } = readRequest(['framing', 'time', '--only', 'line']);
  assert.equal(groups, ['framing', 'time']);
  assert.is(only, 'line');
});

request('is quick in one round, unless told how many', () => {
  const quick = readRequest(['--quick']);
  assert.is(quick.rounds, 1);
  assert.ok(quick.budget < readRequest([]).budget);
  assert.is(readRequest(['--quick', '--rounds', '5']).rounds, 5);
});

for (const rounds of ['0', '-1', '1.5', 'many', '']) {
  request(`refuses ${JSON.stringify(rounds)} rounds`, () => {
    assert.throws(() => readRequest([`--rounds=${rounds}`]), /--rounds must be a whole number from 1/);
  });
}

request('refuses an option that there is not', () => {
  assert.throws(() => readRequest(['--fast']));
});

const groups = ['codecs', 'flow', 'framing', 'time'];

request('a word chooses the groups that have it in their names, in their own order', () => {
  assert.equal(chosen(groups, []), groups);
  assert.equal(chosen(groups, ['time', 'f']), ['flow', 'framing', 'time']);
});

request('a word that chooses nothing is an error, and says what there is', () => {
  assert.throws(() => chosen(groups, ['time', 'wire']), /no group "wire": there are codecs, flow, framing, time/);
});

request.run();
