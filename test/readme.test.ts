// Runs every block of README.md as a reader would. A comment before a block says what happens:
//   <!-- say: ... --> and <!-- hear: ... -->   the program serves on port 7000: what to send it, what must come back
//   <!-- prints: ... -->                       the program ends by itself and must have printed this
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { client, example, start } from './kit/program.js';
import { suite } from './kit/suite.js';

const test = suite('README', undefined, { timeout: 20_000 });
const root = fileURLToPath(new URL('../../', import.meta.url));
// Inside the package, where its own name leads to it.
const folder = join(root, 'dist/readme');

interface Block {
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

const blocks = blocksOf(readFileSync(join(root, 'README.md'), 'utf8'));
const programs = blocks.filter(({ language }) => language === 'ts');
const nameOf = ({ line }: Block): string => `readme-${line}`;

/** What `\n` and `\x00` stand for. */
const unescaped = (text: string): Buffer =>
  Buffer.from(JSON.parse(`"${text.replaceAll('\\x', '\\u00')}"`) as string, 'latin1');

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
};

const listening = async (port: number): Promise<Awaited<ReturnType<typeof client>>> => {
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

const ports = new Map<Block, number>();

test.before(async () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const block of programs) {
    const port = await freePort();
    ports.set(block, port);
    writeFileSync(join(folder, `${nameOf(block)}.mts`), block.code.replaceAll('port: 7000', `port: ${port}`));
  }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../tsconfig.json',
      compilerOptions: {
        rootDir: '.',
        outDir: '.',
        incremental: false,
        tsBuildInfoFile: null,
        declaration: false,
        sourceMap: false,
        declarationMap: false,
      },
      include: ['*.mts'],
      exclude: [],
    }),
  );
  const { status, stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8' });
  assert.is(status, 0, `the blocks of the README do not compile:\n${stdout}`);
});

test('opens with the idea, and a server in three lines', () => {
  const [first] = programs;
  assert.ok(first !== undefined && first.line < 12);
  assert.is(
    first.code
      .trim()
      .split('\n')
      .filter((line) => line !== '').length,
    3,
  );
});

for (const block of programs) {
  const { say, hear, prints } = block.says;
  test(`block at line ${block.line}`, async () => {
    const program = start(process.execPath, ['--enable-source-maps', join(folder, `${nameOf(block)}.mjs`)]);
    if (say !== undefined && hear !== undefined) {
      const reader = await listening(ports.get(block) as number);
      reader.send(unescaped(say));
      await reader.heard(
        new RegExp(
          unescaped(hear)
            .toString()
            .replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&'),
        ),
      );
      program.signal('SIGKILL');
      await program.exited;
    } else {
      assert.ok(prints !== undefined, 'a block says what it is told and what it answers, or what it prints');
      assert.is(await program.exited, 0, program.output());
      assert.is(program.output().trim(), prints);
    }
  });
}

for (const line of blocks.filter(({ language }) => language === 'sh').flatMap(({ code }) => code.trim().split('\n'))) {
  test(line, async () => {
    const run = /^npm run example -- (\S+)(.*)$/.exec(line);
    if (run === null) {
      // The first is what this very test runs under, and the second is tried by the chat's own test.
      assert.ok(['npm ci && npm start', 'nc 127.0.0.1 3000'].includes(line), `nothing runs ${JSON.stringify(line)}`);
      return;
    }
    const [, name, options] = run;
    const given = (options ?? '')
      .trim()
      .split(' ')
      .filter((word) => word !== '');
    if (name?.endsWith('-client')) {
      const help = example(name, '--help');
      assert.is(await help.exited, 0);
      for (const option of given.filter((word) => word.startsWith('--'))) assert.ok(help.output().includes(option));
    } else {
      const program = example(name as string, '--port', '0', ...given);
      await program.printed(/^listening on 127\.0\.0\.1:\d+$/m);
      program.signal('SIGKILL');
      await program.exited;
    }
  });
}

test('its words for what is thrown are what is thrown', async () => {
  const text = blocks.find(({ language }) => language === 'text')?.code.trim();
  const { frameLengthPrefixed } = await import('../operators/index.js');
  const { of } = await import('rxjs');
  let thrown: unknown;
  of(Buffer.from('GET / HTTP/1.1'))
    .pipe(frameLengthPrefixed({ width: 2, limit: 1024 }))
    .subscribe({
      error: (error: unknown) => {
        thrown = error;
      },
    });
  assert.is(String(thrown), text);
});

test.run();
