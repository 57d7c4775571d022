import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastValueFrom } from 'rxjs';
import * as assert from 'uvu/assert';
import { serve } from '../operators/index.js';
import { SocketFile } from '../src/connection/socket-file.js';
import { ListenFailed, type ListenOptions, listen } from '../src/index.js';
import { assertNoLeaks } from '../src/testing/leaks.js';
import { type Loopback, loopback } from './kit/loopback.js';
import { rounds } from './kit/quiet.js';
import { raised } from './kit/raised.js';
import { suite } from './kit/suite.js';

const test = suite('socket files');
const echo = serve((bytes) => bytes);

/** A directory for one test, and the path of a socket in it. */
const inDirectory = async (body: (path: string, directory: string) => Promise<void>): Promise<void> => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-file-'));
  try {
    await body(join(directory, 'x.sock'), directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
};

const answers = async (server: Loopback<unknown>): Promise<void> => {
  const peer = await server.dial();
  peer.read().send('hello');
  assert.is(await peer.heard(5), 'hello');
  peer.end();
  await peer.over;
};

/** How opening a port fails. */
const failure = async (options: ListenOptions): Promise<ListenFailed> => {
  const error: unknown = await lastValueFrom(listen(options)).catch((thrown: unknown) => thrown);
  assert.instance(error, ListenFailed);
  return error as ListenFailed;
};

/** Leaves the socket file of a process that was killed. */
const leftBehind = async (path: string): Promise<void> => {
  const child: ChildProcess = spawn(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('open'))`,
  ]);
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.ok(lstatSync(path).isSocket());
};

test('the file has its mode when it appears, whatever the umask, and is gone at the end', () =>
  inDirectory(async (path, directory) => {
    for (const [options, mode] of [
      [{}, 0o600],
      [{ mode: 0o660 }, 0o660],
      [{ mode: 0o777 }, 0o777],
      [{ mode: 0 }, 0],
    ] as const) {
      const gone = assertNoLeaks();
      const mask = process.umask(0o002);
      const opening = loopback(echo, { path, ...options });
      process.umask(mask);
      // What can be seen before it is ready is a directory that only we may enter.
      for (const name of readdirSync(directory)) assert.is(statSync(join(directory, name)).mode & 0o777, 0o700, name);
      const server = await opening;
      assert.is(statSync(path).mode & 0o777, mode);
      assert.equal(readdirSync(directory), ['x.sock']);
      await answers(server);
      await server.stop();
      assert.equal(readdirSync(directory), []);
      await gone();
    }
  }));

test('a file that a dead process left is replaced', () =>
  inDirectory(async (path, directory) => {
    await leftBehind(path);
    const server = await loopback(echo, { path });
    assert.equal(readdirSync(directory), ['x.sock']);
    assert.is(statSync(path).mode & 0o777, 0o600);
    await answers(server);
    await server.stop();
    assert.not(existsSync(path));
  }));

test('one at which somebody listens is never taken, and who listens goes on', () =>
  inDirectory(async (path, directory) => {
    const server = await loopback(echo, { path });
    const { message, code } = await failure({ path });
    assert.is(code, 'EADDRINUSE');
    assert.is(message, `cannot listen on ${path}: it is in use`);
    assert.equal(readdirSync(directory), ['x.sock']);
    await answers(server);
    await server.stop();

    // Nor is one that is so busy that nobody gets through, or that will not have us.
    const busy = createServer((socket) => socket.end('alive')).listen(path);
    await once(busy, 'listening');
    chmodSync(path, 0);
    if (process.getuid?.() !== 0) assert.is((await failure({ path })).code, 'EADDRINUSE');
    chmodSync(path, 0o600);
    assert.is((await failure({ path })).code, 'EADDRINUSE');
    busy.close();
  }));

test('of many who start at once over a dead one, one wins and the others fail', () =>
  inDirectory(async (path, directory) => {
    await leftBehind(path);
    const starts = await Promise.allSettled(Array.from({ length: 8 }, () => loopback(echo, { path })));
    const winners = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
    const losers = starts.flatMap((start) =>
      start.status === 'rejected' ? [(start.reason as ListenFailed).code] : [],
    );
    assert.is(winners.length, 1);
    assert.equal(
      losers,
      Array.from({ length: 7 }, () => 'EADDRINUSE'),
    );
    assert.equal(readdirSync(directory), ['x.sock']);
    for (const winner of winners) {
      await answers(winner);
      await winner.stop();
    }
    assert.equal(readdirSync(directory), []);
  }));

test('one that comes in the place of a dead one while that is looked at stays', () =>
  inDirectory(async (path, directory) => {
    await leftBehind(path);
    const late = join(directory, 'late.sock');
    const server = createServer((socket) => socket.end('alive')).listen(late);
    await once(server, 'listening');
    const file = new SocketFile(path, 0o600);
    linkSync(path, file.hidden);
    const placing = file.place();
    // By now it asks at the dead one.
    renameSync(late, path);
    const error = (await placing.catch((thrown: unknown) => thrown)) as NodeJS.ErrnoException;
    assert.is(error.code, 'EADDRINUSE');
    assert.equal(readdirSync(directory), ['x.sock']);
    assert.is((await failure({ path })).code, 'EADDRINUSE');
    server.close();
  }));

test('nor is a dead one for ever that somebody died over', () =>
  inDirectory(async (path, directory) => {
    await leftBehind(path);
    // The name with which it is claimed, left by one who was killed in the middle.
    linkSync(path, join(directory, `.s-${statSync(path).ino}`));
    const server = await loopback(echo, { path });
    assert.equal(readdirSync(directory), ['x.sock']);
    await answers(server);
    await server.stop();
  }));

test('what is no socket stays as it is', () =>
  inDirectory(async (path, directory) => {
    writeFileSync(path, 'precious');
    const { code, message } = await failure({ path });
    assert.is(code, 'EEXIST');
    assert.is(message, `cannot listen on ${path}: what is there is no socket`);
    assert.is(lstatSync(path).size, 8);
    unlinkSync(path);

    const target = join(directory, 'target');
    writeFileSync(target, 'precious');
    symlinkSync(target, path);
    assert.is((await failure({ path })).code, 'EEXIST');
    unlinkSync(path);

    mkdirSync(path);
    assert.is((await failure({ path })).code, 'EEXIST');
    assert.equal(readdirSync(directory).toSorted(), ['target', 'x.sock']);
  }));

test('a file that has come in the place of ours stays when we go', () =>
  inDirectory(async (path) => {
    const first = await loopback(echo, { path });
    unlinkSync(path);
    const second = await loopback(echo, { path });
    await first.stop();
    await answers(second);
    await second.stop();
    assert.not(existsSync(path));
  }));

test('one that is unsubscribed before it is open leaves nothing', () =>
  inDirectory(async (path, directory) => {
    const gone = assertNoLeaks();
    await leftBehind(path);
    for (const turns of [0, 1, 2, 3, 4, 5]) {
      const listening = listen({ path, onListening: () => {} }).subscribe();
      for (let turn = 0; turn < turns; turn++) await new Promise((done) => setImmediate(done));
      listening.unsubscribe();
      await rounds();
      assert.ok(
        readdirSync(directory).every((name) => name === 'x.sock'),
        `${turns} turns`,
      );
    }
    await gone();
  }));

test('a name of Linux that is no file has no mode', async () => {
  if (process.platform !== 'linux') return;
  const server = await loopback(echo, { path: `\0sluice-${process.pid}` });
  await answers(server);
  await server.stop();
});

test('refuses a mode that is none', () => {
  for (const [options, type, message] of [
    [{ path: '/tmp/x', mode: 600 }, RangeError, /^mode must be a whole number from 0 to 511, got 600$/],
    [{ path: '/tmp/x', mode: '600' }, TypeError, /^mode must be a number, got "600"$/],
    [{ port: 1, mode: 0o600 }, TypeError, /^mode goes with the path of a file$/],
    [{ path: '\0x', mode: 0o600 }, TypeError, /^mode goes with the path of a file$/],
    [{ path: `/${'d'.repeat(100)}/x` }, RangeError, /^path must have a directory of 9[26] bytes at most, got 101$/],
  ] as const) {
    assert.throws(() => listen(options as unknown as ListenOptions), raised(type, message));
  }
});

test.run();
