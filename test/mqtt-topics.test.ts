import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { TopicTree, isFilter, isTopic } from '../examples/mqtt/topics.js';
import { suite } from './kit/suite.js';

const test = suite('mqtt: topics');

/** By the letter of the standard, and slowly. */
const matches = (filter: string, topic: string): boolean => {
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false;
  const wanted = filter.split('/');
  const levels = topic.split('/');
  const open = wanted.at(-1) === '#';
  if (open) wanted.pop();
  if (open ? levels.length < wanted.length : levels.length !== wanted.length) return false;
  return wanted.every((level, index) => level === '+' || level === levels[index]);
};

test('a topic has a character or more and no wildcards; slashes and spaces are characters', () => {
  for (const name of ['a', '/', ' ', 'a//b', '/a/', '$SYS/x', 'ü', '\u{FEFF}a', '__proto__'])
    assert.ok(isTopic(name), name);
  for (const name of ['', '+', 'a/#', 'a+', '#', 'a\0']) assert.not(isTopic(name), name);
});

test('a wildcard of a filter is a level of its own, and # the last', () => {
  for (const filter of ['#', '+', '+/+', '/+', 'a/#', 'a/+/b/#', '//', 'a', '$SYS/#'])
    assert.ok(isFilter(filter), filter);
  for (const filter of ['', 'a#', 'a/b#', '#/a', 'a/#/b', 'a+', '+a', 'a/b+/c', '##', '++', 'a\0']) {
    assert.not(isFilter(filter), filter);
  }
});

const table: readonly (readonly [filter: string, yes: readonly string[], no: readonly string[]])[] = [
  ['a/b', ['a/b'], ['a', 'a/b/', '/a/b', 'A/b', 'a/b/c']],
  ['a/#', ['a', 'a/b', 'a/b/c', 'a/'], ['b', 'ab', '/a']],
  ['#', ['a', '/', 'a/b', 'a/$x'], ['$SYS', '$SYS/a']],
  ['+', ['a', ' '], ['/a', 'a/', 'a/b', '$SYS']],
  ['+/+', ['/a', 'a/', 'a/b', '/'], ['a', 'a/b/c', '$SYS/a']],
  ['/+', ['/a', '/'], ['a', 'a/b']],
  ['a/+', ['a/b', 'a/', 'a/$x'], ['a', 'a/b/c']],
  ['a/+/c', ['a/b/c', 'a//c'], ['a/c', 'a/b/b/c']],
  ['+/b/#', ['a/b', 'a/b/c', '/b'], ['b', '$a/b']],
  ['$SYS/#', ['$SYS', '$SYS/a/b'], ['SYS/a']],
  ['$SYS/+/x', ['$SYS/a/x'], ['$SYS/x']],
  ['__proto__/#', ['__proto__', '__proto__/constructor'], ['constructor', 'toString']],
  ['\u{E9}', ['\u{E9}'], ['e\u{301}']],
];

test('a filter matches the topics that the standard says', () => {
  for (const [filter, yes, no] of table) {
    const filters = new TopicTree<string>();
    filters.set(filter, filter);
    for (const topic of [...yes, ...no]) {
      const topics = new TopicTree<string>();
      topics.set(topic, topic);
      const expected = yes.includes(topic);
      assert.is(matches(filter, topic), expected, `the model: ${filter} ${topic}`);
      assert.equal(filters.forTopic(topic), expected ? [filter] : [], `${filter} for ${topic}`);
      assert.equal(topics.forFilter(filter), expected ? [topic] : [], `${topic} for ${filter}`);
    }
  }
});

const level = fc.constantFrom('a', 'b', '', '$x', 'c');
const topics = fc
  .array(level, { minLength: 1, maxLength: 5 })
  .map((levels) => levels.join('/'))
  .filter(isTopic);
const filters = fc
  .array(fc.constantFrom('a', 'b', '', '$x', '+', '+', '#'), { minLength: 1, maxLength: 5 })
  .map((levels) => levels.join('/'))
  .filter(isFilter);

test('a tree answers as looking at each path would, also when some were taken out again', () => {
  fc.assert(
    fc.property(fc.array(filters), fc.array(topics), fc.array(fc.nat(20)), (given, names, gone) => {
      const byFilter = new TopicTree<string>();
      const byTopic = new TopicTree<string>();
      for (const filter of given) byFilter.set(filter, filter);
      for (const name of names) byTopic.set(name, name);
      for (const at of gone) {
        byFilter.delete(given[at] ?? 'none');
        byTopic.delete(names[at] ?? 'none');
      }
      const left = [...new Set(given.filter((filter) => !gone.some((at) => given[at] === filter)))];
      const there = [...new Set(names.filter((name) => !gone.some((at) => names[at] === name)))];
      assert.equal([byFilter.size, byTopic.size], [left.length, there.length]);
      for (const name of names) {
        assert.equal(byFilter.forTopic(name).toSorted(), left.filter((filter) => matches(filter, name)).toSorted());
      }
      for (const filter of given) {
        assert.equal(byTopic.forFilter(filter).toSorted(), there.filter((name) => matches(filter, name)).toSorted());
      }
    }),
    { numRuns: 300 },
  );
});

test('a tree that has lost all its paths holds nothing', () => {
  const tree = new TopicTree<number>();
  const paths = ['a/b/c', 'a/b', 'a', '/', 'x/y/z'];
  for (const path of paths) tree.set(path, 1);
  for (const path of paths) tree.delete(path);
  tree.delete('a/b');
  assert.equal([tree.size, tree.forFilter('#'), tree.get('a')], [0, [], undefined]);
});

test('a topic of thousands of levels is found out by what is in the tree', () => {
  const tree = new TopicTree<number>();
  tree.set('+/+/#', 1);
  tree.set(Array.from({ length: 60 }, () => '+').join('/'), 2);
  assert.equal(tree.forTopic('a/'.repeat(30_000)), [1]);
});

test.run();
