// examples/bgp: a session from OPEN to its end, told as stories. The peer is AS 65002 with a hold time of 9 s, where
// nothing else is said, and we are AS 65001 with 90 s.
import * as E from 'fp-ts/lib/Either.js';
import { NEVER, Subject, map, of } from 'rxjs';
import * as assert from 'uvu/assert';
import { nameOf } from '../examples/bgp/faults.js';
import { type Happening, type Speaker, type State, isNewerKept, step } from '../examples/bgp/machine.js';
import { messageRule } from '../examples/bgp/message-rule.js';
import { type Message, ipv4Unicast, message } from '../examples/bgp/messages.js';
import { type Change, type SpeakerOptions, bgp } from '../examples/bgp/speaker.js';
import { frame } from '../operators/frame.js';
import { createServer } from '../src/server/create-server.js';
import { type Connection, memory } from '../src/index.js';
import { everySplit, marbles } from '../src/testing/index.js';
import { entry, hex, keepalive, notification, open, payload, update, wire } from './kit/bgp.js';
import { until } from './kit/line-server.js';
import { suite } from './kit/suite.js';

const test = suite('bgp: sessions');

const us: Speaker = { as: 65_001, id: '10.0.0.1', hold: 90 };

const ours = (as = us.as, hold = us.hold): Message => {
  const { capabilities, ...rest } = open({ as, hold, id: us.id });
  return { ...rest, capabilities: [ipv4Unicast, ...capabilities] };
};

const [k, u, n] = [keepalive, update(), notification(4, 0)].map(wire) as [Uint8Array, Uint8Array, Uint8Array];
const o = wire(open());
/** What we say, as the rule cuts it. */
const said = { o: payload(ours()), k: payload(keepalive), n: payload(notification(4, 0)) };

/** A speaker, and the states that its sessions go through. */
const watched = (options: Partial<SpeakerOptions> = {}) => {
  const states: string[] = [];
  const onChange = ({ from, to, error }: Change): void => {
    states.push(`${from} ${to}${error instanceof Error ? ` ${error.name}` : ''}`);
  };
  return { states, speaker: bgp({ ...us, onChange, ...options }) };
};

// ── up to Established ───────────────────────────────────────────────────────────────────────────────────────────────

test('OPENs are exchanged, KEEPALIVEs confirm them, and the session is established', async () => {
  const changes: Change[] = [];
  await marbles(({ serve, client, expectReceived, expectClosed }) => {
    serve(bgp({ ...us, onChange: (change) => changes.push(change) }));
    client('bob', '        --o--k-u-u-|', { o, k, u });
    expectReceived('bob', 'o-k--------|', said, messageRule);
    expectClosed('bob', '  -----------x', { x: 'finished' });
  })();
  const agreed = { as: 65_002, id: '10.0.0.2', hold: 9 };
  const peer = changes[0]?.peer;
  assert.equal(changes, [
    { peer, from: 'Idle', to: 'OpenSent', agreed: undefined, updates: 0, error: undefined },
    { peer, from: 'OpenSent', to: 'OpenConfirm', agreed, updates: 0, error: undefined },
    { peer, from: 'OpenConfirm', to: 'Established', agreed, updates: 0, error: undefined },
    { peer, from: 'Established', to: 'Idle', agreed, updates: 2, error: undefined },
  ]);
});

test('an AS number of four bytes goes both ways', async () => {
  const changes: Change[] = [];
  await marbles(({ serve, client, expectReceived, expectClosed }) => {
    serve(bgp({ ...us, as: 4_200_000_001, peerAs: 4_200_000_002, onChange: (change) => changes.push(change) }));
    client('bob', '        -ok|', { o: wire(open({ as: 4_200_000_002 })), k });
    expectReceived('bob', 'ok-|', { ...said, o: payload(ours(4_200_000_001)) }, messageRule);
    expectClosed('bob', '  ---x', { x: 'finished' });
  })();
  assert.is(changes.at(-1)?.agreed?.as, 4_200_000_002);
});

