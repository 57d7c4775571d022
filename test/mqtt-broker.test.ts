// The broker, told as stories: what clients say, what they hear, and when.
import { lastValueFrom, map, timer } from 'rxjs';
import * as assert from 'uvu/assert';
import { type Broker, type BrokerOptions, createBroker } from '../examples/mqtt/broker.js';
import type { Login } from '../examples/mqtt/client.js';
import { defaultLimits } from '../examples/mqtt/limits.js';
import type { Packet, Qos } from '../examples/mqtt/packets.js';
import { Session } from '../examples/mqtt/session.js';
import { createServer } from '../src/server/index.js';
import type { Values } from '../src/testing/index.js';
import { type Story, everySplit, marbles } from '../src/testing/index.js';
import {
  ack,
  anyPacket,
  connack,
  connect,
  disconnect,
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
import { suite } from './kit/suite.js';

const test = suite('mqtt: broker', undefined, { timeout: 20_000 });

/** What a story of the broker is told with: rows of packets. */
interface Scene extends Story {
  readonly broker: Broker;
  /** What a client hears, packet by packet. */
  readonly hears: (name: string, row: string, values?: Values) => void;
  /** How connections ended, whenever that was: `x` is finished. */
  readonly ended: (...endings: readonly (readonly [name: string, how: string])[]) => void;
}

const scene =
  (tell: (scene: Scene) => void | Promise<void>, options: BrokerOptions = {}) =>
  (story: Story): void | Promise<void> => {
    const broker = createBroker(options);
    story.serve(broker.protocol);
    return tell({
      ...story,
      broker,
      hears: (name, row, values = {}) => story.expectReceived(name, row, values, anyPacket),
      ended: (...endings) => {
        for (const [name, how] of endings) story.expectEnding(name, how);
      },
    });
  };

const c = connect('ann');
const k = connack();
/** The session of `ann` that lasts. */
const lasting = connect('ann', { clean: false });

// ── connecting ──────────────────────────────────────────────────────────────────────────────────────────────────────

test(
  'who connects is welcomed, before all else and at once',
  everySplit(
    scene(({ client, hears, ended }) => {
      client('ann', '-(cs)-|', { c, s: subscribe(1, ['a', 1]) });
      hears('ann', ' -(ks)-|', { k, s: suback(1, 1) });
      ended(['ann', 'finished']);
    }),
  ),
);

test(
  'a first packet that is no CONNECT closes the connection',
  everySplit(
    scene(({ client, hears, expectClosed }) => {
      for (const [name, said] of [
        ['ping', pingreq],
        ['pub', publish('a', 'b')],
        ['http', 'GET / HTTP/1.1\r\n\r\n'],
      ] as const) {
        client(name, '     -x', { x: said });
        hears(name, '      -|');
        expectClosed(name, '-x', { x: 'MalformedFrame' });
      }
    }),
  ),
);

test(
  'a second CONNECT closes the connection',
  marbles(
    scene(({ client, hears, expectClosed }) => {
      client('ann', '     c-c', { c });
      hears('ann', '      k-|', { k });
      expectClosed('ann', '--x', { x: 'ProtocolViolation' });
    }),
  ),
);

test(
  'another version of the protocol is answered 1 and closed',
  marbles(
    scene(({ client, hears, ended }) => {
      client('ann', '-c', { c: hex('10 0d 0004 4d515454 05 02 0000 00 0000') });
      hears('ann', ' -(k|)', { k: connack(1) });
      client('old', '-c', { c: hex('10 0c 0004 4d515454 03 02 0000 0000') });
      hears('old', ' -(k|)', { k: connack(1) });
      ended(['ann', 'finished'], ['old', 'finished']);
    }),
  ),
);

test(
  'a CONNECT that breaks the standard is closed without an answer',
  marbles(
    scene(({ client, hears, ended }) => {
      const wrong = {
        protocol: '10 0d 0004 4d515458 04 02 0000 0001 61',
        reserved: '10 0d 0004 4d515454 04 03 0000 0001 61',
        'will-flags': '10 0d 0004 4d515454 04 2a 0000 0001 61',
        password: '10 10 0004 4d515454 04 42 0000 0001 61 0001 62',
        nul: '10 0d 0004 4d515454 04 02 0000 0001 00',
      };
      for (const [name, digits] of Object.entries(wrong)) {
        client(name, '-c', { c: hex(digits) });
        hears(name, ' -|');
        ended([name, 'InvalidMessage']);
      }
    }),
  ),
);

test(
  'names of 1 to 23 letters and digits are let in, and longer ones up to the limit; the others are answered 2',
  marbles(
    scene(
      async ({ client, hears, ended, broker, pass }) => {
        client('one', ' c-----|', { c: connect('a') });
        hears('one', '  k-----|', { k });
        client('most', 'c-----|', { c: connect('abcdefghijklmnopqrstuvw') });
        hears('most', ' k-----|', { k });
        client('long', 'c', { c: connect('x'.repeat(31)) });
        hears('long', ' (k|)', { k: connack(2) });
        client('none', 'c', { c: connect('', { clean: false }) });
        hears('none', ' (k|)', { k: connack(2) });
        ended(['one', 'finished'], ['most', 'finished'], ['long', 'finished'], ['none', 'finished']);
        await pass('3ms');
        assert.is(broker.statistics.connected, 2);
      },
      { limits: { clientId: 30 } },
    ),
  ),
);

test(
  'who has no name is given one of its own',
  marbles(
    scene(async ({ client, hears, broker, ended, pass }) => {
      client('one', '  (cs)--|', { c: connect(''), s: subscribe(1, ['#', 0]) });
      hears('one', '   (ks)--|', { k, s: suback(1, 0) });
      client('other', '(cs)--|', { c: connect(''), s: subscribe(1, ['#', 0]) });
      hears('other', ' (ks)--|', { k, s: suback(1, 0) });
      ended(['one', 'finished'], ['other', 'finished']);
      await pass('2ms');
      assert.equal([broker.statistics.sessions, broker.statistics.subscriptions], [2, 2]);
    }),
  ),
);

test('a user name and a password are judged by the program, at once or later; what comes meanwhile waits', async () => {
  const logins: Login[] = [];
  const authenticate = (login: Login): boolean | Promise<boolean> => {
    logins.push(login);
    return login.username === 'ann' ? lastValueFrom(timer(3).pipe(map(() => true))) : login.username === 'bob';
  };
  await everySplit(
    scene(
      ({ client, hears, ended }) => {
        const login = (username: string): Uint8Array => connect(username, { username, password: hex('00 ff') });
        client('ann', '(cp)--|', { c: login('ann'), p: pingreq });
        hears('ann', ' ---(kp|)', { k, p: pingresp });
        client('bob', 'c-|', { c: login('bob') });
        hears('bob', ' k-|', { k });
        client('cyd', 'c', { c: login('cyd') });
        hears('cyd', ' (k|)', { k: connack(5) });
        client('dan', '-c', { c: connect('dan') });
        hears('dan', ' -(k|)', { k: connack(5) });
        ended(['ann', 'finished'], ['bob', 'finished'], ['cyd', 'finished'], ['dan', 'finished']);
      },
      { authenticate },
    ),
    { random: 0 },
  )();
  assert.equal(logins[0], { clientId: 'ann', username: 'ann', password: hex('00 ff'), address: 'ann' });
  assert.equal(logins[3], { clientId: 'dan', username: undefined, password: undefined, address: 'dan' });
});

test(
  'who is not let in is not heard, and leaves no session, no message and no will',
  marbles(
    scene(
      async ({ client, hears, ended, broker, pass }) => {
        client('eve', '(cs)------|', { c: connect('eve', { username: 'eve' }), s: subscribe(1, ['#', 0]) });
        hears('eve', ' (ks)------|', { k, s: suback(1, 0) });
        client('bob', '-(cp)', { c: connect('bob', will('w', 'lost')), p: publish('a', 'b', 1, 1) });
        hears('bob', ' -(k|)', { k: connack(5) });
        ended(['eve', 'finished'], ['bob', 'finished']);
        await pass('3ms');
        assert.is(broker.statistics.sessions, 1);
      },
      { authenticate: ({ username }) => username === 'eve' },
    ),
  ),
);

test('a judge that fails or takes more than 10 s is answered 3, and told to the program', async () => {
  const errors: unknown[] = [];
  const authenticate = ({ clientId }: Login): Promise<boolean> => {
    if (clientId === 'ann') throw new Error('at once');
    return clientId === 'bob' ? Promise.reject(new Error('later')) : new Promise(() => {});
  };
  await marbles(
    scene(
      ({ client, hears, ended }) => {
        for (const name of ['ann', 'bob']) {
          client(name, 'c', { c: connect(name) });
          hears(name, ' (k|)', { k: connack(3) });
        }
        client('cyd', 'c', { c: connect('cyd') });
        hears('cyd', ' 10s (k|)', { k: connack(3) });
        ended(['ann', 'finished'], ['bob', 'finished'], ['cyd', 'finished']);
      },
      { authenticate, onError: (error) => errors.push((error as Error).message) },
    ),
  )();
  assert.equal(errors, ['at once', 'later', 'Timeout has occurred']);
});

test(
  'who says nothing for 10 s is closed',
  marbles(
    scene(({ client, hears, expectClosed }) => {
      client('ann', '     ----c', { c: c.subarray(0, 5) });
      hears('ann', '      10s |');
      expectClosed('ann', '10s x', { x: 'PeerSilent' });
    }),
  ),
);

// ── keep-alive ──────────────────────────────────────────────────────────────────────────────────────────────────────

test(
  'who is silent for one and a half times its keep-alive is closed',
  everySplit(
    scene(({ client, hears, expectClosed }) => {
      client('ann', '     c 9999ms p', { c: connect('ann', { keepAlive: 10 }), p: pingreq });
      hears('ann', '      k 9999ms p 14999ms |', { k, p: pingresp });
      expectClosed('ann', '25s x', { x: 'PeerIdle' });
    }),
    { random: 2 },
  ),
);

test(
  'any packet keeps it alive, and half a packet does not; what it is sent neither',
  marbles(
    scene(({ client, hears, ended }) => {
      client('ann', '(cs) 13998ms a 13999ms h', {
        c: connect('ann', { keepAlive: 10 }),
        s: subscribe(1, ['t', 0]),
        a: ack('puback', 9),
        h: publish('x', 'y').subarray(0, 3),
      });
      hears('ann', ' (ks) 20s t 8997ms |', { k, s: suback(1, 0), t: publish('t', 'tick') });
      client('bob', '20s ^(ct)-|', { c: connect('bob'), t: publish('t', 'tick') });
      hears('bob', ' 20s -k-|', { k });
      ended(['ann', 'PeerIdle']);
      client('cyd', 'c', { c: connect('cyd', { keepAlive: 19 }) });
      hears('cyd', ' k 28499ms |', { k });
      ended(['cyd', 'PeerIdle'], ['bob', 'finished']);
    }),
  ),
);

test(
  'a keep-alive of 0 is for ever, and the longest 27 hours',
  marbles(
    scene(({ client, hears, expectOpen, ended }) => {
      client('ann', 'c 48h -', { c });
      hears('ann', ' k 48h -', { k });
      expectOpen('ann');
      client('bob', 'c', { c: connect('bob', { keepAlive: 65_535 }) });
      hears('bob', ' k 98302499ms |', { k });
      ended(['bob', 'PeerIdle']);
    }),
  ),
);

// ── sessions ────────────────────────────────────────────────────────────────────────────────────────────────────────

test(
  'a clean session ends with its connection',
  marbles(
    scene(async ({ client, hears, ended, broker, pass }) => {
      client('ann', ' (cs)--|', { c, s: subscribe(1, ['a', 1]) });
      hears('ann', '  (ks)--|', { k, s: suback(1, 1) });
      client('bob', ' ---^(cp)|', { c: connect('bob'), p: publish('a', 'lost', 1, 1) });
      hears('bob', '  ----(kp)|', { k, p: ack('puback', 1) });
      client('ann2', '-----^c--|', { c: lasting });
      hears('ann2', ' ------k--|', { k });
      ended(['ann', 'finished'], ['bob', 'finished'], ['ann2', 'finished']);
      await pass('1ms');
      assert.equal([broker.statistics.sessions, broker.statistics.subscriptions], [1, 1]);
      await pass('2ms');
      assert.equal([broker.statistics.sessions, broker.statistics.subscriptions], [0, 0]);
    }),
  ),
);

test(
  'a lasting session is there again, with its subscriptions and what of QoS 1 and 2 came meanwhile',
  everySplit(
    scene(({ client, hears, ended }) => {
      client('ann', ' (csd)', { c: lasting, s: subscribe(1, ['a', 1], ['b', 2], ['c', 0]), d: disconnect });
      hears('ann', '  (ks|)', { k, s: suback(1, 1, 2, 0) });
      client('bob', ' -^(cpqrs)------------|', {
        c: connect('bob'),
        p: publish('a', 'one', 1, 1),
        q: publish('b', 'two', 2, 2),
        r: publish('c', 'three', 1, 3),
        s: publish('a', 'zero'),
      });
      hears('bob', '  --(kpqr)------------|', { k, p: ack('puback', 1), q: ack('pubrec', 2), r: ack('puback', 3) });
      client('ann2', '-----^c--(ab)--|', { c: lasting, a: ack('puback', 1), b: ack('pubrec', 2) });
      hears('ann2', ' ------(kpq)--r--|', {
        k: present,
        p: publish('a', 'one', 1, 1),
        q: publish('b', 'two', 2, 2),
        r: ack('pubrel', 2),
      });
      ended(['ann', 'finished'], ['bob', 'finished'], ['ann2', 'finished']);
    }),
    { random: 2 },
  ),
);

test(
  'a clean CONNECT throws the lasting session away',
  marbles(
    scene(({ client, hears, ended }) => {
      client('ann', ' (cs)|', { c: lasting, s: subscribe(1, ['a', 1]) });
      hears('ann', '  (ks)|', { k, s: suback(1, 1) });
      client('ann2', '--^c|', { c });
      hears('ann2', ' ---k|', { k });
      client('ann3', '-----^c|', { c: lasting });
      hears('ann3', ' ------k|', { k });
      ended(['ann', 'finished'], ['ann2', 'finished'], ['ann3', 'finished']);
    }),
  ),
);

test(
  'a client that is here already is closed, and its session goes on over the new connection',
  everySplit(
    scene(({ client, hears, expectClosed, ended }) => {
      client('ann', ' (cs)', { c: lasting, s: subscribe(1, ['a', 1]) });
      hears('ann', '  (ks)-|', { k, s: suback(1, 1) });
      client('ann2', '-^c--------|', { c: lasting });
      hears('ann2', ' --k--p-----|', { k: present, p: publish('a', 'hi', 1, 1) });
      client('bob', ' ---^-(cp)--|', { c: connect('bob'), p: publish('a', 'hi', 1, 1) });
      hears('bob', '  -----(kp)--|', { k, p: ack('puback', 1) });
      expectClosed('ann', '--x', { x: 'TakenOver' });
      ended(['ann2', 'finished'], ['bob', 'finished']);
    }),
    { random: 2 },
  ),
);

test(
  'a clean session that is taken over is gone, whoever takes it over',
  marbles(
    scene(({ client, hears, ended }) => {
      client('ann', ' (cs)', { c, s: subscribe(1, ['#', 2]) });
      hears('ann', '  (ks)|', { k, s: suback(1, 2) });
      client('ann2', '^c', { c: lasting });
      hears('ann2', ' -k|', { k });
      client('ann3', '-^c---|', { c });
      hears('ann3', ' --k---|', { k });
      client('bob', ' ---^(cp)|', { c: connect('bob'), p: publish('a', 'hi') });
      hears('bob', '  ----k|', { k });
      ended(['ann', 'TakenOver'], ['ann2', 'TakenOver'], ['ann3', 'finished'], ['bob', 'finished']);
    }),
  ),
);

test(
  'where there are too many sessions the one that has been away longest makes room; where all are here nobody more is let in',
  marbles(
    scene(
      async ({ client, hears, ended, broker, pass }) => {
        client('ann', ' c|', { c: lasting });
        hears('ann', '  k|', { k });
        client('bob', ' --^c----------|', { c: connect('bob', { clean: false }) });
        hears('bob', '  ---k----------|', { k });
        client('cyd', ' ----^c--------|', { c: connect('cyd', { clean: false }) });
        hears('cyd', '  -----k--------|', { k });
        client('dan', ' ------^c', { c: connect('dan') });
        hears('dan', '  -------(k|)', { k: connack(3) });
        ended(['ann', 'finished'], ['bob', 'finished'], ['cyd', 'finished'], ['dan', 'finished']);
        await pass('10ms');
        assert.equal([broker.statistics.sessions, broker.statistics.expired], [2, 1]);
      },
      { limits: { sessions: 2 } },
    ),
  ),
);

// ── the will ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Somebody who hears everything, and is there from the first millisecond to the tenth. */
const eve = ({ client, hears, ended }: Scene, row: string, values: Values = {}, qos: Qos = 2): void => {
  client('eve', '(cs)---------|', { c: connect('eve'), s: subscribe(1, ['#', qos]) });
  hears('eve', `(ks)${row}|`, { k, s: suback(1, qos), ...values });
  ended(['eve', 'finished']);
};

for (const [what, row, how] of [
  ['a FIN without a DISCONNECT', '-^c-|', 'finished'],
  ['a reset', '-^c-#', 'ConnectionReset'],
  ['a packet that is none', '-^c-x', 'MalformedFrame'],
  ['a packet that it must not send', '-^c-c', 'ProtocolViolation'],
] as const) {
  test(
    `a will is published after ${what}`,
    marbles(
      scene((story) => {
        const { client, hears, ended } = story;
        eve(story, '---w-----', { w: publish('w', 'bob is gone') });
        client('bob', row, { c: connect('bob', will('w', 'bob is gone')), x: hex('ff') });
        hears('bob', how === 'ConnectionReset' ? '--k' : '--k-|', { k });
        ended(['bob', how]);
      }),
    ),
  );
}

test(
  'a will is published after the keep-alive has run out, and after a take-over',
  marbles(
    scene((story) => {
      const { client, hears, ended } = story;
      client('eve', '(cs) 1510ms |', { c: connect('eve'), s: subscribe(1, ['#', 2]) });
      hears('eve', ' (ks)---w---- 1495ms v------|', {
        k,
        s: suback(1, 2),
        w: publish('w', 'one'),
        v: publish('w', 'two'),
      });
      client('bob', ' -^c', { c: connect('bob', will('w', 'one')) });
      hears('bob', '  --k-|', { k });
      client('bob2', '---^c', { c: connect('bob', { ...will('w', 'two'), keepAlive: 1 }) });
      hears('bob2', ' ----k 1499ms |', { k });
      ended(['eve', 'finished'], ['bob', 'TakenOver'], ['bob2', 'PeerIdle']);
    }),
  ),
);

test(
  'a will is not published after a DISCONNECT, whatever follows it; nor is there one where none was left',
  everySplit(
    scene((story) => {
      const { client, hears, ended } = story;
      eve(story, '---------');
      client('bob', ' -^c-(dp)', { c: connect('bob', will('w', 'x')), d: disconnect, p: publish('a', 'late') });
      hears('bob', '  --k-|', { k });
      client('bob2', '----^c--d', { c: connect('bob', will('w', 'x')), d: disconnect });
      hears('bob2', ' -----k--|', { k });
      client('cyd', ' -^c-|', { c: connect('cyd') });
      hears('cyd', '  --k-|', { k });
      ended(['bob', 'finished'], ['bob2', 'finished'], ['cyd', 'finished']);
    }),
    { random: 2 },
  ),
);

test(
  'a will has its own QoS, and is retained if it says so',
  marbles(
    scene(({ client, hears, ended }) => {
      client('eve', '(cs)----ar----|', {
        c: connect('eve'),
        s: subscribe(1, ['#', 2]),
        a: ack('puback', 1),
        r: pingreq,
      });
      hears('eve', ' (ks)---w-r--v-|', {
        k,
        s: suback(1, 2),
        w: publish('w', 'x', 1, 1),
        r: pingresp,
        v: publish('v', 'x'),
      });
      client('bob', ' -^c-|', { c: connect('bob', will('w', 'x', 1, true)) });
      hears('bob', '  --k-|', { k });
      client('cyd', ' -----^(cs)|', { c: connect('cyd'), s: subscribe(1, ['w', 0]) });
      hears('cyd', '  ------(ksw)|', { k, s: suback(1, 0), w: publish('w', 'x', 0, 0, { retain: true }) });
      client('dan', ' -------^c|', { c: connect('dan', will('v', 'x')) });
      hears('dan', '  --------k|', { k });
      ended(['eve', 'finished'], ['bob', 'finished'], ['cyd', 'finished'], ['dan', 'finished']);
    }),
  ),
);

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
