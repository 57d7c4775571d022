// A gate in front of a protocol: who gets in and when, what reaches whom, and that no secret is told.
import { inspect } from 'node:util';
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import {
  NEVER,
  Observable,
  Subject,
  concat,
  concatMap,
  firstValueFrom,
  from,
  ignoreElements,
  lastValueFrom,
  map,
  merge,
  mergeMap,
  of,
  take,
  tap,
  timer,
  toArray,
} from 'rxjs';
import * as assert from 'uvu/assert';
import { type AuthEvent, type AuthenticateOptions, authenticate } from '../operators/authenticate.js';
import { drain } from '../operators/drain.js';
import { endLines } from '../operators/end-lines.js';
import { frameLines } from '../operators/frame-lines.js';
import { logIn } from '../operators/log-in.js';
import { mapAsync } from '../operators/map-async.js';
import { protocol } from '../operators/protocol.js';
import { serve as serving } from '../operators/serve.js';
import type { AuthGate } from '../src/auth/gate.js';
import { QueueOverflow } from '../src/errors.js';
import {
  type Connection,
  type Handler,
  type Outcome,
  connectionGate,
  dial,
  hmacGate,
  hmacLogin,
  identityOf,
  lengthPrefixed,
  line,
  memory,
  scramGate,
  scramLogin,
  scramVerifier,
  text,
  tokenGate,
  tokenLogin,
} from '../src/index.js';
import { createServer } from '../src/server/index.js';
import { assertNoLeaks } from '../src/testing/leaks.js';
import { everySplit, marbles as story } from '../src/testing/marbles.js';
import { bytes, text as plain } from './kit/bytes.js';
import { certify } from './kit/certificates.js';
import { warnings } from './kit/flow.js';
import { loopback } from './kit/loopback.js';
import { dialRaw } from './kit/peer.js';
import { quiet, rounds } from './kit/quiet.js';
import { suite } from './kit/suite.js';
import { dialTls } from './kit/tls-peer.js';

const test = suite('authenticate');

const lines = { name: 'lines', framing: line(4_096), message: text } as const;
const shout = protocol({ ...lines, session: (said) => said.pipe(map((word) => word.toUpperCase())) });
const patient = tokenGate([['s3cret', 'ann']], { welcome: 'welcome', refusal: 'no' });
const quietly = tokenGate([['s3cret', 'ann']]);

/** What is told, in a few words each. */
const told = (events: string[]): { onEvent: (event: AuthEvent<unknown>) => void } => ({
  onEvent: (event) => {
    const { type, connection } = event;
    const more =
      event.type === 'admitted' ? inspect(event.identity) : event.type === 'refused' ? event.reason : event.attempt;
    events.push(`${connection.peer} ${type} ${more}`);
  },
});

// First of all: a process is warned once.
test('warns once where a source does not obey, and holds so much and no more of it', async () => {
  const heard = warnings();
  const source = new Subject<Uint8Array>();
  const never: AuthGate<string> = async ({ hear }) => {
    await hear();
    await new Promise(() => {});
    return 'ann';
  };
  const failed = lastValueFrom(
    from(authenticate(never, (some) => some, { framing: line() })(source, { id: 1, peer: 'a' } as Connection)),
  ).catch((error: unknown) => error);
  source.next(bytes('hello\n'));
  source.next(new Uint8Array(64 * 1024));
  assert.ok(source.observed);
  source.next(new Uint8Array(1));
  heard.stop();
  assert.instance(await failed, QueueOverflow);
  assert.equal(heard.codes, ['SLUICE_UNREACHED']);
  assert.not.ok(source.observed);
});

// ── stories ─────────────────────────────────────────────────────────────────────────────────────────────────────────

test('nothing of a peer reaches the session before it is let in; what follows its last word does', async () => {
  const events: string[] = [];
  const reached: string[] = [];
  await everySplit(({ serve, client, expectReceived, expectClosed }) => {
    events.length = reached.length = 0;
    const session = protocol({
      ...lines,
      session: (said, { connection, name }) => {
        reached.push(`${name} is ${identityOf(connection, patient)}`);
        return said.pipe(
          tap((word) => reached.push(word)),
          map((word) => word.toUpperCase()),
        );
      },
    });
    serve(authenticate(patient, session, told(events)));
    client('ann', '        --a--b--c--|', { a: 'hello\n', b: 's3cret\nhi\nh', c: 'o\n' });
    expectReceived('ann', '--n--w--c--|', { n: 'no\n', w: 'welcome\nHI\n', c: 'HO\n' });
    expectClosed('ann', '  -----------x', { x: 'finished' });
  })();
  assert.equal(reached, ['ann is ann', 'hi', 'ho']);
  assert.equal(events, ['ann attempt-failed 1', "ann admitted 'ann'"]);
});

test('after three attempts it is over, unless it is told otherwise; and what comes after that is nobody’s', async () => {
  const events: string[] = [];
  await everySplit(({ serve, client, expectReceived, expectClosed }) => {
    events.length = 0;
    serve(authenticate(patient, shout, { ...told(events), lockout: false }));
    client('ann', '        a-----', { a: '1\n2\n3\ns3cret\n' });
    expectReceived('ann', '(n|)', { n: 'no\nno\nno\n' });
    expectClosed('ann', '  x', { x: 'NotAuthenticated' });
  })();
  assert.equal(events, [...[1, 2, 3].map((attempt) => `ann attempt-failed ${attempt}`), 'ann refused refused']);
  await everySplit(({ serve, client, expectReceived, expectClosed }) => {
    serve(authenticate(patient, shout, { attempts: 1, lockout: false }));
    client('ann', '        a-----', { a: '1\ns3cret\n' });
    expectReceived('ann', '(n|)', { n: 'no\n' });
    expectClosed('ann', '  x', { x: 'NotAuthenticated' });
  })();
});

