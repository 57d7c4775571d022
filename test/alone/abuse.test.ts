// What a peer may do to a server, and what becomes of the server: the cases of the abuse list that need sockets and
// are no connection law. The server is another process, so that what it holds can be measured. Everything is bounded.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import type { Held, Ports } from '../kit/abused.js';
import { client } from '../kit/program.js';
import { suite } from '../kit/suite.js';

const test = suite('abuse', undefined, { timeout: 20_000 });
const MB = 1024 * 1024;

let server: ChildProcess;
let ports: Ports;

test.before(async () => {
  server = fork(fileURLToPath(new URL('../kit/abused.js', import.meta.url)), { execArgv: ['--expose-gc'] });
  [ports] = (await once(server, 'message')) as [Ports];
});
test.after(() => {
  server.kill();
});

const held = async (): Promise<Held> => {
  server.send('held');
  const [answer] = (await once(server, 'message')) as [Held];
  return answer;
};

const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** Opens `count` connections, does `what` on each, and gives them. */
const crowd = async (count: number, port: number, what: (socket: Socket) => void): Promise<Socket[]> => {
  const sockets = Array.from({ length: count }, () => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => {});
    socket.once('connect', () => what(socket));
    return socket;
  });
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  return sockets;
};

const dismiss = (sockets: readonly Socket[]): void => {
  for (const socket of sockets) socket.destroy();
};

const prefixed = (text: string): Buffer => {
  const frame = Buffer.alloc(4 + text.length, text);
  frame.writeUInt32BE(text.length);
  frame.write(text, 4);
  return frame;
};

/** A new client that behaves is answered, and soon. */
const healthy = async (): Promise<void> => {
  const started = performance.now();
  const well = await client(ports.prefixed);
  well.socket.write(prefixed('are you well?'));
  await well.heard(/are you well\?$/);
  const took = performance.now() - started;
  well.socket.destroy();
  assert.ok(took < 1_000, `a new client waited ${Math.round(took)} ms`);
};

/** What the server grows by, at the most, while something is done to it; in bytes. */
interface Growth {
  readonly rss: number;
  readonly used: number;
}

const growth = async (abuse: (look: () => Promise<void>) => Promise<void>): Promise<Growth> => {
  const before = await held();
  let [rss, used] = [before.rss, before.used];
  const look = async (): Promise<void> => {
    const now = await held();
    rss = Math.max(rss, now.rss);
    used = Math.max(used, now.used);
  };
  await abuse(look);
  await look();
  return { rss: rss - before.rss, used: used - before.used };
};

/** Waits until the server has no more open than `count`. */
const openDownTo = async (count: number): Promise<Held> => {
  for (;;) {
    const now = await held();
    if (now.open <= count) return now;
    await sleep(50);
  }
};

const shown = ({ rss, used }: Growth): string =>
  `${(used / MB).toFixed(1)} MB in use, ${(rss / MB).toFixed(1)} MB resident`;

test('1: a prefix that announces 2^31 - 1 is refused on the header, and costs nothing', async () => {
  const before = await held();
  const grown = await growth(async (look) => {
    const sockets = await crowd(50, ports.prefixed, (socket) => {
      const header = Buffer.alloc(4);
      header.writeUInt32BE(2 ** 31 - 1);
      socket.write(header);
      socket.resume();
    });
    await Promise.all(sockets.filter((socket) => !socket.readableEnded).map((socket) => once(socket, 'end')));
    await look();
    await healthy();
    dismiss(sockets);
  });
  const after = await openDownTo(0);
  assert.is((after.outcomes['FrameTooLong'] ?? 0) - (before.outcomes['FrameTooLong'] ?? 0), 50);
  console.log(`    case 1: grew by ${shown(grown)}`);
  assert.ok(grown.rss < 10 * MB, shown(grown));
});

test('3: bodies that are announced and never come: memory follows what was received, and the deadline closes', async () => {
  const before = await held();
  const grown = await growth(async (look) => {
    const sockets = await crowd(1_000, ports.prefixed, (socket) => {
      const start = Buffer.alloc(104);
      start.writeUInt32BE(1024 * 1024);
      socket.write(start);
      socket.resume();
    });
    await look();
    await healthy();
    await openDownTo(0);
    dismiss(sockets);
  });
  const after = await openDownTo(0);
  assert.is((after.outcomes['FrameTooSlow'] ?? 0) - (before.outcomes['FrameTooSlow'] ?? 0), 1_000);
  console.log(`    case 3: 1,000 connections, grew by ${shown(grown)}`);
  assert.ok(grown.used < 20 * MB, shown(grown)); // a thousand sockets of Node are most of it
});

