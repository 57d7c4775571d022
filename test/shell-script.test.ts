// Lines through the standard input of the real program, one-shot servers, and the control socket.
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import type { ClientShown, ServerShown } from '../src/cli/snapshot.js';
import { type Program, client, freePort, portOf, sluice, start } from './kit/program.js';
import { ShellRig } from './kit/shell-rig.js';
import { suite } from './kit/suite.js';

const test = suite('shell: scripts', undefined, { timeout: 20_000 });

const script = (lines: readonly string[], ...args: readonly string[]): Program => {
  const program = sluice(args);
  program.say(`${lines.join('\n')}\n`);
  program.hush();
  return program;
};

const withFolder = async (body: (folder: string) => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-shell-'));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

// ── scripts ─────────────────────────────────────────────────────────────────────────────────────────────────────────

test('two servers are built, connected to each other, and taken down again', async () => {
  const [near, far] = [await freePort(), await freePort()];
  const program = script([
    '# two servers, one of which dials the other',
    `config tcp-server far 127.0.0.1 ${far}`,
    'config tcp-server far',
    'protocol line',
    'start',
    `config tcp-server near 127.0.0.1 ${near}`,
    'config tcp-server near',
    'protocol line',
    'start',
    `connect 127.0.0.1 ${far}`,
    'end',
    'wait tcp-server far clients 1',
    `run tcp-server near send-msg 127.0.0.1 ${far} hello`,
    'wait tcp-server far messages 1',
    'config tcp-server far disable-client-listen',
    'run tcp-server near broadcast held back',
    'wait 0.1',
    'show tcp-server far --json',
    'config tcp-server far no disable-client-listen',
    'wait tcp-server far messages 2',
    'run tcp-server far broadcast and back',
    'wait tcp-server near messages 1',
    'show tcp-server',
    `config tcp-server near client 127.0.0.1:${far} disconnect`,
    'wait tcp-server far clients 0',
    'show clients',
    'quit',
  ]);
  assert.is(await program.exited, 0, program.output());
  const said = program.output();
  const far1 = JSON.parse(/^\{.*\}$/m.exec(said)?.[0] ?? '') as ServerShown;
  assert.is(far1.statistics.messagesIn, 1);
  assert.match(said, new RegExp(`^far +127\\.0\\.0\\.1:${far} +line +running +1 +16 +9$`, 'm'));
  assert.match(said, new RegExp(`^near +127\\.0\\.0\\.1:${near} +line +running +1 +9 +16$`, 'm'));
  assert.match(said, /^no clients$/m);
  assert.match(said, /^far drained in \d+ ms: 0 ended, 0 cut$/m);
  assert.match(said, /^near drained in \d+ ms: 0 ended, 0 cut$/m);
});

test('the first line that fails ends it, with its number, and nothing is left running', async () => {
  const port = await freePort();
  const program = script([
    `config tcp-server a 127.0.0.1 ${port}`,
    'config tcp-server a start',
    '',
    'config tcp-server a strat',
    'show tcp-server',
  ]);
  assert.is(await program.exited, 1);
  assert.match(program.output(), /^line 4: config tcp-server a strat: expected .*, got "strat"$/m);
  assert.not.match(program.output(), /running/);
  assert.match(program.output(), /^a drained in/m);
});

test('with --keep-going it goes on, and says at the end that something failed', async () => {
  const program = script(['nonsense', 'show clients', 'show tcp-server x', 'history', 'quit'], '--keep-going');
  assert.is(await program.exited, 1);
  assert.match(program.output(), /^line 1: nonsense: expected /m);
  assert.match(program.output(), /^no clients$/m);
  assert.match(program.output(), /^line 3: show tcp-server x: there is no server x: /m);
  assert.match(program.output(), /^nonsense\nshow clients\nshow tcp-server x\nhistory$/m);
});

test('without servers it ends with its lines', async () => {
  const program = script(['show clients', 'top']);
  assert.is(await program.exited, 0);
  assert.match(program.output(), /^no clients\n\n+id +server /);
});

test('servers that run at the end of the lines are served until a signal, and drained', async () => {
  const program = script(['config tcp-server a 127.0.0.1 0', 'config tcp-server a start']);
  const port = Number((await program.printed(/a listens on 127\.0\.0\.1:(\d+)/))[1]);
  await program.printed(/serving until SIGINT or SIGTERM/);
  const ann = await client(port);
  await ann.send('hello').heard(/hello/);
  program.signal('SIGTERM');
  await ann.over;
  ann.end();
  assert.is(await program.exited, 0);
  assert.match(program.output(), /a drained in \d+ ms: 1 ended, 0 cut/);
});

test('a second signal cuts the draining short', async () => {
  const program = script([
    'config tcp-server a 127.0.0.1 0',
    'config tcp-server a protocol proxy 127.0.0.1 9',
    'wait 0.01',
  ]);
  await program.exited;
  const stubborn = script([
    'config tcp-server a 127.0.0.1 0',
    'config tcp-server a start',
    'config tcp-server a disable-client-listen',
  ]);
  const port = Number((await stubborn.printed(/a listens on 127\.0\.0\.1:(\d+)/))[1]);
  await stubborn.printed(/serving until/);
  const ann = await client(port);
  ann.send('x'.repeat(1_000_000));
  stubborn.signal('SIGTERM');
  await new Promise((done) => void setTimeout(done, 200));
  stubborn.signal('SIGTERM');
  assert.is(await stubborn.exited, 0);
  assert.match(stubborn.output(), /a drained in \d{1,4} ms/);
});

test('a signal stops a script that waits', async () => {
  const program = script(['show tcp-server', 'wait 3600', 'show clients']);
  await program.printed(/no servers/);
  program.signal('SIGINT');
  assert.is(await program.exited, 1);
  assert.match(program.output(), /line 2: wait 3600: stopped/);
  assert.not.match(program.output(), /no clients/);
});

// ── the configuration as lines ──────────────────────────────────────────────────────────────────────────────────────

const said = async (lines: readonly string[]): Promise<string> => {
  const shell = new ShellRig();
  try {
    await shell.run(...lines);
    return await shell.run('show running-config');
  } finally {
    await shell.close();
  }
};

const ip = fc.constantFrom('127.0.0.1', '0.0.0.0', '::1', '10.1.2.3');
const port = fc.integer({ min: 1, max: 65_535 });
const settings = fc.oneof(
  fc.tuple(ip, port).map((place) => place.join(' ')),
  fc
    .constantFrom('echo', 'chat', 'line', 'fixed 12', 'variable', 'proxy ::1 70', 'proxy some.host 7')
    .map((name) => `protocol ${name}`),
  fc.constantFrom('0.5', '10', '86400').map((seconds) => `ka-interval ${seconds}`),
  fc.integer({ min: 1, max: 20_000 }).map((count) => `max-clients ${count}`),
  fc
    .tuple(fc.constantFrom('allow', 'deny'), fc.constantFrom('10.0.0.0/8', '::1', '2001:db8::/32', '127.0.0.1'))
    .map((rule) => rule.join(' ')),
  fc.constantFrom(
    'disable-conn-accept',
    'disable-client-listen',
    'no disable-conn-accept',
    'no ka-interval',
    'no max-clients',
  ),
);
const server = fc.tuple(fc.constantFrom('a', 'lobby', 'Büro-2'), fc.array(settings, { maxLength: 8 }));
const wanted = fc.uniqueArray(
  fc.tuple(ip, port).map((place) => place.join(' ')),
  { maxLength: 3 },
);

test('what it shows, run in a fresh shell, has that show the same', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(server, { maxLength: 3 }), wanted, async (servers, peers) => {
      const lines = servers.flatMap(([name, told]) => [`config tcp-server ${name}`, ...told, 'end']);
      const connects = servers
        .slice(0, 1)
        .flatMap(([name]) => peers.map((peer) => `config tcp-server ${name} connect ${peer}`));
      const shown = await said([...lines, ...connects]);
      assert.is(await said(shown.split('\n')), shown);
    }),
    { numRuns: 60 },
  );
});

