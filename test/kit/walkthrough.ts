// A page that walks through an example: what it quotes is there, and its table tells the files and their lines.
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Test } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Adds tests for `docs/NAME.md` beside `examples/NAME/`, with so many quotes. Gives the page. */
export const walksThrough = <T>(test: Test<T>, name: string, quotes: number): string => {
  const page = readFileSync(`${root}docs/${name}.md`, 'utf8');
  const sources = new Map(
    readdirSync(`${root}examples/${name}`).map((file) => [
      file,
      readFileSync(`${root}examples/${name}/${file}`, 'utf8'),
    ]),
  );

  test('what it quotes is there, line by line', () => {
    const quoted = [...page.matchAll(/```typescript\n([^]*?)```/g)].map((match) => match[1] as string);
    assert.is(quoted.length, quotes);
    for (const quote of quoted)
      assert.ok(
        [...sources.values()].some((source) => source.includes(quote)),
        quote,
      );
  });

  test('its table has every file, and about as many lines as there are', () => {
    const rows = new Map([...page.matchAll(/^\| `(\S+\.ts)` \| (\d+) \|/gm)].map((row) => [row[1], Number(row[2])]));
    assert.is(rows.size, sources.size);
    for (const [file, source] of sources) {
      const lines = source.split('\n').length - 1;
      assert.ok(Math.abs(lines - (rows.get(file) ?? 0)) <= lines / 10, `${file} has ${lines} lines`);
    }
  });
  return page;
};
