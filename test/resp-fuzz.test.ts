// Sessions that are nearly right: examples/resp never throws, never hangs and never grows. RESP_FUZZ says how many.
import { Subject, of } from 'rxjs';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { type Connection, memory } from '../src/index.js';
import { dice } from '../src/testing/dice.js';
import { within } from '../src/testing/within.js';
import { asked, respInMemory } from './kit/resp.js';
import { respTable } from './kit/resp-table.js';
import { suite } from './kit/suite.js';

const SESSIONS = Number(process.env['RESP_FUZZ'] ?? 1_500);

const test = suite('resp: fuzz', undefined, { timeout: 10_000 + SESSIONS * 20 });

/** Requests of the table, as words and as they stand there. */
const lines = Object.values(respTable).flatMap((rows) => rows.map(([request]) => request));

const odd = [
  '',
  '0',
  '-1',
  '9223372036854775807',
  '1e9',
  '*',
  '[',
  '\\',
  '\r\n',
  '\0',
  'nx',
  'x'.repeat(300),
  '__proto__',
];

type Roll = (below: number) => number;

const pick = <A>(roll: Roll, all: readonly A[]): A => all[roll(all.length)] as A;

/** A session that is right: some requests of the table, here and there with an odd argument, in both ways to ask. */
const session = (roll: Roll): Buffer =>
  Buffer.concat(
    Array.from({ length: 1 + roll(12) }, () => {
      const line = pick(roll, lines);
      if (roll(3) === 0) return Buffer.from(`${line}\r\n`, 'latin1');
      const words = line.split(' ');
      if (roll(4) === 0) words[roll(words.length + 1)] = pick(roll, odd);
      return asked(words.map((word) => word ?? ''));
    }),
  );

const mutations: readonly ((bytes: Buffer, roll: Roll) => Buffer)[] = [
  (bytes) => bytes,
  (bytes, roll) => {
    const changed = Buffer.from(bytes);
    changed[roll(bytes.length)] = roll(256);
    return changed;
  },
  (bytes, roll) => bytes.subarray(0, roll(bytes.length)),
  (bytes, roll) => {
    const [from, to] = [roll(bytes.length), roll(bytes.length)];
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  (bytes, roll) => {
    const at = roll(bytes.length);
    const more = Buffer.from(
      pick(roll, ['\r\n', '*1\r\n', '$', '-', '9', '*1000000\r\n', '$999999\r\n', '"', 'POST /\r\n', '\0']),
    );
    return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);
  },
];

const mutated = (bytes: Buffer, roll: Roll): Buffer => {
  let all = bytes;
  for (let times = roll(4); times > 0 && all.length > 0; times--) all = pick(roll, mutations)(all, roll);
  return all;
};

const split = (bytes: Buffer, roll: Roll): Buffer[] => {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = roll(3) === 0 ? 1 + roll(9) : 1 + roll(400);
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
};

/** How a connection may end. All others are faults of ours. */
const ENDS = new Set(['CrossProtocolRequest', 'TruncatedFrame', 'ConnectionReset', 'ConnectionAborted', 'PeerTooSlow']);

test(`${SESSIONS} sessions that are nearly right`, async () => {
  const connections = new Subject<Connection>();
  const { server, ask, stop } = await respInMemory(
    { limited: { bulk: 100_000, request: 200_000, output: 4_000_000, transaction: 50_000 } },
    {},
    connections,
  );
  const faults: string[] = [];
  const ends = new Map<string, number>();
  server.outcomes.subscribe((outcome) => {
    const error = E.isLeft(outcome) ? (outcome.left.error as Error) : undefined;
    const name = error?.name ?? 'finished';
    ends.set(name, (ends.get(name) ?? 0) + 1);
    if (error !== undefined && !ENDS.has(name)) faults.push(String(error.stack));
  });

  const run = (seed: number): Promise<void> => {
    const roll = dice(seed);
    const chunks = split(mutated(session(roll), roll), roll);
    const [theirs, ours] = memory({ readBuffer: 'poisoned' });
    const gone = new Promise<void>((closed) => {
      theirs.closed.subscribe({ complete: () => closed() });
    });
    connections.next(theirs);
    ours.reads.subscribe({ error: () => {} });
    of(...chunks)
      .pipe(ours.writes)
      .subscribe({ error: () => {} });
    return within(5_000, () => gone, `session ${seed}: ${JSON.stringify(Buffer.concat(chunks).toString('latin1'))}`)();
  };

  const atOnce = 50;
  let memoryAtFirst = 0;
  for (let seed = 0; seed < SESSIONS; seed += atOnce) {
    await Promise.all(Array.from({ length: Math.min(atOnce, SESSIONS - seed) }, (_, at) => run(seed + at)));
    assert.equal(faults, []);
    // What they have stored is theirs to store; all else has to be gone with them.
    if (seed % 500 !== 0) continue;
    assert.is(await ask('FLUSHALL\r\nDBSIZE\r\nQUIT\r\n'), '+OK\r\n:0\r\n+OK\r\n');
    assert.is(server.clients.count, 0);
    assert.is(server.clients.rooms.size, 0);
    if (seed === 5_000) memoryAtFirst = process.memoryUsage.rss();
  }
  if (memoryAtFirst > 0) {
    const more = process.memoryUsage.rss() - memoryAtFirst;
    assert.ok(more < 64 * 1024 * 1024, `${more} bytes more than after 5,000 sessions`);
  }
  // Of each kind of end there is one, or the sessions are not what they should be.
  for (const name of ['finished', 'CrossProtocolRequest', 'TruncatedFrame']) assert.ok(ends.has(name), name);
  await stop();
});

test.run();
