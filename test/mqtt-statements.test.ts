import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite } from './kit/suite.js';
import { sections, statements } from './mqtt-statements.js';

const test = suite('mqtt: statements');

const folder = fileURLToPath(new URL('../../test', import.meta.url));

/** What stands in quotes in a file: among it, the names of its tests. */
const quoted = (source: string): readonly string[] =>
  [...source.matchAll(/'((?:[^'\\\n]|\\.)*)'|`([^`\n]*)`/g)].map((match) =>
    (match[1] ?? match[2] ?? '').replaceAll("\\'", "'"),
  );

/** The names of all tests of the broker: a hole of a template is filled with what stands in quotes in its file. */
const names = new Set(
  readdirSync(folder)
    .filter((name) => /^mqtt-.*\.test\.ts$/.test(name) && name !== 'mqtt-statements.test.ts')
    .flatMap((name) => {
      const texts = quoted(readFileSync(`${folder}/${name}`, 'utf8'));
      return texts.flatMap((text) =>
        /\$\{\w+\}/.test(text) ? texts.map((filling) => text.replace(/\$\{\w+\}/, () => filling)) : [text],
      );
    }),
);

test('every statement of the standard is in the list, once and in order', () => {
  const numbers = Object.entries(sections).flatMap(([section, count]) =>
    Array.from({ length: count }, (_, index) => `${section}-${index + 1}`),
  );
  assert.equal(
    statements.map(([number]) => number),
    numbers,
  );
});

test('every test that a statement names is there, and every statement that binds a broker names one', () => {
  for (const [number, , shown] of statements) {
    if (typeof shown === 'string') {
      assert.match(shown, /^binds (clients|servers without wildcards|WebSocket|bridges)$/);
      continue;
    }
    assert.ok(shown.length > 0, number);
    for (const name of shown) assert.ok(names.has(name), `MQTT-${number}: there is no test "${name}"`);
  }
});

test('a test that is not there would be found out', () => {
  assert.not(names.has('a test that was renamed'));
});

test.run();