test('4: data without end and without a delimiter is closed at the limit', async () => {
  const before = await held();
  const grown = await growth(async (look) => {
    const sockets = await crowd(50, ports.lines, (socket) => {
      for (let block = 0; block < 16; block++) socket.write(Buffer.alloc(64 * 1024, 'x'));
      socket.resume();
    });
    await look();
    await openDownTo(0);
    await healthy();
    dismiss(sockets);
  });
  const after = await openDownTo(0);
  assert.is((after.outcomes['FrameTooLong'] ?? 0) - (before.outcomes['FrameTooLong'] ?? 0), 50);
  console.log(`    case 4: grew by ${shown(grown)}`);
  assert.ok(grown.used < 50 * 65_536 + 20 * MB, shown(grown));
});

test('6: a frame in segments of one byte', async () => {
  const wire = prefixed('y'.repeat(5_000));
  const grown = await growth(async (look) => {
    const drip = await client(ports.prefixed);
    drip.socket.setNoDelay(true);
    for (let at = 0; at < wire.length; at++) {
      drip.socket.write(wire.subarray(at, at + 1));
      if (at % 50 === 0) await new Promise(setImmediate);
    }
    await drip.heard(wire.length);
    assert.ok(drip.bytes.equals(wire));
    await look();
    dismiss([drip.socket]);
  });
  console.log(`    case 6: grew by ${shown(grown)}`);
  assert.ok(grown.rss < 10 * MB, shown(grown));
});

test('17: a byte now and then from 200 connections does not pass for alive', async () => {
  const before = await held();
  const sockets = await crowd(200, ports.prefixed, (socket) => {
    socket.write(Buffer.from([0]));
    socket.resume();
  });
  const drip = setInterval(() => {
    for (const socket of sockets) socket.write(Buffer.from([0]));
  }, 700);
  await healthy();
  const after = await openDownTo(0);
  clearInterval(drip);
  dismiss(sockets);
  const late = (after.outcomes['FrameTooSlow'] ?? 0) - (before.outcomes['FrameTooSlow'] ?? 0);
  // A drip of zeros is also a frame now and then: an empty one, after four of them, and the deadline begins anew.
  assert.is(late, 200);
});

test('18: 500 connections that say nothing are closed by the deadline for the first byte', async () => {
  const before = await held();
  const sockets = await crowd(500, ports.prefixed, (socket) => socket.resume());
  await healthy();
  const after = await openDownTo(0);
  dismiss(sockets);
  assert.is((after.outcomes['PeerSilent'] ?? 0) - (before.outcomes['PeerSilent'] ?? 0), 500);
});

test('26: empty frames without end keep nobody else waiting', async () => {
  const sockets = await crowd(8, ports.prefixed, (socket) => {
    const empty = Buffer.alloc(64 * 1024);
    const flood = (): void => {
      while (!socket.destroyed && socket.write(empty));
    };
    socket.on('drain', flood).resume();
    flood();
  });
  const grown = await growth(async (look) => {
    for (let round = 0; round < 5; round++) {
      await healthy();
      await look();
    }
  });
  dismiss(sockets);
  await openDownTo(0);
  console.log(`    case 26: grew by ${shown(grown)}`);
  assert.ok(grown.used < 20 * MB, shown(grown));
});

test('27: 200,000 tiny requests in one pipeline are answered in order, and keep nobody else waiting', async () => {
  const many = Buffer.concat(
    Array.from({ length: 200_000 }, (_, index) => prefixed(String(index % 1_000).padStart(3, '0'))),
  );
  const greedy = await client(ports.prefixed);
  greedy.socket.write(many);
  await healthy();
  await greedy.heard(many.length);
  assert.ok(greedy.bytes.equals(many), 'in order, each once');
  dismiss([greedy.socket]);
});

test('11: clients that ask and never read cost little, and are closed', async () => {
  const before = await held();
  const grown = await growth(async (look) => {
    const sockets = await crowd(8, ports.prefixed, (socket) => {
      socket.pause();
      const ask = prefixed('z'.repeat(16_000));
      const push = (): void => {
        while (!socket.destroyed && socket.write(ask));
      };
      socket.on('drain', push);
      push();
    });
    await sleep(500);
    await look();
    await healthy();
    await openDownTo(0);
    dismiss(sockets);
  });
  const after = await openDownTo(0);
  assert.is((after.outcomes['WriteStalled'] ?? 0) - (before.outcomes['WriteStalled'] ?? 0), 8);
  console.log(`    case 11: 8 connections, grew by ${shown(grown)}`);
  // Resident memory also has what Node read before it stopped and has not given back: as much for eight as for eighty.
  assert.ok(grown.used < 4 * MB, shown(grown));
});

test('44: bytes at random, the same each time', async () => {
  let seed = 44;
  const roll = (): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed >>> 24;
  };
  for (const port of [ports.prefixed, ports.lines]) {
    const sockets = await crowd(50, port, (socket) => {
      socket.write(Uint8Array.from({ length: 1 + roll() * 8 }, roll));
      socket.resume();
      if (roll() < 128) socket.end();
      else if (roll() < 64) socket.resetAndDestroy();
    });
    await healthy();
    dismiss(sockets);
  }
  await openDownTo(0);
  assert.is(server.exitCode, null);
});

test.run();
