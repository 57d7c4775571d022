// examples/resp, spoken to by those who speak to Redis: redis-cli, redis-benchmark and ioredis.
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import * as assert from 'uvu/assert';
import { type Program, client, example, installed, portOf, start } from './kit/program.js';
import { asked } from './kit/resp.js';
import { suite } from './kit/suite.js';

const test = suite('resp: real clients', undefined, { timeout: 30_000 });

const there = installed('redis-cli') && installed('redis-benchmark');
if (!there) console.log('redis-cli is not installed (apt-get install redis-tools): its tests are skipped');
const tried = there ? test : (name: string): void => test.skip(name);

const end = async (store: Program): Promise<void> => {
  store.signal('SIGINT');
  assert.is(await store.exited, 0, store.output());
};

/** What redis-cli prints for a command. */
const cli = async (port: number, ...args: readonly string[]): Promise<string> => {
  const program = start('redis-cli', ['-p', String(port), ...args]);
  program.hush();
  assert.is(await program.exited, 0, program.output());
  return program.output();
};

tried('redis-cli: commands, both protocols, a password, and a transaction from its input', async () => {
  const store = example('resp', '--port', '0', '--password', 'secret');
  const port = await portOf(store);
  assert.match(await cli(port, 'GET', 'k'), /NOAUTH/);
  const known = ['-a', 'secret', '--no-auth-warning'];
  assert.is(await cli(port, ...known, 'SET', 'k', 'a value'), 'OK\n');
  assert.is(await cli(port, ...known, 'GET', 'k'), 'a value\n');
  await cli(port, ...known, 'HSET', 'h', 'f', '1', 'g', '2');
  assert.is(await cli(port, ...known, '-3', '--no-raw', 'HGETALL', 'h'), '1# "f" => "1"\n2# "g" => "2"\n');
  assert.match(
    await cli(port, ...known, '-3', 'CLIENT', 'LIST'),
    /^id=\d+ addr=127.0.0.1:\d+ .* cmd=client\|list .* resp=3\n/,
  );
  assert.match(await cli(port, ...known, 'INFO', 'keyspace'), /^# Keyspace\r?\ndb0:keys=2,expires=0/);
  assert.match(await cli(port, ...known, '--scan', '--pattern', '?'), /^[hk]\n[hk]\n$/);
  const session = start('redis-cli', ['-p', String(port), ...known]);
  session.say('MULTI\nINCR n\nGET k\nEXEC\n');
  session.hush();
  await session.exited;
  assert.is(session.output(), 'OK\nQUEUED\nQUEUED\n1\na value\n');
  await end(store);
});

tried('redis-cli --pipe: ten thousand requests at once', async () => {
  const store = example('resp', '--port', '0');
  const port = await portOf(store);
  const pipe = start('redis-cli', ['-p', String(port), '--pipe']);
  pipe.say(asked(...Array.from({ length: 10_000 }, (_, at) => ['SET', `key:${at}`, `value ${at}`])).toString());
  pipe.hush();
  assert.is(await pipe.exited, 0);
  assert.match(pipe.output(), /errors: 0, replies: 10000/);
  assert.is(await cli(port, 'DBSIZE'), '10000\n');
  assert.is(await cli(port, 'GET', 'key:9999'), 'value 9999\n');
  await end(store);
});

tried('redis-cli hears what is published', async () => {
  const store = example('resp', '--port', '0');
  const port = await portOf(store);
  const ann = start('redis-cli', ['-p', String(port), 'PSUBSCRIBE', 'n*']);
  await ann.printed(/psubscribe\nn\*\n1/);
  assert.is(await cli(port, 'PUBLISH', 'news', 'hello'), '1\n');
  await ann.printed(/pmessage\nn\*\nnews\nhello/);
  ann.signal('SIGKILL');
  await ann.exited;
  await end(store);
});

tried('redis-benchmark: all that it knows of what is there, pipelined and not', async () => {
  const store = example('resp', '--port', '0');
  const port = await portOf(store);
  for (const pipeline of [1, 32]) {
    const tests = 'ping,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,lrange_100,mset';
    const options = ['-p', port, '-c', 20, '-n', 1_000, '-P', pipeline, '-r', 100, '-t', tests, '--csv'];
    const benchmark = start('redis-benchmark', options.map(String));
    assert.is(await benchmark.exited, 0, benchmark.output());
    assert.not.match(benchmark.output(), /error/i);
    assert.is(benchmark.output().match(/^"[A-Z]/gm)?.length, 14, benchmark.output());
  }
  await end(store);
});

for (const protocol of [2, 3] as const) {
  test(`ioredis, RESP${protocol}: strings, buffers, pipelines, transactions, scans`, async () => {
    const store = example('resp', '--port', '0', '--password', 'secret');
    const options = { port: await portOf(store), password: 'secret', protocol, connectionName: 'ann' };
    const ann = new Redis(options);
    assert.is(await ann.set('k', 'v', 'EX', 100), 'OK');
    assert.is(await ann.get('k'), 'v');
    assert.is(await ann.get('nosuch'), null);
    assert.is(await ann.client('GETNAME'), 'ann');
    const bytes = Buffer.from([0, 255, 13, 10]);
    await ann.set('bytes', bytes);
    assert.equal(await ann.getBuffer('bytes'), bytes);
    await ann.hset('h', { f: '1', g: '2' });
    assert.equal({ ...(await ann.hgetall('h')) }, { f: '1', g: '2' });
    await ann.rpush('l', 'a', 'b', 'c');
    assert.equal(await ann.lrange('l', 0, -1), ['a', 'b', 'c']);
    await ann.sadd('s', 'x', 'y');
    assert.equal([...(await ann.smembers('s'))].toSorted(), ['x', 'y']);
    assert.equal(
      await ann
        .pipeline()
        .incr('n')
        .incr('n')
        .lpush('k', 'x')
        .exec()
        .then((all) => all?.map(([error, value]) => error?.message ?? value)),
      [1, 2, 'WRONGTYPE Operation against a key holding the wrong kind of value'],
    );
    assert.equal(await ann.multi().set('m', '1').get('m').exec(), [
      [null, 'OK'],
      [null, '1'],
    ]);
    await ann.watch('m');
    await ann.set('m', '2');
    assert.is(await ann.multi().get('m').exec(), null);
    const found: string[] = [];
    for await (const keys of ann.scanStream({ match: '?', count: 2 })) found.push(...(keys as string[]));
    assert.equal(found.toSorted(), ['h', 'k', 'l', 'm', 'n', 's']);
    ann.disconnect();
    await end(store);
  });

  test(`ioredis, RESP${protocol}: publishing, and a connection that is cut off comes again`, async () => {
    const store = example('resp', '--port', '0');
    const port = await portOf(store);
    const [ann, bob] = [new Redis({ port, protocol }), new Redis({ port, protocol })];
    assert.is(await ann.subscribe('news', 'sports'), 2);
    assert.is(await ann.psubscribe('n*'), 3);
    const heard: string[] = [];
    ann.on('message', (channel, message) => heard.push(`${channel}: ${message}`));
    ann.on('pmessage', (pattern, channel, message) => heard.push(`${pattern}, ${channel}: ${message}`));
    const both = once(ann, 'pmessage');
    assert.is(await bob.publish('news', 'hello'), 2);
    await both;
    assert.equal(heard, ['news: hello', 'n*, news: hello']);
    ann.on('error', () => {}); // it is told of the cut
    const again = new Promise((ready) => {
      ann.once('ready', ready);
    });
    assert.is(await bob.call('CLIENT', 'KILL', 'TYPE', 'pubsub'), 1);
    await again;
    // It subscribes again by itself.
    while ((await bob.publish('sports', 'goal')) === 0) await wait(5);
    while (!heard.includes('sports: goal')) await wait(5);
    for (const one of [ann, bob]) one.disconnect();
    await end(store);
  });
}

test('a value of 16 MB in and out, and one that is longer than may be', async () => {
  const store = example('resp', '--port', '0', '--max-bulk', '20000000');
  const port = await portOf(store);
  const ann = new Redis({ port, retryStrategy: () => null });
  const large = Buffer.alloc(16 * 1024 * 1024, 'abcdefg');
  await ann.set('large', large);
  assert.is(await ann.strlen('large'), large.length);
  assert.is(Buffer.compare((await ann.getBuffer('large')) as Buffer, large), 0);
  ann.disconnect();
  const bob = await client(port);
  bob.send('*2\r\n$3\r\nGET\r\n$20000001\r\n');
  assert.is(await bob.heard(/line|length/), '-ERR Protocol error: invalid bulk length\r\n');
  await bob.over;
  bob.end();
  await end(store);
});

test.run();
