// README.md: every block runs, and what it says of itself is so.
import * as assert from 'uvu/assert';
import { runsPage } from './kit/page.js';
import { example } from './kit/program.js';
import { suite } from './kit/suite.js';

const test = suite('README', undefined, { timeout: 20_000 });

const blocks = runsPage(test, 'README.md');

test('opens with the idea, and a server in three lines', () => {
  const first = blocks.find(({ language }) => language === 'ts');
  assert.ok(first !== undefined && first.line < 12);
  assert.is(
    first.code
      .trim()
      .split('\n')
      .filter((line) => line !== '').length,
    3,
  );
});

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
