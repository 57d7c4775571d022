// What each command answers: a table, asked of examples/resp, and of redis-server where there is one.
import * as assert from 'uvu/assert';
import { allCommands } from '../examples/resp/all-commands.js';
import type { RespOptions } from '../examples/resp/resp-server.js';
import { type PlainClient, plainClient } from '../src/testing/plain-client.js';
import { freePort, installed, start } from './kit/program.js';
import { asked, respInMemory } from './kit/resp.js';
import { type Row, respTable } from './kit/resp-table.js';
import { suite } from './kit/suite.js';

const test = suite('resp: commands', undefined, { timeout: 10_000 });

const linesOf = (rows: readonly Row[]): Buffer =>
  Buffer.from(rows.map(([request]) => `${request}\r\n`).join(''), 'latin1');

const singly = (bytes: Uint8Array): Uint8Array[] => Array.from(bytes, (byte) => Uint8Array.of(byte));

/** Compares answer by answer, so that a difference is told with its request. */
const compare = (heard: string, rows: readonly Row[]): void => {
  let at = 0;
  for (const [request, answer] of rows) {
    const wanted = `${answer.replaceAll(';', '\r\n')}\r\n`;
    assert.is(JSON.stringify(heard.slice(at, at + wanted.length)), JSON.stringify(wanted), request);
    at += wanted.length;
  }
  assert.is(heard.slice(at), '');
};

const answers = (name: string, rows: readonly Row[], options: RespOptions = {}): void =>
  test(name, async () => {
    for (const chunks of [[linesOf(rows)], singly(linesOf(rows))]) {
      const { ask, stop } = await respInMemory(options);
      compare(await ask(...chunks), rows);
      await stop();
    }
  });

for (const [name, rows] of Object.entries(respTable)) answers(name, rows);

answers('RESP3: what has a type of its own', [
  ['GET k', '$-1'],
  ['EXEC', '-ERR EXEC without MULTI'],
  ['SADD s a b', ':2'],
  ['HSET h f v', ':1'],
  ['HELLO 3 FOO', `-ERR Syntax error in HELLO option 'FOO'`],
  ['HGETALL h', '*2;$1;f;$1;v'],
]);

test('RESP3: HELLO turns to it, and back', async () => {
  const { ask, stop } = await respInMemory();
  const hello = await ask('HELLO 3 SETNAME ann\r\nCLIENT GETNAME\r\nHELLO\r\nHELLO 2\r\n');
  const said = (proto: number): string =>
    `\\$6\r\nserver\r\n\\$5\r\nredis\r\n\\$7\r\nversion\r\n\\$5\r\n7.0.0\r\n\\$5\r\nproto\r\n:${proto}\r\n\\$2\r\nid\r\n:\\d+\r\n` +
    '\\$4\r\nmode\r\n\\$10\r\nstandalone\r\n\\$4\r\nrole\r\n\\$6\r\nmaster\r\n\\$7\r\nmodules\r\n\\*0\r\n';
  assert.match(hello, new RegExp(`^%7\r\n${said(3)}\\$3\r\nann\r\n%7\r\n${said(3)}\\*14\r\n${said(2)}$`));

  const setUp = 'SADD s a b\r\nHSET h f v\r\nHELLO 3\r\n';
  const rows: readonly Row[] = [
    ['GET nosuch', '_'],
    ['LPOP nosuch 2', '_'],
    ['SMEMBERS s', '~2;$1;a;$1;b'],
    ['HGETALL h', '%1;$1;f;$1;v'],
    ['SISMEMBER s a', ':1'],
    ['CONFIG GET save', '%1;$4;save;$0;'],
    ['WATCH s', '+OK'],
    ['SADD s c', ':1'],
    ['MULTI', '+OK'],
    ['EXEC', '_'],
    ['SUBSCRIBE c', '>3;$9;subscribe;$1;c;:1'],
    ['GET nosuch', '_'],
    ['PING', '+PONG'],
    ['PUBLISH c hello', ':1;>3;$7;message;$1;c;$5;hello'],
    ['PSUBSCRIBE [a-c]', '>3;$10;psubscribe;$5;[a-c];:2'],
    ['PUBLISH c x', ':2;>3;$7;message;$1;c;$1;x;>4;$8;pmessage;$5;[a-c];$1;c;$1;x'],
    ['MULTI', '+OK'],
    ['PUBLISH c y', '+QUEUED'],
    ['PING', '+QUEUED'],
    ['EXEC', '*2;:2;+PONG;>3;$7;message;$1;c;$1;y;>4;$8;pmessage;$5;[a-c];$1;c;$1;y'],
    ['UNSUBSCRIBE', '>3;$11;unsubscribe;$1;c;:1'],
    ['UNSUBSCRIBE', '>3;$11;unsubscribe;_;:1'],
    ['INFO nosuch', '=4;txt:'],
  ];
  const heard = await ask(setUp, linesOf(rows));
  compare(heard.slice(heard.indexOf('*0\r\n') + 4), rows);
  await stop();
});

