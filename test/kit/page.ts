import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'uvu';
import * as assert from 'uvu/assert';
import type { PlainClient } from '../../src/testing/plain-client.js';
import { certify } from './certificates.js';
import { compile } from './compile.js';
import { type Program, client, freePort, start } from './program.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** A block of code in a page, and what the comments before it say of it. */
export interface Block {
  readonly language: string;
  readonly code: string;
  readonly line: number;
  readonly says: Readonly<Record<string, string>>;
}

const saysOf = (comments: string): Record<string, string> => {
  const says: Record<string, string> = {};
  for (const [, key, value] of comments.matchAll(/<!-- (\w+): (.*) -->/g)) says[key as string] = value as string;
  return says;
};

const blocksOf = (text: string): Block[] =>
  [...text.matchAll(/((?:<!-- \w+: .* -->\n)*)```(\w+)\n([^]*?)```/g)].map(
    ({ 1: comments, 2: language, 3: code, index }) => ({
      language: language as string,
      code: code as string,
      line: text.slice(0, index).split('\n').length,
      says: saysOf(comments ?? ''),
    }),
  );

/** What `\n` and `\x00` stand for. */
const unescaped = (text: string): Buffer =>
  Buffer.from(JSON.parse(`"${text.replaceAll('\\x', '\\u00')}"`) as string, 'latin1');

const listening = async (port: number): Promise<PlainClient> => {
  for (;;) {
    try {
      return await client(port);
    } catch {
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
  }
};

/** What a program has printed: places in it are shown as places in `story.ts`. */
const printed = (program: Program): string =>
  program
    .output()
    .replaceAll(/\(?(?:file:\/\/)?\/[^\s()]*\/\w+-\d+\.mjs:\d+:\d+\)?/g, 'story.ts')
    .trim();

/** What a program finds in its folder where its page speaks of certificates. */
const writeCertificates = (folder: string): void => {
  const by = certify({ name: 'a root' });
  const local = certify({ name: 'localhost', hosts: ['localhost', '127.0.0.1'], by });
  const ann = certify({ name: 'ann', by });
  const files = { root: by.cert, key: local.key, cert: local.cert, 'ann-key': ann.key, ann: ann.cert };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, `${name}.pem`), content);
};

/**
 * Adds a test for every program in a page, which runs it as a reader would. A comment before a block says what happens:
 *
 *     <!-- say: ... --> and <!-- hear: ... -->   it serves on port 7000: what to send it, what must come back
 *     <!-- prints: ... -->                       it ends by itself and must have printed this,
 *     <!-- prints: below -->                     or what the next block of text in the page shows
 *     <!-- passes: 2 -->                         it holds so many tests, for node:test, uvu or (`under`) Vitest
 *
 * Gives all blocks of the page.
 */
export const runsPage = <T>(test: Test<T>, path: string): readonly Block[] => {
  const text = readFileSync(join(root, path), 'utf8');
  const blocks = blocksOf(text);
  const programs = blocks.filter(({ language }) => language === 'ts');
  const page = basename(path, '.md').replaceAll(/\W/g, '');
  // Inside the package, where its own name leads to it.
  const folder = join(root, 'dist/pages', page);
  const nameOf = ({ line }: Block): string => `${page}-${line}`;
  const ports = new Map<Block, number>();

  const run = (block: Block): Program =>
    start(process.execPath, ['--enable-source-maps', join(folder, `${nameOf(block)}.mjs`)], {}, folder);

  const underVitest = (block: Block): Program => {
    const config = join(folder, 'vitest.config.mjs');
    writeFileSync(config, `export default { test: { include: ['${nameOf(block)}.mjs'] } };`);
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    return start(process.execPath, [vitest, 'run', '--root', folder, '--config', config], { NO_COLOR: '1' }, folder);
  };

  if (programs.length === 0) return blocks;

  // uvu tells nothing of what a `before` throws, so it is a test.
  test(`${path}: its blocks compile`, async () => {
    for (const block of programs) ports.set(block, await freePort());
    compile(
      folder,
      new Map(
        programs.map((block) => [nameOf(block), block.code.replaceAll('port: 7000', `port: ${ports.get(block)}`)]),
      ),
    );
    if (text.includes('.pem')) writeCertificates(folder);
  });

  for (const block of programs) {
    const { say, hear, prints, passes, under } = block.says;
    test(`${path}, block at line ${block.line}`, async () => {
      if (say !== undefined && hear !== undefined) {
        const program = run(block);
        const reader = await listening(ports.get(block) as number);
        reader.send(unescaped(say));
        const answer = unescaped(hear).toString();
        await reader.heard(new RegExp(answer.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&')));
        program.signal('SIGKILL');
        await program.exited;
        return;
      }
      assert.ok(prints ?? passes, 'a block says what it is told and what it answers, what it prints, or what passes');
      const program = under === 'Vitest' ? underVitest(block) : run(block);
      assert.is(await program.exited, 0, program.output());
      if (passes !== undefined) {
        assert.match(program.output(), new RegExp(`^(# pass|ℹ pass|  Passed:| +Tests) +${passes}\\b`, 'm'));
      } else if (prints === 'below') {
        const below = blocks.find(({ language, line }) => language === 'text' && line > block.line);
        assert.is(printed(program), below?.code.trim());
      } else assert.is(printed(program), prints);
    });
  }
  return blocks;
};
