// Mutated sessions over connections in memory: the broker never throws, never hangs, never grows. A few thousand of them,
// or as many as a few seconds allow; MQTT_FUZZ=100000 node dist/test/kit/run.js --timeout 900000 mqtt-fuzz plays so many.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as E from 'fp-ts/lib/Either.js';
import { EMPTY, NEVER, Subject, concat, from } from 'rxjs';
import * as assert from 'uvu/assert';
import { type Broker, createBroker } from '../examples/mqtt/broker.js';
import type { Limits } from '../examples/mqtt/limits.js';
import type { Qos } from '../examples/mqtt/packets.js';
import { serve } from '../operators/serve.js';
import { type Connection, memory } from '../src/index.js';
import { dice } from '../src/testing/dice.js';
import { ack, connect, disconnect, pingreq, pingresp, publish, subscribe, unsubscribe, will } from './kit/mqtt.js';
import { altered, chunked } from './kit/mutate.js';
import { suite } from './kit/suite.js';

const asked = process.env['MQTT_FUZZ'];
const SESSIONS = Number(asked ?? 3_000);
const MILLISECONDS = asked === undefined ? 3_000 : Infinity;
/** How many are under way at once: they meet in the same sessions and topics. */
const AT_ONCE = 8;

const test = suite('mqtt: fuzz', undefined, { timeout: asked === undefined ? 30_000 : 900_000 });

/** Small enough for all of them to be reached. */
const limits: Partial<Limits> = {
  packet: 600,
  connect: 200,
  clientId: 12,
  topic: 40,
  topicLevels: 6,
  sessions: 6,
  subscriptions: 4,
  inflight: 3,
  unreleased: 3,
  queued: 5,
  queuedBytes: 500,
  unread: 3,
  retained: 5,
  retainedBytes: 500,
};

const ENDINGS = new Set([
  'finished',
  'MalformedFrame',
  'FrameTooLong',
  'TruncatedFrame',
  'InvalidMessage',
  'ProtocolViolation',
  'TakenOver',
  'ConnectionReset',
  'PeerTooSlow',
]);

const TYPES = ['puback', 'pubrec', 'pubrel', 'pubcomp'] as const;
const NAMES = ['a', 'b', 'c', '__proto__', '', 'a-name-too-long-for-it'];
const TOPICS = ['a', 'a/b', 'a/b/c', '$SYS/x', '/', 'constructor', 'a/b/c/d/e/f/g', 'x'.repeat(41)];
const FILTERS = ['#', '+', 'a/#', '+/b', 'a/+/c', '$SYS/#', '/+', ...TOPICS];

type Dice = ReturnType<typeof dice>;

/** What a client may say from its first packet to its last. */
const session = (roll: Dice): Uint8Array => {
  const any = <A>(list: readonly A[]): A => list[roll(list.length)] as A;
  const qos = (): Qos => roll(3) as Qos;
  const said = (): string => 'x'.repeat(any([0, 1, 3, 10, 120, 300]));
  const opening = connect(any(NAMES), {
    clean: roll(2) === 0,
    keepAlive: roll(3),
    ...(roll(3) === 0 ? will(any(TOPICS), said().slice(0, 50), qos(), roll(2) === 0) : {}),
    ...(roll(3) === 0 ? { username: any(NAMES), password: new Uint8Array(roll(9)) } : {}),
  });
  const packets = [opening];
  for (let count = roll(12); count > 0; count--) {
    const id = 1 + roll(4);
    const level = qos();
    packets.push(
      any([
        () =>
          publish(any(TOPICS), said(), level, level === 0 ? 0 : id, {
            retain: roll(3) === 0,
            dup: level > 0 && roll(4) === 0,
          }),
        () => publish(any(TOPICS), said(), level, level === 0 ? 0 : id),
        () => subscribe(id, ...Array.from({ length: 1 + roll(3) }, () => [any(FILTERS), qos()] as const)),
        () => unsubscribe(id, ...Array.from({ length: 1 + roll(2) }, () => any(FILTERS))),
        () => ack(any(TYPES), id),
        () => pingreq,
        () => (roll(6) === 0 ? any([disconnect, opening, pingresp]) : pingreq),
      ])(),
    );
  }
  return Buffer.concat(packets);
};

/** The same with some of its bytes changed, left out, doubled, or in another place. */
const mutated = (wire: Uint8Array, roll: Dice): Uint8Array => {
  let bytes = Buffer.from(wire);
  for (let count = roll(4); count > 0; count--) {
    const at = roll(bytes.length + 1);
    bytes = altered(bytes, at, roll);
  }
  return bytes;
};