test('who says nothing, half a frame, or one attempt after another, has ten seconds in all', async () => {
  const events: string[] = [];
  await everySplit(({ serve, client, expectReceived, expectOutcomes }) => {
    events.length = 0;
    serve(authenticate(patient, shout, { ...told(events), attempts: 100, lockout: false }));
    client('ann', '        ^ 11s');
    client('bob', '        s 4s 3', {});
    client('cyd', '        a 3s a 3s a 2998ms a 3s a', { a: 'x\n' });
    client('dot', '        -a 10s |', { a: 's3cret\n' });
    expectReceived('ann', '10s |');
    expectReceived('bob', '10s |');
    expectReceived('cyd', 'n 3s n 3s n 2998ms n 998ms |', { n: 'no\n' });
    expectReceived('dot', '-w 10s |', { w: 'welcome\n' });
    expectOutcomes('        10s (abc) 1ms d', {
      a: 'ann NotAuthenticated',
      b: 'bob NotAuthenticated',
      c: 'cyd NotAuthenticated',
      d: 'dot finished',
    });
  })();
  assert.equal(
    events.filter((event) => event.includes('refused')),
    ['ann refused too-slow', 'bob refused too-slow', 'cyd refused too-slow'],
  );
});

test('who is sent away is told so, if there is a word for it, after all that the gate has said', async () => {
  const farewell = (reason: string): string | undefined => (reason === 'ended' ? undefined : `bye, ${reason}`);
  await everySplit(({ serve, client, expectReceived, expectClosed }) => {
    serve(authenticate(patient, shout, { farewell, limit: 20 }));
    client('ann', '        -a', { a: '1\n2\n3\n' });
    client('bob', '        -b', { b: 'x'.repeat(40) });
    client('cyd', '        -c');
    client('dan', '        -d|', { d: 'x' });
    client('eve', '        -s-|', { s: 's3cret\n' });
    expectReceived('ann', '-(n|)', { n: 'no\nno\nno\nbye, refused\n' });
    expectReceived('bob', '-(n|)', { n: 'bye, malformed\n' });
    expectReceived('cyd', '-- 9998ms (n|)', { n: 'bye, too-slow\n' });
    expectReceived('dan', '--|');
    expectReceived('eve', '-w-|', { w: 'welcome\n' });
    for (const name of ['ann', 'bob']) expectClosed(name, '-x', { x: 'NotAuthenticated' });
    expectClosed('cyd', '  10s x', { x: 'NotAuthenticated' });
    expectClosed('dan', '  --x', { x: 'NotAuthenticated' });
    expectClosed('eve', '  ---x', { x: 'finished' });
  })();
});

test('who comes while its address is kept out is told so; a farewell that throws is that connection’s error', async () => {
  await story(({ serve, client, expectReceived, expectClosed }) => {
    const key = (): string => 'all';
    serve(authenticate(patient, shout, { farewell: (reason) => reason, attempts: 1, lockout: { after: 1, key } }));
    client('ann', '        a', { a: '1\n' });
    client('bob', '        -^');
    expectReceived('ann', '(n|)', { n: 'no\nlocked-out\n' });
    expectReceived('bob', '-(n|)', { n: 'locked-out\n' });
    expectClosed('ann', '  x', { x: 'NotAuthenticated' });
    expectClosed('bob', '  -x', { x: 'NotAuthenticated' });
  })();
  const speechless = (): string => {
    throw new TypeError('no words');
  };
  for (const [farewell, error] of [
    [speechless, 'TypeError'],
    [() => 'two\nlines', 'RangeError'],
  ] as const) {
    await story(({ serve, client, expectReceived, expectClosed }) => {
      serve(authenticate(patient, shout, { farewell, attempts: 1 }));
      client('ann', '        a', { a: '1\n' });
      expectReceived('ann', '(n|)', { n: 'no\n' });
      expectClosed('ann', '  x', { x: error });
    })();
  }
});

test('frames are smaller in front of the gate than behind it, and what is none of the dialogue ends it', async () => {
  const events: string[] = [];
  await everySplit(({ serve, client, expectReceived, expectClosed }) => {
    events.length = 0;
    serve(authenticate(quietly, shout, { ...told(events), limit: 16 }));
    client('ann', '        a-b|', { a: 's3cret\n', b: `${'x'.repeat(4_000)}\n` });
    expectReceived('ann', '--b|', { b: `${'X'.repeat(4_000)}\n` });
    expectClosed('ann', '  ---x', { x: 'finished' });
    client('bob', '        a--', { a: 'x'.repeat(17) });
    expectReceived('bob', '|');
    expectClosed('bob', '  x', { x: 'NotAuthenticated' });
    client('cyd', '        --|');
    expectReceived('cyd', '--|');
    expectClosed('cyd', '  --x', { x: 'NotAuthenticated' });
    client('dot', '        s-#');
    expectReceived('dot', '---');
    expectClosed('dot', '  --x', { x: 'ConnectionReset' });
    client('eve', '        a--', { a: 'wrong\n' });
    expectReceived('eve', '|');
    expectClosed('eve', '  x', { x: 'NotAuthenticated' });
  })();
  assert.equal(events.toSorted(), [
    "ann admitted 'ann'",
    'bob refused malformed',
    'cyd refused ended',
    'eve attempt-failed 1',
    'eve refused refused',
  ]);
});

