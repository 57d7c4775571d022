// Cases 17 to 25: who is slow, silent, or comes only to go.
import { setTimeout as wait } from 'node:timers/promises';
import type { Socket } from 'node:net';
import * as assert from 'uvu/assert';
import { MB, type Port, abuse, bytes, closed, dismiss, each, tell } from '../kit/abuse.js';
import { wrong } from '../kit/targets.js';

const { test, done } = abuse('time');

/** How many: the most where one costs least. */
const plenty = (most: number, { secure, target }: Port): number =>
  secure ? 8 : target.name === 'length prefix' ? most : 20;

done('17: a byte now and then is not a sign of life', async (servers) => {
  const ports = servers.those('begun');
  const seen = await servers.bear(() =>
    each(ports, async (port) => {
      const begun = bytes(port.target.begun ?? '');
      const sockets = await servers.crowd(plenty(200, port), port, (socket) => socket.write(begun));
      const drip = setInterval(() => {
        for (const socket of sockets) if (socket.writable) socket.write('x');
      }, 500);
      await closed(sockets);
      clearInterval(drip);
    }),
  );
  tell('17', seen);
  for (const port of ports) {
    seen.expect(port, wrong(port.target, 'FrameTooSlow'), plenty(200, port));
  }
});

done('18: who connects and says nothing is closed in time', async (servers) => {
  const ports = servers.ports.filter(({ target }) => !target.patient);
  const seen = await servers.bear(() =>
    each(ports, async (port) => {
      await closed(await servers.crowd(plenty(500, port), port, () => {}));
    }),
  );
  tell('18', seen);
  for (const port of ports) {
    seen.expect(port, wrong(port.target, 'PeerSilent'), plenty(500, port));
  }
  assert.ok(seen.used < 20 * MB);
});

/** The beginning of a TLS handshake: a record of 300 bytes, of which 6 are there. */
const HALF_A_HELLO = Buffer.from([22, 3, 1, 1, 44, 1, 0, 1, 0, 3, 3]);

done('19: a handshake that is not begun, or stays half, has its time', async (servers) => {
  const ports = servers.ports.filter(({ secure }) => secure);
  const seen = await servers.bear(() =>
    each(ports, async (port) => {
      const stalled: Socket[] = [];
      for (let made = 0; made < 50; made++) {
        const socket = await servers.dialBare(port);
        if (made % 2 === 0) socket.write(HALF_A_HELLO);
        stalled.push(socket);
      }
      await closed(stalled);
    }),
  );
  tell('19', seen);
  for (const port of ports) seen.expect(port, 'handshake-failed', 50);
});

done('25: who comes only to go leaves nothing', async (servers) => {
  const seen = await servers.bear(() =>
    each(servers.ports, async (port) => {
      for (let times = 0; times < 10; times++) {
        const sockets = await servers.crowd(port.secure ? 3 : 20, port, (socket) => socket.resume());
        for (const socket of sockets) socket.end();
        await wait(5);
        dismiss(sockets);
      }
    }),
  );
  tell('25', seen);
  assert.ok(seen.used < 10 * MB);
});

test.run();