// ── hold time ───────────────────────────────────────────────────────────────────────────────────────────────────────

test(
  'the smaller hold time is agreed on: KEEPALIVEs go out at a third of it, and after it the session is ended',
  everySplit(({ serve, client, expectReceived, expectClosed }) => {
    serve(bgp(us));
    client('bob', '        -o-k', { o, k });
    expectReceived('bob', 'ok 2999ms k 2999ms k 2999ms k - (n|)', said, messageRule);
    expectClosed('bob', '  9003ms x', { x: 'HoldTimerExpired' });
    client('cyd', '        -o-k', { o: wire(open({ hold: 0xffff, id: '10.0.0.3' })), k });
    expectReceived('cyd', 'ok 29999ms k 29999ms k 29999ms k - (n|)', said, messageRule);
    expectClosed('cyd', '  90003ms x', { x: 'HoldTimerExpired' });
  }),
);

test('the hold timer ends a session once, and its change says so', async () => {
  const { states, speaker } = watched();
  await marbles(({ serve, client, expectEnding, expectReceived }) => {
    serve(speaker);
    client('bob', '        -ok', { o, k });
    expectReceived('bob', 'ok 2999ms k 2999ms k 2999ms k (n|)', said, messageRule);
    expectEnding('bob', 'HoldTimerExpired');
  })();
  assert.equal(states, [
    'Idle OpenSent',
    'OpenSent OpenConfirm',
    'OpenConfirm Established',
    'Established Idle HoldTimerExpired',
  ]);
});

test('an OPEN is not yet consent: who then is silent is given up as well', async () => {
  const { states, speaker } = watched();
  await marbles(({ serve, client, expectReceived, expectEnding }) => {
    serve(speaker);
    client('bob', '        -o', { o });
    expectReceived('bob', 'ok 2999ms k 2999ms k 2999ms (kn|)', said, messageRule);
    expectEnding('bob', 'HoldTimerExpired');
  })();
  assert.is(states.at(-1), 'OpenConfirm Idle HoldTimerExpired');
});

test(
  'KEEPALIVEs keep a session for a day',
  marbles(({ serve, client, expectReceived, expectClosed }) => {
    serve(bgp(us));
    const beats = 24 * 60 * 2;
    client('bob', `        ok${' 29999ms k'.repeat(beats)} |`, { o: wire(open({ hold: 90 })), k });
    expectReceived('bob', `(ok)${' 29999ms k'.repeat(beats)} -|`, said, messageRule);
    expectClosed('bob', '  24h --x', { x: 'finished' });
  }),
);

test(
  'UPDATEs are signs of life; bytes that are no whole message are none',
  everySplit(({ serve, client, expectReceived, expectClosed }) => {
    serve(bgp(us));
    client('bob', '        -ok 7998ms u 7999ms u 7997ms |', { o, k, u });
    expectReceived(
      'bob',
      'ok 2999ms k 2999ms k 2999ms k 2999ms k 2999ms k 2999ms k 2999ms k 2997ms |',
      said,
      messageRule,
    );
    expectClosed('bob', '  23999ms x', { x: 'finished' });
    const drip = Object.fromEntries(
      Array.from(u.subarray(0, 10), (byte, index) => ['abcdefghij'.charAt(index), Uint8Array.of(byte)]),
    );
    client('cyd', '        -0-1 999ms a 999ms b 999ms c 999ms d 999ms e 999ms f 999ms g 999ms h 999ms i 999ms j', {
      ...drip,
      0: wire(open({ id: '10.0.0.3' })),
      1: k,
    });
    expectReceived('cyd', 'ok 2999ms k 2999ms k 2999ms k - (n|)', said, messageRule);
    expectClosed('cyd', '  9003ms x', { x: 'HoldTimerExpired' });
  }),
);

test(
  'without a hold time on either side nobody is given up, and nothing is sent',
  marbles(({ serve, client, expectReceived, expectOpen }) => {
    serve(bgp(us));
    client('bob', '        -ok', { o: wire(open({ hold: 0 })), k });
    expectReceived('bob', 'ok 24h -', said, messageRule);
    expectOpen('bob');
  }),
);

