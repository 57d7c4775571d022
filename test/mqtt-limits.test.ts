// The MQTT broker as stories: who is slow, who wants too much, and how it stands.
import * as assert from 'uvu/assert';
import { createBroker } from '../examples/mqtt/broker.js';
import { defaultLimits } from '../examples/mqtt/limits.js';
import type { Packet } from '../examples/mqtt/packets.js';
import { Session } from '../examples/mqtt/session.js';
import { createServer } from '../src/server/index.js';
import { marbles } from '../src/testing/index.js';
import {
  ack,
  anyPacket,
  connect,
  hex,
  pingreq,
  pingresp,
  present,
  publish,
  suback,
  subscribe,
  unsubscribe,
  will,
} from './kit/mqtt.js';
import { c, k, lasting, scene } from './kit/mqtt-scene.js';
import { suite } from './kit/suite.js';

const test = suite('mqtt: limits', undefined, { timeout: 20_000 });

// ── who is slow ─────────────────────────────────────────────────────────────────────────────────────────────────────

for (const [slow, kept] of [
  ['drop-oldest', '345'],
  ['drop-newest', '123'],
  ['disconnect', '123'],
] as const) {
  test(
    `${slow}: a session whose client is away keeps so many messages, and counts the others`,
    marbles(
      scene(
        async ({ client, hears, ended, broker, pass }) => {
          client('ann', ' (cs)|', { c: connect('ann', { clean: false }), s: subscribe(1, ['a', 1]) });
          hears('ann', '  (ks)|', { k, s: suback(1, 1) });
          client('ann2', '----^c--|', { c: connect('ann', { clean: false }) });
          hears('ann2', ' -----(kxyz)--|', {
            k: present,
            ...Object.fromEntries(
              Array.from('xyz').map((name, at) => [name, publish('a', kept[at] as string, 1, at + 1)]),
            ),
          });
          ended(['ann', 'finished'], ['ann2', 'finished']);
          await pass('3ms');
          for (const said of '12345') {
            broker.publish({ topic: 'a', payload: Buffer.from(said), qos: 1, retain: false });
          }
          assert.equal([broker.statistics.queued, broker.statistics.dropped], [3, 2]);
        },
        { slow, limits: { queued: 3 } },
      ),
    ),
  );
}

test(
  'a session keeps so many bytes, and a message that is more than that drops no other',
  marbles(
    scene(
      async ({ client, hears, ended, broker, pass }) => {
        client('ann', '(cs)|', { c: lasting, s: subscribe(1, ['a', 1]) });
        hears('ann', ' (ks)|', { k, s: suback(1, 1) });
        ended(['ann', 'finished']);
        await pass('3ms');
        for (const size of [4, 4, 11, 4]) {
          broker.publish({ topic: 'a', payload: new Uint8Array(size), qos: 1, retain: false });
        }
        assert.equal([broker.statistics.queued, broker.statistics.dropped], [2, 2]);
      },
      { limits: { queuedBytes: 10 } },
    ),
  ),
);

test(
  'disconnect: a client that has too much in flight, and too much waiting, is closed',
  marbles(
    scene(
      async ({ client, hears, expectClosed, broker, pass }) => {
        client('ann', '     (cs)', { c: lasting, s: subscribe(1, ['a', 1]) });
        hears('ann', '      (ks)x-|', { k, s: suback(1, 1), x: publish('a', '1', 1, 1) });
        expectClosed('ann', '---x', { x: 'PeerTooSlow' });
        await pass('1ms');
        for (const said of '123') broker.publish({ topic: 'a', payload: Buffer.from(said), qos: 1, retain: false });
        await pass('2ms');
        broker.publish({ topic: 'a', payload: Buffer.from('4'), qos: 1, retain: false });
        assert.equal([broker.statistics.connected, broker.statistics.queued], [0, 2]);
      },
      { slow: 'disconnect', limits: { inflight: 1, queued: 2 } },
    ),
  ),
);

for (const [slow, heard] of [
  ['drop-oldest', '189'],
  ['drop-newest', '123'],
] as const) {
  test(`${slow}: a client that does not read loses messages of QoS 0, which are counted, and holds up nobody`, async () => {
    const numbers = Array.from('123456789');
    const said = Object.fromEntries(numbers.map((number) => [number, publish('a', number)]));
    const broker = createBroker({ slow, limits: { unread: 2 } });
    await marbles(async ({ listen, start, client, pass, expectReceived, expectEnding }) => {
      const server = createServer('mqtt', broker.protocol, { port: 1883, listen });
      start(server);
      client('ann', '        (cs)-< 10ms >-|', { c, s: subscribe(1, ['a', 0]) }, { window: 6 });
      expectReceived('ann', ' (ks)-- 10ms (xyz)-|'.replace('xyz', heard), { k, s: suback(1, 0), ...said }, anyPacket);
      client('eve', '        (cs) 12ms -|', { c: connect('eve'), s: subscribe(1, ['a', 0]) });
      expectReceived('eve', ' (ks)--123456789--|', { k, s: suback(1, 0), ...said }, anyPacket);
      expectEnding('ann', 'finished');
      expectEnding('eve', 'finished');
      await pass('2ms');
      for (const number of numbers) {
        await pass('1ms');
        broker.publish({ topic: 'a', payload: Buffer.from(number), qos: 0, retain: false });
      }
      assert.is(server.statistics.dropped, 6);
      await pass('2ms');
      broker.report(server.statistics);
    })();
  });
}