test(
  'what is announced in front of the gate is refused at its header, long before the protocol would',
  everySplit(({ serve, client, expectReceived, expectClosed }) => {
    const large = protocol({ name: 'large', framing: lengthPrefixed(4), message: text, session: (said) => said });
    serve(authenticate(quietly, large));
    client('ann', '        --a', { a: '\u0000\u0000\u0004\u0000' });
    expectReceived('ann', '--|');
    expectClosed('ann', '  --x', { x: 'NotAuthenticated' });
    client('bob', '        --ab|', {
      a: '\u0000\u0000\u0000\u0006s3cret',
      b: `\u0000\u0000\u0010\u0000${'x'.repeat(4_096)}`,
    });
    expectReceived('bob', '---b|', { b: `\u0000\u0000\u0010\u0000${'x'.repeat(4_096)}` });
    expectClosed('bob', '  ----x', { x: 'finished' });
  }),
);

test(
  'who sends all it has to say and ends is served to the end',
  everySplit(({ serve, client, expectReceived, expectClosed }) => {
    serve(authenticate(patient, shout));
    client('ann', '        (a|)', { a: 's3cret\nhi\nho\n' });
    expectReceived('ann', '(a|)', { a: 'welcome\nHI\nHO\n' });
    expectClosed('ann', '  x', { x: 'finished' });
  }),
);

test('an address that fails too often is kept out for longer each time, whatever it says, and others are not', async () => {
  const events: string[] = [];
  await everySplit(({ serve, client, expectReceived, expectClosed, expectOpened }) => {
    events.length = 0;
    const key = ({ peer }: Connection): string => peer.slice(0, 3);
    serve(authenticate(patient, shout, { ...told(events), lockout: { after: 4, key } }));
    const names = ['ann 1', 'ann 2', 'ann 3', 'ann 4', 'ann 5'];
    client('ann 1', '      a', { a: '1\n2\n3\n' });
    client('ann 2', '      -^a', { a: '4\ns3cret\n' });
    client('ann 3', '      100ms ^a', { a: 's3cret\n' });
    client('ann 4', '      1002ms ^a', { a: '5\n' });
    client('ann 5', '      3003ms ^a|', { a: 's3cret\n' });
    client('bob 1', '      100ms ^a|', { a: 's3cret\n' });
    expectReceived('ann 1', '(n|)', { n: 'no\nno\nno\n' });
    expectReceived('ann 2', '--(n|)', { n: 'no\n' });
    expectReceived('ann 3', '100ms |');
    expectReceived('ann 4', '1003ms (n|)', { n: 'no\n' });
    expectReceived('ann 5', '3004ms w|', { w: 'welcome\n' });
    expectReceived('bob 1', '101ms w|', { w: 'welcome\n' });
    expectOpened('          ab 98ms (cd) 901ms e 2s f', {
      a: 'ann 1',
      b: 'ann 2',
      c: 'ann 3',
      d: 'bob 1',
      e: 'ann 4',
      f: 'ann 5',
    });
    for (const name of names.slice(0, 4)) {
      const at = { 'ann 1': 'x', 'ann 2': '--x', 'ann 3': '100ms x', 'ann 4': '1003ms x' }[name] ?? '';
      expectClosed(name, at, { x: 'NotAuthenticated' });
    }
    expectClosed('ann 5', '3005ms x', { x: 'finished' });
    expectClosed('bob 1', '102ms x', { x: 'finished' });
  })();
  assert.equal(
    events.filter((event) => event.includes('refused')),
    ['ann 1 refused refused', 'ann 2 refused locked-out', 'ann 3 refused locked-out', 'ann 4 refused locked-out'],
  );
});

test('many who try at once are no better off: each try is judged by all that have failed before', async () => {
  await everySplit(({ serve, client, expectReceived, expectOutcomes }) => {
    serve(authenticate(patient, shout, { lockout: { after: 2, key: () => 'all' } }));
    client('ann', '        -a-a', { a: 'x\n' });
    client('bob', '        -a--', { a: 'x\n' });
    client('cyd', '        --s-', { s: 's3cret\n' });
    expectReceived('ann', '-n-|', { n: 'no\n' });
    expectReceived('bob', '-(n|)', { n: 'no\n' });
    expectReceived('cyd', '--|');
    expectOutcomes('        -bca', {
      a: 'ann NotAuthenticated',
      b: 'bob NotAuthenticated',
      c: 'cyd NotAuthenticated',
    });
  })();
});

test(
  'a gate that takes its time reads nothing meanwhile, and is asked no more when the peer has left',
  everySplit(({ serve, client, expectReceived, expectOutcomes }) => {
    const slow: AuthGate<string> = async ({ hear, say }) => {
      const name = plain(await hear());
      await firstValueFrom(timer(500));
      say(`hello ${name}`);
      return name;
    };
    serve(authenticate(slow, shout));
    client('ann', '        a--|', { a: 'ann\nhi\n' });
    client('bob', '        a--#', { a: 'bob\nhi\n' });
    expectReceived('ann', '500ms (a|)', { a: 'hello ann\nHI\n' });
    expectOutcomes('        500ms (ba)', { a: 'ann finished', b: 'bob ConnectionReset' });
  }),
);

