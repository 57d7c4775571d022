// Mutated sessions over connections in memory: a speaker never throws, never hangs, never grows, and says nothing wrong. A few
// thousand of them, or as many as a few seconds allow; BGP_FUZZ=100000 node dist/test/kit/run.js --timeout 900000 bgp-fuzz
// plays so many.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as E from 'fp-ts/lib/Either.js';
import { EMPTY, NEVER, Subject, concat, from } from 'rxjs';
import * as assert from 'uvu/assert';
import { nameOf } from '../examples/bgp/faults.js';
import { messageRule } from '../examples/bgp/message-rule.js';
import { type Message, fourOctetAs, message } from '../examples/bgp/messages.js';
import { bgp } from '../examples/bgp/speaker.js';
import { serve } from '../operators/serve.js';
import { type Connection, deframer, memory } from '../src/index.js';
import { dice } from '../src/testing/dice.js';
import { entry, keepalive, notification, open, update, wire } from './kit/bgp.js';
import { altered, chunked } from './kit/mutate.js';
import { suite } from './kit/suite.js';

const asked = process.env['BGP_FUZZ'];
const SESSIONS = Number(asked ?? 3_000);
const MILLISECONDS = asked === undefined ? 2_000 : Infinity;
/** How many are under way at once: some of them are the same peer. */
const AT_ONCE = 8;

const test = suite('bgp: fuzz', undefined, { timeout: asked === undefined ? 30_000 : 900_000 });

const LOST = ['finished', 'TruncatedFrame', 'ConnectionReset', 'NotificationReceived'];

/** Every fault that a peer can cause by what it says; its hold time is longer than a session here. */
const FAULTS = [
  ...[1, 2, 3].map((subcode) => notification(1, subcode)),
  ...[0, 1, 2, 3, 4, 6].map((subcode) => notification(2, subcode)),
  ...[1, 2, 3].map((subcode) => notification(5, subcode)),
  notification(6, 7),
].map((said) => (said.type === 'notification' ? nameOf(said) : ''));

type Dice = ReturnType<typeof dice>;

/** What a peer may say from its OPEN on. */
const session = (roll: Dice): Uint8Array => {
  const any = <A>(list: readonly A[]): A => list[roll(list.length)] as A;
  const bytes = (): number[] => Array.from({ length: roll(12) }, () => roll(256));
  const as = roll(10) > 0 ? 65_002 : any([65_003, 200_000]);
  const opening = open({
    as,
    hold: any([0, 3, 9, 30, 90, 65_535, roll(4)]),
    id: any(['10.0.0.2', '10.0.0.3', '255.255.255.255', '10.0.0.1']),
    capabilities: [any([entry(1, 0, 1, 0, 1), entry(64), entry(roll(256), 1, 2, 3, 4)]), fourOctetAs(as)].slice(
      roll(2),
    ),
    others: roll(20) === 0 ? [entry(3 + roll(200), ...bytes())] : [],
  });
  const rest = Array.from({ length: roll(8) }, () =>
    any<() => Message>([
      () => keepalive,
      () => keepalive,
      () => update([0, 0, 0, 0, ...bytes()]),
      () => update(Array.from({ length: 4_077 }, () => 0)),
      () => (roll(8) === 0 ? any([opening, notification(6, roll(9), bytes())]) : keepalive),
    ])(),
  );
  return Buffer.concat([opening, ...(roll(10) > 0 ? [keepalive] : []), ...rest].map(wire));
};

/** The same with some of its bytes changed, left out, doubled, or in another place; mostly at its front. */
const mutated = (given: Uint8Array, roll: Dice): Uint8Array => {
  let bytes = Buffer.from(given);
  for (let count = roll(3); count > 0; count--) {
    const at = roll(Math.min(bytes.length, [20, 60, 5_000][roll(3)] as number) + 1);
    bytes = altered(bytes, at, roll);
  }
  return bytes;
};

/** What a speaker has said, checked: an OPEN, at most one KEEPALIVE in so short a time, and at the end why, if it says so. */
const checkSaid = (chunks: readonly Uint8Array[], ending: string): void => {
  const frames = deframer(messageRule);
  const said: string[] = [];
  for (const chunk of chunks) frames.push(chunk);
  for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
    const one = message.decode(frame);
    assert.ok(E.isRight(one));
    said.push(one.right.type === 'notification' ? nameOf(one.right) : one.right.type);
  }
  assert.is(frames.held, 0);
  const last = LOST.includes(ending) ? [] : [ending];
  const keepalives = said.filter((one) => one === 'keepalive');
  assert.ok(keepalives.length <= 1);
  assert.equal(said, ['open', ...keepalives, ...last]);
};

