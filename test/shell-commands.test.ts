// Every command of the grammar, done to real servers. A row of the table without a case fails.
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { grammar } from '../src/cli/grammar.js';
import type { ClientShown, ServerShown } from '../src/cli/snapshot.js';
import { client } from './kit/program.js';
import { ShellRig } from './kit/shell-rig.js';
import { suite } from './kit/suite.js';

const test = suite('shell: commands');

const root = fileURLToPath(new URL('../../', import.meta.url));

type Case = (shell: ShellRig) => Promise<void>;

const configOf = (shell: ShellRig): Promise<string> => shell.run('show running-config');

const servers = async (shell: ShellRig): Promise<readonly ServerShown[]> =>
  JSON.parse(await shell.run('show tcp-server --json')) as readonly ServerShown[];

const clients = async (shell: ShellRig): Promise<readonly ClientShown[]> =>
  JSON.parse(await shell.run('show clients --json')) as readonly ClientShown[];

/** Sends a message behind its length, two bytes, little-endian, which counts itself. */
const selfCounted = (text: string): Buffer => Buffer.from([text.length + 2, 0, ...Buffer.from(text)]);

/** Dials server `a`, and is refused by it. */
const refused = async (shell: ShellRig): Promise<void> => {
  const port = shell.port('a');
  const how = await client(port).then(
    ({ over }) => over,
    ({ code }: NodeJS.ErrnoException) => (code === 'ECONNRESET' ? 'reset' : code),
  );
  assert.is(how, 'reset');
  await shell.until(() => shell.servers.get('a').server.statistics.refused === 1);
};

