import { createServer } from 'node:net';
import { once } from 'node:events';
import * as assert from 'uvu/assert';
import { type Program, client, example, installed, portOf, start } from './kit/program.js';
import { suite } from './kit/suite.js';

const test = suite('chat', undefined, { timeout: 15_000 });

/** A chat that does not wait for clients which never end their side. */
const impatient = (): Program => example('chat', '--port', '0', '--drain', '100');

const stopped = async (chat: Program): Promise<void> => {
  chat.signal('SIGINT');
  await chat.exited;
};

test('says where it listens and how to connect', async () => {
  const chat = impatient();
  const port = await portOf(chat);
  await chat.printed(new RegExp(`^connect with: nc 127\\.0\\.0\\.1 ${port}$`, 'm'));
  await stopped(chat);
});

test('passes on what one says to all others, with names, joins and leaves', async () => {
  const chat = impatient();
  const port = await portOf(chat);
  const ann = await client(port);
  await ann.heard(/welcome, 127\.0\.0\.1:\d+; 0 others/);
  const bob = await client(port);
  await bob.heard(/1 others/);
  await ann.heard(/has joined\n/);

  ann.send('/nick ann\n');
  await ann.heard(/you are now ann\n/);
  await bob.heard(/127\.0\.0\.1:\d+ is now ann\n/);
  ann.send('hello ev');
  ann.send('erybody\r\n');
  await bob.heard(/ann: hello everybody\n/);
  assert.not.match(ann.text, /ann: hello/);

  bob.send('/who\n');
  await bob.heard(/\* ann \(idle \d+ s\)\n\* 127\.0\.0\.1:\d+ \(idle 0 s\)\n/);
  bob.send('/nick ann\n/nick a b\n/what\n');
  await bob.heard(/ann is taken\n\* a name is 1 to 20 [^\n]*\n\* \/nick NAME/);
  bob.send('\u{1b}[2Jsneaky\n');
  await ann.heard(/: \[2Jsneaky\n/);
  assert.not.ok(ann.bytes.includes(0x1b), 'no control character reaches a terminal');

  bob.end();
  await bob.over;
  await ann.heard(/has left\n/);
  await chat.printed(/disconnected 127\.0\.0\.1:\d+: it left/);
  assert.match(chat.output(), /connected 127\.0\.0\.1:\d+\n/);
  assert.match(chat.output(), /message ann "hello everybody"/);
  await stopped(chat);
});

test('tells the reason of a connection that failed', async () => {
  const chat = impatient();
  const port = await portOf(chat);
  const ann = await client(port);
  await ann.heard(/welcome/);
  ann.reset();
  await chat.printed(/disconnected 127\.0\.0\.1:\d+: ConnectionReset: the connection was reset/);
  const bob = await client(port);
  bob.send('x'.repeat(2000));
  await chat.printed(
    /disconnected 127\.0\.0\.1:\d+: FrameTooLong: a frame of \d+ bytes is longer than the limit of 1024/,
  );
  await stopped(chat);
});

test('drains on Ctrl-C: tells each, flushes, reports, exit code 0', async () => {
  const chat = example('chat', '--port', '0');
  const port = await portOf(chat);
  const ann = await client(port);
  const bob = await client(port);
  await bob.heard(/1 others/);
  ann.send('last words\n');
  await bob.heard(/last words/);
  chat.signal('SIGINT');
  await Promise.all([ann.heard(/the server is stopping, goodbye\n/), bob.heard(/the server is stopping, goodbye\n/)]);
  await Promise.all([ann.over, bob.over]);
  ann.end();
  bob.end();
  assert.is(await chat.exited, 0);
  assert.match(chat.output(), /drained in \d+ ms: 2 ended, 0 cut\n/);
});

test('cuts who does not end by the deadline, and says who', async () => {
  const chat = example('chat', '--port', '0', '--drain', '200');
  const port = await portOf(chat);
  const ann = await client(port); // never ends its side
  await ann.heard(/welcome/);
  chat.signal('SIGTERM');
  assert.is(await chat.exited, 0);
  assert.match(chat.output(), /drained in \d+ ms: 0 ended, 1 cut: 127\.0\.0\.1:\d+\n/);
});

test('a second Ctrl-C cuts at once, exit code 130', async () => {
  const chat = example('chat', '--port', '0');
  const port = await portOf(chat);
  const ann = await client(port);
  await ann.heard(/welcome/);
  chat.signal('SIGINT');
  await ann.heard(/goodbye/);
  await new Promise((resolve) => {
    setTimeout(resolve, 150); // a second keystroke, and not the same one again
  });
  chat.signal('SIGINT');
  assert.is(await chat.exited, 130);
});

test('one Ctrl-C that arrives twice, as under npm, is one', async () => {
  const chat = example('chat', '--port', '0');
  await portOf(chat);
  chat.signal('SIGINT');
  chat.signal('SIGINT');
  assert.is(await chat.exited, 0);
  assert.match(chat.output(), /drained in \d+ ms: 0 ended, 0 cut\n/);
});

test('a port in use is one line on stderr and exit code 1', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const chat = example('chat', '--port', String(port));
  assert.is(await chat.exited, 1);
  assert.is(chat.output(), `cannot listen on 127.0.0.1:${port}: it is in use\n`);
  other.close();
});

test('says what it does not understand, and helps', async () => {
  const wrong = example('chat', '--prot', '1');
  assert.is(await wrong.exited, 2);
  assert.match(wrong.output(), /Unknown option '--prot'/);
  const bad = example('chat', '--port', 'abc');
  assert.is(await bad.exited, 2);
  assert.match(bad.output(), /--port takes a whole number from 0 to 65535, got "abc"/);
  const range = example('chat', '--port', '65536');
  assert.is(await range.exited, 2);
  assert.match(range.output(), /--port takes a whole number from 0 to 65535, got "65536"/);
  const help = example('chat', '--help');
  assert.is(await help.exited, 0);
  assert.match(help.output(), /--port \(default 3000\)/);
});

const speaksWithNc = async (): Promise<void> => {
  const chat = example('chat', '--port', '0');
  const port = String(await portOf(chat));
  const ann = start('nc', ['127.0.0.1', port]);
  await ann.printed(/welcome/);
  const bob = start('nc', ['-N', '127.0.0.1', port]);
  await bob.printed(/welcome/);
  bob.say('/nick bob\nhello ann\n');
  await ann.printed(/bob: hello ann/);
  await bob.printed(/you are now bob/);
  chat.signal('SIGINT');
  await ann.printed(/goodbye/);
  await bob.printed(/goodbye/);
  ann.signal('SIGTERM');
  bob.signal('SIGTERM');
  assert.is(await chat.exited, 0);
};

if (installed('nc')) test('speaks with nc', speaksWithNc);
else {
  console.log('SKIPPED: nc is not installed (Debian: netcat-openbsd)');
  test.skip('speaks with nc', speaksWithNc);
}

test.run();
