// The MQTT broker as stories: what is published, to whom it goes, and how surely.
import * as assert from 'uvu/assert';
import type { Qos } from '../examples/mqtt/packets.js';
import { everySplit, marbles } from '../src/testing/index.js';
import {
  ack,
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
import { c, eve, k, lasting, scene } from './kit/mqtt-scene.js';
import { suite } from './kit/suite.js';

const test = suite('mqtt: messages', undefined, { timeout: 20_000 });

// ── what is published ───────────────────────────────────────────────────────────────────────────────────────────────

test(
  'a message is answered as its QoS says, and passed on once',
  everySplit(
    scene((story) => {
      const { client, hears, ended } = story;
      eve(story, '-xy-z----', { x: publish('a', '0'), y: publish('a', '1', 1, 1), z: publish('a', '2', 2, 2) });
      client('bob', '^-(cx)y-z-r|', {
        c: connect('bob'),
        x: publish('a', '0'),
        y: publish('a', '1', 1, 7),
        z: publish('a', '2', 2, 8),
        r: ack('pubrel', 8),
      });
      hears('bob', ' --ky-z-r|', { k, y: ack('puback', 7), z: ack('pubrec', 8), r: ack('pubcomp', 8) });
      ended(['bob', 'finished']);
    }),
    { random: 2 },
  ),
);

test(
  'a message of QoS 2 that comes again before it is released is answered and not passed on; after that its number is new',
  marbles(
    scene((story) => {
      const { client, hears, ended } = story;
      const x = publish('a', 'x', 2, 5);
      eve(story, '-x----x--', { x: publish('a', 'x') }, 0);
      client('bob', '-^(cx)ddr-x|', {
        c: connect('bob'),
        x,
        d: publish('a', 'x', 2, 5, { dup: true }),
        r: ack('pubrel', 5),
      });
      hears('bob', ' --(kx)xxr-x|', { k, x: ack('pubrec', 5), r: ack('pubcomp', 5) });
      ended(['bob', 'finished']);
    }),
  ),
);

test(
  'what was received with QoS 2 is known after a reconnect, and a PUBREL of what is not known is answered',
  marbles(
    scene((story) => {
      const { client, hears, ended } = story;
      const bob = connect('bob', { clean: false });
      eve(story, '-x-------', { x: publish('a', 'x') }, 0);
      client('bob', ' -^(cx)#', { c: bob, x: publish('a', 'x', 2, 5) });
      hears('bob', '  --(kx)', { k, x: ack('pubrec', 5) });
      client('bob2', '----^(cx)r-r|', { c: bob, x: publish('a', 'x', 2, 5, { dup: true }), r: ack('pubrel', 5) });
      hears('bob2', ' -----(kx)r-r|', { k: present, x: ack('pubrec', 5), r: ack('pubcomp', 5) });
      ended(['bob', 'ConnectionReset'], ['bob2', 'finished']);
    }),
  ),
);

test(
  'a message of QoS 1 that comes again is a new one, and is not passed on as a repeated one',
  marbles(
    scene((story) => {
      const { client, hears, ended } = story;
      eve(story, '-(xy)-------', { x: publish('a', 'x', 1, 1), y: publish('a', 'x', 1, 2) });
      client('bob', '-^(cxd)|', {
        c: connect('bob'),
        x: publish('a', 'x', 1, 5),
        d: publish('a', 'x', 1, 5, { dup: true }),
      });
      hears('bob', ' --(kxx)|', { k, x: ack('puback', 5) });
      ended(['bob', 'finished']);
    }),
  ),
);

test(
  'a message goes with the lower one of the QoS of its publisher and its subscriber, to the publisher too',
  marbles(
    scene(({ client, hears, ended }) => {
      const pairs = [0, 1, 2].flatMap((to) => [0, 1, 2].map((from) => [to, from] as const)) as [Qos, Qos][];
      for (const [to, from] of pairs) {
        const name = `c${to}${from}`;
        const id = from === 0 ? 0 : 9;
        const qos = to < from ? to : from;
        client(name, '(csp)-|', { c: connect(name), s: subscribe(1, [name, to]), p: publish(name, 'x', from, id) });
        const p = publish(name, 'x', qos, qos === 0 ? 0 : 1);
        const a = from === 0 ? '' : 'a';
        // What is published goes out before the acknowledgement of it.
        hears(name, `(ksp${a})-|`, { k, s: suback(1, to), p, a: ack(from === 1 ? 'puback' : 'pubrec', 9) });
        ended([name, 'finished']);
      }
    }),
  ),
);

test(
  'who is subscribed more than once gets a message once, with the highest QoS',
  marbles(
    scene(({ client, hears, ended }) => {
      client('ann', '(csp)-|', {
        c,
        s: subscribe(1, ['a/#', 0], ['a/+', 2], ['a/b', 1], ['#', 0]),
        p: publish('a/b', 'x', 2, 4),
      });
      hears('ann', ' (kspr)-|', { k, s: suback(1, 0, 2, 1, 0), p: publish('a/b', 'x', 2, 1), r: ack('pubrec', 4) });
      ended(['ann', 'finished']);
    }),
  ),
);

test(
  'so many are in flight and no more; the others wait for their turn, in order',
  everySplit(
    scene(
      ({ client, hears, ended }) => {
        client('ann', '(cs)-----a-b-e-(dp)|', {
          c,
          s: subscribe(1, ['a', 2]),
          a: ack('puback', 1),
          b: ack('pubrec', 2),
          e: ack('pubcomp', 2),
          d: ack('puback', 3),
          p: pingreq,
        });
        hears('ann', ' (ks)--(vw)--x-r-y-p|', {
          k,
          s: suback(1, 2),
          v: publish('a', '1', 1, 1),
          w: publish('a', '2', 2, 2),
          x: publish('a', '3', 1, 3),
          r: ack('pubrel', 2),
          y: publish('a', '4', 1, 4),
          p: pingresp,
        });
        client('bob', '-^-(cvwxy)|', {
          c: connect('bob'),
          v: publish('a', '1', 1, 11),
          w: publish('a', '2', 2, 12),
          x: publish('a', '3', 1, 13),
          y: publish('a', '4', 1, 14),
        });
        hears('bob', ' ---(kvwxy)|', {
          k,
          v: ack('puback', 11),
          w: ack('pubrec', 12),
          x: ack('puback', 13),
          y: ack('puback', 14),
        });
        ended(['ann', 'finished'], ['bob', 'finished']);
      },
      { limits: { inflight: 2 } },
    ),
    { random: 2 },
  ),
);

test(
  'what is not acknowledged is sent again after a reconnect, and only then: in order, with its number, as repeated; a PUBREL and not its message',
  everySplit(
    scene(({ client, hears, ended }) => {
      client('ann', ' (cs)----ab#', {
        c: lasting,
        s: subscribe(1, ['#', 2]),
        a: ack('puback', 2),
        b: ack('pubrec', 3),
      });
      hears('ann', '  (ks)-(vwxy)---r', {
        k,
        s: suback(1, 2),
        v: publish('a', '1', 1, 1),
        w: publish('a', '2', 1, 2),
        x: publish('b', '3', 2, 3),
        y: publish('b', '4', 2, 4),
        r: ack('pubrel', 3),
      });
      client('bob', ' -^(cvwxy)|', {
        c: connect('bob'),
        v: publish('a', '1', 1, 1),
        w: publish('a', '2', 1, 2),
        x: publish('b', '3', 2, 3),
        y: publish('b', '4', 2, 4),
      });
      hears('bob', '  --(kvwxy)|', {
        k,
        v: ack('puback', 1),
        w: ack('puback', 2),
        x: ack('pubrec', 3),
        y: ack('pubrec', 4),
      });
      client('ann2', '10s ^c 10s (ab)-(de)|', {
        c: lasting,
        a: ack('puback', 1),
        b: ack('pubcomp', 3),
        d: ack('pubrec', 4),
        e: ack('pubcomp', 4),
      });
      hears('ann2', ' 10s -(kvry) 10s --z|', {
        k: present,
        v: publish('a', '1', 1, 1, { dup: true }),
        r: ack('pubrel', 3),
        y: publish('b', '4', 2, 4, { dup: true }),
        z: ack('pubrel', 4),
      });
      client('ann3', '30s ^c|', { c: lasting });
      hears('ann3', ' 30s -k|', { k: present });
      ended(['ann', 'ConnectionReset'], ['bob', 'finished'], ['ann2', 'finished'], ['ann3', 'finished']);
    }),
    { random: 2 },
  ),
);

for (const [what, first, wrong] of [
  ['a PUBACK of a message of QoS 2', [], ack('puback', 2)],
  ['a PUBREC of a message of QoS 1', [], ack('pubrec', 1)],
  ['a PUBCOMP of a message of QoS 1', [], ack('pubcomp', 1)],
  ['a PUBCOMP of a message that was not received', [], ack('pubcomp', 2)],
  ['a PUBACK of a message of QoS 2 that was received', [ack('pubrec', 2)], ack('puback', 2)],
] as const) {
  test(
    `${what} closes the connection`,
    marbles(
      scene(async ({ client, expectHeard, ended, broker, pass }) => {
        client('ann', '(cs)--f-w', { c, s: subscribe(1, ['#', 2]), f: first.slice(), w: wrong });
        ended(['ann', 'ProtocolViolation']);
        await pass('1ms');
        for (const qos of [1, 2] as const) broker.publish({ topic: 'a', payload: hex(''), qos, retain: false });
        expectHeard(
          'ann',
          Buffer.concat([
            k,
            suback(1, 2),
            publish('a', '', 1, 1),
            publish('a', '', 2, 2),
            ...first.map(() => ack('pubrel', 2)),
          ]),
        );
      }),
    ),
  );
}

test(
  'an acknowledgement of what is not known is late: a PUBREC is answered, so that the client is done with it',
  marbles(
    scene(({ client, hears, ended }) => {
      client('ann', '(cabd)-|', { c, a: ack('puback', 1), b: ack('pubrec', 2), d: ack('pubcomp', 3) });
      hears('ann', ' (kb)-|', { k, b: ack('pubrel', 2) });
      ended(['ann', 'finished']);
    }),
  ),
);

test(
  'more messages of QoS 2 than the limit that are not released close the connection',
  marbles(
    scene(
      ({ client, hears, ended }) => {
        client('ann', '(cxy)(rz)-w', {
          c,
          x: publish('a', '', 2, 1),
          y: publish('a', '', 2, 2),
          r: ack('pubrel', 1),
          z: publish('a', '', 2, 3),
          w: publish('a', '', 2, 4),
        });
        hears('ann', ' (kxy)(rz)-|', {
          k,
          x: ack('pubrec', 1),
          y: ack('pubrec', 2),
          r: ack('pubcomp', 1),
          z: ack('pubrec', 3),
        });
        ended(['ann', 'ProtocolViolation']);
      },
      { limits: { unreleased: 2 } },
    ),
  ),
);

for (const type of ['connack', 'suback', 'unsuback', 'pingresp'] as const) {
  test(
    `a ${type.toUpperCase()} of a client closes the connection`,
    marbles(
      scene(({ client, hears, ended }) => {
        const said = { connack: k, suback: suback(1, 0), unsuback: ack('unsuback', 1), pingresp };
        client('ann', 'c-x', { c, x: said[type] });
        hears('ann', ' k-|', { k });
        ended(['ann', 'ProtocolViolation']);
      }),
    ),
  );
}

test(
  'a packet that is none closes the connection, and what came before it is answered',
  everySplit(
    scene(({ client, hears, ended }) => {
      const wrong = {
        flags: hex('c1 00'),
        'publish-wildcard': hex('30 05 0003 612f23'),
        'publish-empty-topic': hex('30 02 0000'),
        'publish-qos-3': hex('36 05 0001 61 0001'),
        'publish-id-0': hex('32 05 0001 61 0000'),
        'subscribe-nothing': hex('82 02 0001'),
        'subscribe-qos-3': hex('82 06 0001 0001 61 03'),
        'subscribe-filter': hex('82 08 0001 0003 61 2362 00'),
        'unsubscribe-nothing': hex('a2 02 0001'),
        utf8: hex('30 04 0002 c328'),
        length: hex('30 ff ff ff ff 01'),
      };
      for (const [name, bytes] of Object.entries(wrong)) {
        client(name, 'c-(px)', { c: connect(name), p: pingreq, x: bytes });
        hears(name, ' k-(p|)', { k, p: pingresp });
        ended([name, ['flags', 'publish-qos-3', 'length'].includes(name) ? 'MalformedFrame' : 'InvalidMessage']);
      }
    }),
    { random: 1 },
  ),
);

test(
  'messages of a topic come in the order in which they were published',
  marbles(
    scene(
      ({ client, hears, ended }) => {
        const numbers = Array.from('123456789');
        client('ann', '(cs)-----a--|', {
          c,
          s: subscribe(1, ['a', 1]),
          a: numbers.map((_, index) => ack('puback', index + 1)),
        });
        hears('ann', ' (ks)(123)----(456789)--|', {
          k,
          s: suback(1, 1),
          ...Object.fromEntries(numbers.map((said, index) => [said, publish('a', said, 1, index + 1)])),
        });
        client('bob', '^(cm)|', { c: connect('bob'), m: numbers.map((said) => publish('a', said, 1, 7)) });
        hears('bob', ' -(kaaaaaaaaa)|', { k, a: ack('puback', 7) });
        ended(['ann', 'finished'], ['bob', 'finished']);
      },
      { limits: { inflight: 3 } },
    ),
  ),
);

// ── subscriptions ───────────────────────────────────────────────────────────────────────────────────────────────────

test(
  'a SUBSCRIBE is answered filter by filter, in order; what is over the limits is refused with 128',
  marbles(
    scene(
      async ({ client, hears, ended, broker, pass }) => {
        client('ann', '(cst)-|', {
          c,
          s: subscribe(7, ['a', 2], ['x'.repeat(11), 1], ['b/b/b/b', 0], ['a', 0], ['c/+', 1]),
          t: subscribe(8, ['d', 1], ['a', 1]),
        });
        hears('ann', ' (kst)-|', { k, s: suback(7, 2, 0x80, 0x80, 0, 1), t: suback(8, 0x80, 1) });
        ended(['ann', 'finished']);
        await pass('1ms');
        assert.is(broker.statistics.subscriptions, 2);
      },
      { limits: { subscriptions: 2, topic: 10, topicLevels: 3 } },
    ),
  ),
);

test(
  'the same filter again takes the place of the old subscription, and what is retained comes again',
  marbles(
    scene(({ client, hears, ended }) => {
      client('bob', '(cr)-----p--|', {
        c: connect('bob'),
        r: publish('a', 'r', 0, 0, { retain: true }),
        p: publish('a', 'p', 1, 1),
      });
      hears('bob', ' k-----p--|', { k, p: ack('puback', 1) });
      client('ann', '^-(cs)-s---|', { c, s: subscribe(1, ['a', 1]) });
      hears('ann', ' --(ksr)-(sr)-p-|', {
        k,
        s: suback(1, 1),
        r: publish('a', 'r', 0, 0, { retain: true }),
        p: publish('a', 'p', 1, 1),
      });
      ended(['ann', 'finished'], ['bob', 'finished']);
    }),
  ),
);

test(
  'an UNSUBSCRIBE is answered once, for filters that are there and that are not, letter by letter',
  marbles(
    scene(({ client, hears, ended }) => {
      client('ann', '(cs)-u-(pqr)|', {
        c,
        s: subscribe(1, ['a/+', 0], ['b', 0], ['c', 0]),
        u: unsubscribe(2, 'a/b', 'b', 'none', 'C'),
        p: publish('a/b', ''),
        q: publish('b', ''),
        r: publish('c', ''),
      });
      hears('ann', ' (ks)-u-(pr)|', {
        k,
        s: suback(1, 0, 0, 0),
        u: ack('unsuback', 2),
        p: publish('a/b', ''),
        r: publish('c', ''),
      });
      ended(['ann', 'finished']);
    }),
  ),
);

test(
  'after an UNSUBSCRIBE nothing new comes, and what was begun is brought to its end',
  marbles(
    scene(({ client, hears, ended }) => {
      client('ann', '(csp)-(uq)-r-d-|', {
        c,
        s: subscribe(1, ['a', 2]),
        p: publish('a', 'one', 2, 1),
        u: unsubscribe(2, 'a'),
        q: publish('a', 'two', 2, 2),
        r: ack('pubrec', 1),
        d: ack('pubcomp', 1),
      });
      hears('ann', ' (kspx)-(uy)-r---|', {
        k,
        s: suback(1, 2),
        p: publish('a', 'one', 2, 1),
        x: ack('pubrec', 1),
        u: ack('unsuback', 2),
        y: ack('pubrec', 2),
        r: ack('pubrel', 1),
      });
      ended(['ann', 'finished']);
    }),
  ),
);

test(
  'wildcards match what the standard says, and topics that begin with $ only by name',
  marbles(
    scene(async ({ client, hears, ended, broker, pass }) => {
      client('all', '(cs)--|', { c: connect('all'), s: subscribe(1, ['#', 0], ['+/x', 0]) });
      hears('all', ' (ks)p-|', { k, s: suback(1, 0, 0), p: publish('a/x', '') });
      client('own', '(cs)--|', { c: connect('own'), s: subscribe(1, ['$SYS/#', 0]) });
      hears('own', ' (ks)o-|', { k, s: suback(1, 0), o: publish('$SYS/x', '') });
      ended(['all', 'finished'], ['own', 'finished']);
      await pass('1ms');
      for (const topic of ['a/x', '$SYS/x']) broker.publish({ topic, payload: hex(''), qos: 0, retain: false });
    }),
  ),
);

test(
  'what a client publishes under $ is acknowledged, and goes nowhere',
  marbles(
    scene(async ({ client, hears, ended, broker, pass }) => {
      client('ann', '(csp)-|', {
        c: connect('ann', will('$SYS/will', 'x')),
        s: subscribe(1, ['$SYS/#', 2]),
        p: publish('$SYS/broker/uptime', 'never', 1, 1, { retain: true }),
      });
      hears('ann', ' (ksp)-|', { k, s: suback(1, 2), p: ack('puback', 1) });
      ended(['ann', 'finished']);
      await pass('3ms');
      assert.equal([broker.statistics.retained, broker.statistics.published], [0, 0]);
    }),
  ),
);

test(
  'names of the wire are names and nothing else',
  marbles(
    scene(({ client, hears, ended }) => {
      const names = ['__proto__', 'constructor', 'toString', '\u{FEFF}a', 'e\u{301}'];
      client('ann', '(csp)-|', {
        c: connect('__proto__', { clean: false }),
        s: subscribe(1, ...names.map((name) => [name, 0] as const)),
        p: names.map((name) => publish(name, name, 0, 0, { retain: true })),
      });
      hears('ann', ' (ksabcde)-|', {
        k,
        s: suback(1, 0, 0, 0, 0, 0),
        ...Object.fromEntries(names.map((name, index) => [Array.from('abcde')[index] as string, publish(name, name)])),
      });
      ended(['ann', 'finished']);
    }),
  ),
);

// ── retained messages ───────────────────────────────────────────────────────────────────────────────────────────────

test(
  'the last retained message of each topic comes with a new subscription, marked as retained; to those who are there it is not',
  everySplit(
    scene(({ client, hears, ended }) => {
      client('ann', ' (cs)----|', { c, s: subscribe(1, ['a', 0], ['b/#', 0]) });
      hears('ann', '  (ks)-(pqr)--|', {
        k,
        s: suback(1, 0, 0),
        p: publish('a', 'old'),
        q: publish('a', 'new'),
        r: publish('b/c', 'x'),
      });
      client('bob', ' -^(pqrs)|', {
        p: [connect('bob'), publish('a', 'old', 0, 0, { retain: true })],
        q: publish('a', 'new', 1, 1, { retain: true }),
        r: publish('b/c', 'x', 2, 2, { retain: true }),
        s: publish('d', 'not retained'),
      });
      hears('bob', '  --(kqr)|', { k, q: ack('puback', 1), r: ack('pubrec', 2) });
      client('cyd', ' -----^(cs)-|', { c: connect('cyd'), s: subscribe(1, ['b/#', 1], ['#', 2]) });
      hears('cyd', '  ------(ksrqt)-|', {
        k,
        s: suback(1, 1, 2),
        r: publish('b/c', 'x', 1, 1, { retain: true }),
        q: publish('a', 'new', 1, 2, { retain: true }),
        t: publish('b/c', 'x', 2, 3, { retain: true }),
      });
      ended(['ann', 'finished'], ['bob', 'finished'], ['cyd', 'finished']);
    }),
    { random: 2 },
  ),
);

test(
  'an empty retained message is passed on, and takes away what was retained; one that is not to be retained leaves it',
  marbles(
    scene(async ({ client, hears, ended, broker, pass }) => {
      client('bob', '(cxy)--z---|', {
        c: connect('bob'),
        x: publish('a', 'keep', 1, 1, { retain: true }),
        y: publish('a', 'pass', 1, 2),
        z: publish('a', '', 1, 3, { retain: true }),
      });
      hears('bob', ' (kxy)--z---|', { k, x: ack('puback', 1), y: ack('puback', 2), z: ack('puback', 3) });
      client('ann', '^(cs)----|', { c, s: subscribe(1, ['a', 0]) });
      hears('ann', ' -(ksr)-z--|', {
        k,
        s: suback(1, 0),
        r: publish('a', 'keep', 0, 0, { retain: true }),
        z: publish('a', ''),
      });
      client('cyd', '----^(cs)-|', { c: connect('cyd'), s: subscribe(1, ['a', 0]) });
      hears('cyd', ' -----(ks)-|', { k, s: suback(1, 0) });
      ended(['ann', 'finished'], ['bob', 'finished'], ['cyd', 'finished']);
      await pass('7ms');
      assert.equal([broker.statistics.retained, broker.statistics.retainedBytes], [0, 0]);
    }),
  ),
);

test(
  'what is retained outlasts the session of who published it',
  marbles(
    scene(({ client, hears, ended }) => {
      client('bob', '(cx)|', { c: connect('bob'), x: publish('a', 'x', 0, 0, { retain: true }) });
      hears('bob', ' k|', { k });
      client('bob2', '--^(cs)-|', { c: connect('bob'), s: subscribe(1, ['a', 1]) });
      hears('bob2', ' ---(ksx)-|', { k, s: suback(1, 1), x: publish('a', 'x', 0, 0, { retain: true }) });
      ended(['bob', 'finished'], ['bob2', 'finished']);
    }),
  ),
);

test(
  'retained messages are counted, and over the limits they are passed on and not kept; the old one is not the last then',
  marbles(
    scene(
      async ({ client, hears, ended, broker, pass }) => {
        const retained = (topic: string, said: string): Uint8Array => publish(topic, said, 0, 0, { retain: true });
        client('bob', '(cx)---|', {
          c: connect('bob'),
          x: [
            retained('a', '123'),
            retained('b', '123'),
            retained('c', '1'),
            retained('a', '12345678'),
            retained('b', '1234'),
          ],
        });
        hears('bob', ' k---|', { k });
        client('ann', '^-(cs)-|', { c, s: subscribe(1, ['#', 0]) });
        hears('ann', ' --(ksb)-|', { k, s: suback(1, 0), b: retained('b', '1234') });
        ended(['ann', 'finished'], ['bob', 'finished']);
        await pass('1ms');
        const { retained: count, retainedBytes, notRetained } = broker.statistics;
        assert.equal([count, retainedBytes, notRetained], [1, 4, 2]);
      },
      { limits: { retained: 2, retainedBytes: 8 } },
    ),
  ),
);

test.run();