test('what a gate throws, or a hook, is that connection’s error and nobody else’s', async () => {
  const outcomes: Outcome[] = [];
  const wrong: readonly [string, AuthGate<string>, Partial<AuthenticateOptions<string>>][] = [
    [
      'throws',
      () => {
        throw new Error('at once');
      },
      {},
    ],
    ['rejects', () => Promise.reject(new Error('later')), {}],
    ['says what cannot be said', ({ say }) => (say('a\nb'), 'ann'), {}],
    ['names it wrongly', () => 'ann', { name: () => '' }],
    ['hears twice at once', async ({ hear }) => plain((await Promise.all([hear(), hear()]))[0]), {}],
  ];
  for (const [name, gate, options] of wrong) {
    const server = createServer(name, authenticate(gate, shout, options), { port: 0 });
    server.outcomes.subscribe((outcome) => outcomes.push(outcome));
    const { port } = await server.start();
    const peer = dial({ port: port as number }).pipe(
      mergeMap(({ reads, writes }) => merge(reads, of(bytes('x\n')).pipe(writes))),
    );
    await lastValueFrom(peer, { defaultValue: null }).catch(() => null);
    while (outcomes.length < wrong.findIndex(([other]) => other === name) + 1) await rounds(1);
    await server.stop({ drain: 0 });
  }
  const errors = outcomes.map((outcome) => (E.isLeft(outcome) ? String(outcome.left.error) : 'finished'));
  assert.match(errors[0] ?? '', /at once/);
  assert.is(errors[1], 'Error: later');
  assert.match(errors[2] ?? '', /^RangeError/);
  assert.match(errors[3] ?? '', /^TypeError: name must be a text/);
  assert.match(errors[4] ?? '', /^Error: hear was called before the last frame had come/);
});

test(
  'a hook that throws is a warning',
  story(({ serve, client, expectReceived, expectClosed }) => {
    const heard = warnings();
    const throws = (): never => {
      throw new Error('thrown');
    };
    serve(authenticate(patient, shout, { onEvent: throws }));
    client('ann', '        a|', { a: 's3cret\nhi\n' });
    expectReceived('ann', 'w|', { w: 'welcome\nHI\n' });
    expectClosed('ann', '  -x', { x: 'finished' });
    heard.stop();
  }),
);

test(
  'broadcasts of a protocol go to who is behind the gate, and to nobody in front of it',
  everySplit(({ serve, client, expectReceived, expectOpen }) => {
    const room = protocol({
      ...lines,
      session: (said, peer) =>
        said.pipe(
          tap((word) => peer.broadcast(word)),
          ignoreElements(),
        ),
    });
    serve(authenticate(quietly, room));
    client('ann', '        a---b', { a: 's3cret\n', b: 'hi\n' });
    client('bob', '        --a--', { a: 's3cret\n' });
    client('eve', '        --s--', {});
    expectReceived('bob', '----b', { b: 'hi\n' });
    for (const name of ['ann', 'bob', 'eve']) expectOpen(name);
  }),
);

test(
  'a server that is told to stop sends away who is in front of the gate, and finishes with who is behind',
  story(async ({ serveWith, client, pass, expectReceived, expectOutcomes }) => {
    const stop = new Subject<void>();
    const late = protocol({
      ...lines,
      session: (said) => said.pipe(concatMap((word) => timer(100).pipe(map(() => word)))),
    });
    serveWith(drain(stop, 10_000, serving(authenticate(quietly, late))));
    client('ann', '        a', { a: 's3cret\nhi\n' });
    client('bob', '        a', { a: 's3c' });
    expectReceived('ann', '100ms (a|)', { a: 'hi\n' });
    expectReceived('bob', '50ms |');
    expectOutcomes('        50ms b 49ms a', { a: 'ann finished', b: 'bob finished' });
    await pass('50ms');
    stop.next();
  }),
);

test('a gate is for any handler, if it is told how frames are cut', async () => {
  await everySplit(({ serve, client, expectReceived, expectClosed }) => {
    const echo: Handler = (some) => some;
    serve(authenticate(patient, echo, { framing: lengthPrefixed(1) }));
    client('ann', '        a-b|', { a: '\u0006s3cretraw', b: ' bytes' });
    expectReceived('ann', 'a-b|', { a: '\u0007welcomeraw', b: ' bytes' });
    expectClosed('ann', '  ---x', { x: 'finished' });
  })();
});

test('a gate that says no by whatever means no lets nobody in', async () => {
  const noes = [undefined, null, false] as const;
  for (const no of noes) {
    const gates: readonly AuthGate<unknown>[] = [
      async ({ hear }) => (await hear()).length > 9_000 || no,
      ({ hear }) => hear().then(() => no),
      tokenGate(() => no, { welcome: 'welcome', refusal: 'no' }),
      connectionGate(() => no),
    ];
    for (const gate of gates) {
      let begun = 0;
      await story(({ serve, client, expectReceived, expectClosed }) => {
        const session: Handler = (some) => (begun++, some);
        serve(authenticate(gate, session, { framing: line(64), attempts: 1 }));
        client('ann', '        --a', { a: 'x\nhi\n' });
        const connected = gate === gates[3];
        const answered = gate === gates[2];
        expectReceived('ann', connected ? '|' : answered ? '--(a|)' : '--|', { a: 'no\n' });
        expectClosed('ann', `  ${connected ? '' : '--'}x`, { x: 'NotAuthenticated' });
      })();
      assert.is(begun, 0, `${String(no)} of gate ${gates.indexOf(gate)}`);
    }
  }
});

