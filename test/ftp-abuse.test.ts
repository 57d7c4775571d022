// The FTP server and those who are hard on it: slow ones, thieves, climbers, and those who leave in the middle.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { type Socket, connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Observable, lastValueFrom } from 'rxjs';
import * as assert from 'uvu/assert';
import { Files } from '../examples/ftp/files.js';
import { ftp } from '../examples/ftp/protocol.js';
import { intoFile } from '../examples/ftp/transfer.js';
import { serve } from '../operators/serve.js';
import { type Connection, type ListenOptions, fromAsyncIterable, listen } from '../src/index.js';
import { createServer } from '../src/server/index.js';
import { type Control, type FtpServer, PASSWORD, USER, control, dataOf, folders, ftpServer } from './kit/ftp.js';
import { loopback } from './kit/loopback.js';
import { suite } from './kit/suite.js';

const test = suite('ftp abuse', undefined, { timeout: 30_000 });

const furnished = async (): Promise<FtpServer> => {
  const server = await ftpServer();
  writeFileSync(join(server.root, 'a'), 'inside');
  writeFileSync(join(server.beside, 'a'), 'outside');
  symlinkSync(server.beside, join(server.root, 'out'));
  return server;
};

type Story = (server: FtpServer, ann: Control) => Promise<void>;

/** By a server that all of these share. */
let shared: Promise<FtpServer> | undefined;
test.after(async () => (await shared)?.stop());
const served = (body: Story) => async (): Promise<void> => {
  const server = await (shared ??= furnished());
  await body(server, await control(server.port));
};

/** By a server of its own, for what is measured, and for the end of it. */
const servedAlone = (body: Story) => async (): Promise<void> => {
  const server = await furnished();
  try {
    await body(server, await control(server.port));
  } finally {
    await server.stop();
  }
};

const MIB = 1024 * 1024;

/** What a server may grow by for a file of 300 MiB and more, in MiB: most of it is what V8 has not collected yet. */
const MOST = 100;
const mayLookAt = existsSync('/proc/self/status');
if (!mayLookAt) console.log('there is no /proc here: what a process holds is not looked at');

/** The most that a process has ever held, in bytes, and the files that it has open now. */
const peakOf = ({ program: { pid } }: FtpServer): number =>
  mayLookAt ? Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024 : 0;
const openIn = ({ program: { pid } }: FtpServer): number => (mayLookAt ? readdirSync(`/proc/${pid}/fd`).length : 0);

/** Waits until it is so: at most five seconds. */
const until = async (so: () => boolean, what: string): Promise<void> => {
  for (let tries = 0; !so(); tries++) {
    assert.ok(tries < 250, what);
    await sleep(20);
  }
};

/** Reads to the end, and gives how many bytes there were. */
const drained = async (socket: Socket): Promise<number> => {
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  socket.resume();
  await once(socket, 'end');
  socket.end();
  return bytes;
};

/** A data connection that is not read from before it is asked to. */
const slowData = async ({ say }: Control): Promise<Socket> => {
  const [, port] = /\(\|\|\|(\d+)\|\)$/.exec(await say('EPSV')) ?? [];
  const socket = connect({ port: Number(port), host: '127.0.0.1' });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket.pause();
};

test(
  'whoever climbs gets nothing',
  served(async (_, { say }) => {
    for (const path of ['/../beside/a', '../../../../etc/passwd', 'out/a', '/out/../out/a', 'a/../out/a', 'out']) {
      for (const verb of ['CWD', 'SIZE', 'MDTM', 'RETR', 'STOR', 'APPE', 'DELE', 'RMD', 'MKD', 'RNFR', 'MLST']) {
        if (path === 'out' && ['RNFR', 'DELE'].includes(verb)) continue; // the link itself is inside
        assert.match(await say(`${verb} ${path}`), /^(550|425) /, `${verb} ${path}`);
      }
    }
    assert.match(await say('CDUP'), /^250 You are in "\/"$/);
    assert.match(await say('RETR a\0b'), /^500 /);
    assert.match(await say('RNTO /out/a'), /^503 /);
  }),
);