test(
  'disconnect: a client that does not read is closed once too many messages of QoS 0 wait for it',
  marbles(
    scene(
      async ({ client, hears, ended, broker, pass }) => {
        client('ann', ' (cs)-<', { c, s: subscribe(1, ['a', 0]) }, { window: 6 });
        hears('ann', '  (ks)', { k, s: suback(1, 0) });
        ended(['ann', 'PeerTooSlow']);
        await pass('3ms');
        for (const said of '1234') {
          await pass('1ms');
          broker.publish({ topic: 'a', payload: Buffer.from(said), qos: 0, retain: false });
        }
        await pass('40s');
        assert.is(broker.statistics.sessions, 0);
      },
      { slow: 'disconnect', limits: { unread: 2 } },
    ),
  ),
);

test(
  'who does not read its acknowledgements is not read from',
  marbles(
    scene(async ({ client, expectHeard, ended, broker, pass }) => {
      const count = 100;
      const messages = Array.from({ length: count }, () => publish('a', 'x', 1, 1));
      client('ann', 'c<p 10s > 1s |', { c, p: messages }, { window: 64, split: 8 });
      expectHeard('ann', Buffer.concat([k, ...messages.map(() => ack('puback', 1))]));
      ended(['ann', 'finished']);
      await pass('9s');
      assert.ok(broker.statistics.published < count / 2, `${broker.statistics.published} were read`);
    }),
  ),
);

test(
  'retained messages wait for a client that reads slowly, and none is lost',
  marbles(
    scene(
      async ({ client, expectHeard, ended, broker, pass }) => {
        const names = Array.from({ length: 200 }, (_, index) => `t${index}`);
        for (const topic of names) broker.publish({ topic, payload: Buffer.from('x'), qos: 0, retain: true });
        client('ann', '(cs)-<---->-- 1s (p|)', { c, s: subscribe(1, ['#', 0]), p: pingreq }, { window: 64 });
        expectHeard(
          'ann',
          Buffer.concat([
            k,
            suback(1, 0),
            ...names.map((name) => publish(name, 'x', 0, 0, { retain: true })),
            pingresp,
          ]),
        );
        ended(['ann', 'finished']);
        await pass('1ms');
      },
      { limits: { unread: 2 } },
    ),
  ),
);

test(
  'retained messages of QoS 1 and 2 come as there is room in flight, however many they are; an UNSUBSCRIBE ends that',
  marbles(
    scene(
      async ({ client, hears, ended, broker, pass }) => {
        for (const topic of ['a/1', 'a/2', 'a/3', 'a/4', 'b/1', 'b/2']) {
          broker.publish({ topic, payload: Buffer.from(topic), qos: 1, retain: true });
        }
        const said = (topic: string, now: string, id: number): Uint8Array =>
          publish(topic, now, 1, id, { retain: true });
        client('ann', '(cs)-1-2-3u4|', {
          c: lasting,
          s: subscribe(1, ['b/#', 1], ['a/#', 2]),
          1: ack('puback', 1),
          2: ack('puback', 2),
          3: ack('puback', 3),
          u: unsubscribe(2, 'a/#'),
          4: ack('puback', 4),
        });
        hears('ann', ' (ksp)-q-n-ru-|', {
          k,
          s: suback(1, 1, 2),
          p: said('b/1', 'b/1', 1),
          q: said('b/2', 'b/2', 2),
          n: publish('a/1', 'new', 1, 3),
          r: said('a/1', 'new', 4),
          u: ack('unsuback', 2),
        });
        client('bob', '-^c|', { c: connect('bob', will('a/1', 'new', 1, true)) });
        hears('bob', ' --k|', { k });
        ended(['ann', 'finished'], ['bob', 'finished']);
        await pass('1ms');
        assert.is(broker.statistics.dropped, 0);
      },
      { limits: { inflight: 1, queued: 1 } },
    ),
  ),
);

// ── limits, and how it stands ───────────────────────────────────────────────────────────────────────────────────────

