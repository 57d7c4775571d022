// Peers that drip, are silent, vanish or are stopped, over real sockets: given up, and told once.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { ignoreElements, pipe, tap } from 'rxjs';
import * as assert from 'uvu/assert';
import { failIfIdle } from '../operators/fail-if-idle.js';
import { firstByteDeadline } from '../operators/first-byte-deadline.js';
import { frameDeadline } from '../operators/frame-deadline.js';
import { dial, server, until } from './kit/line-server.js';
import { suite } from './kit/suite.js';
import { waiting } from './kit/waiting.js';

const test = suite('absent peers');

test('200 peers that drip a byte now and then are hung up on, and others are served meanwhile', async () => {
  const { port, outcomes, stop } = await server(pipe(frameDeadline(250)));
  const slow = await Promise.all(Array.from({ length: 200 }, () => dial(port)));
  const dripping = setInterval(() => {
    for (const peer of slow) if (peer.writable) peer.write('x');
  }, 50);
  const other = await dial(port);
  let longest = 0;
  let answered = 0;
  while (outcomes.length < 200) {
    const asked = performance.now();
    other.write('question\n');
    await once(other, 'data');
    longest = Math.max(longest, performance.now() - asked);
    answered++;
    await setTimeout(10);
  }
  clearInterval(dripping);
  assert.equal(new Set(outcomes), new Set(['FrameTooSlow']));
  assert.ok(answered > 3 && longest < 1_000, `answered ${answered} times, within ${longest} ms`);
  for (const peer of [...slow, other]) peer.destroy();
  stop();
});

test('500 peers that say nothing are hung up on, and nothing of them is left', async () => {
  const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
  const before = sockets();
  const { port, outcomes, stop } = await server(pipe(firstByteDeadline(300)));
  const silent = await Promise.all(Array.from({ length: 500 }, () => dial(port)));
  for (const peer of silent) peer.resume();
  const talks = await dial(port);
  talks.write('question\n');
  await once(talks, 'data');

  await until(() => outcomes.length === 500);
  assert.equal(new Set(outcomes), new Set(['PeerSilent']));
  talks.end();
  await until(() => outcomes.length === 501);
  assert.is(outcomes.at(-1), 'finished');
  stop();
  await until(() => sockets() <= before && waiting() === 0);
});

test('a peer that has vanished, and does not even answer the end, is given up once', async () => {
  const { port, outcomes, stop } = await server(failIfIdle(100));
  const peer = await dial(port, { allowHalfOpen: true });
  peer.pause();
  const started = performance.now();
  peer.write('the last that is heard\n');
  await until(() => outcomes.length > 0);
  const took = performance.now() - started;
  assert.ok(took > 100 && took < 3_000, `after ${took} ms`);
  await setTimeout(50);
  assert.equal(outcomes, ['PeerIdle']);
  assert.is(waiting(), 0);
  peer.destroy();
  stop();
});

const stoppable = `
const socket = require('node:net').connect(Number(process.argv[1]), '127.0.0.1');
const beat = setInterval(() => socket.write('here\\n'), 30);
const tell = (what) => () => process.stdout.write(what + '\\n');
socket.on('end', tell('end')).on('error', () => {}).on('close', tell('close')).on('close', () => clearInterval(beat));
socket.resume();
`;

test('a process that is stopped for longer than the hold time is given up once, and sees it when it goes on', async () => {
  let heard = 0;
  const { port, outcomes, stop } = await server(
    pipe(
      failIfIdle(250),
      tap(() => heard++),
      ignoreElements(),
    ),
  );
  const child = spawn(process.execPath, ['-e', stoppable, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let told = '';
  child.stdout.on('data', (chunk: Buffer) => (told += chunk.toString()));
  try {
    await until(() => heard > 3);
    assert.equal(outcomes, []);
    child.kill('SIGSTOP');
    await until(() => outcomes.length > 0);
    assert.is(told, '');
    child.kill('SIGCONT');
    await once(child, 'exit');
    assert.is(told.split('close').length, 2, `it saw: ${told}`);
    assert.equal(outcomes, ['PeerIdle']);
  } finally {
    child.kill('SIGKILL');
    stop();
  }
});

test.run();
