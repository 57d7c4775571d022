// The MQTT broker as stories: who comes, who stays, who goes, and what is left of it.
import { lastValueFrom, map, timer } from 'rxjs';
import * as assert from 'uvu/assert';
import type { Login } from '../examples/mqtt/client.js';
import { everySplit, marbles } from '../src/testing/index.js';
import {
  ack,
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
  will,
} from './kit/mqtt.js';
import { c, eve, k, lasting, scene } from './kit/mqtt-scene.js';
import { suite } from './kit/suite.js';

const test = suite('mqtt: connecting', undefined, { timeout: 20_000 });

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

test.run();