test('a server that runs is started again, on its port', async () => {
  const free = await freePort();
  const shown = await said([`config tcp-server a 127.0.0.1 ${free}`, 'config tcp-server a start']);
  assert.ok(shown.endsWith('\nconfig tcp-server a start'));
  assert.is(await said(shown.split('\n')), shown);
});

// ── one server, or one client, at once ──────────────────────────────────────────────────────────────────────────────

test('echo, chat and proxy are served at once, and drained at a signal', async () => {
  const echo = sluice(['echo', '--port', '0']);
  const proxy = sluice(['proxy', '127.0.0.1', String(await portOf(echo)), '--port', '0']);
  const ann = await client(await portOf(proxy));
  await ann.send('through').heard(/^through$/);
  await echo.printed(/echo connected \d+ 127\.0\.0\.1:\d+/);
  ann.end();
  await ann.over;
  await proxy.printed(/proxy disconnected \d+ 127\.0\.0\.1:\d+ finished/);
  const chat = sluice(['chat', '--port', '0']);
  const bob = await client(await portOf(chat));
  await bob.heard(/^\* welcome/);
  for (const program of [echo, proxy, chat]) program.signal('SIGINT');
  await bob.over;
  bob.end();
  for (const program of [echo, proxy, chat]) assert.is(await program.exited, 0, program.output());
});

