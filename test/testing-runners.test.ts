import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite } from './kit/suite.js';

const test = suite('stories under any runner', undefined, { timeout: 30_000 });

const root = fileURLToPath(new URL('../../', import.meta.url));
const runners = 'dist/test/runners/';

const DIFFERENCE = /received by ann: the rows differ at 2ms\n\s+was {7}--\?\n\s+expected {2}--a\n\s+\^\n/;

/** What a runner prints of a story that comes out and one that does not, and how it exits. */
const run = (args: readonly string[]): Promise<{ readonly code: unknown; readonly output: string }> =>
  new Promise((done) => {
    // Of itself Node's runner does not run inside a run, and colours are no part of this.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    execFile(process.execPath, args, { cwd: root, env: { ...env, NO_COLOR: '1' } }, (error, stdout, stderr) =>
      done({ code: error?.code ?? 0, output: stdout + stderr }),
    );
  });

test('uvu', async () => {
  const { code, output } = await run([`${runners}with-uvu.js`]);
  assert.is(code, 1);
  assert.match(output, /Total: {5}2\n {2}Passed: {4}1\n/);
  assert.match(output, DIFFERENCE);
});

test('node:test', async () => {
  const { code, output } = await run(['--test', `${runners}with-node-test.js`]);
  assert.is(code, 1);
  assert.match(output, /pass 1\n/);
  assert.match(output, /fail 1\n/);
  assert.match(output, DIFFERENCE);
});

test('Vitest', async () => {
  const { code, output } = await run([
    'node_modules/vitest/vitest.mjs',
    'run',
    '--config',
    `${runners}vitest.config.js`,
  ]);
  assert.is(code, 1);
  assert.match(output, /1 failed \| 1 passed/);
  assert.match(output, DIFFERENCE);
});

test.run();
