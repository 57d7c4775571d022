// Time over real sockets: who is not to be given up when the event loop stalls. What else time does to connections is told
// in time-over-connections.test.ts.
import { setTimeout } from 'node:timers/promises';
import { ignoreElements, pipe, tap } from 'rxjs';
import * as assert from 'uvu/assert';
import { failIfIdle } from '../operators/fail-if-idle.js';
import { keepAlive } from '../operators/keep-alive.js';
import { dial, server, until } from './kit/line-server.js';
import { suite } from './kit/suite.js';

/** Nothing can run meanwhile. */
const stall = (ms: number): void => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

const test = suite('time over sockets');

test('a stalled event loop does not give up a peer whose sign of life has arrived', async () => {
  let heard = 0;
  const { port, outcomes, stop } = await server(
    pipe(
      failIfIdle(150),
      tap(() => heard++),
    ),
  );
  const peers = await Promise.all([dial(port), dial(port), dial(port)]);
  for (const peer of peers) peer.write('a\n');
  await until(() => heard === 3);

  for (const peer of peers) peer.write('still here\n');
  stall(600);
  await setTimeout(50);
  assert.is(heard, 6);
  assert.equal(outcomes, []);

  const silent = performance.now();
  for (const peer of peers) peer.resume();
  await until(() => outcomes.length === 3);
  assert.equal(outcomes, ['PeerIdle', 'PeerIdle', 'PeerIdle']);
  assert.ok(performance.now() - silent > 50, 'from the last sign of life');
  stop();
});

test('a stalled event loop does not give up a peer that it could not ask', async () => {
  let heard = 0;
  const { port, outcomes, stop } = await server((lines) =>
    lines.pipe(
      keepAlive(
        {
          interval: 100,
          hold: 150,
          probe: 'probe',
          isKeepAlive: (line) => line === 'here',
          onEvent: (event) => (heard += Number(event === 'received')),
        },
        ignoreElements(),
      ),
    ),
  );
  const peer = await dial(port);
  let answers = true;
  peer.on('data', () => answers && peer.write('here\n'));
  await until(() => heard > 0);
  stall(600);
  const before = heard;
  await until(() => heard > before + 2);
  assert.equal(outcomes, []);

  answers = false;
  await until(() => outcomes.length > 0);
  assert.equal(outcomes, ['PeerIdle']);
  stop();
});

test.run();