test(
  'data goes to the address of the client, and to no other',
  served(async (_, { say }) => {
    for (const bounce of [
      'PORT 127,0,0,2,195,80',
      'PORT 192,0,2,1,195,80',
      'EPRT |1|192.0.2.1|50000|',
      'EPRT |2|::1|50000|',
      'PORT 127,0,0,1,0,22',
      'EPRT |1|127.0.0.1|25|',
    ]) {
      assert.match(await say(bounce), /^501 /, bounce);
    }
    assert.match(await say('RETR a'), /^425 /);
    assert.match(await say('EPSV ALL'), /^200 /);
    assert.match(await say('PORT 127,0,0,1,195,80'), /^501 /);
    assert.match(await say('PASV'), /^501 /);
    assert.match(await say('EPSV 2'), /^522 /);
    assert.match(await say('EPSV'), /^229 /);
  }),
);

test(
  'a stranger who comes to the port of another is reset, and the other has his data',
  served(async (_, { say, next }) => {
    const [, port] = /\(\|\|\|(\d+)\|\)$/.exec(await say('EPSV')) ?? [];
    const thief = connect({ port: Number(port), host: '127.0.0.1', localAddress: '127.0.0.2' });
    thief.on('error', () => {});
    await new Promise((gone) => thief.on('close', gone));
    const ours = connect({ port: Number(port), host: '127.0.0.1' });
    assert.match(await say('RETR a'), /^150 /);
    assert.is(await drained(ours), 'inside'.length);
    assert.match(await next(), /^226 /);
    const late = connect({ port: Number(port), host: '127.0.0.1' });
    const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
    assert.is(error.code, 'ECONNREFUSED');
  }),
);

test(
  'a command of 200 KB is refused, before a login and after, and nobody else notices',
  served(async ({ port }, { say }) => {
    for (const loggedIn of [false, true]) {
      const bob = await control(port, loggedIn);
      bob.client.send(`RETR ${'x'.repeat(200_000)}\r\n`);
      assert.match(await bob.next(), /^500 The line is too long$/);
      await bob.client.over;
    }
    assert.match(await say('NOOP'), /^200 /);
  }),
);

test(
  'a command a byte at a time is a command; an HTTP request is answered, and none of it done',
  served(async ({ port }, { client: ann, next }) => {
    for (const byte of 'PWD\r\n') {
      ann.send(byte);
      await sleep(2);
    }
    assert.is(await next(), '257 "/"');
    const http = await control(port, false);
    assert.match(await http.say('POST / HTTP/1.1'), /^530 /);
    assert.match(await http.say('Host: x'), /^500 /);
  }),
);

test(
  'sixty ports that nobody uses are one, and a client who goes leaves none',
  servedAlone(async (server, { say, client: ann }) => {
    await say('NOOP');
    const before = openIn(server);
    for (let count = 0; count < 60; count++) assert.match(await say('PASV'), /^227 /);
    assert.ok(openIn(server) <= before + 2, `${openIn(server)} files are open, before it were ${before}`);
    await slowData({ say } as Control);
    ann.socket.destroy();
    if (mayLookAt) await until(() => openIn(server) < before, 'its ports and connections are closed');
  }),
);

test(
  'one who does not read a big file costs little; he may abort, and read another time',
  servedAlone(async (server, ann) => {
    const size = 400 * MIB;
    writeFileSync(join(server.root, 'big'), '');
    truncateSync(join(server.root, 'big'), size);
    await ann.say('TYPE I');
    // Once to warm up, so that what is measured is the file.
    const warm = await slowData(ann);
    assert.match(await ann.say('RETR a'), /^150 /);
    await drained(warm);
    assert.match(await ann.next(), /^226 /);
    const before = peakOf(server);

    const stuck = await slowData(ann);
    assert.match(await ann.say('RETR big'), /^150 /);
    await sleep(500);
    assert.match(await ann.say('STAT'), /A transfer is under way/);
    const bob = await control(server.port);
    assert.match(await bob.say('NOOP'), /^200 /);
    ann.client.send(Buffer.from('\xff\xf4\xff\xf2ABOR\r\n', 'latin1'));
    assert.match(await ann.next(), /^426 Transfer aborted$/);
    assert.match(await ann.next(), /^226 /);
    stuck.destroy();

    const slow = await slowData(ann);
    await ann.say('REST 1000');
    assert.match(await ann.say('RETR big'), /^150 /);
    await sleep(300);
    assert.is(await drained(slow), size - 1_000);
    assert.match(await ann.next(), /^226 /);
    const grown = (peakOf(server) - before) / MIB;
    assert.ok(grown < MOST, `it grew by ${grown} MiB`);
  }),
);

