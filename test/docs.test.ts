// The pages in docs/: every block of every page runs.
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { runsPage } from './kit/page.js';
import { runsCommands } from './kit/page-commands.js';
import { suite } from './kit/suite.js';

const test = suite('pages', undefined, { timeout: 20_000 });

const pages = readdirSync(fileURLToPath(new URL('../../docs', import.meta.url))).filter((name) => name.endsWith('.md'));

for (const page of pages) {
  const blocks = runsPage(test, `docs/${page}`);
  if (blocks.some(({ language }) => language === 'sh')) runsCommands(test, `docs/${page}`, blocks);
  test(`${page}: what is shown as printed is what the block before it prints`, () => {
    for (const [index, { language, line, says }] of blocks.entries()) {
      if (language !== 'text' || says['file'] !== undefined) continue;
      assert.is(blocks[index - 1]?.says['prints'], 'below', `line ${line} is of no program`);
    }
  });
}

test.run();
