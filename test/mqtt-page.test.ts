// What docs/mqtt.md quotes of the example is in it. (Its programs are run by docs.test.ts.)
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { defaultLimits } from '../examples/mqtt/limits.js';
import { suite } from './kit/suite.js';

const test = suite('mqtt: page');

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(`${root}docs/mqtt.md`, 'utf8');
const sources = new Map(
  readdirSync(`${root}examples/mqtt`).map((name) => [name, readFileSync(`${root}examples/mqtt/${name}`, 'utf8')]),
);

test('what it quotes is there, line by line', () => {
  const quotes = [...page.matchAll(/```typescript\n([^]*?)```/g)].map((match) => match[1] as string);
  assert.is(quotes.length, 2);
  for (const quote of quotes)
    assert.ok(
      [...sources.values()].some((source) => source.includes(quote)),
      quote,
    );
});

test('its table has every file, and about as many lines as there are', () => {
  const rows = new Map(
    [...page.matchAll(/^\| `(\S+\.ts)` \| (\d+) \|/gm)].map((match) => [match[1], Number(match[2])]),
  );
  assert.is(rows.size, sources.size);
  for (const [name, source] of sources) {
    const lines = source.split('\n').length - 1;
    assert.ok(Math.abs(lines - (rows.get(name) ?? 0)) <= lines / 10, `${name} has ${lines} lines`);
  }
});

test('every limit is in its table', () => {
  for (const name of Object.keys(defaultLimits)) assert.match(page, new RegExp(`^\\|.*\`${name}\`.*\\|$`, 'm'));
});

test.run();