test(
  'an upload of a big file costs little; aborted, what came is there, and the rest goes behind it',
  servedAlone(async (server, ann) => {
    const block = Buffer.alloc(MIB, 'upload');
    await ann.say('TYPE I');
    const before = peakOf(server);
    const upload = await slowData(ann);
    assert.match(await ann.say('STOR up'), /^150 /);
    for (let count = 0; count < 300; count++) if (!upload.write(block)) await once(upload, 'drain');
    upload.end();
    assert.match(await ann.next(), /^226 /);
    assert.is(await ann.say('SIZE up'), `213 ${300 * MIB}`);
    const grown = (peakOf(server) - before) / MIB;
    assert.ok(grown < MOST, `it grew by ${grown} MiB`);

    const half = await slowData(ann);
    assert.match(await ann.say('STOR half'), /^150 /);
    half.write('first ');
    await until(() => statSync(join(server.root, 'half')).size === 6, 'what came is in the file');
    assert.match(await ann.say('ABOR'), /^426 /);
    assert.match(await ann.next(), /^226 /);
    const rest = await slowData(ann);
    assert.match(await ann.say('REST 7'), /^350 /);
    assert.match(await ann.say('STOR half'), /^554 /);
    assert.match(await ann.say('REST 6'), /^350 /);
    assert.match(await ann.say('STOR half'), /^150 /);
    rest.end('second');
    assert.match(await ann.next(), /^226 /);
    assert.is(readFileSync(join(server.root, 'half'), 'latin1'), 'first second');
  }),
);

test('while the disk is slow, chunks wait where they come from', async () => {
  const [written, asked] = [[] as number[], { count: 0 }];
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (; asked.count < 100; asked.count++) yield await Promise.resolve(Buffer.alloc(10, asked.count));
  }
  let most = 0;
  const slow = {
    write: async (_: Uint8Array, offset: number, length: number, position: number) => {
      most = Math.max(most, asked.count - written.length);
      await sleep(1);
      // A disk that takes a part only: the rest is written then.
      const bytesWritten = Math.min(length, 7);
      if (offset + bytesWritten === 10) written.push(position);
      return { bytesWritten, buffer: _ };
    },
  } as unknown as Parameters<typeof intoFile>[0];
  await lastValueFrom(fromAsyncIterable(chunks()).pipe(intoFile(slow, 5)), { defaultValue: undefined });
  assert.equal(
    written,
    Array.from({ length: 100 }, (_, index) => 5 + index * 10 + 7),
  );
  assert.ok(most <= 8, `${most} chunks waited`);
});

test('a transfer that its client does not take is given up after the write deadline, and the session goes on', async () => {
  const { root, forget } = folders();
  writeFileSync(join(root, 'big'), Buffer.alloc(30 * MIB));
  const impatient = (given: ListenOptions): Observable<Connection> => listen({ ...given, writeDeadline: 300 });
  const files = await Files.at(root);
  const server = await loopback(
    serve(ftp({ files, accounts: { user: USER, password: PASSWORD }, data: { listen: impatient } })),
  );
  const ann = await control(server.port);
  const stuck = await slowData(ann);
  assert.match(await ann.say('RETR big'), /^150 /);
  assert.match(await ann.next(), /^426 /);
  assert.match(await ann.say('NOOP'), /^200 /);
  stuck.destroy();
  ann.client.end();
  await ann.client.over;
  assert.is((await server.stop()).length, 1);
  forget();
});

test(
  'who leaves in the middle of a transfer, or sends to who is sending, breaks nothing',
  served(async (server, ann) => {
    writeFileSync(join(server.root, 'big'), Buffer.alloc(30 * MIB));
    const gone = await slowData(ann);
    assert.match(await ann.say('RETR big'), /^150 /);
    gone.resetAndDestroy();
    assert.match(await ann.next(), /^426 /);
    const talking = await slowData(ann);
    talking.write('x'.repeat(100_000));
    assert.match(await ann.say('RETR a'), /^150 /);
    assert.is(await drained(talking), 'inside'.length);
    assert.match(await ann.next(), /^226 /);
    const bob = await control(server.port);
    const his = await slowData(bob);
    assert.match(await bob.say('RETR big'), /^150 /);
    bob.client.socket.resetAndDestroy();
    await once(his.resume(), 'close');
    assert.match(await ann.say('NOOP'), /^200 /);
  }),
);