test('while others of its address fail, nobody finds out by a slow gate that his guess was right', async () => {
  const events: string[] = [];
  const slow = tokenGate(
    async (token) => {
      await firstValueFrom(timer(plain(token) === 's3cret' ? 30 : 20));
      return plain(token) === 's3cret' ? 'ann' : undefined;
    },
    { welcome: 'welcome', refusal: 'no' },
  );
  await story(({ serve, client, expectReceived, expectOutcomes }) => {
    events.length = 0;
    serve(authenticate(slow, shout, { ...told(events), lockout: { after: 2, key: () => 'all' } }));
    client('ann', '        a 11s -', { a: '1\n' });
    client('bob', '        a-', { a: '2\n' });
    client('cyd', '        a-', { a: '3\n' });
    client('dot', '        a-', { a: 's3cret\nhi\n' });
    expectReceived('ann', '20ms n 9979ms |', { n: 'no\n' });
    expectReceived('bob', '20ms (n|)', { n: 'no\n' });
    expectReceived('cyd', '20ms |');
    expectReceived('dot', '30ms |');
    expectOutcomes('        20ms (bc) 9ms d 9969ms a', {
      a: 'ann NotAuthenticated',
      b: 'bob NotAuthenticated',
      c: 'cyd NotAuthenticated',
      d: 'dot NotAuthenticated',
    });
  })();
  assert.equal(
    events.filter((event) => !event.includes('too-slow')),
    [
      ...['ann', 'bob'].map((name) => `${name} attempt-failed 1`),
      'bob refused locked-out',
      'cyd attempt-failed 1',
      'cyd refused locked-out',
      'dot refused locked-out',
    ],
  );
});

test('a gate may stand behind another, and each knows whom it has let in', async () => {
  const known: unknown[] = [];
  const where = connectionGate(({ peer }) => (peer === 'eve' ? undefined : { from: peer }));
  await everySplit(({ serve, client, expectReceived, expectClosed }) => {
    known.length = 0;
    const session = protocol({
      ...lines,
      session: (said, { connection, name }) => {
        known.push(identityOf(connection, where), identityOf(connection, patient), name);
        return said;
      },
    });
    serve(authenticate(where, authenticate(patient, session)));
    client('ann', '        a-b|', { a: 's3cret\n', b: 'hi\n' });
    expectReceived('ann', 'w-b|', { w: 'welcome\n', b: 'hi\n' });
    expectClosed('ann', '  ---x', { x: 'finished' });
    client('eve', '        a--', { a: 's3cret\n' });
    expectReceived('eve', '|');
    expectClosed('eve', '  x', { x: 'NotAuthenticated' });
  })();
  assert.equal(known, [{ from: 'ann' }, 'ann', 'ann']);
});

test('who is let in has the name of his identity, watched or not, unless it is told otherwise', async () => {
  const names: string[] = [];
  const noting = protocol({ ...lines, session: (said, { name }) => (names.push(name), said) });
  for (const [identity, name] of [
    ['ann', undefined],
    [{ name: 'bob', age: 7 }, undefined],
    [{ age: 7 }, undefined],
    ['', undefined],
    [7, undefined],
    ['cyd', () => 'dot'],
  ] as const) {
    await story(({ serve, client, expectReceived, expectClosed }) => {
      serve(
        authenticate(
          connectionGate(() => identity as unknown),
          noting,
          name === undefined ? {} : { name },
        ),
      );
      client('eve', '        -|');
      expectReceived('eve', '-|');
      expectClosed('eve', '  -x', { x: 'finished' });
    })();
  }
  assert.equal(names, ['ann', 'bob', 'eve', 'eve', 'eve', 'dot']);
});

test('a server sends nothing to who is in front of a gate, and knows who has come through', async () => {
  const happened: string[] = [];
  const server = createServer(
    'guarded',
    authenticate(
      connectionGate(() => ({ from: 'here' })),
      authenticate(patient, shout),
    ),
    {
      port: 0,
    },
  );
  server.events.subscribe((event) => {
    if (event.type === 'admitted') happened.push(`admitted ${event.client.name} ${inspect(event.client.identity)}`);
    if (event.type === 'attempt-failed') happened.push(`failed ${event.attempt}`);
    if (event.type === 'disconnected') happened.push(`gone ${event.client.name} ${event.reason}`);
  });
  const { port = 0 } = await server.start();
  const peer = (await dialRaw({ port })).read();
  peer.send('wrong\n');
  assert.is(await peer.heard(3), 'no\n');
  const [client] = server.clients;
  assert.ok(client?.state.guarded);
  assert.is(server.broadcast('secret plans'), 0);
  assert.not.ok(server.send(client, 'secret plans'));
  peer.send('s3cret\n');
  assert.is(await peer.heard(11), 'no\nwelcome\n');
  assert.equal([client.state.guarded, client.name, client.identity], [false, 'ann', 'ann']);
  assert.equal([...server.clients.named('ann')], [client]);
  assert.is(server.broadcast('news'), 1);
  assert.ok(server.send(client, 'mail'));
  assert.is(await peer.heard(21), 'no\nwelcome\nnews\nmail\n');
  assert.not.ok('identity' in client.snapshot(), 'an identity may be anything: it is in nothing that is sent');
  peer.end();
  await peer.over;
  await server.stop();
  assert.match(happened.shift() ?? '', /^admitted 127\.0\.0\.1:\d+ \{ from: 'here' \}$/);
  assert.equal(happened, ['failed 1', "admitted ann 'ann'", 'gone ann finished']);
});

test('a name that is too long for the server keeps nobody out, unless it was asked for', async () => {
  const long = 'x'.repeat(300);
  for (const [options, reason] of [
    [{}, 'finished'],
    [{ name: () => long }, 'LimitReached'],
  ] as const) {
    const reasons: string[] = [];
    await story(({ listen, start, client, expectReceived, expectClosed }) => {
      const server = createServer(
        'long',
        authenticate(
          connectionGate(() => ({ name: long })),
          shout,
          options,
        ),
        {
          port: 7_000,
          listen,
        },
      );
      server.events.subscribe((event) => {
        if (event.type === 'disconnected') reasons.push(`${event.client.name} ${event.reason}`);
      });
      start(server);
      client('ann', '        -a|', { a: 'hi\n' });
      expectReceived('ann', reason === 'finished' ? '-a|' : '|', { a: 'HI\n' });
      expectClosed('ann', '  --x', { x: reason });
    })();
    assert.equal(reasons, [`ann ${reason}`]);
  }
});