/** A speaker that serves connections in memory, and tells how each ended. */
const rig = () => {
  const connections = new Subject<Connection>();
  const told = new Map<Connection, (ending: string) => void>();
  const states = { open: 0, established: 0 };
  const speaker = bgp({
    as: 65_001,
    id: '10.0.0.1',
    hold: 60_000,
    peerAs: 65_002,
    onChange: (change) => {
      if (change.from === 'Idle') states.open++;
      if (change.to === 'Established') states.established++;
      if (change.to === 'Idle') states.open--;
    },
  });
  connections.pipe(serve(speaker)).subscribe((outcome) => {
    const connection = E.isLeft(outcome) ? outcome.left.connection : outcome.right;
    told.get(connection)?.(E.isLeft(outcome) ? (outcome.left.error as Error).name : 'finished');
    told.delete(connection);
  });
  /** A peer that says this in chunks, and then ends; or does not read, and then resets. */
  const play = async (chunks: readonly Uint8Array[], reads = true): Promise<string> => {
    const [server, client] = memory({ window: 300 });
    const over = new Promise<string>((done) => {
      told.set(server, done);
    });
    connections.next(server);
    const heard: Uint8Array[] = [];
    if (reads) client.reads.subscribe({ next: (chunk) => heard.push(Uint8Array.from(chunk)), error: () => {} });
    concat(from(chunks), reads ? EMPTY : NEVER)
      .pipe(client.writes)
      .subscribe({ error: () => {} });
    if (!reads) setTimeout(() => client.abort(), 3);
    const ending = await over;
    if (reads && ending !== 'ConnectionReset') checkSaid(heard, ending);
    return ending;
  };
  return { play, states };
};

/** Bytes of objects that are in use. */
const used = (): number => {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
};

test('mutated sessions end as they should, and leave nothing behind', async () => {
  const { play, states } = rig();
  const known = new Set([...LOST, ...FAULTS]);
  const seen = new Map<string, number>();
  const until = performance.now() + MILLISECONDS;
  let played = 0;
  let before = 0;
  while (played < SESSIONS && performance.now() < until) {
    const group = Array.from({ length: AT_ONCE }, (_, index) => {
      const roll = dice(played + index);
      return play(chunked(mutated(session(roll), roll), roll), roll(10) > 0);
    });
    // oxlint-disable-next-line no-await-in-loop
    for (const ending of await Promise.all(group)) {
      assert.ok(known.has(ending), `${ending}, in the sessions from ${played} on`);
      seen.set(ending, (seen.get(ending) ?? 0) + 1);
    }
    played += AT_ONCE;
    assert.is(states.open, 0, 'every session is over, once');
    if (played % 400 === 0) {
      const established = states.established;
      // Who behaves is served as ever: none of those before it is taken for the same peer that is still there.
      // oxlint-disable-next-line no-await-in-loop
      assert.is(await play([open(), keepalive, update()].map(wire)), 'finished');
      assert.is(states.established, established + 1);
    }
    if (before === 0 && played >= SESSIONS / 5) before = used();
  }
  const grown = before === 0 ? 0 : used() - before;
  assert.ok(grown < 2_000_000, `grown by ${grown} bytes`);
  assert.ok(states.established > played / 20, `${states.established} established`);
  assert.ok(seen.size >= 12, [...seen].join(' '));
  if (asked !== undefined) {
    const faults = [...seen].map(([ending, count]) => `${ending} ${count}`).join(', ');
    console.log(`${played} sessions, ${states.established} established: ${faults}; grown by ${grown} bytes`);
  }
});

test('every byte of a session changed to every other: an end, and no other kind of one', async () => {
  const { play, states } = rig();
  const known = new Set([...LOST, ...FAULTS]);
  const all = Buffer.concat([open(), keepalive, update()].map(wire));
  const step = asked === undefined ? 47 : 1;
  for (let at = 0; at < all.length; at++) {
    for (let value = at % step; value < 256; value += step) {
      const changed = Buffer.from(all);
      changed[at] = value;
      // One after another, for it is the same peer each time.
      // oxlint-disable-next-line no-await-in-loop
      const ending = await play([changed]);
      assert.ok(known.has(ending), `${ending}, byte ${at} is ${value}`);
    }
  }
  assert.is(states.open, 0);
});

test.run();