test('a port that is taken is an exit code of 1, and a line', async () => {
  const echo = sluice(['echo', '--port', '0']);
  const taken = await portOf(echo);
  const second = sluice(['echo', '--port', String(taken)]);
  assert.is(await second.exited, 1);
  assert.is(second.output().trim(), `cannot listen on 127.0.0.1:${taken}: it is in use`);
  echo.signal('SIGKILL');
});

const clock = /^\d\d:\d\d:\d\d\.\d{3} /gm;

const dialled = async (program: Program): Promise<string> => {
  assert.is(await program.exited, 0, program.output());
  return program.output().replaceAll(clock, '').replaceAll(/:\d+$/gm, ':PORT');
};

test('dial shows the frames that go out and come in', async () => {
  const echo = sluice(['echo', '--port', '0']);
  const to = ['dial', '127.0.0.1', String(await portOf(echo))];
  const talk = async (frame: string, ...lines: readonly string[]): Promise<string> => {
    const program = script(lines, ...to, '--frame', frame);
    return dialled(program);
  };
  const around = (...lines: readonly string[]): string =>
    ['connected to 127.0.0.1:PORT', ...lines, 'the connection has ended', ''].join('\n');
  assert.is(
    await talk('lines', 'hello', 'tab\tand "quotes"'),
    around('> "hello"', '> "tab\\tand \\"quotes\\""', '< "hello"', '< "tab\\tand \\"quotes\\""'),
  );
  assert.is(await talk('u16be', 'hello'), around('> "hello"', '< "hello"'));
  assert.is(await talk('hex', '00 ff1b'), around('> 00 ff 1b', '< 00 ff 1b'));
  assert.match(await talk('hex', 'no hex', '00'), /^that is no hex: two digits a byte$/m);
  assert.match(await talk('fixed:4', 'four', 'five!'), /^payload.length must be .*, got 5$/m);
  const frames = ['u8', 'u16le', 'u32be', 'u32le', 'variable', 'varint', 'netstring'];
  for (const shown of await Promise.all(frames.map((frame) => talk(frame, 'hello', '')))) {
    assert.is(shown, around('> "hello"', '> ""', '< "hello"', '< ""'));
  }
  echo.signal('SIGKILL');
});

test('dial says whom it cannot reach, and what it cannot cut', async () => {
  const nobody = script([], 'dial', '127.0.0.1', String(await freePort()));
  assert.is(await nobody.exited, 1);
  assert.match(nobody.output(), /^cannot connect to 127\.0\.0\.1:\d+: ECONNREFUSED$/m);
  const echo = sluice(['echo', '--port', '0']);
  const short = sluice(['dial', '127.0.0.1', String(await portOf(echo)), '--frame', 'fixed:4']);
  short.say('four\n');
  await short.printed(/< "four"/);
  echo.signal('SIGTERM');
  assert.is(await short.exited, 0);
  await echo.exited;
});

// ── the command line ────────────────────────────────────────────────────────────────────────────────────────────────

