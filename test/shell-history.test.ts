import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { History, historyFile } from '../src/cli/history.js';
import { suite } from './kit/suite.js';

const test = suite('shell: history');

const inFolder = (body: (folder: string) => void) => (): void => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-history-'));
  try {
    body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

test('is kept where the XDG specification says, or where one is told', () => {
  assert.is(historyFile({ XDG_STATE_HOME: '/x' }), '/x/sluice/history');
  assert.match(historyFile({}), /\/\.local\/state\/sluice\/history$/);
  assert.match(historyFile({ XDG_STATE_HOME: '' }), /\/\.local\/state\/sluice\/history$/);
  assert.is(historyFile({ SLUICE_HISTORY: '/y', XDG_STATE_HOME: '/x' }), '/y');
});

test(
  'is nobody else to read, and outlasts the shell',
  inFolder((folder) => {
    const file = join(folder, 'state', 'history');
    const first = new History(file);
    for (const line of ['show clients', '', '  ', 'help', 'help', 'quit']) first.add(line);
    assert.equal(first.lines, ['show clients', 'help', 'quit']);
    assert.is(statSync(file).mode & 0o777, 0o600);
    assert.is(statSync(join(folder, 'state')).mode & 0o777, 0o700);
    assert.equal(new History(file).lines, first.lines);
  }),
);

test(
  'of two shells at once both add theirs, and a file that others could read is closed to them',
  inFolder((folder) => {
    const file = join(folder, 'history');
    writeFileSync(file, 'old\n', { mode: 0o644 });
    const [ann, bob] = [new History(file), new History(file)];
    ann.add('a');
    bob.add('b');
    ann.add('c');
    assert.is(readFileSync(file, 'utf8'), 'old\na\nb\nc\n');
    assert.is(statSync(file).mode & 0o777, 0o600);
  }),
);

test(
  'does not grow for ever',
  inFolder((folder) => {
    const file = join(folder, 'history');
    writeFileSync(file, Array.from({ length: 2_001 }, (_, index) => `line ${index}\n`).join(''));
    const { lines } = new History(file);
    assert.is(lines.length, 1_000);
    assert.is(lines.at(-1), 'line 2000');
    assert.is(readFileSync(file, 'utf8').split('\n').length, 1_001);
  }),
);

test('without a file, keeps what this shell was told', () => {
  const history = new History('');
  history.add('show clients');
  assert.equal(history.lines, ['show clients']);
});

test.run();