answers(
  'a password: nothing is done before it',
  [
    ['GET k', '-NOAUTH Authentication required.'],
    ['NOSUCH', `-ERR unknown command 'NOSUCH', with args beginning with: `],
    [
      'HELLO 3',
      '-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time',
    ],
    ['AUTH wrong', '-WRONGPASS invalid username-password pair or user is disabled.'],
    ['AUTH bob secret', '-WRONGPASS invalid username-password pair or user is disabled.'],
    ['MULTI', '-NOAUTH Authentication required.'],
    ['AUTH secret', '+OK'],
    ['SET k v', '+OK'],
    ['AUTH default secret', '+OK'],
  ],
  { password: 'secret' },
);

answers(
  'limits of what is kept for a client',
  [
    ['WATCH a b', '+OK'],
    ['WATCH c', '-ERR a client may watch or listen to 2 names at most'],
    ['SUBSCRIBE a b c', '-ERR a client may watch or listen to 2 names at most'],
    ['MULTI', '+OK'],
    [`SET a ${'x'.repeat(500)}`, '+QUEUED'],
    [`SET a ${'x'.repeat(500)}`, '-ERR the transaction is too long'],
    ['PING', '-ERR the transaction is too long'],
    ['EXEC', '-EXECABORT Transaction discarded because of previous errors.'],
    ['GET a', '$-1'],
    [`APPEND a ${'x'.repeat(700)}`, ':700'],
    [`APPEND a ${'x'.repeat(700)}`, '-ERR string exceeds maximum allowed size (proto-max-bulk-len)'],
    ['SCAN 7', '-ERR invalid cursor'],
    [`KEYS ${'*'.repeat(1025)}`, '-ERR a pattern has 1024 bytes at most'],
  ],
  { limited: { names: 2, transaction: 1_000, bulk: 1_300 } },
);

test('names are names, whatever they are', async () => {
  const { ask, stop } = await respInMemory();
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', ''];
  for (const name of names) {
    const all = asked(
      ['GET', name],
      ['SET', name, 'v'],
      ['GET', name],
      ['HGET', `h${name}`, name],
      ['HSET', `h${name}`, name, 'w'],
      ['HGET', `h${name}`, name],
      ['SISMEMBER', `s${name}`, name],
      ['CONFIG', 'GET', name],
      [name],
      ['CLIENT', name],
    );
    const unknown = `-ERR unknown command '${name}', with args beginning with: \r\n`;
    const none = `-ERR unknown subcommand '${name}'. Try CLIENT HELP.\r\n`;
    assert.is(await ask(all), `$-1\r\n+OK\r\n$1\r\nv\r\n$-1\r\n:1\r\n$1\r\nw\r\n:0\r\n*0\r\n${unknown}${none}`);
  }
  await stop();
});

test('any bytes are a value, a key, a field and a member', async () => {
  const { ask, stop } = await respInMemory();
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const bulk = `$256\r\n${bytes.toString('latin1')}\r\n`;
  const heard = await ask(
    asked(
      ['SET', bytes, bytes],
      ['GET', bytes],
      ['KEYS', '*'],
      ['HSET', 'h', bytes, bytes],
      ['HGETALL', 'h'],
      ['SADD', 's', bytes],
      ['SMEMBERS', 's'],
      ['RPUSH', 'l', bytes],
      ['LRANGE', 'l', '0', '-1'],
      ['ECHO', bytes],
    ),
  );
  const one = `*1\r\n${bulk}`;
  assert.is(heard, `+OK\r\n${bulk}${one}:1\r\n*2\r\n${bulk}${bulk}:1\r\n${one}:1\r\n${one}${bulk}`);
  await stop();
});

test('a value of 8 MB goes in and out as it is, and many of them in one transaction', async () => {
  const { ask, stop } = await respInMemory();
  const large = Buffer.alloc(8 * 1024 * 1024, 'abc');
  const chunks: Uint8Array[] = [];
  const set = asked(
    ['SET', 'k', large],
    ['STRLEN', 'k'],
    ['GET', 'k'],
    ['MULTI'],
    ['GET', 'k'],
    ['GET', 'k'],
    ['EXEC'],
  );
  for (let at = 0; at < set.length; at += 60_000) chunks.push(set.subarray(at, at + 60_000));
  const heard = await ask(...chunks);
  const bulk = `$${large.length}\r\n${large.toString()}\r\n`;
  assert.ok(heard === `+OK\r\n:${large.length}\r\n${bulk}+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n${bulk}${bulk}`);
  await stop();
});