/** A module inside the package, where the package's own name leads to it. */
const module = async (source: string, body: (path: string) => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(join(root, 'dist/its module-'));
  try {
    const path = join(folder, 'mine.mjs');
    writeFileSync(path, source);
    await body(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const COUNTER = `
import * as t from 'io-ts';
import { ignoreElements } from 'rxjs';
import { json, line } from 'sluice';
import { protocol } from 'sluice/operators';
export default protocol({
  name: 'counter',
  framing: line(),
  message: json.pipe(t.strict({ add: t.number })),
  keepAlive: { interval: 60_000, hold: 60_000, probe: { add: 0 }, isKeepAlive: ({ add }) => add === 0 },
  session: (messages) => messages.pipe(ignoreElements()),
});`;

const cases: Readonly<Record<string, Case>> = {
  'config tcp-server NAME': async (shell) => {
    await shell.run('config tcp-server lobby');
    assert.equal(shell.session.context, ['config', 'tcp-server', 'lobby']);
    assert.equal(
      (await servers(shell)).map(({ name, address, protocol }) => [name, address, protocol]),
      [['lobby', '127.0.0.1:40000', 'echo']],
    );
    await shell.run('max-clients 5', 'config tcp-server lounge', 'config tcp-server lobby');
    assert.match(await configOf(shell), /^config tcp-server lobby max-clients 5$/m);
  },

  'config tcp-server NAME IP PORT': async (shell) => {
    await shell.run('config tcp-server a 127.0.0.1 0', 'config tcp-server a start');
    const said = await shell.run('config tcp-server a 127.0.0.2 0');
    assert.is(said, 'a is running: this holds from its next start on');
    assert.match((await servers(shell))[0]?.address ?? '', /^127\.0\.0\.1:[1-9]/);
    assert.match(
      await shell.run('config tcp-server a stop', 'config tcp-server a start'),
      /^a listens on 127\.0\.0\.2:/,
    );
  },

  'config tcp-server NAME protocol echo': async (shell) => {
    await shell.serve('a');
    const { plain } = await shell.dial('a');
    await plain.send('hello').heard(/^hello$/);
  },

  'config tcp-server NAME protocol chat': async (shell) => {
    await shell.serve('a', 'chat');
    const [ann, bob] = [(await shell.dial('a')).plain, (await shell.dial('a')).plain];
    await bob.heard(/^\* welcome, .*\n/);
    await ann.send('/nick ann\n/nick !\n/x\n').heard(/you are now ann\n(\* \/nick NAME .*\n){2}/);
    ann.send('hi\u001b[2J there\n');
    await bob.heard(/is now ann\nann: hi\[2J there\n$/);
    assert.not.match(ann.text, /hi/);
    assert.is((await clients(shell))[0]?.name, 'ann');
  },

  'config tcp-server NAME protocol line': async (shell) => {
    await shell.serve('a', 'line');
    const { plain } = await shell.dial('a');
    plain.end('one\ntwo\n');
    await plain.over;
    assert.is(plain.text, '');
    assert.is((await servers(shell))[0]?.statistics.messagesIn, 2);
  },

  'config tcp-server NAME protocol fixed SIZE': async (shell) => {
    await shell.serve('a', 'fixed 4');
    const { plain } = await shell.dial('a');
    plain.send('fourfour');
    await shell.run('wait tcp-server a messages 2', 'run tcp-server a broadcast abcd');
    await plain.heard(/^abcd$/);
    assert.match(await shell.complaint('run tcp-server a broadcast abc'), /must be a whole number from 4 to 4, got 3/);
  },

  'config tcp-server NAME protocol variable': async (shell) => {
    await shell.serve('a', 'variable');
    const { plain } = await shell.dial('a');
    plain.send(selfCounted('hello'));
    await shell.run('wait tcp-server a messages 1', 'run tcp-server a broadcast hey');
    await plain.heard(5);
    assert.equal(plain.bytes, selfCounted('hey'));
  },

  'config tcp-server NAME protocol proxy HOST PORT': async (shell) => {
    const port = await shell.serve('far');
    await shell.serve('near', `proxy 127.0.0.1 ${port}`);
    const { plain } = await shell.dial('near');
    plain.end('through');
    await plain.over;
    assert.is(plain.text, 'through');
  },

  'config tcp-server NAME protocol MODULE': async (shell) => {
    await module(`export default (bytes) => bytes;`, async (path) => {
      await shell.serve('a', `"${path}"`);
      const { plain } = await shell.dial('a');
      await plain.send('mine').heard(/^mine$/);
      assert.ok((await configOf(shell)).includes(`config tcp-server a protocol "${path}"\n`));
    });
    await module(COUNTER, async (path) => {
      await shell.run('config tcp-server b', 'ka-interval 0.05');
      await shell.serve('b', `"${path}"`);
      const { plain } = await shell.dial('b');
      await shell.run('run tcp-server b broadcast {"add": 3}');
      await plain.heard(/^\{"add":3\}\n/);
      await plain.heard(/\{"add":0\}\n/); // the keep-alive
      const said = await shell.complaint('run tcp-server b broadcast three');
      assert.match(said, /^counter has no message "three": give a /);
    });
    await module('export const x = 1;', async (path) => {
      const complaint = await shell.complaint(`config tcp-server a protocol "${path}"`);
      assert.is(complaint, `${path} has no protocol and no handler as its default export`);
    });
    const missing = await shell.complaint('config tcp-server a protocol ./nowhere.js');
    assert.match(missing, /^\.\/nowhere\.js cannot be loaded: Cannot find module/);
  },

  'config tcp-server NAME start': async (shell) => {
    const port = await shell.serve('a');
    assert.match(
      await shell.run('show tcp-server a'),
      new RegExp(`address +127\\.0\\.0\\.1:${port}\n +state +running`),
    );
    assert.is(await shell.complaint('config tcp-server a start'), 'a is running already');
    await shell.run(`config tcp-server b 127.0.0.1 ${port}`);
    const taken = await shell.complaint('config tcp-server b start');
    assert.is(taken, `cannot listen on 127.0.0.1:${port}: it is in use`);
    await shell.run('config tcp-server a stop', 'config tcp-server b start');
    assert.is(await shell.complaint('config tcp-server c start'), 'there is no server c: config tcp-server c makes it');
  },

  'config tcp-server NAME stop': async (shell) => {
    await shell.serve('a');
    const { plain } = await shell.dial('a');
    plain.socket.on('end', () => plain.end());
    assert.match(await shell.run('config tcp-server a stop'), /^a stopped in \d+ ms: 1 ended, 0 cut$/);
    assert.is(await plain.over, 'end');
    await shell.run('config tcp-server a start');
    await (await shell.dial('a')).plain.send('again').heard(/again/);
  },

  'config tcp-server NAME abort': async (shell) => {
    await shell.serve('a');
    const { plain } = await shell.dial('a');
    assert.is(await shell.run('config tcp-server a abort'), 'a aborted: 1 cut');
    assert.is(await plain.over, 'reset');
  },

  'no tcp-server NAME': async (shell) => {
    const port = await shell.serve('a');
    await shell.run('config tcp-server a', 'no tcp-server a');
    assert.equal(shell.session.context, []);
    assert.is(await shell.run('show tcp-server'), 'no servers: config tcp-server NAME makes one');
    await client(port).then(
      () => assert.unreachable('it still listens'),
      (error: NodeJS.ErrnoException) => assert.is(error.code, 'ECONNREFUSED'),
    );
  },

  'config tcp-server NAME disable-conn-accept': async (shell) => {
    await shell.serve('a');
    const { plain: before } = await shell.dial('a');
    await shell.run('config tcp-server a disable-conn-accept');
    const waits = await client(shell.port('a'));
    waits.send('let me in');
    await before.send('as ever').heard(/as ever/);
    assert.is((await clients(shell)).length, 1);
    assert.is(waits.text, '');
    assert.match(await shell.run('show tcp-server'), /accepts nobody/);
  },

  'config tcp-server NAME no disable-conn-accept': async (shell) => {
    await shell.serve('a');
    await shell.run('config tcp-server a disable-conn-accept');
    const waits = await client(shell.port('a'));
    waits.send('let me in');
    await shell.run('config tcp-server a no disable-conn-accept');
    await waits.heard(/^let me in$/);
  },

  'config tcp-server NAME disable-client-listen': async (shell) => {
    await shell.serve('a');
    const [ann, bob] = [(await shell.dial('a')).plain, (await shell.dial('a')).plain];
    await shell.run('config tcp-server a disable-client-listen');
    ann.send('hello');
    bob.send('hello');
    await shell.run('wait 0.1');
    assert.is(ann.text + bob.text, '');
    assert.match(await shell.run('show tcp-server'), /listens to nobody/);
  },

  'config tcp-server NAME no disable-client-listen': async (shell) => {
    await shell.serve('a');
    const { plain } = await shell.dial('a');
    await shell.run('config tcp-server a disable-client-listen');
    plain.send('nothing ');
    plain.send('is lost');
    await shell.run('config tcp-server a no disable-client-listen');
    await plain.heard(/^nothing is lost$/);
  },

  'config tcp-server NAME ka-interval SECONDS': async (shell) => {
    await shell.run('config tcp-server a', 'ka-interval 0.05');
    await shell.serve('a', 'line');
    const { plain } = await shell.dial('a');
    await plain.heard(/^\n/);
    await plain.over; // it never answers
    assert.match(await shell.run('show tcp-server a'), /keep-alives every 0\.05 s/);
    assert.ok(((await servers(shell))[0]?.statistics.keepAlivesOut ?? 0) > 0);
    const said = await shell.run('config tcp-server b', 'ka-interval 10');
    assert.is(said, 'echo has no keep-alives: this waits for a protocol that does');
  },

  'config tcp-server NAME no ka-interval': async (shell) => {
    await shell.run('config tcp-server a', 'ka-interval 5', 'no ka-interval');
    assert.not.match(await configOf(shell), /ka-interval/);
  },

  'config tcp-server NAME max-clients COUNT': async (shell) => {
    await shell.serve('a');
    await shell.run('config tcp-server a max-clients 1');
    const { plain: first } = await shell.dial('a');
    const second = await client(shell.port('a'));
    second.send('and me?');
    await first.send('me').heard(/me/);
    assert.is((await clients(shell)).length, 1);
    first.end();
    await second.heard(/^and me\?$/);
  },

  'config tcp-server NAME no max-clients': async (shell) => {
    await shell.run('config tcp-server a', 'max-clients 1', 'no max-clients');
    assert.match(await configOf(shell), /^config tcp-server a max-clients 10000$/m);
  },

  'config tcp-server NAME deny CIDR': async (shell) => {
    await shell.serve('a');
    await shell.run('config tcp-server a deny 127.0.0.0/8');
    await refused(shell);
    assert.match(await shell.run('show tcp-server a'), /denied +127\.0\.0\.0\/8\n[^]* refused 1\n/);
  },

  'config tcp-server NAME no deny CIDR': async (shell) => {
    await shell.serve('a');
    await shell.run('config tcp-server a deny 127.0.0.0/8', 'config tcp-server a no deny 127.0.0.0/8');
    await (await shell.dial('a')).plain.send('hello').heard(/hello/);
    assert.is(await shell.complaint('config tcp-server a no deny 10.0.0.0/8'), 'a has no rule for 10.0.0.0/8');
  },

  'config tcp-server NAME allow CIDR': async (shell) => {
    await shell.serve('a');
    await shell.run('config tcp-server a allow 10.0.0.0/8');
    await refused(shell);
    await shell.run('config tcp-server a allow 127.0.0.1');
    await (await shell.dial('a')).plain.send('hello').heard(/hello/);
  },

  'config tcp-server NAME no allow CIDR': async (shell) => {
    await shell.serve('a');
    await shell.run('config tcp-server a allow 10.0.0.0/8', 'config tcp-server a no allow 10.0.0.0/8');
    await (await shell.dial('a')).plain.send('hello').heard(/hello/);
  },

  'config tcp-server NAME multi-threaded-mode': async (shell) => {
    await shell.run('config tcp-server a');
    assert.match(await shell.complaint('multi-threaded-mode'), /comes with worker processes/);
  },

  'config tcp-server NAME no multi-threaded-mode': async (shell) => {
    await shell.run('config tcp-server a', 'no multi-threaded-mode');
    assert.is((await servers(shell))[0]?.state.multiThreaded, false);
  },

  'config tcp-server NAME connect IP PORT': async (shell) => {
    const port = await shell.serve('far', 'line');
    await shell.run('config tcp-server near 127.0.0.1 0', 'config tcp-server near protocol line');
    const said = await shell.run(`config tcp-server near connect 127.0.0.1 ${port}`);
    assert.is(said, 'near is not running: it connects when it starts');
    await shell.run('config tcp-server near start', 'wait tcp-server near clients 1');
    const near = (await clients(shell)).find(({ server }) => server === 'near');
    assert.equal([near?.address, near?.opener], [`127.0.0.1:${port}`, 'active']);
    assert.match(await shell.run('show tcp-server near'), /dials +127\.0\.0\.1:\d+ connected/);
    const again = await shell.complaint(`config tcp-server near connect 127.0.0.1 ${port}`);
    assert.is(again, `near connects to 127.0.0.1 ${port} already`);
  },

  'config tcp-server NAME no connect IP PORT': async (shell) => {
    const port = await shell.serve('far', 'line');
    await shell.serve('near', 'line');
    await shell.run(`config tcp-server near connect 127.0.0.1 ${port}`, 'wait tcp-server far clients 1');
    await shell.run(`config tcp-server near no connect 127.0.0.1 ${port}`, 'wait tcp-server far clients 0');
    assert.not.match(await configOf(shell), /connect/);
    const complaint = await shell.complaint(`config tcp-server near no connect 127.0.0.1 ${port}`);
    assert.is(complaint, `near does not connect to 127.0.0.1 ${port}`);
  },

  'config tcp-server NAME client CLIENT disconnect': async (shell) => {
    await shell.serve('a');
    const ann = await shell.dial('a');
    const bob = await shell.dial('a');
    await shell.run(`config tcp-server a client ${ann.address} disconnect`);
    assert.is(await ann.plain.over, 'end');
    const { id } = (await clients(shell)).find(({ address }) => address === bob.address) as ClientShown;
    await shell.run(`config tcp-server a client ${id} disconnect`);
    assert.is(await bob.plain.over, 'end');
    assert.is(await shell.complaint('config tcp-server a client nobody disconnect'), 'a has no client nobody');
  },

  'config tcp-server NAME client CLIENT disable-listen': async (shell) => {
    await shell.serve('a');
    const [ann, bob] = [await shell.dial('a'), await shell.dial('a')];
    await shell.run(`config tcp-server a client ${ann.address} disable-listen`);
    ann.plain.send('not heard');
    await bob.plain.send('heard').heard(/heard/);
    assert.is(ann.plain.text, '');
    const paused = (await clients(shell)).filter(({ state }) => state.paused);
    assert.equal(
      paused.map(({ address }) => address),
      [ann.address],
    );
  },

  'config tcp-server NAME client CLIENT no disable-listen': async (shell) => {
    await shell.serve('a');
    const { plain, address } = await shell.dial('a');
    await shell.run(`config tcp-server a client ${address} disable-listen`);
    plain.send('later');
    await shell.run(`config tcp-server a client ${address} no disable-listen`);
    await plain.heard(/^later$/);
  },

  'run tcp-server NAME send-msg IP PORT TEXT': async (shell) => {
    await shell.serve('a', 'line');
    const [ann, bob] = [await shell.dial('a'), await shell.dial('a')];
    const [ip, port] = ann.address.split(':');
    await shell.run(`run tcp-server a send-msg ${ip} ${port} hello  there`);
    await ann.plain.heard(/^hello {2}there\n$/);
    assert.is(bob.plain.text, '');
    assert.is(await shell.complaint('run tcp-server a send-msg 127.0.0.1 1 x'), 'a has no client 127.0.0.1:1');
  },

  'run tcp-server NAME broadcast TEXT': async (shell) => {
    await shell.serve('a');
    const [ann, bob] = [await shell.dial('a'), await shell.dial('a')];
    assert.is(await shell.run('run tcp-server a broadcast "to all\\n"'), 'sent to 2 clients');
    await ann.plain.heard(/^to all\n$/);
    await bob.plain.heard(/^to all\n$/);
  },

  'show tcp-server': async (shell) => {
    assert.is(await shell.run('show tcp-server'), 'no servers: config tcp-server NAME makes one');
    await shell.serve('a');
    await shell.run('config tcp-server b protocol chat').catch(() => {});
    await shell.run('config tcp-server b', 'protocol chat');
    await (await shell.dial('a')).plain.send('12345').heard(5);
    const [head, a, b] = (await shell.run('show tcp-server')).split('\n');
    assert.match(head ?? '', /^name +address +protocol +state +clients +bytes in +bytes out$/);
    assert.match(a ?? '', /^a +127\.0\.0\.1:\d+ +echo +running +1 +5 +5$/);
    assert.match(b ?? '', /^b +127\.0\.0\.1:40000 +chat +stopped +0 +0 +0$/);
  },

  'show tcp-server --json': async (shell) => {
    const port = await shell.serve('a');
    const [a] = await servers(shell);
    assert.equal([a?.name, a?.address, a?.protocol, a?.keepAlive], ['a', `127.0.0.1:${port}`, 'echo', 0]);
    assert.equal([a?.state.running, a?.rules, a?.limits.maxConnections], [true, [], 10_000]);
  },

  'show tcp-server NAME': async (shell) => {
    await shell.serve('a');
    const { plain, address } = await shell.dial('a');
    await plain.send('12345').heard(5);
    const said = await shell.run('show tcp-server a');
    assert.match(
      said,
      /^a\n {2}address +127\.0\.0\.1:\d+\n {2}state +running\n {2}started +0s ago\n {2}protocol +echo\n/,
    );
    assert.match(said, /in +bytes 5, /);
    assert.match(said, new RegExp(`\\n *\\d+ +a +${address} +connected, passive +0s +0s +5 +5 `));
  },

  'show tcp-server NAME --json': async (shell) => {
    await shell.serve('a');
    const { address } = await shell.dial('a');
    const a = JSON.parse(await shell.run('show tcp-server a --json')) as ServerShown & {
      readonly clients: readonly ClientShown[];
    };
    assert.is(a.name, 'a');
    assert.is(a.clients[0]?.address, address);
  },

  'show clients': async (shell) => {
    assert.is(await shell.run('show clients'), 'no clients');
    await shell.serve('a');
    await shell.serve('b', 'chat');
    const [ann, bob] = [await shell.dial('a'), await shell.dial('b')];
    bob.plain.send('/nick bob\n');
    await bob.plain.heard(/you are now bob/);
    const lines = (await shell.run('show clients')).split('\n');
    assert.is(lines.length, 3);
    assert.match(lines[1] ?? '', new RegExp(`^ *\\d+ +a +${ann.address} +connected, passive `));
    assert.match(lines[2] ?? '', new RegExp(`^ *\\d+ +b +${bob.address} +bob +connected, passive `));
  },

  'show clients --json': async (shell) => {
    await shell.serve('a');
    const { plain, address } = await shell.dial('a');
    await plain.send('12345').heard(5);
    const [ann] = await clients(shell);
    assert.equal([ann?.server, ann?.address, ann?.name, ann?.opener], ['a', address, address, 'passive']);
    assert.equal([ann?.statistics.bytesIn, ann?.statistics.bytesOut], [5, 5]);
  },

  'show clients NAME': async (shell) => {
    await shell.serve('a');
    await shell.serve('b');
    await shell.dial('a');
    const { address } = await shell.dial('b');
    const said = await shell.run('show clients b');
    assert.is(said.split('\n').length, 2);
    assert.ok(said.includes(address));
    assert.match(await shell.complaint('show clients c'), /^there is no server c/);
  },

  'show clients NAME --json': async (shell) => {
    await shell.serve('a');
    await shell.serve('b');
    await shell.dial('a');
    const { address } = await shell.dial('b');
    const shown = JSON.parse(await shell.run('show clients b --json')) as readonly ClientShown[];
    assert.equal(
      shown.map((one) => one.address),
      [address],
    );
  },

  'show events': async (shell) => {
    await shell.serve('a', 'line');
    const shown = shell.run('show events');
    const { plain, address } = await shell.dial('a');
    plain.end('hello\n\u001b[2J\n');
    await plain.over;
    await shell.until(() => shell.servers.get('a').server.clients.count === 0);
    shell.stop.abort();
    const lines = (await shown).split('\n').map((line) => line.replace(/^\d\d:\d\d:\d\d\.\d{3} /, ''));
    const told = lines.map((line) => line.replace(/ \d+ 127\.0\.0\.1:\d+/, ' ID ADDRESS'));
    assert.equal(told, [
      'a connected ID ADDRESS',
      'a message ID ADDRESS in "hello"',
      'a message ID ADDRESS in 0x1b5b324a',
      'a disconnected ID ADDRESS finished',
    ]);
    assert.ok(lines[0]?.endsWith(address));
  },

  'show events --json': async (shell) => {
    await shell.serve('a', 'line');
    const shown = shell.run('show events --json');
    const { plain, address } = await shell.dial('a');
    plain.end('hello\n');
    await plain.over;
    await shell.until(() => shell.servers.get('a').server.clients.count === 0);
    shell.stop.abort();
    const told = (await shown).split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(
      told.map(({ type }) => type),
      ['connected', 'message', 'disconnected'],
    );
    assert.is((told[1]?.['client'] as Partial<ClientShown> | undefined)?.address, address);
    assert.equal([told[1]?.['direction'], told[1]?.['message']], ['in', '"hello"']);
    assert.is(told[2]?.['reason'], 'finished');
  },

  'show events SECONDS': async (shell) => {
    await shell.run('config tcp-server a 127.0.0.1 0');
    const shown = shell.run('show events 0.3');
    await shell.session.run('config tcp-server a start', {
      print: () => {},
      full: () => false,
      signal: shell.stop.signal,
    });
    assert.match(await shown, /^\S+ a listening 127\.0\.0\.1:\d+$/);
  },

  'show events SECONDS --json': async (shell) => {
    assert.is(await shell.run('show events 0.01 --json'), '');
  },

  'show running-config': async (shell) => {
    assert.is(await configOf(shell), '');
    await shell.run('config tcp-server a ::1 7000', 'config tcp-server a', 'protocol chat', 'ka-interval 2.5');
    await shell.run('deny 10.0.0.0/8', 'allow ::1', 'disable-conn-accept', 'disable-client-listen', 'connect ::1 7001');
    assert.equal((await configOf(shell)).split('\n'), [
      'config tcp-server a ::1 7000',
      'config tcp-server a protocol chat',
      'config tcp-server a ka-interval 2.5',
      'config tcp-server a max-clients 10000',
      'config tcp-server a deny 10.0.0.0/8',
      'config tcp-server a allow ::1/128',
      'config tcp-server a disable-conn-accept',
      'config tcp-server a disable-client-listen',
      'config tcp-server a connect ::1 7001',
    ]);
  },

  top: async (shell) => {
    await shell.run('top');
    assert.is(shell.asked, 'top');
  },

  'wait SECONDS': async (shell) => {
    const started = performance.now();
    await shell.run('wait 0.05');
    assert.ok(performance.now() - started >= 49);
    const waiting = shell.complaint('wait 3600');
    shell.stop.abort();
    assert.is(await waiting, 'stopped');
  },

  'wait tcp-server NAME clients COUNT': async (shell) => {
    await shell.serve('a');
    const waiting = shell.run('wait tcp-server a clients 2');
    const { plain } = await shell.dial('a');
    await shell.dial('a');
    await waiting;
    plain.end();
    await shell.run('wait tcp-server a clients 1');
  },

  'wait tcp-server NAME messages COUNT': async (shell) => {
    await shell.serve('a', 'line');
    const waiting = shell.run('wait tcp-server a messages 2');
    const { plain } = await shell.dial('a');
    plain.send('one\n');
    plain.send('two\n');
    await waiting;
  },

  help: async (shell) => {
    const lines = (await shell.run('help')).split('\n');
    assert.is(lines.length, grammar.length);
    for (const [index, { pattern, help }] of grammar.entries()) {
      assert.ok(lines[index]?.startsWith(`${pattern} `) && lines[index].endsWith(` ${help}`));
    }
  },

  history: async (shell) => {
    await shell.run('history');
    assert.is(shell.asked, 'history');
  },

  exit: async (shell) => {
    await shell.run('config tcp-server a', 'exit');
    assert.is(shell.asked, undefined);
    assert.equal(shell.session.context, []);
    await shell.run('exit');
    assert.is(shell.asked, 'leave');
  },

  end: async (shell) => {
    await shell.run('config tcp-server a', 'end');
    assert.equal(shell.session.context, []);
    await shell.run('end');
    assert.is(shell.asked, undefined);
  },

  quit: async (shell) => {
    await shell.run('config tcp-server a', 'quit');
    assert.is(shell.asked, 'leave');
  },
};

for (const { pattern } of grammar) {
  test(pattern, async () => {
    const act = cases[pattern];
    assert.ok(act !== undefined, 'has no case in this test');
    const shell = new ShellRig();
    try {
      await act(shell);
    } finally {
      await shell.close();
    }
  });
}

test('no case is of no command', () => {
  const patterns = new Set(grammar.map(({ pattern }) => pattern));
  assert.equal(
    Object.keys(cases).filter((pattern) => !patterns.has(pattern)),
    [],
  );
});

test('who stops waiting for a stop stops nothing', async () => {
  const shell = new ShellRig();
  await shell.serve('a', 'line');
  const { plain } = await shell.dial('a');
  const stopping = shell.complaint('config tcp-server a stop');
  shell.stop.abort();
  assert.is(await stopping, 'a goes on stopping: abort ends it at once');
  assert.is(await plain.over, 'end');
  plain.end();
  await shell.until(() => !shell.servers.get('a').running);
  await shell.close();
});

test.run();