/** A broker that serves connections in memory, and tells how each ended. */
const rig = (broker: Broker) => {
  const connections = new Subject<Connection>();
  const endings = new Map<Connection, string>();
  const told = new Map<Connection, () => void>();
  connections.pipe(serve(broker.protocol)).subscribe((outcome) => {
    const connection = E.isLeft(outcome) ? outcome.left.connection : outcome.right;
    const error = E.isLeft(outcome) ? (outcome.left.error as Error) : undefined;
    endings.set(connection, error === undefined ? 'finished' : error.name);
    told.get(connection)?.();
  });
  /** A client that says this in chunks, and then ends; or does not read, and then resets. Tells how the broker's side ended. */
  const play = async (said: readonly Uint8Array[], reads = true): Promise<string> => {
    const [server, client] = memory({ window: 300 });
    const over = new Promise<void>((done) => {
      told.set(server, done);
    });
    connections.next(server);
    if (reads) client.reads.subscribe({ error: () => {} });
    const rest = reads ? EMPTY : NEVER;
    concat(from(said), rest)
      .pipe(client.writes)
      .subscribe({ error: () => {} });
    if (!reads) setTimeout(() => client.abort(), 3);
    await over;
    const ending = endings.get(server) as string;
    endings.delete(server);
    told.delete(server);
    return ending;
  };
  return play;
};

/** Bytes of objects that are in use. */
const used = (): number => {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
};

const within = ({ statistics: now }: Broker): void => {
  assert.ok(now.sessions <= 6 && now.connected <= AT_ONCE, `${now.sessions} sessions, ${now.connected} connected`);
  assert.ok(now.subscriptions <= 6 * 4, `${now.subscriptions} subscriptions`);
  assert.ok(now.retained <= 5 && now.retainedBytes <= 500, `${now.retained} retained, ${now.retainedBytes} bytes`);
  assert.ok(now.queued <= 6 * 5, `${now.queued} queued`);
};

for (const slow of ['drop-oldest', 'disconnect'] as const) {
  test(`${slow}: mutated sessions end as they should, and leave nothing behind`, async () => {
    const broker = createBroker({ limits, slow });
    const play = rig(broker);
    const seen = new Map<string, number>();
    const until = performance.now() + MILLISECONDS / 2;
    const count = SESSIONS / 2;
    let played = 0;
    let before = 0;
    while (played < count && performance.now() < until) {
      const group = Array.from({ length: AT_ONCE }, (_, index) => {
        const roll = dice(played + index);
        return play(chunked(mutated(session(roll), roll), roll), roll(10) > 0);
      });
      // oxlint-disable-next-line no-await-in-loop
      for (const ending of await Promise.all(group)) {
        assert.ok(ENDINGS.has(ending), `${ending}, in the sessions from ${played} on`);
        seen.set(ending, (seen.get(ending) ?? 0) + 1);
      }
      played += AT_ONCE;
      within(broker);
      assert.is(broker.statistics.connected, 0);
      if (played % 400 === 0) {
        // Who behaves is served as ever.
        // oxlint-disable-next-line no-await-in-loop
        assert.is(
          await play([connect('good'), subscribe(1, ['a', 1]), publish('a', 'x', 1, 1), disconnect]),
          'finished',
        );
      }
      if (before === 0 && played >= count / 5) before = used();
    }
    const grown = before === 0 ? 0 : used() - before;
    assert.ok(grown < 2_000_000, `grown by ${grown} bytes`);
    assert.ok(seen.size >= 7, [...seen].join(' '));
    if (asked !== undefined) console.log(`${played} sessions: ${[...seen].join(' ')}; grown by ${grown} bytes`);
  });
}

test('every byte of a session changed to every other: an end, and no other kind of one', async () => {
  const broker = createBroker({ limits });
  const play = rig(broker);
  const wire = Buffer.concat([
    connect('a', will('w', 'x')),
    subscribe(1, ['a', 2]),
    publish('a', 'x', 2, 1),
    ack('pubrel', 1),
  ]);
  const step = asked === undefined ? 37 : 1;
  for (let at = 0; at < wire.length; at++) {
    const group: Promise<string>[] = [];
    for (let byte = at % step; byte < 256; byte += step) {
      const changed = Buffer.from(wire);
      changed[at] = byte;
      group.push(play([changed]));
    }
    // oxlint-disable-next-line no-await-in-loop
    for (const ending of await Promise.all(group)) assert.ok(ENDINGS.has(ending), `${ending}, byte ${at}`);
  }
  assert.is(broker.statistics.connected, 0);
});

test.run();
