// The pages in docs/: every block of every page runs.
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { runsPage } from './kit/page.js';
import { suite } from './kit/suite.js';

const test = suite('pages', undefined, { timeout: 20_000 });

const pages = readdirSync(fileURLToPath(new URL('../../docs', import.meta.url))).filter((name) => name.endsWith('.md'));

for (const page of pages) {
  const blocks = runsPage(test, `docs/${page}`);
  test(`${page}: what is shown as printed is what the block before it prints`, () => {
    for (const [index, { language, line }] of blocks.entries()) {
      if (language === 'text') assert.is(blocks[index - 1]?.says['prints'], 'below', `line ${line} is of no program`);
    }
  });
}

test.run();
