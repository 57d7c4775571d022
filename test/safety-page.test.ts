// docs/safety.md: every case of the list is in it once, and every test that it names is there.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite } from './kit/suite.js';

const test = suite('the page on safety');

const root = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(`${root}docs/safety.md`, 'utf8');
const rows = [...page.matchAll(/^\| (\d+)\. (.*?) \| (.*?) \| (.*) \|$/gm)];

/** The titles of a file of tests: what changes in them is `…`. */
const titlesOf = (name: string): ReadonlySet<string> => {
  const titles = new Set<string>();
  for (const path of [`${root}test/${name}.test.ts`, `${root}test/${name}.ts`]) {
    if (!existsSync(path)) continue;
    for (const [, , title] of readFileSync(path, 'utf8').matchAll(/(['"`])((?:\\.|(?!\1)[^\n\\])*)\1/g)) {
      titles.add((title as string).replaceAll(/\$\{[^}]*\}/g, '…').replaceAll(/\\(.)/g, '$1'));
    }
  }
  return titles;
};

test('has all 62 cases, in order', () => {
  assert.equal(
    rows.map(([, number]) => Number(number)),
    Array.from({ length: 62 }, (_, at) => at + 1),
  );
});

test('names tests that exist', () => {
  let named = 0;
  for (const [, number, , ours, tests = ''] of rows) {
    const links = [...tests.matchAll(/`([^`]+)`: "([^"]+)"/g)];
    named += links.length;
    if (links.length === 0) {
      assert.is(tests, 'none', `case ${number}`);
      assert.match(ours as string, /^Does not concern us/);
    }
    for (const [, file, title] of links) {
      assert.ok(titlesOf(file as string).has(title as string), `case ${number}: ${file} has no "${title}"`);
    }
  }
  assert.ok(named > 62);
});

test('runs what the promises are shown by', () => {
  const files = readdirSync(`${root}test`, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.test.ts'),
  );
  const commands = [...page.matchAll(/`npm test -- ([^`]+)`/g)];
  assert.ok(commands.length > 9);
  for (const [command, words = ''] of commands) {
    for (const word of words.split(' '))
      assert.ok(
        files.some((name) => name.includes(word)),
        `${command}: ${word}`,
      );
  }
});

test('SECURITY.md names the packages that it needs, and no other', () => {
  const { dependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const names = Object.keys(dependencies).map((name) => `\`${name}\``);
  const list = `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  assert.ok(readFileSync(`${root}SECURITY.md`, 'utf8').includes(`Five packages are needed to run it: ${list}.`));
});

test.run();
