// Cases 50 to 54, of which most are tests of their parts: see docs/safety.md.
import { setTimeout as wait } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import * as assert from 'uvu/assert';
import { abuse, closed, dismiss, each, tell } from '../kit/abuse.js';

const { test, done } = abuse('tls');

const record = (type: number, body: Uint8Array, length = body.length): Buffer =>
  Buffer.concat([Buffer.from([type, 3, 1, length >> 8, length & 255]), body]);

const nonsense: readonly (readonly [string, Uint8Array])[] = [
  ['plain text', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['a record too large', record(22, Buffer.alloc(100, 0xff), 0xffff)],
  ['a hello too large', record(22, Buffer.from([1, 0xff, 0xff, 0xff, ...Buffer.alloc(60)]))],
  ['an alert', record(21, Buffer.from([2, 40]))],
  ['application data', record(23, Buffer.alloc(1_000))],
  ['zeros', Buffer.alloc(10_000)],
  ['nothing of use', Buffer.alloc(10_000, 0xff)],
];

done('51: what is no handshake is refused, however often, and others are served', async (servers) => {
  const ports = servers.ports.filter(({ secure }) => secure);
  const seen = await servers.bear(() =>
    each(ports, async (port) => {
      for (const [, said] of nonsense) {
        const sockets = await Promise.all(Array.from({ length: 10 }, () => servers.dialBare(port)));
        for (const socket of sockets) socket.write(said);
        await closed(sockets);
      }
    }),
  );
  tell(`51, ${nonsense.length} kinds to each of ${ports.length} ports`, seen);
  for (const port of ports) seen.expect(port, 'handshake-failed', 10 * nonsense.length);
});

done('52: who renegotiates is cut off, and old versions are not spoken', async (servers) => {
  const ports = servers.ports.filter(({ secure }) => secure);
  const seen = await servers.bear(() =>
    each(ports, async (port) => {
      for (let times = 0; times < 5; times++) {
        const socket = (await servers.dial(port, { maxVersion: 'TLSv1.2' })) as TLSSocket;
        assert.is(socket.getProtocol(), 'TLSv1.2');
        socket.resume().renegotiate({}, () => {});
        await closed([socket]);
        const old = await servers.dial(port, {
          minVersion: 'TLSv1',
          maxVersion: 'TLSv1.1',
          ciphers: 'DEFAULT@SECLEVEL=0',
        });
        assert.ok(old.destroyed, 'there is no connection');
      }
    }),
  );
  tell('52', seen);
  for (const port of ports) {
    assert.is(seen.ended(port, 'finished'), 0);
    seen.expect(port, 'handshake-failed', 5);
  }
});

done('50: a name that is none, or belongs to every object, is a name that is not known', async (servers) => {
  const ports = servers.ports.filter(({ secure }) => secure);
  const seen = await servers.bear(() =>
    each(ports, async (port) => {
      for (const servername of [
        '__proto__',
        'constructor',
        'toString',
        '*',
        '.',
        `${'a'.repeat(63)}.${'b'.repeat(63)}`,
        'xn--a',
        '*.__proto__',
      ]) {
        const socket = await servers.dial(port, { servername, rejectUnauthorized: false });
        assert.not.ok(socket.destroyed, servername);
        dismiss([socket]);
      }
      await wait(20);
    }),
  );
  tell('50', seen);
});

test.run();
