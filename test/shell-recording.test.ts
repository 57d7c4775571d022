// The session that docs/shell.md shows is one: it is typed again, at a terminal, and must look the same.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { steady } from './kit/page-commands.js';
import { client, freePort } from './kit/program.js';
import { suite } from './kit/suite.js';
import { KEYS, Terminal, hasTerminals } from './kit/terminal.js';

const test = suite('shell: recording', undefined, { timeout: 30_000 });

const page = readFileSync(fileURLToPath(new URL('../../docs/shell.md', import.meta.url)), 'utf8');
const shown = /```console\n\$ npx sluice\n([^]*?)```/.exec(page)?.[1] ?? '';

const session = async (): Promise<void> => {
  const port = String(await freePort());
  const terminal = new Terminal([]);
  const typed = async (...keys: readonly string[]): Promise<void> => {
    await terminal.shows(/sluice(\(\w+\))?> .\[\d+G/);
    terminal.press(...keys);
  };
  const line = (text: string): Promise<void> => typed(text, KEYS.enter);

  await line(`config tcp-server lobby 127.0.0.1 ${port}`);
  await line('config tcp-server lobby');
  for (const told of ['protocol chat', 'max-clients 100', 'deny 10.0.0.0/8', 'start']) await line(told);
  await terminal.shows(/lobby listens on/);
  await line('exit');
  const ann = await client(Number(port));
  await ann.send('/nick ann\n').heard(/you are now ann/);
  const bob = await client(Number(port));
  await bob.send('/nick bob\n').heard(/you are now bob/);
  await line('show clients');
  await typed('run tcp-server lobby ', '?');
  await terminal.shows(/broadcast +sends/);
  terminal.press('broadcast tea at four', KEYS.enter);
  await ann.heard(/tea at four/);
  await line('show events');
  await terminal.shows(/any key ends this/);
  ann.send('who brings the cake?\n');
  await terminal.shows(/message 2 .* out /);
  bob.end();
  await terminal.shows(/disconnected/);
  terminal.press(' ');
  await line('show clinets');
  await terminal.shows(/got "clinets"/);
  await line('config tcp-server lobby client ann disconnect');
  await ann.over;
  ann.end();
  await line('show running-config');
  await line('quit');
  assert.is(await terminal.exited, 0);

  const was = terminal.screen.text.replace(/\n<modes.*$/, '').replaceAll(port, '7000');
  assert.is(steady(was), steady(shown), was);
};

if (hasTerminals) test('the session of docs/shell.md', session);
else {
  console.log('SKIPPED: python3 is not installed, which gives programs a terminal');
  test.skip('the session of docs/shell.md', session);
}

test.run();
