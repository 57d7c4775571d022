// Mutated sessions over sockets: the acceptor never throws, never hangs, never grows, and gives the program nothing but what
// was said by the book. As many as two seconds allow; WEBSOCKET_FUZZ=20000 node dist/test/kit/run.js --timeout 900000
// websocket-fuzz plays so many, and WEBSOCKET_FUZZ_SEED=N begins with session N, as a failure names it.
import { once } from 'node:events';
import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as E from 'fp-ts/lib/Either.js';
import { type Subscription, firstValueFrom, Subject, tap } from 'rxjs';
import * as assert from 'uvu/assert';
import { frameLengthPrefixed, prefixLength, serve } from '../operators/index.js';
import type { Connection } from '../src/index.js';
import { dice } from '../src/testing/dice.js';
import { listenWebSocket } from '../src/websocket/index.js';
import { until } from './kit/line-server.js';
import { altered, chunked } from './kit/mutate.js';
import { suite } from './kit/suite.js';
import { closing, frame, upgrade } from './kit/websocket-frames.js';
import { dialled } from './kit/websocket-peer.js';
import { readingOf } from './kit/websocket-reading.js';

const asked = process.env['WEBSOCKET_FUZZ'];
const SESSIONS = Number(asked ?? 3_000);
const FIRST = Number(process.env['WEBSOCKET_FUZZ_SEED'] ?? 0);
const MILLISECONDS = asked === undefined ? 2_000 : Infinity;
/** How many are under way at once. */
const AT_ONCE = 16;
/** What a session may take: longer than any deadline of the acceptor. */
const PATIENCE = 4_000;

/** Small enough to be reached. */
const MAX_MESSAGE = 2_000;
const LIMIT = 300;

const test = suite('WebSocket: fuzz', undefined, { timeout: asked === undefined ? 30_000 : 900_000 });

type Dice = ReturnType<typeof dice>;

const ENDINGS = new Set(['finished', 'ConnectionReset', 'FrameTooLong', 'TruncatedFrame', 'HalfCloseTimeout']);

/** What a client says to a framed echo, in messages cut anywhere, and pings between them. */
const rightly = (roll: Dice): Buffer[] => {
  const said = Buffer.concat(
    Array.from({ length: roll(6) }, () => {
      const length = roll(10) > 0 ? roll(60) : roll(LIMIT);
      return Buffer.concat([Buffer.from([length >> 8, length & 255]), Buffer.alloc(length, 97 + roll(26))]);
    }),
  );
  const mask = () => ({ mask: Array.from({ length: 4 }, () => roll(256)) });
  const frames: Buffer[] = [];
  for (const part of chunked(said, roll)) {
    // What has a length in it is no text in general; of letters and zeros, any part is.
    const opcode = part.every((byte) => byte < 0x80) && roll(2) === 0 ? 1 : 2;
    const pieces = roll(4) === 0 ? chunked(part, roll).slice(0, 100) : [part];
    const whole = Buffer.concat(pieces).length === part.length;
    const sent = whole ? pieces : [part];
    for (const [index, piece] of sent.entries()) {
      frames.push(frame(index === 0 ? opcode : 0, piece, { fin: index === sent.length - 1, ...mask() }));
      if (roll(8) === 0) frames.push(frame(9 + roll(2), Buffer.alloc(roll(126)), mask()));
    }
  }
  return frames;
};

