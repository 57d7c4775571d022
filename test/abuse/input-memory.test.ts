// Cases 1 to 10: what is announced and does not come, what never ends, what comes in crumbs.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { from, toArray } from 'rxjs';
import * as assert from 'uvu/assert';
import { copy, frameFixed } from '../../operators/index.js';
import { FrameTooLong, MalformedFrame, deframer, lengthPrefixed, netstring, varint } from '../../src/index.js';
import { MB, type Port, abuse, bytes, closed, dismiss, each, flood, manyOf, tell, word } from '../kit/abuse.js';
import { wrong } from '../kit/targets.js';

const { test, done } = abuse('input memory');

done('1: a length that announces 2^31 - 1 is refused on the header, and costs nothing', async (servers) => {
  const ports = servers.those('announces');
  const seen = await servers.bear(() =>
    each(ports, async (port) => {
      const announce = bytes(port.target.announces ?? '');
      await closed(await servers.crowd(50, port, (socket) => socket.write(announce)));
    }),
  );
  tell(`1, 50 connections to each of ${ports.length} ports`, seen);
  for (const port of ports) seen.expect(port, wrong(port.target, 'FrameTooLong'), 50);
  assert.ok(seen.rss < 10 * MB * ports.length);
});

test('2: no length is taken for a small number, however large it is', () => {
  const header = (width: number, value: bigint, order: 'be' | 'le'): Uint8Array => {
    const big = Buffer.alloc(width);
    for (let at = 0; at < width; at++) big[at] = Number((value >> BigInt(8 * (width - 1 - at))) & 255n);
    return order === 'be' ? big : big.reverse();
  };
  let tried = 0;
  for (const width of [4, 6, 8] as const) {
    for (const order of ['be', 'le'] as const) {
      for (const includesHeader of [false, true]) {
        for (const power of [31n, 32n, 33n, 47n, 48n, 53n, 62n, 63n, 64n]) {
          for (const more of [-1n, 0n, 1n, 5n]) {
            const length = 2n ** power + more;
            if (length >= 256n ** BigInt(width)) continue;
            const frames = deframer(lengthPrefixed({ width, order, includesHeader, limit: 1_000 }));
            frames.push(header(width, length, order));
            frames.push(new Uint8Array(64));
            assert.throws(
              () => frames.next(),
              (error: unknown) => error instanceof FrameTooLong,
              `${length} in ${width}`,
            );
            tried++;
          }
        }
      }
    }
  }
  for (const wire of [
    '\xff\xff\xff\xff\x0f',
    '\xff\xff\xff\xff\xff\xff\xff\x7f',
    `${'\xff'.repeat(9)}\x01`,
    `${'\x80'.repeat(10)}\x01`,
  ]) {
    const frames = deframer(varint({ limit: 1_000 }));
    frames.push(bytes(`${wire}${'x'.repeat(64)}`));
    assert.throws(
      () => frames.next(),
      (error: unknown) => error instanceof FrameTooLong || error instanceof MalformedFrame,
    );
    tried++;
  }
  for (const wire of ['4294967297:', '9007199254740993:', '18446744073709551617:', '-1:', '+1:', '1e1:', '0x1:']) {
    const frames = deframer(netstring({ limit: 1_000 }));
    frames.push(bytes(`${wire}${'x'.repeat(64)}`));
    assert.throws(
      () => frames.next(),
      (error: unknown) => error instanceof FrameTooLong || error instanceof MalformedFrame,
    );
    tried++;
  }
  console.log(`    2: ${tried} lengths`);
});

done('3: what is announced and never comes costs what was received, and has its time', async (servers) => {
  const ports = servers.those('begun');
  const plenty = ({ secure, target }: Port): number => (secure ? 10 : target.name === 'length prefix' ? 1_000 : 20);
  const seen = await servers.bear(() =>
    each(ports, async (port) => {
      const begun = bytes(`${port.target.begun ?? ''}${'x'.repeat(100)}`);
      await closed(await servers.crowd(plenty(port), port, (socket) => socket.write(begun)));
    }),
  );
  const all = ports.reduce((sum, port) => sum + plenty(port), 0);
  tell(`3, ${all} connections`, seen);
  for (const port of ports) {
    seen.expect(port, wrong(port.target, 'FrameTooSlow'), plenty(port));
  }
  // Some 10 KB for a socket of Node, and 50 KB for one of TLS.
  assert.ok(seen.used < 40 * MB);
});

done('4: data without end and without a delimiter is closed at the limit', async (servers) => {
  const ports = servers.those('most');
  const block = manyOf('x');
  const seen = await servers.bear(() =>
    each(ports, async (port) => {
      await closed(await servers.crowd(10, port, (socket) => flood(socket, block)));
    }),
  );
  tell(`4, 10 connections to each of ${ports.length} ports`, seen);
  for (const port of ports) {
    seen.expect(port, wrong(port.target, 'FrameTooLong'), 10);
  }
  const most = ports.reduce((sum, { target }) => sum + 10 * (target.most ?? 0), 0);
  assert.ok(seen.used < most + 20 * MB);
});

done('5: 100 MB announced, or sent, by who has not logged in', async (servers) => {
  const ports = servers.those('gated');
  const block = manyOf('\x10\xff\xff\xff\x7f');
  const seen = await servers.bear(() =>
    each(ports, async (port) => {
      await closed(await servers.crowd(10, port, (socket) => flood(socket, block)));
    }),
  );
  tell(`5, 10 connections to each of ${ports.length} ports`, seen);
  for (const port of ports) seen.expect(port, 'NotAuthenticated', 10);
  assert.ok(seen.used < 25 * MB);
});

done('6: a byte at a time', async (servers) => {
  const seen = await servers.bear(() =>
    each(servers.ports, async (port) => {
      const guest = await servers.guest(port);
      const { ask, hears } = port.target;
      for (let times = 0; times < 5; times++) {
        const asked = word();
        const answer = guest.hears(hears(asked));
        for (const byte of bytes(ask(asked))) {
          guest.socket.write(Uint8Array.of(byte));
          await new Promise(setImmediate);
        }
        await answer;
      }
      dismiss([guest.socket]);
    }),
  );
  tell('6', seen);
  assert.ok(seen.used < 10 * MB);
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const inUse = (): number => {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

test('9: 10,000 frames of 16 bytes that are kept do not keep their chunks, once they are copied', () => {
  const before = inUse();
  const kept: Uint8Array[] = [];
  // Of each chunk of 64 KB one frame is kept.
  for (let chunk = 0; chunk < 1_000; chunk++) {
    from([new Uint8Array(65_536)])
      .pipe(frameFixed(16), copy(), toArray())
      .subscribe((frames) => kept.push(...frames.slice(0, 10)));
  }
  const grown = inUse() - before;
  assert.is(kept.length, 10_000);
  console.log(`    9: ${(grown / MB).toFixed(1)} MB for 0.2 MB of frames; uncopied it would be 62.5 MB`);
  assert.ok(grown < 8 * MB);
});

test.run();