test(
  'we may have none either, and the longest there is is kept to the second',
  marbles(async ({ serve, client, expectReceived, expectOpen, pass }) => {
    serve(bgp({ ...us, hold: 0 }));
    client('bob', '        -ok', { o: wire(open({ hold: 0xffff })), k });
    expectReceived('bob', 'ok 24h -', { ...said, o: payload(ours(us.as, 0)) }, messageRule);
    expectOpen('bob');
    await pass('1ms');
  }),
);

test(
  'a hold time that is not three times anything is kept as well',
  marbles(({ serve, client, expectHeard, expectClosed }) => {
    serve(bgp(us));
    client('bob', '        ok', { o: wire(open({ hold: 4 })), k });
    expectHeard(
      'bob',
      Buffer.concat([ours(), ...Array.from({ length: 3 }, () => keepalive), notification(4, 0)].map(wire)),
    );
    expectClosed('bob', '  4001ms x', { x: 'HoldTimerExpired' });
  }),
);

test(
  'a hold time of 65,535 s is kept to the second',
  marbles(({ serve, client, expectReceived, expectClosed }) => {
    serve(bgp({ ...us, hold: 0xffff }));
    client('bob', '        ok', { o: wire(open({ hold: 0xffff })), k });
    expectReceived(
      'bob',
      '(ok) 21844999ms k 21844999ms k 21844999ms k (n|)',
      { ...said, o: payload(ours(us.as, 0xffff)) },
      messageRule,
    );
    expectClosed('bob', '  65535001ms x', { x: 'HoldTimerExpired' });
  }),
);

test(
  'the peer has four minutes for its OPEN',
  marbles(({ serve, client, expectReceived, expectClosed }) => {
    serve(bgp(us));
    client('bob', '        -');
    expectReceived('bob', 'o 239999ms (n|)', said, messageRule);
    expectClosed('bob', '  240s x', { x: 'HoldTimerExpired' });
    client('cyd', '        -h 119s i', { h: o.subarray(0, 10), i: o.subarray(10, 36) });
    expectReceived('cyd', 'o 239999ms (n|)', said, messageRule);
    expectClosed('cyd', '  240s x', { x: 'HoldTimerExpired' });
  }),
);

test(
  'for a peer that does not read one KEEPALIVE waits, however many are due, and then it is given up',
  marbles(({ serve, client, expectReceived, expectClosed }) => {
    serve(bgp(us));
    // The OPEN and a KEEPALIVE fill it.
    const narrow = { window: 50 };
    client('bob', '        <ok 8998ms k 7998ms >|', { o, k }, narrow);
    expectReceived('bob', '17s (okk)|', said, messageRule);
    expectClosed('bob', '  17s -x', { x: 'finished' });
    client('cyd', `        <ok${' 7999ms k'.repeat(5)}`, { o: wire(open({ id: '10.0.0.3' })), k }, narrow);
    expectClosed('cyd', '  30001ms x', { x: 'WriteStalled' });
  }),
);

// ── what is refused ─────────────────────────────────────────────────────────────────────────────────────────────────

const refusals: readonly (readonly [what: string, bytes: Uint8Array, told: Message, options?: Partial<Speaker>])[] = [
  ['another version', wire(open({ version: 3 })), notification(2, 1, [0, 4])],
  ['an AS that is not expected', wire(open({ as: 65_003 })), notification(2, 2), { peerAs: 65_002 }],
  ['an AS of four bytes that is not', wire(open({ as: 65_002 + 0x10000 })), notification(2, 2), { peerAs: 65_002 }],
  ['no AS', wire(open({ as: 0 })), notification(2, 2)],
  ['no identifier', wire(open({ id: '0.0.0.0' })), notification(2, 3)],
  ['our identifier in our AS', wire(open({ as: us.as, id: us.id })), notification(2, 3)],
  ['a parameter that is unknown', wire(open({ others: [entry(1, 0, 0)] })), notification(2, 4)],
  ['a hold time of 1 s', wire(open({ hold: 1 })), notification(2, 6)],
  ['a hold time of 2 s', wire(open({ hold: 2 })), notification(2, 6)],
  ['parameters that are cut short', hex('M 001e 01 04 fdea 0009 0a000002 01 02'), notification(2, 0)],
  ['an UPDATE before the OPEN', u, notification(5, 1)],
  ['a KEEPALIVE before the OPEN', k, notification(5, 1)],
  ['a marker that is none', hex('00'), notification(1, 1)],
  ['a length that is too small', hex('M 0012'), notification(1, 2, [0, 0x12])],
  ['a length that is too large', hex('M 1001'), notification(1, 2, [0x10, 1])],
  ['a type that is unknown', hex('M 0013 05'), notification(1, 3, [5])],
];