/** Frames that may not be, or not there. */
const wrongly = (roll: Dice): Buffer => {
  const any = <A>(list: readonly A[]): A => list[roll(list.length)] as A;
  const bytes = (most: number) => Buffer.from(Array.from({ length: roll(most) }, () => roll(256)));
  const some = frame(any([0, 1, 2, 8, 9, 10]), bytes(20), { fin: roll(3) > 0 });
  const changed = (at: number, value: number) => {
    some[at] = value;
    return some;
  };
  return any<() => Buffer>([
    () => some,
    () => changed(0, (some[0] as number) | (0x10 << roll(3))),
    () => changed(0, 0x80 | any([3, 4, 5, 6, 7, 11, 12, 13, 14, 15])),
    () => changed(1, (some[1] as number) & 0x7f),
    () => changed(1, 0x80 | roll(128)),
    () => frame(any([8, 9, 10]), Buffer.alloc(126 + roll(10))),
    () => frame(8, closing(any([0, 999, 1000, 1001, 1004, 1005, 1006, 1011, 1015, 2999, 3000, 4999, 5000, 65_535]))),
    () => frame(8, closing(1000, 'why')),
    () => frame(8, Buffer.concat([closing(1000), bytes(6)])),
    () => frame(8, Buffer.alloc(roll(2))),
    () => frame(1, Buffer.from([0xc3, 0x28])),
    () => frame(any([0, 1, 2]), Buffer.alloc(0), { fin: roll(2) === 0 }),
    () => frame(2, Buffer.alloc(MAX_MESSAGE - 1 + roll(3))),
    () => Buffer.concat([frame(2, Buffer.alloc(MAX_MESSAGE), { fin: false }), frame(0, Buffer.alloc(roll(2)))]),
    () => Buffer.from([0x82, 0xff, ...Array.from({ length: 8 }, () => any([0, 0, 0x7f, 0xff, roll(256)])), 1, 2, 3, 4]),
    () => Buffer.concat(Array.from({ length: 70 }, () => frame(9, Buffer.alloc(1)))),
    () =>
      Buffer.concat(Array.from({ length: 1_030 }, (_, at) => frame(at === 0 ? 2 : 0, Buffer.alloc(0), { fin: false }))),
    () => bytes(40),
  ])();
};

/** How a client behaves once it has said all. */
type Manner = 'waits' | 'ends' | 'never reads' | 'stays';

interface Session {
  readonly request: Buffer;
  readonly frames: Buffer;
  readonly manner: Manner;
  /** Nothing is wrong with it. */
  readonly right: boolean;
}

const session = (roll: Dice): Session => {
  const halfCloses = roll(2) === 0;
  const right = upgrade(halfCloses ? 'sec-websocket-protocol: half-close.sluice\r\n' : '');
  const said = rightly(roll);
  const kind = roll(8);
  const goodbye = [...(halfCloses ? [frame(2, Buffer.alloc(0))] : []), frame(8, closing(1000))];
  if (kind === 0) return { request: right, frames: Buffer.concat([...said, ...goodbye]), manner: 'waits', right: true };
  // Who stays in the middle of asking is waited for: few do, for it takes as long as the deadline.
  if (roll(400) === 0) {
    return { request: right.subarray(0, roll(right.length)), frames: Buffer.alloc(0), manner: 'stays', right: false };
  }
  let request: Buffer = right;
  if (kind <= 2)
    for (let count = 1 + roll(2); count > 0; count--) request = altered(request, roll(request.length), roll);
  if (kind >= 3) said.splice(roll(said.length + 1), roll(2), ...Array.from({ length: roll(3) }, () => wrongly(roll)));
  // Out of order.
  if (kind === 6) said.splice(roll(said.length + 1), 0, ...said.splice(roll(said.length + 1), 1));
  let frames: Buffer = Buffer.concat([...said, ...(roll(3) > 0 ? goodbye : [])]);
  if (kind === 7)
    for (let count = roll(3); count >= 0; count--) frames = altered(frames, roll(frames.length + 1), roll);
  if (roll(8) === 0) frames = frames.subarray(0, roll(frames.length));
  if (roll(20) === 0) request = request.subarray(0, roll(request.length));
  const manner = (['waits', 'ends', 'never reads'] as const)[
    [0, 0, 0, 0, 0, 1, 1, 1, 1, 2][roll(10)] as number
  ] as Manner;
  return { request, frames, manner, right: false };
};

/** Where the head of a request or an answer ends; Node takes a line feed for the end of a line, too. */
const headEnd = (bytes: Buffer): number => {
  const found = /\r?\n\r?\n/.exec(bytes.toString('latin1'));
  return found === null ? bytes.length : found.index + found[0].length;
};

interface Served {
  readonly port: number;
  readonly subscription: Subscription;
  /** What has reached the program from whom is at a port, and how that has ended. */
  readonly reached: ReadonlyMap<number, Buffer>;
  readonly ended: ReadonlyMap<number, string>;
  readonly counts: { accepted: number; refused: number; over: number };
  readonly forget: (port: number) => void;
}

