// Cases 39 to 45, of which most are tests of their parts: see docs/safety.md.
import { setTimeout as wait } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { MalformedFrame, deframer, lengthPrefixed, netstring, selfCounting, varint } from '../../src/index.js';
import { dice } from '../../src/testing/dice.js';
import { abuse, bytes, closed, dismiss, each, tell } from '../kit/abuse.js';
import { bytes as utf8 } from '../kit/bytes.js';
import { wrong } from '../kit/targets.js';

const { test, done } = abuse('parser state');

test('40 and 41: a length has one spelling, and none is less than its own header', () => {
  for (const [rule, wire] of [
    [varint(), '\x80\x00A'],
    [varint(), '\x81\x80\x00A'],
    [varint(), '\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01'],
    [netstring(), '01:A,'],
    [netstring(), '00:,'],
    [lengthPrefixed({ width: 2, includesHeader: true }), '\x00\x00AAAA'],
    [lengthPrefixed({ width: 2, includesHeader: true }), '\x00\x01AAAA'],
    [lengthPrefixed({ width: 4, adjustment: -8 }), '\x00\x00\x00\x07AAAAAAAA'],
    [selfCounting(), '\x01\x00AAAA'],
  ] as const) {
    for (const cut of [wire.length, 1]) {
      const frames = deframer(rule);
      let failure: unknown;
      try {
        for (let at = 0; at < wire.length; at += cut) {
          frames.push(bytes(wire.slice(at, at + cut)));
          assert.is(frames.next(), undefined);
        }
      } catch (error) {
        failure = error;
      }
      assert.instance(failure, MalformedFrame, JSON.stringify(wire));
    }
  }
});

done('43: what follows a frame that cannot be is not heard, and the end comes once', async (servers) => {
  const ports = servers.those('announces');
  const seen = await servers.bear(() =>
    each(ports, async (port) => {
      const { announces = '', ask, hears, polite } = port.target;
      const sockets = await servers.crowd(20, port, (socket) => {
        socket.on('data', (chunk: Buffer) => {
          assert.ok(polite && !chunk.toString('latin1').includes(hears('late')), 'it is answered');
        });
        socket.write(bytes(announces + ask('late').repeat(100)));
      });
      await closed(sockets);
    }),
  );
  tell('43', seen);
  for (const port of ports) seen.expect(port, wrong(port.target, 'FrameTooLong'), 20);
});

done('44: bytes at random, and questions with some of them changed, the same each time', async (servers) => {
  const roll = dice(44);
  const seen = await servers.bear(() =>
    each(servers.ports, async (port) => {
      const { ask, login = '' } = port.target;
      const sockets = await servers.crowd(port.secure ? 10 : 40, port, (socket) => {
        const mutated = utf8(login + ask('mutation').repeat(20));
        for (let change = roll(5); change > 0; change--) mutated[roll(mutated.length)] = roll(256);
        socket.resume().write(roll(2) === 0 ? mutated : Uint8Array.from({ length: 1 + roll(4_000) }, () => roll(256)));
        if (roll(2) === 0) socket.end();
      });
      await wait(200);
      dismiss(sockets);
      if (!port.secure) return;
      // And where a handshake should be.
      const bare = await Promise.all(Array.from({ length: 20 }, () => servers.dialBare(port)));
      for (const socket of bare) socket.write(Uint8Array.from({ length: 1 + roll(2_000) }, () => roll(256)));
      await wait(200);
      dismiss(bare);
    }),
  );
  tell('44', seen);
});

test.run();