for (const [what, bytes, told, options] of refusals) {
  test(
    `${what}: the peer is told, and the connection ended`,
    everySplit(
      ({ serve, client, expectReceived, expectClosed }) => {
        serve(bgp({ ...us, ...options }));
        client('bob', '        -x', { x: bytes });
        expectReceived('bob', 'o(n|)', { ...said, n: payload(told) }, messageRule);
        expectClosed('bob', '  -x', { x: told.type === 'notification' ? nameOf(told) : '' });
      },
      { random: 2 },
    ),
  );
}

test(
  'our identifier in another AS is a good one, and so is a hold time of 3 s',
  marbles(({ serve, client, expectReceived, expectClosed }) => {
    serve(bgp(us));
    client('bob', '        -ok|', { o: wire(open({ id: us.id, hold: 3 })), k });
    expectReceived('bob', 'ok-|', said, messageRule);
    expectClosed('bob', '  ---x', { x: 'finished' });
  }),
);

test(
  'what does not belong into a state ends the session',
  everySplit(({ serve, client, expectReceived, expectClosed }) => {
    serve(bgp(us));
    client('bob', '        -oo', { o });
    expectReceived('bob', 'ok(n|)', { ...said, n: payload(notification(5, 2)) }, messageRule);
    expectClosed('bob', '  --x', { x: 'UnexpectedInOpenConfirm' });
    client('cyd', '        -ou', { o: wire(open({ id: '10.0.0.3' })), u });
    expectReceived('cyd', 'ok(n|)', { ...said, n: payload(notification(5, 2)) }, messageRule);
    expectClosed('cyd', '  --x', { x: 'UnexpectedInOpenConfirm' });
    client('dan', '        ---oko', { o: wire(open({ id: '10.0.0.4' })), k });
    expectReceived('dan', 'o--k-(n|)', { ...said, n: payload(notification(5, 3)) }, messageRule);
    expectClosed('dan', '  -----x', { x: 'UnexpectedInEstablished' });
  }),
);

test(
  'a NOTIFICATION ends the session, and is not answered; nor is a connection that is lost',
  everySplit(({ serve, client, expectReceived, expectClosed }) => {
    serve(bgp(us));
    client('bob', '        -okn', { o, k, n });
    expectReceived('bob', 'ok-|', said, messageRule);
    expectClosed('bob', '  ---x', { x: 'NotificationReceived' });
    client('cyd', '        --o-#', { o: wire(open({ id: '10.0.0.3' })) });
    expectReceived('cyd', 'o-k', said, messageRule);
    expectClosed('cyd', '  ----x', { x: 'ConnectionReset' });
    client('dan', '        n', { n });
    expectReceived('dan', '(o|)', said, messageRule);
    expectClosed('dan', '  x', { x: 'NotificationReceived' });
    client('eve', '        ------h|', { h: o.subarray(0, 20) });
    expectReceived('eve', 'o------|', said, messageRule);
    expectClosed('eve', '  -------x', { x: 'TruncatedFrame' });
  }),
);