// ── stricter than behind it ─────────────────────────────────────────────────────────────────────────────────────────

/** Answers whatever it is told, as often as it is told something, until it hears the password. */
const chatty =
  (connections: Connection[] = []): AuthGate<string> =>
  async ({ connection, hear, say }) => {
    connections.push(connection);
    for (;;) {
      const word = plain(await hear());
      if (word === 's3cret') return 'ann';
      say(word);
    }
  };

test('who asks at the gate and does not read is not listened to, and has no more time than others', async () => {
  const connections: Connection[] = [];
  await story(
    async ({ serve, client, pass, expectReceived, expectClosed }) => {
      serve(authenticate(chatty(connections), shout));
      const asked = `${'x'.repeat(99)}\n`.repeat(5_000);
      client('eve', '        ^< ---a 20s -', { a: asked });
      client('ann', '        ---a----|', { a: 'hi\ns3cret\nho\n' });
      expectReceived('ann', '---a----|', { a: 'hi\nHO\n' });
      expectClosed('ann', '  --------x', { x: 'finished' });
      // What was said last may be taken for a second more, and not for the 30 that others have.
      expectClosed('eve', '  11s x', { x: 'NotAuthenticated' });
      await pass('9s');
      const [eve] = connections as [Connection];
      const { bytesIn, buffered } = eve.statistics;
      assert.ok(bytesIn <= 70_000 && buffered <= 70_000, `${bytesIn} bytes were read, ${buffered} wait`);
    },
    { window: 1_000, split: 1_000 },
  )();
});

test('so many and no more stand in front of the gate: who has stood there longest makes room', async () => {
  const events: string[] = [];
  await everySplit(({ serve, client, expectReceived, expectClosed, expectOpen }) => {
    events.length = 0;
    serve(authenticate(patient, shout, { ...told(events), maxWaiting: 2 }));
    client('in', '         a-----b', { a: 's3cret\n', b: 'hi\n' });
    client('one', '        -^');
    client('two', '        --^---a|', { a: 's3cret\n' });
    client('six', '        ---^a', { a: 's3c' });
    client('ten', '        -----^-|');
    expectReceived('in', ' w-----b', { w: 'welcome\n', b: 'HI\n' });
    expectReceived('one', '---|');
    expectReceived('two', '-----|');
    expectReceived('six', '10003ms |');
    expectReceived('ten', '-------|');
    expectOpen('in');
    for (const [name, when] of [
      ['one', '---x'],
      ['two', '-------x'],
      ['six', '10003ms x'],
      ['ten', '-------x'],
    ] as const) {
      expectClosed(name, when, { x: 'NotAuthenticated' });
    }
  })();
  assert.equal(events, [
    "in admitted 'ann'",
    'one refused crowded-out',
    'two refused crowded-out',
    'ten refused ended',
    'six refused too-slow',
  ]);
});

test('over sockets, who pours while the gate thinks is read for two chunks at most, and one who never reads is bounded', async () => {
  const connections: Connection[] = [];
  const thinking: AuthGate<string> = async ({ connection, hear }) => {
    connections.push(connection);
    await hear();
    return firstValueFrom(NEVER);
  };
  const server = await loopback(serving(authenticate(thinking, shout)));
  const ann = await server.dial();
  ann.send('hello\n');
  ann.send(new Uint8Array(16 * 1024 * 1024));
  await quiet(() => ann.sent);
  const { bytesIn } = (connections[0] as Connection).statistics;
  assert.ok(bytesIn <= 128 * 1024, `${bytesIn} bytes of a peer whom nobody knows`);
  server.cut();
  ann.leave();

  const other = await loopback(serving(authenticate(chatty(connections), shout)));
  const bob = await other.dial();
  bob.send(`${'x'.repeat(999)}\n`.repeat(16_000));
  await quiet(() => bob.sent);
  const { buffered } = (connections[1] as Connection).statistics;
  assert.ok(buffered <= 256 * 1024, `${buffered} bytes wait for a peer whom nobody knows`);
  other.cut();
  bob.leave();
});

// ── flow ────────────────────────────────────────────────────────────────────────────────────────────────────────────

test('behind the gate a slow session holds its peer back as ever, a reader may stop, and one may come again', async () => {
  const clean = assertNoLeaks();
  const connections: Connection[] = [];
  let release = (): void => {};
  const released = new Promise<void>((done) => {
    release = done;
  });
  const slow: Handler = (heard, connection) => {
    connections.push(connection);
    return heard.pipe(
      frameLines(),
      mapAsync(2, (said) => released.then(() => said)),
      endLines(),
    );
  };
  const server = await loopback(serving(authenticate(quietly, slow, { framing: line(1_024) })));
  const ann = (await server.dial()).read();
  const sent = Array.from({ length: 200_000 }, (_, index) => `${index}`.padStart(31, '.')).join('\n');
  ann.send(`s3cret\n${sent}\n`);
  const taken = await quiet(() => ann.sent);
  assert.ok(taken < sent.length, `${taken} bytes were taken`);
  assert.ok((connections[0] as Connection).statistics.bytesIn < 512 * 1_024);
  release();
  assert.ok((await ann.heard(32 * 1_000)).startsWith(sent.slice(0, 32_000)));
  server.cut();
  await ann.over;

  const twice: Handler = (heard) => concat(heard.pipe(take(1)), of(bytes('|')), heard.pipe(take(1)));
  const other = await loopback(serving(authenticate(quietly, twice, { framing: line(64) })));
  const bob = (await other.dial()).read();
  bob.send('s3cret\none');
  assert.is(await bob.heard(4), 'one|');
  bob.send('two');
  assert.is(await bob.over, 'end');
  assert.is(bob.text, 'one|two');
  bob.end();
  await other.stop();
  await clean();
});