const misuses: readonly (readonly [readonly string[], RegExp])[] = [
  [['--nonsense'], /Unknown option '--nonsense'/],
  [['nonsense'], /Unexpected argument 'nonsense'/],
  [['echo', '--port', '70000'], /--port must be a whole number from 0 to 65535, got "70000"/],
  [['echo', '--host', 'nowhere'], /--host must be an address, got "nowhere"/],
  [['echo', 'what'], /sluice echo takes no "what"/],
  [['proxy', 'localhost'], /sluice proxy takes HOST PORT/],
  [['dial', 'localhost'], /sluice dial takes HOST PORT/],
  [['dial', 'localhost', '7000', '--frame', 'x'], /--frame is one of lines, u8, .*, fixed:N, got "x"/],
  [['dial', 'localhost', '7000', '--frame', 'fixed:0'], /--frame is one of/],
  [['attach', 'a', 'b'], /sluice attach takes one PATH/],
  [['attach'], /which shell\? give --socket PATH/],
  [['show', 'clients'], /which shell\? give --socket PATH/],
  [['top', '--seconds', '0'], /--seconds is 0\.1 to 3600, got 0/],
];

test('a command line that is not understood is an exit code of 2, and says what is wrong', async () => {
  const asked = misuses.map(([args, told]) => ({ program: sluice(args, { SLUICE_SOCKET: '' }), args, told }));
  for (const { program, args, told } of asked) {
    assert.is(await program.exited, 2, args.join(' '));
    assert.match(program.output(), told);
    assert.match(program.output(), /npx sluice --help tells what there is\n$/);
  }
});

test('says what it is, and what it can do, at once', async () => {
  const help = sluice(['--help']);
  assert.is(await help.exited, 0);
  for (const word of ['attach', 'echo', 'dial', 'top', '--keep-going', 'Exit codes'])
    assert.ok(help.output().includes(word));
  const ofDial = sluice(['dial', '--help']);
  assert.is(await ofDial.exited, 0);
  assert.is(ofDial.output(), help.output());
  const version = sluice(['--version']);
  assert.is(await version.exited, 0);
  assert.match(version.output(), /^\d+\.\d+\.\d+\n$/);
});

test('npm start -- --shell is the shell, and npm start the chat', async () => {
  const shell = start(process.execPath, ['dist/examples/start.js', '--shell', '--version']);
  assert.is(await shell.exited, 0);
  assert.match(shell.output(), /^\d+\.\d+\.\d+\n$/);
  const chat = start(process.execPath, ['dist/examples/start.js', '--help']);
  assert.is(await chat.exited, 0);
  assert.match(chat.output(), /^npm start -- .*: a chat for nc/);
});

// ── the control socket ──────────────────────────────────────────────────────────────────────────────────────────────

/** A shell with its socket in a folder, and a server on a port. */
const withShell = (body: (path: string, port: number, shell: Program) => Promise<void>): Promise<void> =>
  withFolder(async (folder) => {
    const path = join(folder, 'shell');
    const shell = sluice(['--socket', path]);
    shell.say(
      'config tcp-server lobby 127.0.0.1 0\nconfig tcp-server lobby protocol line\nconfig tcp-server lobby start\n',
    );
    const [, listens] = await shell.printed(/lobby listens on 127\.0\.0\.1:(\d+)/);
    await body(path, Number(listens), shell);
    shell.signal('SIGTERM');
    assert.is(await shell.exited, 0, shell.output());
    assert.not(existsSync(path));
  });

test('the socket is its owner only, and several may be attached at once, each in a context of their own', () =>
  withShell(async (path) => {
    assert.is(statSync(path).mode & 0o777, 0o600);
    const [ann, bob] = [sluice(['attach', path]), sluice(['attach', path])];
    ann.say('config tcp-server lobby\nmax-clients 5\n');
    bob.say('config tcp-server lounge\nmax-clients 6\nshow running-config\n');
    await bob.printed(/lounge max-clients 6/);
    ann.say('show running-config\nquit\n');
    assert.is(await ann.exited, 0);
    assert.match(ann.output(), /lobby max-clients 5/);
    assert.match(ann.output(), /lounge max-clients 6/);
    bob.say('show tcp-server nobody\n');
    bob.hush();
    assert.is(await bob.exited, 1);
    assert.match(bob.output(), /line 4: show tcp-server nobody: there is no server nobody/);
  }));