test(
  'a packet, a first packet and a topic that are too long close the connection',
  marbles(
    scene(
      ({ client, hears, ended }) => {
        client('ann', 'c-x', { c, x: publish('a', 'x'.repeat(98)) });
        hears('ann', ' k-|', { k });
        client('bob', 'c', { c: connect('b'.repeat(39)) });
        hears('bob', ' |');
        client('cyd', 'c-x', { c: connect('cyd'), x: publish('12345678901', '') });
        hears('cyd', ' k-|', { k });
        client('dan', 'c-x', { c: connect('dan'), x: publish('///', '') });
        hears('dan', ' k-|', { k });
        client('eve', 'c', { c: connect('eve', will('12345678901', '')) });
        hears('eve', ' |');
        ended(['ann', 'FrameTooLong'], ['bob', 'FrameTooLong']);
        ended(['cyd', 'ProtocolViolation'], ['dan', 'ProtocolViolation'], ['eve', 'ProtocolViolation']);
      },
      { limits: { packet: 100, connect: 50, topic: 10, topicLevels: 3 } },
    ),
  ),
);

test('how it stands is published under $SYS/broker, and is not published again before it has changed', async () => {
  const broker = createBroker({ slow: 'drop-newest' });
  await marbles(async ({ listen, start, client, pass, expectReceived, expectEnding }) => {
    const server = createServer('mqtt', broker.protocol, { port: 1883, listen });
    start(server);
    client('ann', '        (csp)----|', {
      c,
      s: subscribe(1, ['$SYS/broker/clients/+', 0], ['$SYS/broker/messages/received', 0], ['b', 0]),
      p: publish('a', 'x', 0, 0, { retain: true }),
    });
    const own = (name: string, value: number): Uint8Array => publish(`$SYS/broker/${name}`, String(value));
    expectReceived(
      'ann',
      '               (ks)(abdef)-g-|',
      {
        k,
        s: suback(1, 0, 0, 0),
        a: own('clients/connected', 1),
        b: own('clients/disconnected', 0),
        d: own('clients/total', 1),
        e: own('clients/expired', 0),
        f: own('messages/received', 3),
        g: publish('b', 'x'),
      },
      anyPacket,
    );
    expectEnding('ann', 'finished');
    await pass('1ms');
    broker.report(server.statistics);
    broker.report(server.statistics);
    assert.is(broker.statistics.retained, 17);
    await pass('2ms');
    broker.report(server.statistics);
    broker.publish({ topic: 'b', payload: Buffer.from('x'), qos: 0, retain: false });
    const { connected, published, subscriptions } = broker.statistics;
    assert.equal([connected, subscriptions, published > 18], [1, 3, true]);
  })();
});

test('the number of a message is one that is not in use, also when all have been used', () => {
  const sent: Packet[] = [];
  const session = new Session('ann', true, {
    limits: { ...defaultLimits, inflight: 3 },
    slow: 'drop-newest',
    retained: () => undefined,
    onDropped: () => {},
  });
  session.resume({ send: (said) => sent.push(said), offer: () => {}, cut: () => {} });
  const message = { topic: 'a', payload: hex(''), qos: 1, retain: false } as const;
  session.deliver(message);
  for (let count = 0; count < 70_000; count++) {
    session.deliver(message);
    const last = sent.at(-1);
    if (last?.type === 'publish') session.acknowledged('puback', last.id);
  }
  const ids = sent.map((said) => (said.type === 'publish' ? said.id : 0));
  assert.equal(ids.slice(0, 3), [1, 2, 3]);
  assert.equal(ids.slice(65_533, 65_537), [65_534, 65_535, 2, 3], '1 is still in flight');
});

test('wills that end one client after another are published one after another, however many they are', async () => {
  const broker = createBroker({ slow: 'disconnect', limits: { inflight: 1, queued: 1 } });
  const count = 300;
  await marbles(async ({ serve, client, expectHeard, expectEnding, pass }) => {
    serve(broker.protocol);
    for (let index = 0; index < count; index++) {
      const name = `c${index}`;
      client(name, '(cs) 5ms -', {
        c: connect(name, will(`w/${index + 1}`, 'x', 1)),
        s: subscribe(1, ['all', 1], [`w/${index}`, 1]),
      });
      expectHeard(name, Buffer.concat([k, suback(1, 1, 1), publish('all', 'x', 1, 1)]));
      expectEnding(name, 'PeerTooSlow');
    }
    await pass('2ms');
    for (const topic of ['all', 'all', 'w/0']) {
      broker.publish({ topic, payload: Buffer.from('x'), qos: 1, retain: false });
    }
  })();
  assert.equal([broker.statistics.connected, broker.statistics.published], [0, count + 3]);
});

test.run();