test(
  'who ends while a slow session is in the midst of what it has sent is served to the end',
  everySplit(({ serve, client, expectReceived, expectClosed }) => {
    const slow: Handler = (heard) =>
      heard.pipe(
        frameLines(),
        mapAsync(1, (said) => firstValueFrom(timer(10)).then(() => said), { highWater: 2 }),
        endLines(),
      );
    serve(authenticate(quietly, slow, { framing: line(64) }));
    client('ann', '        a-b-|', { a: 's3cret\n', b: '1\n2\n3\n4\n5\n6\n' });
    expectReceived('ann', '12ms 1 9ms 2 9ms 3 9ms 4 9ms 5 9ms (6|)', {
      ...Object.fromEntries('123456'.split('').map((digit) => [digit, `${digit}\n`])),
    });
    expectClosed('ann', '  62ms x', { x: 'finished' });
    client('bob', '        (a|)', { a: 's3cret\n1\n2\n3\n4\n' });
    expectReceived('bob', '10ms 1 9ms 2 9ms 3 9ms (4|)', {
      ...Object.fromEntries('1234'.split('').map((digit) => [digit, `${digit}\n`])),
    });
    expectClosed('bob', '  40ms x', { x: 'finished' });
  }),
);

test(
  'a stop in the midst of it loses nothing of what had come',
  story(async ({ serveWith, client, pass, expectReceived, expectOutcomes }) => {
    const stop = new Subject<void>();
    const slow: Handler = (heard) =>
      heard.pipe(
        frameLines(),
        mapAsync(1, (said) => firstValueFrom(timer(10)).then(() => said), { highWater: 2 }),
        endLines(),
      );
    serveWith(drain(stop, 1_000, serving(authenticate(quietly, slow, { framing: line(64) }))));
    client('ann', '        a-b', { a: 's3cret\n', b: '1\n2\n3\n4\n5\n6\n' });
    client('bob', '        a', { a: 's3cret\n1\n2\n3\n4\n5\n6\n' });
    const digits = Object.fromEntries('123456'.split('').map((digit) => [digit, `${digit}\n`]));
    expectReceived('ann', '12ms 1 9ms 2 9ms 3 9ms 4 9ms 5 9ms (6|)', digits);
    expectReceived('bob', '10ms 1 9ms 2 9ms 3 9ms 4 9ms 5 9ms (6|)', digits);
    expectOutcomes('        60ms b-a', { a: 'ann finished', b: 'bob finished' });
    await pass('25ms');
    stop.next();
  }),
);

test('whatever a peer sends and however, the session gets what follows the last frame, all of it and in order', () => {
  const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 30 }), { maxLength: 12 });
  return fc.assert(
    fc.asyncProperty(chunks, fc.integer({ min: 0, max: 9 }), fc.boolean(), async (given, cut, late) => {
      const rest = Buffer.concat(given);
      const all = Buffer.concat([Buffer.from('s3cret\n'), rest]);
      const pieces = [all.subarray(0, cut), ...given.map((_, index) => index)]
        .map((_, index, { length }) => {
          const at = (part: number): number => (part === 0 ? 0 : cut + Math.ceil(((all.length - cut) * part) / length));
          return all.subarray(at(index), at(index + 1));
        })
        .filter(({ length }) => length > 0);
      const session: Handler = (heard) =>
        late ? new Observable((out) => void Promise.resolve().then(() => out.add(heard.subscribe(out)))) : heard;
      const [near, far] = memory();
      const outcomes = lastValueFrom(
        of(near).pipe(serving(authenticate(quietly, session, { framing: line(64) })), toArray()),
      );
      from(pieces).pipe(far.writes).subscribe();
      const heard = await lastValueFrom(far.reads.pipe(toArray()));
      assert.is(Buffer.concat(heard).toString('hex'), rest.toString('hex'));
      await outcomes;
    }),
    { numRuns: 60 },
  );
});

// ── both sides ──────────────────────────────────────────────────────────────────────────────────────────────────────

const KEY = bytes('0123456789abcdef');
const ways: readonly [string, () => Promise<AuthGate<unknown>>, (right: boolean) => AuthGate<unknown>][] = [
  ['a token', async () => patient, (right) => tokenLogin(right ? 's3cret' : 'wrong', { welcome: 'welcome' })],
  [
    'a key',
    async () => hmacGate((name) => (name === 'ann' ? KEY : undefined)),
    (right) => hmacLogin({ name: right ? 'ann' : 'bob', key: KEY }),
  ],
  [
    'a password',
    async () => {
      const kept = await scramVerifier('pencil', { iterations: 4_096 });
      return scramGate((name) => (name === 'ann' ? kept : undefined));
    },
    (right) => scramLogin({ name: 'ann', password: right ? 'pencil' : 'pen' }),
  ],
];

