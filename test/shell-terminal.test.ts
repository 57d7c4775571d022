// The shell at a terminal: keys, Tab, ?, history, Ctrl-C, Ctrl-D, the live table, and what is left of it all.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { client } from './kit/program.js';
import { suite } from './kit/suite.js';
import { KEYS, Terminal, hasTerminals } from './kit/terminal.js';

const test = suite('shell: terminal', undefined, { timeout: 20_000 });

if (!hasTerminals) console.log('SKIPPED: python3 is not installed, which gives programs a terminal');
const atTerminal = (title: string, body: () => Promise<void>): void => {
  if (hasTerminals) test(title, body);
  else test.skip(title, body);
};

const PROMPT = /sluice> .\[9G/;

/** A shell that is ready for the first line. */
const shell = async (args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Terminal> => {
  const terminal = new Terminal(args, env);
  await terminal.shows(PROMPT);
  return terminal;
};

const quit = async (terminal: Terminal): Promise<void> => {
  terminal.press(KEYS.ctrlD);
  assert.is(await terminal.exited, 0, terminal.screen.text);
  assert.is((await terminal.shows(/<modes ([^>]*)>$/))[1], 'ECHO ICANON ISIG');
  assert.ok(terminal.screen.cursor && !terminal.screen.alternate);
};

/** A server on a free port, and that port. */
const served = async (terminal: Terminal, protocol = 'echo'): Promise<number> => {
  terminal.line('config tcp-server lobby 127.0.0.1 0');
  terminal.line('config tcp-server lobby');
  terminal.line(`protocol ${protocol}`);
  terminal.line('start');
  const port = Number((await terminal.shows(/lobby listens on 127\.0\.0\.1:(\d+)/))[1]);
  terminal.line('end');
  await terminal.shows(PROMPT);
  return port;
};

atTerminal(
  'Tab completes keywords, names of servers and addresses of clients, and lists what there is twice',
  async () => {
    const terminal = await shell();
    const port = await served(terminal);
    const ann = await client(port);
    terminal.line('wait tcp-server lobby clients 1');
    await terminal.shows(PROMPT);
    terminal.press('s', KEYS.tab, 't', KEYS.tab, 'l', KEYS.tab);
    await terminal.shows(/show tcp-server lobby /);
    terminal.press(KEYS.enter);
    await terminal.shows(/protocol +echo/);
    terminal.press('run tcp-server lobby send-msg ', KEYS.tab);
    await terminal.shows(/127\.0\.0\.1 /);
    terminal.press(KEYS.tab);
    await terminal.shows(new RegExp(`${ann.socket.localPort} `));
    terminal.line('hi there?');
    await ann.heard(/^hi there\?$/);
    terminal.press('show ', KEYS.tab, KEYS.tab);
    await terminal.shows(/clients +events/);
    await terminal.shows(/running-config +tcp-server/);
    ann.end();
    terminal.press(KEYS.ctrlC);
    await quit(terminal);
  },
);

atTerminal('? says at once what may follow, and leaves the line as it is', async () => {
  const terminal = await shell();
  terminal.press('show ', '?');
  await terminal.shows(/tcp-server +all servers\r\n/);
  await terminal.shows(/running-config .*\r\n/);
  await terminal.shows(/sluice> show /);
  terminal.line('tcp');
  await terminal.shows(/no servers/);
  assert.match(terminal.screen.text, /sluice> show tcp\nno servers/);
  await quit(terminal);
});

atTerminal('what is wrong is marked under the line, and names what was expected', async () => {
  const terminal = await shell();
  terminal.line('show clinets');
  await terminal.shows(/expected tcp-server, clients/);
  await terminal.shows(PROMPT);
  const lines = terminal.screen.lines;
  const at = lines.findIndex((line) => line === 'sluice> show clinets');
  assert.is(lines[at + 1], '             ^ expected tcp-server, clients, events or running-config, got "clinets"');
  await quit(terminal);
});

atTerminal('the prompt says which context one is in', async () => {
  const terminal = await shell();
  terminal.line('config tcp-server lobby');
  await terminal.shows(/sluice\(lobby\)> /);
  terminal.line('max-clients 3');
  terminal.line('show running-config');
  await terminal.shows(/config tcp-server lobby max-clients 3/);
  terminal.line('exit');
  await terminal.shows(PROMPT);
  await quit(terminal);
});

atTerminal('lines are kept, between runs too, and come back with the arrow', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-terminal-'));
  try {
    const file = join(folder, 'history');
    const first = await shell([], { SLUICE_HISTORY: file });
    first.line('show clients');
    await first.shows(/no clients/);
    first.line('history');
    await first.shows(/show clients\r\nhistory\r\n/);
    await quit(first);
    assert.is(readFileSync(file, 'utf8'), 'show clients\nhistory\n');
    const second = await shell(['--history', file]);
    second.press(KEYS.up, KEYS.up, KEYS.enter);
    await second.shows(/show clients.*\r+\nno clients/);
    await quit(second);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

atTerminal('Ctrl-C forgets the line, stops a command, and ends nothing', async () => {
  const terminal = await shell();
  terminal.press('show clients', KEYS.ctrlC);
  await terminal.shows(/\^C\r\n/);
  terminal.press(KEYS.ctrlC);
  await terminal.shows(/\^C \(quit or Ctrl-D leaves\)/);
  terminal.line('wait 3600');
  await terminal.shows(/wait 3600\r+\n/);
  terminal.press(KEYS.ctrlC);
  await terminal.shows(/stopped\r\n/);
  terminal.line('show clients');
  await terminal.shows(/no clients/);
  await quit(terminal);
});

atTerminal('events are shown until a key is pressed', async () => {
  const terminal = await shell();
  const port = await served(terminal, 'line');
  terminal.line('show events');
  await terminal.shows(/any key ends this/);
  const ann = await client(port);
  await terminal.shows(/lobby connected \d+ 127\.0\.0\.1/);
  ann.send('hello\n');
  await terminal.shows(/lobby message .* in "hello"/);
  terminal.press('x');
  await terminal.shows(PROMPT);
  terminal.line('show clients');
  await terminal.shows(/connected, passive/);
  assert.match(terminal.screen.text, /sluice> show clients\n/);
  await quit(terminal);
});

atTerminal('lines that are pasted run one after another', async () => {
  const terminal = await shell();
  terminal.press('config tcp-server a\rmax-clients 7\rend\rshow running-config\r');
  await terminal.shows(/config tcp-server a max-clients 7/);
  await terminal.shows(PROMPT);
  await quit(terminal);
});

atTerminal('Ctrl-D drains the servers, and a Ctrl-C then cuts that short', async () => {
  const terminal = await shell();
  const port = await served(terminal);
  const ann = await client(port);
  await ann.send('here').heard(/here/);
  terminal.press(KEYS.ctrlD);
  await ann.over;
  ann.end();
  await terminal.shows(/lobby drained in \d+ ms: 1 ended, 0 cut/);
  assert.is(await terminal.exited, 0);
});

atTerminal('a terminal that hangs up ends the shell in order, also in the middle of a command', async () => {
  for (const before of ['show clients', 'wait 3600', 'show events']) {
    const terminal = await shell();
    const port = await served(terminal);
    const ann = await client(port);
    terminal.line(before);
    await terminal.shows(new RegExp(before));
    terminal.hangUp();
    await ann.over;
    ann.end();
    await terminal.shows(/lobby drained in \d+ ms: 1 ended, 0 cut/);
    assert.is(await terminal.exited, 0);
  }
});

atTerminal('the live table is drawn in place, sorted by a key, follows the size, and leaves no trace', async () => {
  const terminal = await shell();
  const port = await served(terminal);
  const [ann, bob] = [await client(port), await client(port)];
  terminal.line('wait tcp-server lobby clients 2');
  await terminal.shows(PROMPT);
  const before = terminal.screen.text;
  terminal.line('top');
  await terminal.shows(/\[i in\]/);
  const rows = (): readonly string[] => terminal.screen.lines.filter((line) => line.includes('connected, passive'));
  assert.ok(terminal.screen.alternate && !terminal.screen.cursor);
  assert.is(rows().length, 2);
  bob.send('x'.repeat(100_000));
  const talks = new RegExp(`127\\.0\\.0\\.1:${bob.socket.localPort}`);
  while (!talks.test(rows()[0] ?? '')) {
    bob.send('x'.repeat(10_000));
    await terminal.shows(/q quits/);
  }
  terminal.press('a');
  await terminal.shows(/\[a age\]/);
  assert.match(rows()[0] ?? '', new RegExp(`127\\.0\\.0\\.1:${ann.socket.localPort}`));
  terminal.resize(10, 60);
  await terminal.shows(/sorted by.{51}.\[K.\[J/);
  for (const line of terminal.screen.lines) assert.ok(line.length <= 60, line);
  assert.ok(terminal.screen.lines.length <= 10);
  terminal.press('q');
  await terminal.shows(PROMPT);
  assert.ok(terminal.screen.text.startsWith(`${before} top\nsluice>`), terminal.screen.text);
  ann.end();
  bob.end();
  await quit(terminal);
});

atTerminal('attached to a shell: Tab, events and the table are of that shell, and its end is the end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-terminal-'));
  try {
    const path = join(folder, 'control');
    const far = await shell(['--socket', path]);
    const port = await served(far, 'line');
    const ann = await client(port);
    const near = await shell(['attach', path]);
    near.press('show tcp-server l', KEYS.tab, KEYS.enter);
    await near.shows(/protocol +line/);
    await near.shows(PROMPT);
    near.line('show events');
    await near.shows(/any key ends this/);
    while (!/"hello"/.test(near.screen.text)) {
      ann.send('hello\n');
      await new Promise((done) => void setTimeout(done, 20));
    }
    near.press('x');
    near.line('top'); // typed ahead: of the key that ends the events nothing is left
    await near.shows(/\[i in\]/);
    near.press('q');
    await near.shows(PROMPT);
    const top = new Terminal(['top', '--socket', path, '--seconds', '0.1']);
    await top.shows(/\[i in\]/);
    await top.shows(/\[i in\]/);
    assert.match(top.screen.text, /^lobby +127\.0\.0\.1:\d+ +running/);
    top.press('q');
    assert.is(await top.exited, 0);
    assert.ok(top.screen.cursor && !top.screen.alternate);
    near.line('quit');
    assert.is(await near.exited, 0);

    const left = await shell(['attach', path]);
    far.press(KEYS.ctrlD);
    await ann.over;
    ann.end();
    assert.is(await far.exited, 0);
    await left.shows(/the shell has ended/);
    assert.is(await left.exited, 1);
    assert.is((await left.shows(/<modes ([^>]*)>$/))[1], 'ECHO ICANON ISIG');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
