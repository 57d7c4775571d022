// What is compared must do the same work: each server answers every frame, however it comes.
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import * as assert from 'uvu/assert';
import { type Program, client, start } from './kit/program.js';
import { suite } from './kit/suite.js';

const test = suite('bench rivals', undefined, { timeout: 20_000 });

const freePort = async (): Promise<string> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return String(port);
};

/** A server that is started: by now it listens. */
const started = async (path: string, ...args: readonly string[]): Promise<readonly [Program, number]> => {
  const port = await freePort();
  const program = start(process.execPath, [`dist/bench/${path}.js`, ...args, port]);
  await program.printed(/^listening$/m);
  return [program, Number(port)];
};

const running = new Map<string, Promise<readonly [Program, number]>>();

/** The port of a server that all tests of it share, and that goes with them. */
const serving = async (program: readonly [string, ...string[]]): Promise<number> => {
  const name = program.join(' ');
  const server = running.get(name) ?? started(...program);
  running.set(name, server);
  return (await server)[1];
};

test.after(async () => {
  for (const server of running.values()) await stop((await server)[0]);
});

const stop = async (program: Program): Promise<void> => {
  program.signal('SIGKILL');
  await program.exited;
};

/** A frame of `size` bytes that differ, behind its length in two bytes. */
const frame = (size: number, first = 0): Buffer => {
  const bytes = Buffer.from(Array.from({ length: 2 + size }, (_, at) => first + at * 7));
  bytes.writeUInt16BE(size);
  return bytes;
};

/** Around the sizes where a server does something else: nothing, a short loop, a copy, more than one read. */
const SIZES = [0, 1, 2, 39, 40, 41, 300, 16_384, 65_535, 3];

/** Cut in pieces of `size` bytes. */
const pieces = (bytes: Buffer, size: number): readonly Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size));

const echoes: readonly (readonly [string, ...string[]])[] = [
  ['wire/ours'],
  ['wire/ours', '{"readBuffer":"shared"}'],
  ['rivals/node-data'],
  ['rivals/node-static-buffer'],
  ['rivals/node-naive'],
  ['rivals/rxjs-naive'],
];

for (const program of echoes) {
  const name = program.join(' ');
  test(`${name} echoes frames that come byte by byte`, async () => {
    const port = await serving(program);
    const ann = await client(port);
    ann.socket.setNoDelay(true);
    const sent = Buffer.concat([frame(5), frame(0), frame(300, 3), frame(1, 9)]);
    for (const piece of pieces(sent, 1)) {
      ann.send(piece);
      await new Promise(setImmediate);
    }
    await ann.heard(sent.length);
    assert.equal(ann.bytes, sent);
  });

  test(`${name} echoes frames of all sizes, wherever they are cut`, async () => {
    const port = await serving(program);
    const sent = Buffer.concat(SIZES.map((size, at) => frame(size, at)));
    for (const cut of [sent.length, 65_536, 1_499, 16_387]) {
      const ann = await client(port);
      for (const piece of pieces(sent, cut)) {
        ann.send(piece);
        await new Promise(setImmediate);
      }
      await ann.heard(sent.length);
      assert.ok(ann.bytes.equals(sent), `cut every ${cut} bytes`);
      ann.socket.destroy();
    }
  });

  test(`${name} keeps the answers of two clients apart who do not read at once`, async () => {
    const port = await serving(program);
    const clients = await Promise.all([client(port), client(port)]);
    const sent = clients.map((_, at) => Buffer.concat(Array.from({ length: 60 }, () => frame(50_000, at * 100))));
    for (const { socket } of clients) socket.pause();
    for (const [at, { socket }] of clients.entries()) socket.write(sent[at] as Buffer);
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (const { socket } of clients) socket.resume();
    for (const [at, ann] of clients.entries()) {
      await ann.heard((sent[at] as Buffer).length);
      assert.ok(ann.bytes.equals(sent[at] as Buffer), `client ${at}`);
      ann.socket.destroy();
    }
  });
}

for (const path of ['wire/ours-broadcast', 'rivals/node-broadcast', 'rivals/rxjs-broadcast']) {
  test(`${path} sends a frame to everybody, and an empty one back to its sender`, async () => {
    const port = await serving([path]);
    const [ann, bob] = await Promise.all([client(port), client(port)]);
    for (const one of [ann, bob]) {
      one.send(frame(0));
      await one.heard(2);
    }
    ann.send(frame(7));
    await Promise.all([ann, bob].map((one) => one.heard(2 + 9)));
    for (const one of [ann, bob]) assert.equal(one.bytes, Buffer.concat([frame(0), frame(7)]));
  });
}

for (const path of ['wire/ours-drain', 'rivals/node-drain']) {
  test(`${path} ends its connections at SIGTERM, and then itself`, async () => {
    const [program, port] = await started(path);
    const ann = await client(port);
    ann.send(frame(3));
    await ann.heard(5);
    program.signal('SIGTERM');
    await ann.over;
    ann.end();
    assert.is(await program.exited, 0);
  });
}

for (const path of ['wire/ours-proxy', 'rivals/node-proxy']) {
  test(`${path} passes on what comes, both ways, and the ends`, async () => {
    const far = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    await once(far, 'listening');
    const [program, port] = await started(path, String((far.address() as AddressInfo).port));
    const ann = await client(port);
    ann.end(frame(20_000));
    await ann.heard(20_002);
    await ann.over;
    assert.ok(ann.bytes.equals(frame(20_000)));
    await stop(program);
    far.close();
  });
}

test.run();