const portOf = ({ peer }: Connection): number => Number(/\d+$/.exec(peer)?.[0]);

/** A framed echo. */
const served = async (): Promise<Served> => {
  const reached = new Map<number, Buffer>();
  const ended = new Map<number, string>();
  const counts = { accepted: 0, refused: 0, over: 0 };
  const opening = new Subject<number>();
  const opened = firstValueFrom(opening);
  const subscription = listenWebSocket({
    port: 0,
    maxMessage: MAX_MESSAGE,
    handshakeTimeout: 400,
    halfClose: 500,
    writeDeadline: 1_000,
    onEvent: () => counts.refused++,
    onListening: ({ port }) => opening.next(port as number),
  })
    .pipe(
      tap(() => counts.accepted++),
      serve((bytes, connection) => {
        const port = portOf(connection);
        reached.set(port, Buffer.alloc(0));
        return bytes.pipe(
          tap((chunk) => reached.set(port, Buffer.concat([reached.get(port) ?? Buffer.alloc(0), chunk]))),
          frameLengthPrefixed({ width: 2, limit: LIMIT }),
          prefixLength(2),
        );
      }),
    )
    .subscribe((outcome) => {
      counts.over++;
      const connection = E.isLeft(outcome) ? outcome.left.connection : outcome.right;
      ended.set(portOf(connection), E.isLeft(outcome) ? (outcome.left.error as Error).name : 'finished');
    });
  const forget = (port: number): void => {
    reached.delete(port);
    ended.delete(port);
  };
  return { port: await opened, subscription, reached, ended, counts, forget };
};

/** Says this in chunks, and tells what was heard once the server has ended it. */
const converse = async (
  port: number,
  chunks: readonly Uint8Array[],
  manner: Manner,
  roll: Dice,
): Promise<{ readonly heard: Buffer; readonly from: number }> => {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  const heard: Buffer[] = [];
  const closed = once(socket, 'close').catch(() => once(socket, 'close'));
  const over = new Promise<void>((done) => {
    socket.once('end', done).once('close', () => done());
  });
  // A server that has cut it off takes no more.
  socket.on('error', () => {});
  if (manner !== 'never reads') socket.on('data', (chunk) => heard.push(chunk));
  await once(socket, 'connect');
  const from = socket.localPort as number;
  const slowly = roll(4) === 0;
  for (const chunk of chunks.slice(0, 60)) {
    socket.write(chunk);
    // oxlint-disable-next-line no-await-in-loop
    if (slowly) await new Promise(setImmediate);
  }
  socket.write(Buffer.concat(chunks.slice(60)));
  if (manner === 'ends') socket.end();
  else if (manner === 'never reads') setTimeout(() => socket.resetAndDestroy(), 3);
  else if (manner === 'waits') {
    // Who has said half a thing says nothing more, and the server may wait for it.
    const enough = setTimeout(() => socket.end(), 20);
    await over;
    clearTimeout(enough);
    socket.end();
  }
  const late = setTimeout(() => socket.destroy(new Error('late')), PATIENCE);
  await over;
  socket.end();
  await closed;
  clearTimeout(late);
  assert.is.not(socket.errored?.message, 'late', 'it is not gone within its deadlines');
  return { heard: Buffer.concat(heard), from };
};