test(
  'what is no plain file is not opened, and nobody waits for it',
  served(async ({ root }, ann) => {
    try {
      execFileSync('mkfifo', [join(root, 'pipe')]);
    } catch {
      return console.log('mkfifo is not installed: pipes are not tried');
    }
    const data = await slowData(ann);
    assert.match(await ann.say('RETR pipe'), /^550 /);
    assert.match(await ann.say('STOR pipe'), /^550 /);
    assert.match(await ann.say('RETR a'), /^150 /);
    await drained(data);
    assert.match(await ann.next(), /^226 /);
  }),
);

test(
  'a folder of thousands of files is listed as it is read, by each of the lists',
  servedAlone(async (server, ann) => {
    for (let count = 0; count < 1_000; count++) writeFileSync(join(server.root, `file ${count}`), '');
    for (const command of ['LIST', 'NLST', 'MLSD']) {
      const data = await dataOf(ann);
      assert.match(await ann.say(command), /^150 /);
      assert.match(await ann.next(), /^226 /);
      await data.over;
      assert.is(data.text.split('\r\n').length - 1, 1_001, command);
    }
    assert.is((await ann.say('STAT /')).split('\r\n').length, 1_003);
  }),
);

test(
  'a server that is told to stop ends uploads and downloads in order, and each session after that',
  servedAlone(async (server, ann) => {
    writeFileSync(join(server.root, 'big'), Buffer.alloc(30 * MIB));
    const bob = await control(server.port);
    const [up, down] = [await slowData(ann), await slowData(bob)];
    assert.match(await ann.say('STOR up'), /^150 /);
    await bob.say('TYPE I');
    assert.match(await bob.say('RETR big'), /^150 /);
    up.write('before ');
    await sleep(50);
    server.program.signal('SIGTERM');
    await sleep(200);
    up.end('and after');
    const all = drained(down);
    assert.match(await ann.next(), /^226 /);
    assert.is(await all, 30 * MIB);
    assert.match(await bob.next(), /^226 /);
    for (const { client } of [ann, bob]) {
      await client.heard(/226 [^\n]*\n$/);
      client.end();
      await client.over;
    }
    assert.is(await server.program.exited, 0);
    assert.is(readFileSync(join(server.root, 'up'), 'latin1'), 'before and after');
  }),
);

test('a stop that cannot wait cuts an upload, which is then not said to be complete, and its data connection with it', async () => {
  const { root, forget } = folders();
  const files = await Files.at(root);
  const server = createServer('ftp', ftp({ files, accounts: { user: USER, password: PASSWORD }, writable: true }), {
    port: 0,
    drain: 100,
  });
  const { port = 0 } = await server.start();
  const ann = await control(port);
  const up = await slowData(ann);
  assert.match(await ann.say('STOR up'), /^150 /);
  up.write('part');
  await until(() => existsSync(join(root, 'up')) && statSync(join(root, 'up')).size === 4, 'a part is there');
  const gone = new Promise((done) => up.on('close', done));
  up.resume();
  const { cut } = await server.stop();
  assert.is(cut.length, 1);
  await gone;
  await ann.client.over;
  assert.not.match(ann.client.text, /^226 /m);
  forget();
});

test(
  'passwords are not printed; logged in, nobody becomes another',
  servedAlone(async ({ program }, { say }) => {
    assert.match(await say('USER bob'), /^530 /);
    assert.match(await say(`PASS ${PASSWORD.toUpperCase()}`), /^503 /);
    assert.match(await say('MODE B'), /^504 /);
    assert.match(await say('STRU R'), /^504 /);
    assert.match(await say('TYPE E'), /^504 /);
    assert.match(await say('HELP retr'), /^214 /);
    assert.match(await say('constructor'), /^500 /);
    assert.match(await say('toSt'), /^502 /);
    assert.match(await say('RETR'), /^501 /);
    await program.printed(/^ann: NOOP|^ann: RETR ""$/m);
    assert.not.match(program.output(), new RegExp(PASSWORD));
  }),
);

test.run();