for (const [name, gate, login] of ways) {
  test(`both sides over sockets, by ${name}: registry, names and outcomes`, async () => {
    const accounts = await gate();
    const guarded = authenticate(accounts, shout, { name: () => 'Ann' });
    const server = createServer('guarded', guarded, { port: 0 });
    const { port } = await server.start();
    const connected = (right: boolean, session: Handler): Promise<Outcome> =>
      lastValueFrom(
        dial({ port: port as number }).pipe(serving(logIn(login(right), session, { framing: line(4_096) }))),
      );

    const heard: string[] = [];
    const names: string[] = [];
    const talk: Handler = (answers) =>
      concat(
        of(bytes('hello\n')),
        answers.pipe(
          take(1),
          tap((answer) => {
            heard.push(plain(answer));
            names.push(...[...server.clients].map((client) => client.name));
          }),
          ignoreElements(),
        ),
      );
    assert.ok(E.isRight(await connected(true, talk)));
    assert.equal([heard, names], [['HELLO\n'], ['Ann']]);

    let begun = false;
    const refused = await connected(false, () => {
      begun = true;
      return NEVER;
    });
    assert.is(
      E.isLeft(refused) && String(refused.left.error),
      'NotAuthenticated: the peer was not authenticated (refused)',
    );
    assert.not.ok(begun, 'no session is begun for who is not let in');
    await server.stop();
  });
}

test('by its certificate: mutual TLS is a gate, and a stranger’s certificate is no identity', async () => {
  const root = certify({ name: 'a root' });
  const own = certify({ name: 'localhost', hosts: ['localhost', '127.0.0.1'], by: root });
  const certificates = { key: own.key, cert: own.cert, ca: root.cert, requestCert: true, rejectUnauthorized: false };
  const gate = connectionGate(({ tls }) => tls?.authorized === true && tls.certificate?.subject);
  const names: (string | undefined)[] = [];
  const session: Handler = (some, connection) => (names.push(identityOf(connection, gate)), some);
  const server = await loopback(serving(authenticate(gate, session, { framing: line(64) })), { tls: certificates });
  const ask = async (certificate: { readonly key?: string; readonly cert?: string }): Promise<string> => {
    const peer = await dialTls({ port: server.port }, { ca: root.cert, servername: 'localhost', ...certificate });
    peer.read().send('hi');
    peer.end();
    await peer.over;
    peer.leave();
    return peer.text;
  };
  const [ann, stranger] = [certify({ name: 'ann', by: root }), certify({ name: 'ann' })];
  assert.is(await ask({ key: ann.key, cert: ann.cert }), 'hi');
  assert.is(await ask({ key: stranger.key, cert: stranger.cert }), '');
  assert.is(await ask({}), '');
  assert.equal(names, ['CN=ann']);
  const outcomes = await server.stop();
  const errors = outcomes.map((outcome) => (E.isLeft(outcome) ? String(outcome.left.error) : 'finished'));
  const refused = 'NotAuthenticated: the peer was not authenticated (refused)';
  assert.equal(errors, ['finished', refused, refused]);
});

test(
  'a client waits ten seconds for a server that says nothing',
  everySplit(({ serve, client, expectReceived, expectClosed }) => {
    serve(logIn(tokenLogin('s3cret', { welcome: 'welcome' }), shout));
    client('mute', '        ^ 11s');
    expectReceived('mute', 't 9999ms |', { t: 's3cret\n' });
    expectClosed('mute', '  10s x', { x: 'NotAuthenticated' });
  }),
);

// ── secrets ─────────────────────────────────────────────────────────────────────────────────────────────────────────

test('no secret is in anything that is told: events, errors, outcomes, warnings, channels, what is printed', async () => {
  const secrets = ['pencil', 's3cret', 'hunter2', Buffer.from(KEY).toString(), 'tr0ub4dor'];
  const seen: string[] = [];
  const note = (thing: unknown): void => {
    seen.push(inspect(thing, { depth: 12, showHidden: true, getters: false }));
    if (thing instanceof Error) seen.push(`${thing.message} ${thing.stack} ${inspect(thing.cause)}`);
  };
  const heard = warnings();
  const kept = await scramVerifier('pencil', { iterations: 4_096 });
  const gates: readonly AuthGate<unknown>[] = [
    tokenGate([['s3cret', 'ann']]),
    tokenGate([['s3cret', 'ann']], { refusal: 'no' }),
    hmacGate(() => KEY),
    scramGate(() => kept),
  ];
  for (const gate of gates) {
    const guarded = authenticate(gate, shout, { onEvent: note, limit: 64, lockout: { after: 2 } });
    const server = createServer('guarded', guarded, { port: 0 });
    server.events.subscribe(note);
    server.outcomes.subscribe(note);
    const { port } = await server.start();
    note([gate, guarded, server]);
    for (const said of [
      'hunter2\ntr0ub4dor\n',
      's3cret\nhi\n',
      `${'tr0ub4dor'.repeat(20)}\n`,
      'hunter2',
      'n,,n=a,r=hunter2\n',
    ]) {
      const client = dial({ port: port as number }).pipe(
        mergeMap(({ reads, writes }) => merge(reads, of(bytes(said)).pipe(writes))),
      );
      await lastValueFrom(client, { defaultValue: null }).catch(note);
    }
    for (const login of [
      tokenLogin('hunter2'),
      hmacLogin({ name: 'a', key: KEY }),
      scramLogin({ name: 'a', password: 'pencil' }),
    ]) {
      note(login);
      const session = logIn(login, (some) => some.pipe(take(1)), { framing: line(256), deadline: 200 });
      note(session);
      note(await lastValueFrom(dial({ port: port as number }).pipe(serving(session))).catch((error: unknown) => error));
    }
    note(server.statistics);
    note([...server.clients].map((client) => client.snapshot()));
    note(await server.stop({ drain: 0 }));
  }
  heard.stop();
  seen.push(...heard.messages);
  assert.ok(seen.length > 60);
  for (const secret of secrets) {
    const shown = seen.filter(
      (thing) => thing.includes(secret) || thing.includes(Buffer.from(secret).toString('base64')),
    );
    assert.equal(shown, [], secret);
  }
});

test.run();