/** One session, checked. Tells how it ended: the status of the answer, or how the connection did. */
const play = async (seed: number, { port, reached, ended, forget }: Served): Promise<string> => {
  const roll = dice(seed);
  const { request, frames, manner, right } = session(roll);
  const bytes = Buffer.concat([request, frames]);
  const { heard, from } = await converse(port, chunked(bytes, roll), manner, roll);
  if (manner === 'never reads') {
    // Not even all that it had said need have come.
    if (reached.has(from)) await until(() => ended.has(from), PATIENCE);
    const ending = ended.get(from) ?? 'reset';
    forget(from);
    return ending;
  }
  const head = heard.subarray(0, headEnd(heard)).toString('latin1');
  const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(head) ?? [];
  if (status !== '101') {
    assert.not(reached.has(from), 'who is refused reaches nobody');
    assert.ok(status === undefined || /^(400|404|405|408|426|431)$/.test(status), `answered ${status}`);
    assert.not(right, 'who asks rightly is let in');
    assert.ok(manner !== 'stays' || status === '408', 'and who does not ask is told so');
    return status ?? 'cut';
  }

  await until(() => ended.has(from), PATIENCE);
  const ending = ended.get(from) as string;
  const got = reached.get(from) as Buffer;
  forget(from);
  assert.ok(ENDINGS.has(ending), ending);
  const halfCloses = head.includes('half-close.sluice');
  const theirs = readingOf(bytes.subarray(headEnd(bytes)), { masked: true, maxMessage: MAX_MESSAGE, halfCloses });
  const ours = readingOf(heard.subarray(head.length), { masked: false, maxMessage: Infinity, halfCloses });
  assert.equal(got, theirs.said.subarray(0, got.length), 'what reached the program was said');
  assert.equal(ours.said, got.subarray(0, ours.said.length), 'and is what was answered');
  assert.is.not(ours.ending.type, 'wrong');
  if (ours.ending.type === 'closed') {
    const codes = [1000, 1005, 1008, theirs.ending.code];
    assert.ok(codes.includes(ours.ending.code), `closed with ${ours.ending.code}, and not with ${codes.join(', ')}`);
  }
  if (right) {
    assert.is(ending, 'finished');
    assert.equal(ours.said, theirs.said, 'all is answered');
  } else if (ending === 'finished') {
    assert.equal(got, theirs.said, 'all has reached the program');
    if (theirs.ending.type !== 'closed') assert.ok(halfCloses, 'who says nothing of an end is cut');
  }
  return ending;
};

/** Bytes of objects that are in use. */
const used = (): number => {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
};

const open = (): number => process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCP')).length;

test('mutated sessions end as they should, and leave nothing behind', async () => {
  const warnings: Error[] = [];
  const warned = (warning: Error): number => warnings.push(warning);
  process.on('warning', warned);
  const server = await served();
  try {
    await playAll(server);
  } finally {
    server.subscription.unsubscribe();
    process.off('warning', warned);
  }
  assert.equal(warnings, []);
});

const playAll = async (server: Served): Promise<void> => {
  const well = await dialled(`ws://127.0.0.1:${server.port}`, []);
  let answers = 0;
  well.on('message', () => answers++);
  const opened = open();
  const seen = new Map<string, number>();
  const deadline = performance.now() + MILLISECONDS;
  let played = 0;
  let before = 0;
  while (played < SESSIONS && performance.now() < deadline) {
    const group = Array.from({ length: Math.min(AT_ONCE, SESSIONS - played) }, async (_, index) => {
      const seed = FIRST + played + index;
      try {
        return await play(seed, server);
      } catch (error) {
        const again = `WEBSOCKET_FUZZ_SEED=${seed} WEBSOCKET_FUZZ=1`;
        throw new Error(`session ${seed} (again: ${again}): ${(error as Error).message}`, { cause: error });
      }
    });
    // oxlint-disable-next-line no-await-in-loop
    for (const ending of await Promise.all(group)) seen.set(ending, (seen.get(ending) ?? 0) + 1);
    played += group.length;
    // Who behaves is served as ever.
    well.send(Buffer.from([0, 2, 104, 105]));
    const wanted = answers + 1;
    // oxlint-disable-next-line no-await-in-loop
    await until(() => answers === wanted, PATIENCE);
    if (before === 0 && played >= SESSIONS / 5) before = used();
  }
  await until(() => server.counts.over === server.counts.accepted - 1 && open() <= opened, PATIENCE);
  const grown = before === 0 ? 0 : used() - before;
  assert.ok(grown < 5_000_000, `grown by ${grown} bytes`);
  well.close();
  await until(() => server.counts.over === server.counts.accepted);
  if (played > 400) {
    for (const ending of ['finished', 'ConnectionReset', 'TruncatedFrame', 'FrameTooLong', '400']) {
      assert.ok(seen.has(ending), `none of so many was ${ending}: ${[...seen].join(' ')}`);
    }
  }
  if (asked !== undefined) {
    const endings = [...seen].map(([ending, count]) => `${ending} ${count}`).join(', ');
    console.log(`${played} sessions, ${server.counts.accepted} accepted: ${endings}; grown by ${grown} bytes`);
  }
};

test.run();
