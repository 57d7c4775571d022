// Cases 11 to 16: who asks and does not read.
import * as assert from 'uvu/assert';
import { MB, type Port, abuse, bytes, closed, dismiss, each, flood, manyOf, tell, until, word } from '../kit/abuse.js';

const { test, done } = abuse('output memory');

/** How many: each has its megabytes in the system's buffers first, and those under TLS cost most. */
const few = ({ secure }: Port): number => (secure ? 1 : 2);

done('11: peers that ask and never read are not read from, cost little, and are closed', async (servers) => {
  const ports = servers.those('loud');
  const seen = await servers.bear((ended) =>
    each(ports, async (port) => {
      const often = manyOf(port.target.loud ?? '');
      const sockets = await servers.crowd(few(port), port, (socket) => {
        if (port.target.login !== undefined) socket.write(bytes(port.target.login));
        flood(socket, often);
      });
      await until(() => ended(port, 'WriteStalled') === few(port));
      dismiss(sockets);
    }),
  );
  tell(`11, ${ports.reduce((sum, port) => sum + few(port), 0)} connections`, seen);
  for (const port of ports) seen.expect(port, 'WriteStalled', few(port));
  assert.ok(seen.used < 20 * MB);
});

done('12: nor does a sip now and then keep them', async (servers) => {
  const ports = servers.those('loud');
  const seen = await servers.bear((ended) =>
    each(ports, async (port) => {
      const often = manyOf(port.target.loud ?? '');
      const sockets = await servers.crowd(1, port, (socket) => {
        if (port.target.login !== undefined) socket.write(bytes(port.target.login));
        flood(socket, often);
      });
      const sip = setInterval(() => {
        for (const socket of sockets) socket.read(1);
      }, 300);
      await until(() => ended(port, 'WriteStalled') === 1);
      clearInterval(sip);
      dismiss(sockets);
    }),
  );
  tell(`12, a connection to each of ${ports.length} ports`, seen);
  for (const port of ports) seen.expect(port, 'WriteStalled', 1);
  assert.ok(seen.used < 20 * MB);
});

done('13: one who does not listen to the chat costs the others nothing', async (servers) => {
  const ports = servers.ports.filter(({ target }) => target.name === 'chat');
  const seen = await servers.bear(() =>
    each(ports, async (port) => {
      const [stuck, well, talker] = [await servers.guest(port), await servers.guest(port), await servers.guest(port)];
      stuck.socket.pause();
      let heard = 0;
      well.socket.on('data', (chunk: Buffer) => {
        heard += chunk.length;
      });
      const line = bytes(`${'y'.repeat(1_000)}\n`);
      const lines = Buffer.concat(Array.from({ length: 100 }, () => line));
      for (let said = 0; said < 100; said++) {
        const before = heard;
        talker.socket.write(lines);
        await until(() => heard >= before + 100 * 1_000);
      }
      const last = word();
      talker.say(`${last}\n`);
      await well.hears(`: ${last}\n`);
      for (const { socket } of [stuck, well, talker]) socket.destroy();
    }),
  );
  tell(`13, ${10 * ports.length} MB of chat in one room`, seen);
  assert.ok(seen.used < 20 * MB);
});

done('14: who has not logged in has three attempts, and so long for all else that he may ask', async (servers) => {
  const ports = servers.those('gated');
  const tokens = manyOf('no such token\n');
  const seen = await servers.bear(() =>
    each(ports, async (port) => {
      const sockets = await servers.crowd(10, port, (socket) => flood(socket, tokens));
      await closed(sockets);
    }),
  );
  tell('14', seen);
  for (const port of ports) seen.expect(port, 'NotAuthenticated', 10);
  assert.ok(seen.used < 15 * MB);
});

test.run();