test('one line for a shell, and its answer', () =>
  withShell(async (path, listens) => {
    const ann = await client(listens);
    const waited = sluice(['show', 'events', '--json', '--socket', path]);
    // It is being told once something that happens gets to it.
    while (!waited.output().includes('message')) {
      ann.send('are you there?\n');
      await new Promise((done) => void setTimeout(done, 50));
    }
    const sent = sluice(['run', 'tcp-server', 'lobby', 'broadcast', 'hello', 'there', '--socket', path]);
    assert.is(await sent.exited, 0);
    assert.is(sent.output(), 'sent to 1 client\n');
    await ann.heard(/^hello there\n$/);
    const shown = sluice(['show', 'clients', '--json', `--socket=${path}`]);
    assert.is(await shown.exited, 0);
    const [shownClient] = JSON.parse(shown.output()) as readonly ClientShown[];
    assert.is(shownClient?.address, `127.0.0.1:${ann.socket.localPort}`);
    const top = sluice(['top', '--once'], { SLUICE_SOCKET: path });
    assert.is(await top.exited, 0);
    assert.match(top.output(), /^lobby +127\.0\.0\.1:\d+ +running +clients 1 /);
    const wrong = sluice(['show', 'clinets', '--socket', path]);
    assert.is(await wrong.exited, 1);
    assert.match(wrong.output(), /^expected tcp-server, clients, .*, got "clinets"$/m);
    ann.send('and back\n');
    await waited.printed(/"direction":"in","message":"\\"and back\\""/);
    waited.signal('SIGINT');
    assert.is(await waited.exited, 0);
  }));

test('long answers come whole', () =>
  withShell(async (path) => {
    const many = Array.from({ length: 300 }, (_, index) => `config tcp-server s${index}`);
    const attached = script([...many, 'show tcp-server --json'], 'attach', path);
    assert.is(await attached.exited, 0, attached.output());
    const shown = JSON.parse(attached.output()) as readonly ServerShown[];
    assert.is(shown.length, 301);
    assert.ok(attached.output().length > 120_000);
  }));

test('what is attached is told when the shell ends, and is left with 1', () =>
  withFolder(async (folder) => {
    const path = join(folder, 'shell');
    const shell = sluice(['--socket', path]);
    shell.say('show clients\n');
    await shell.printed(/no clients/);
    const attached = sluice(['attach', path]);
    attached.say('show clients\n');
    await attached.printed(/no clients/);
    attached.say('wait 3600\n');
    await new Promise((done) => void setTimeout(done, 100));
    shell.signal('SIGTERM');
    assert.is(await shell.exited, 0, shell.output());
    assert.is(await attached.exited, 1);
    assert.match(attached.output(), /line 2: wait 3600: the shell at .* has ended/);
  }));

test('a socket that a dead shell has left is taken over, and no other file is', () =>
  withFolder(async (folder) => {
    const path = join(folder, 'shell');
    const dead = sluice(['--socket', path]);
    dead.say('show clients\n');
    await dead.printed(/no clients/);
    const second = sluice(['--socket', path]);
    assert.is(await second.exited, 1);
    assert.is(second.output().trim(), `another shell listens at ${path}: npx sluice attach ${path}`);
    dead.signal('SIGKILL');
    await dead.exited;
    assert.ok(existsSync(path));
    const third = script(['show clients', 'quit'], '--socket', path);
    assert.is(await third.exited, 0, third.output());
    writeFileSync(path, 'precious');
    const fourth = sluice(['--socket', path]);
    assert.is(await fourth.exited, 1);
    assert.is(fourth.output().trim(), `${path} is there, and is no socket`);
    const nowhere = sluice(['attach', join(folder, 'nobody')]);
    assert.is(await nowhere.exited, 1);
    assert.match(nowhere.output(), /^cannot connect to .*nobody: ENOENT$/m);
  }));

test('who sends it nonsense is hung up on, and nobody else minds', () =>
  withShell(async (path) => {
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '\0\0\0\x02{}', '\0\0\0\x05hello', '\xff\xff\xff\xff']) {
      const socket = connect({ path });
      socket.on('error', () => {}).resume();
      socket.write(Buffer.from(bytes, 'latin1'));
      await new Promise((done) => void socket.on('close', done));
    }
    const shown = sluice(['show', 'clients', '--socket', path]);
    assert.is(await shown.exited, 0);
  }));

test.run();