test('what a speaker is made of is checked', () => {
  for (const [wrong, pattern] of [
    [{ as: 0 }, /^as must be a whole number from 1 to 4294967295, got 0$/],
    [{ as: 2 ** 32 }, /^as must be/],
    [{ peerAs: 0.5 }, /^peerAs must be/],
    [{ hold: 1 }, /^hold must be a whole number from 3 to 65535, got 1$/],
    [{ hold: 2 }, /^hold must be/],
    [{ hold: 65_536 }, /^hold must be/],
    [{ id: '0.0.0.0' }, /^id must be/],
    [{ id: '10.0.0' }, /^id must be four numbers/],
  ] as const) {
    assert.throws(
      () => bgp({ ...us, ...wrong }),
      (error: Error) => error instanceof RangeError && pattern.test(error.message),
    );
  }
});

// ── the machine by itself ───────────────────────────────────────────────────────────────────────────────────────────

test('the machine: every state with everything that can happen', () => {
  const agreed = { as: 65_002, id: '10.0.0.2', hold: 9 };
  const states: readonly State[] = [
    { name: 'Idle' },
    { name: 'Connect' },
    { name: 'OpenSent' },
    { name: 'OpenConfirm', agreed },
    { name: 'Established', agreed },
  ];
  const happenings: readonly Happening[] = [{ type: 'connected' }, open(), keepalive, update(), notification(6, 2)];
  const shown = (state: State, happening: Happening): string =>
    E.match(
      (error: Error) => error.name,
      (next: { readonly state: State; readonly says: readonly Message[] }) =>
        [next.state.name, ...next.says.map(({ type }) => type)].join(' '),
    )(step(us, state, happening));
  const [fsm, sent, confirm, established] = [
    'FiniteStateMachineError',
    'UnexpectedInOpenSent',
    'UnexpectedInOpenConfirm',
    'UnexpectedInEstablished',
  ];
  const left = 'NotificationReceived';
  assert.equal(
    states.map((state) => happenings.map((happening) => shown(state, happening))),
    [
      ['OpenSent open', fsm, fsm, fsm, left],
      ['OpenSent open', fsm, fsm, fsm, left],
      [sent, 'OpenConfirm keepalive', sent, sent, left],
      [confirm, confirm, 'Established', confirm, left],
      [established, established, 'Established', 'Established', left],
    ],
  );
});

// ── collisions ──────────────────────────────────────────────────────────────────────────────────────────────────────

test('of two sessions with one peer, the one stays that was opened by who has the higher identifier', () => {
  const older = { as: 65_002, id: '10.0.0.2', hold: 9 };
  const confirm: State = { name: 'OpenConfirm', agreed: older };
  for (const [id, as, state, was, is, kept] of [
    ['10.0.0.2', 65_002, confirm, 'active', 'passive', true],
    ['10.0.0.2', 65_002, confirm, 'passive', 'active', false],
    ['9.255.255.255', 65_002, confirm, 'active', 'passive', false],
    ['9.255.255.255', 65_002, confirm, 'passive', 'active', true],
    ['200.0.0.1', 65_002, confirm, 'active', 'passive', true],
    ['10.0.0.1', 65_002, confirm, 'active', 'passive', true],
    ['10.0.0.1', 65_000, confirm, 'active', 'passive', false],
    ['10.0.0.2', 65_002, confirm, 'passive', 'passive', false],
    ['10.0.0.2', 65_002, { name: 'Established', agreed: older }, 'active', 'passive', false],
  ] as const) {
    const newer = { opener: is, agreed: { as, id, hold: 9 } } as const;
    assert.is(isNewerKept(us, { state, opener: was }, newer), kept, [id, as, state.name, was, is].join(' '));
  }
});

test('a second session with the same peer is refused, and the place is free again when the first has ended', () =>
  everySplit(({ serve, client, expectReceived, expectClosed }) => {
    serve(bgp(us));
    client('bob', '        -o-k--------|', { o, k });
    client('bo2', '        -----o', { o });
    client('bo3', '        -------------o-k-|', { o, k });
    expectReceived('bob', 'ok----------|', said, messageRule);
    expectReceived('bo2', 'o----(n|)', { ...said, n: payload(notification(6, 7)) }, messageRule);
    expectReceived('bo3', 'o------------k---|', said, messageRule);
    expectClosed('bob', '  ------------x', { x: 'finished' });
    expectClosed('bo2', '  -----x', { x: 'ConnectionCollisionResolution' });
    expectClosed('bo3', '  -----------------x', { x: 'finished' });
  })());