test('a value that is added to a byte at a time', async () => {
  const { ask, stop } = await respInMemory();
  const count = 20_000;
  const heard = await ask(
    asked(...Array.from({ length: count }, (_, at) => ['APPEND', 'k', String(at % 10)]), ['GET', 'k']),
  );
  assert.is(heard.slice(-count - 2), `${'0123456789'.repeat(count / 10)}\r\n`);
  await stop();
});

test('SCAN gives what is there all the time once, whatever else comes and goes', async () => {
  const { ask, stop } = await respInMemory();
  const keys = Array.from({ length: 1_000 }, (_, at) => `key:${at}`);
  await ask(asked(...keys.map((key) => ['SET', key, 'v'])));
  const seen: string[] = [];
  let cursor = '0';
  do {
    const heard = await ask(
      asked(['SCAN', cursor, 'COUNT', '100'], ['SET', `new:${cursor}`, 'v'], ['DEL', `new:${cursor}`]),
    );
    const [, next = '', found = ''] = /^\*2\r\n\$\d+\r\n(\d+)\r\n\*\d+\r\n([^]*):1\r\n$/.exec(heard) ?? [];
    cursor = next;
    seen.push(...[...found.matchAll(/\r\n(key:\d+)\r\n/g)].map((match) => match[1] as string));
  } while (cursor !== '0');
  assert.equal(seen.toSorted(), keys.toSorted());
  await stop();
});

test('many channels, and long names of them', async () => {
  const { ask, stop } = await respInMemory();
  const channels = Array.from({ length: 10_000 }, (_, at) => `${at}`.padStart(50, 'x'));
  const heard = await ask(asked(['SUBSCRIBE', ...channels], ['SUBSCRIBE', 'one more']));
  assert.match(heard, /:10000\r\n-ERR a client may watch or listen to 10000 names at most\r\n$/);
  const long = 'x'.repeat(65_536);
  const said = `*3\r\n$9\r\nsubscribe\r\n$65536\r\n${long}\r\n:1\r\n`;
  const answer = await ask(asked(['CLIENT', 'SETNAME', long], ['SUBSCRIBE', long], ['SUBSCRIBE', `${long}x`]));
  assert.ok(answer === `+OK\r\n${said}-ERR a name has 65536 bytes at most\r\n`);
  await stop();
});

test('all commands that were asked for are there', () => {
  const wanted =
    'PING ECHO SET GET GETDEL GETEX DEL EXISTS INCR INCRBY DECR APPEND STRLEN MGET MSET EXPIRE PEXPIRE TTL PTTL PERSIST ' +
    'TYPE KEYS SCAN DBSIZE FLUSHALL HSET HGET HDEL HGETALL HLEN LPUSH RPUSH LPOP RPOP LRANGE LLEN SADD SREM SMEMBERS ' +
    'SISMEMBER SCARD SELECT MULTI EXEC DISCARD WATCH SUBSCRIBE PSUBSCRIBE UNSUBSCRIBE PUBLISH CLIENT INFO COMMAND CONFIG ' +
    'QUIT HELLO AUTH';
  const names = new Set(allCommands.all.map(({ name }) => name.toUpperCase()));
  for (const name of wanted.split(' ')) assert.ok(names.has(name), name);
});

// ── redis-server ────────────────────────────────────────────────────────────────────────────────────────────────────

const there = installed('redis-server');
if (!there)
  console.log('redis-server is not installed (apt-get install redis-server): what it answers is not compared');

const once = async (port: number): Promise<PlainClient> => {
  for (;;) {
    try {
      return await plainClient({ port, host: '127.0.0.1' });
    } catch {
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
  }
};

(there ? test : (name: string): void => test.skip(name))('redis-server answers the same', async () => {
  const port = await freePort();
  const redis = start('redis-server', ['--port', String(port), '--save', '', '--appendonly', 'no']);
  try {
    for (const rows of Object.values(respTable)) {
      const ann = await once(port);
      ann.send(Buffer.concat([Buffer.from('FLUSHALL\r\n'), linesOf(rows), Buffer.from('QUIT\r\n')]));
      await ann.over;
      const heard = ann.bytes.toString('latin1').slice('+OK\r\n'.length);
      // Of the one that says QUIT itself, the second one is not answered.
      compare(rows.at(-1)?.[0] === 'QUIT' ? heard : heard.slice(0, -'+OK\r\n'.length), rows);
    }
  } finally {
    redis.signal('SIGTERM');
    await redis.exited;
  }
});

test.run();
