// Cases 55 and 58: how servers come to an end, and servers that mean no good.
import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { catchError, endWith, lastValueFrom, mergeMap, of } from 'rxjs';
import * as assert from 'uvu/assert';
import { firstByteDeadline, frame, frameDeadline } from '../../operators/index.js';
import { type Connection, type InvertibleRule, dial, line, lengthPrefixed } from '../../src/index.js';
import { assertNoLeaks } from '../../src/testing/leaks.js';
import { type Port, bytes, flood, manyOf, startServers } from '../kit/abuse.js';
import { suite } from '../kit/suite.js';

const test = suite('abuse: shutdown and clients', undefined, { timeout: 60_000 });

test('55: a stop among idle peers, half frames, half handshakes and stuck readers: refused at once, ended in time', async () => {
  const servers = await startServers();
  const all: Socket[] = [];
  const stuck: Socket[] = [];
  for (const port of servers.ports) {
    const { login = '', begun = 'x', ask } = port.target;
    for (const what of ['idle', 'half', 'stuck', 'bare'] as const) {
      const socket = what === 'bare' ? await servers.dialBare(port) : await servers.dial(port);
      all.push(socket);
      if (what !== 'stuck') socket.on('end', () => socket.end()).resume();
      if (what === 'bare') continue;
      socket.write(bytes(login + ask(`before${all.length}`)));
      if (what === 'half') socket.write(bytes(begun));
      if (what === 'stuck' && port.target.name === 'echo') stuck.push(socket);
    }
  }
  // An echo fills all buffers of the system soonest.
  for (const socket of stuck) flood(socket, manyOf('again'));
  await wait(1_200);
  const started = performance.now();
  let over = false;
  const drained = servers.stop().finally(() => {
    over = true;
  });
  const [port] = servers.ports;
  const knocking = async (): Promise<unknown> => {
    for (; ; await wait(10)) {
      try {
        (await servers.dialBare(port as Port)).destroy();
      } catch (error) {
        return (error as NodeJS.ErrnoException).code;
      }
    }
  };
  assert.is(await knocking(), 'ECONNREFUSED');
  assert.not.ok(over, 'refused while it drains');
  const reports = await drained;
  const took = performance.now() - started;
  assert.is(Object.keys(reports).length, servers.ports.length, 'each port was drained');
  for (const name of ['echo, TCP', 'echo, TLS']) assert.is(reports[name]?.cut, 1, `${name}: who is stuck is cut`);
  assert.is(await servers.exited, 0, 'and nothing keeps the process');
  console.log(`    55: ${all.length} peers, over after ${Math.round(took)} ms`);
  for (const socket of all) socket.destroy();
});

/** A server that does what it likes to who dials it, and what a client of ours makes of it. */
const wicked = async (does: (socket: Socket) => void, rule: InvertibleRule): Promise<unknown> => {
  const server = createServer((socket) => does(socket.on('error', () => {}))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const heard = (connection: Connection) =>
    connection.reads.pipe(frame(rule), firstByteDeadline(200), frameDeadline(200), endWith(undefined));
  const answer = await lastValueFrom(
    dial({ port }).pipe(
      mergeMap(heard),
      catchError((error: Error) => of(error.name)),
    ),
  );
  server.close();
  return answer;
};

test(
  '58: a server that means no good meets the same limits',
  assertNoLeaks(async () => {
    const length = lengthPrefixed(4);
    assert.is(await wicked((socket) => socket.resume().write(bytes('\x7f\xff\xff\xff')), length), 'FrameTooLong');
    assert.is(await wicked((socket) => flood(socket.resume(), manyOf('x')), line()), 'FrameTooLong');
    assert.is(await wicked((socket) => socket.resume(), length), 'PeerSilent');
    assert.is(await wicked((socket) => socket.resume().write(bytes('\0\0\x10\0half')), length), 'PeerSilent');
    assert.is(
      await wicked((socket) => socket.resume().write(bytes('\0\0\0\x02hi\0\0\x10\0half')), length),
      'FrameTooSlow',
    );
    assert.is(await wicked((socket) => socket.resume().end(bytes('\0\0\x10\0half')), length), 'TruncatedFrame');
    assert.is(await wicked((socket) => void setTimeout(() => socket.resetAndDestroy(), 5), length), 'ConnectionReset');
  }),
);

test.run();