/** The far end of a connection in memory: what it says, and what it has heard. */
const farEnd = (connection: Connection) => {
  const heard: string[] = [];
  const says = new Subject<Message>();
  connection.reads
    .pipe(
      frame(messageRule),
      map((one) => message.decode(one)),
    )
    .subscribe({
      next: E.match(
        () => heard.push('nonsense'),
        (told) => heard.push(told.type === 'notification' ? nameOf(told) : told.type),
      ),
      complete: () => {
        heard.push('end');
        says.complete();
      },
      error: () => {},
    });
  says.pipe(map(wire), connection.writes).subscribe({ error: () => {} });
  return { heard, say: (...messages: readonly Message[]) => messages.forEach((one) => says.next(one)) };
};

for (const [what, id, stays] of [
  ['higher', '10.0.0.2', 'passive'],
  ['lower', '9.0.0.2', 'active'],
] as const) {
  test(`both sides dial, and the peer's identifier is ${what}: the ${stays} connection stays`, async () => {
    const { states, speaker } = watched();
    const [ourDial, theirAccept] = memory();
    const [ourAccept, theirDial] = memory();
    const accepted = new Subject<Connection>();
    const server = createServer('bgp', speaker, {
      listen: ({ onListening }) => {
        onListening?.({ name: 'here', host: 'here', port: 179, path: undefined });
        return accepted;
      },
      dial: () => of(ourDial),
    });
    const told: string[] = [];
    server.events.subscribe((event) => {
      if (event.type === 'disconnected') told.push(`${event.client.opener} ${event.reason}`);
    });
    await server.start();
    server.connect('there', 179, { reconnect: false });
    const active = farEnd(theirAccept);
    active.say(open({ id }));
    await until(() => active.heard.length === 2);
    accepted.next(ourAccept);
    const passive = farEnd(theirDial);
    passive.say(open({ id }));
    const [kept, lost] = stays === 'passive' ? [passive, active] : [active, passive];
    await until(() => told.length === 1);
    assert.equal(told, [`${stays === 'passive' ? 'active' : 'passive'} ConnectionCollisionResolution`]);
    assert.equal(lost.heard, [
      ...(stays === 'passive' ? ['open', 'keepalive'] : ['open']),
      'ConnectionCollisionResolution',
      'end',
    ]);
    kept.say(keepalive);
    await until(() => states.at(-1) === 'OpenConfirm Established');
    assert.equal(kept.heard, ['open', 'keepalive']);
    assert.equal(
      [...server.clients].map(({ name, opener }) => [name, opener]),
      [[`AS65002 ${id}`, stays]],
    );
    assert.ok(states.includes(stays === 'passive' ? 'Connect OpenSent' : 'Idle OpenSent'));
    await server.abort();
    accepted.complete();
  });
}

test('who stops says so', async () => {
  let stopping = false;
  const { states, speaker } = watched({ stopping: () => stopping });
  const [ours_, theirs] = memory();
  const server = createServer('bgp', speaker, {
    listen: ({ onListening }) => {
      onListening?.({ name: 'here', host: 'here', port: 179, path: undefined });
      return NEVER;
    },
    dial: () => of(ours_),
  });
  await server.start();
  server.connect('there', 179, { reconnect: false });
  const there = farEnd(theirs);
  there.say(open(), keepalive);
  await until(() => states.at(-1) === 'OpenConfirm Established');
  stopping = true;
  const { ended, cut } = await server.stop({ drain: 2_000 });
  assert.equal([ended, cut.length], [1, 0]);
  assert.equal(there.heard, ['open', 'keepalive', 'AdministrativeShutdown', 'end']);
  assert.is(states.at(-1), 'Established Idle');
});

test.run();
