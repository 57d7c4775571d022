// What may not take for ever: the deadlines that docs/safety.md lists, where no other test has their defaults.
import { EMPTY, NEVER, type Observable, concat, concatMap, delay, map, of } from 'rxjs';
import * as assert from 'uvu/assert';
import { authenticate, protocol, proxyProtocol, serve } from '../operators/index.js';
import { type Connection, type Handled, dial, line, memory, text, tokenGate } from '../src/index.js';
import { createServer } from '../src/server/index.js';
import { assertNoLeaks } from '../src/testing/leaks.js';
import { everySplit, marbles } from '../src/testing/marbles.js';
import { bytes } from './kit/bytes.js';
import { certify } from './kit/certificates.js';
import { loopback } from './kit/loopback.js';
import { ManualClock } from './kit/manual-clock.js';
import { dialRaw } from './kit/peer.js';
import { rounds } from './kit/quiet.js';
import { suite } from './kit/suite.js';

const test = suite('deadlines');

const lines = { name: 'lines', framing: line(), message: text } as const;
const shout = protocol({ ...lines, session: (said) => said.pipe(map((word) => word.toUpperCase())) });

const { key, cert } = certify({ name: 'localhost' });
const echo = serve((reads) => reads);
const ignored = { error: (): void => {} };

/** How a stream fails, once it has. */
const failures = (stream: Observable<unknown>): string[] => {
  const seen: string[] = [];
  stream.subscribe({ error: ({ message }: Error) => seen.push(message) });
  return seen;
};

test('what is written may wait 30 s for a peer that does not read', async () => {
  const clock = new ManualClock();
  const [near, far] = memory({ scheduler: clock });
  NEVER.pipe(far.writes).subscribe(ignored);
  const seen = failures(of(new Uint8Array(4_000_000)).pipe(near.writes));
  await rounds();
  clock.advance(29_999);
  await rounds();
  assert.equal(seen, []);
  clock.advance(1);
  await rounds();
  assert.is(seen.length, 1);
  assert.match(seen[0] as string, /^the peer left \d+ bytes unread for 30000 ms$/);
  far.abort();
});

test('a connection may be half closed for 30 s without getting on', async () => {
  const clock = new ManualClock();
  const [near, far] = memory({ scheduler: clock });
  NEVER.pipe(far.writes).subscribe(ignored);
  EMPTY.pipe(near.writes).subscribe();
  const seen = failures(near.reads);
  await rounds();
  assert.is(near.state, 'ended');
  clock.advance(29_999);
  await rounds();
  assert.equal(seen, []);
  clock.advance(1);
  await rounds();
  assert.equal(seen, ['the connection stayed half closed for 30000 ms without progress']);
  far.abort();
});

test(
  'a stop gives who is still there 10 s',
  marbles(async ({ listen: listening, start, client, pass, expectReceived, expectOutcomes }) => {
    const long = protocol({
      ...lines,
      session: (said) => said.pipe(concatMap((word) => of(word).pipe(delay(60_000)))),
    });
    const server = createServer('slow', long, { port: 7000, listen: listening });
    start(server);
    client('ann', '        a', { a: 'one\n' });
    expectReceived('ann', '11s #');
    expectOutcomes('        11s a', { a: 'ann DrainTimeout' });
    await pass('1s');
    const stopping = server.stop();
    await pass('10s');
    assert.is((await stopping).took, 10_000);
  }),
);

test(
  'who has said something may be silent for ever: to be idle is a fault only where it is said how long',
  everySplit(({ serve: serving, client, expectReceived, expectOpen }) => {
    serving(shout);
    client('ann', '        a 1440m a', { a: 'a\n' });
    expectReceived('ann', 'a 1440m a', { a: 'A\n' });
    expectOpen('ann');
  }),
);

test(
  'so may who came through a gate: it has said who it is',
  everySplit(({ serve: serving, client, expectReceived, expectOpen, expectClosed }) => {
    serving(authenticate(tokenGate([['s3cret', 'ann']]), shout));
    client('ann', '        a 1440m b', { a: 's3cret\n', b: 'b\n' });
    expectReceived('ann', '- 1440m b', { b: 'B\n' });
    expectOpen('ann');
    client('bob', '        ^ 20s -');
    expectReceived('bob', '10s |');
    expectClosed('bob', '  10s x', { x: 'NotAuthenticated' });
  }),
);

test(
  'unless the protocol says itself how long',
  everySplit(({ serve: serving, client, expectReceived, expectClosed }) => {
    const strict = protocol({ ...lines, firstMessage: 5_000, session: (said) => said });
    serving(authenticate(tokenGate([['s3cret', 'ann']]), strict));
    client('ann', '        a 10s -', { a: 's3cret\n' });
    expectReceived('ann', '5s |');
    expectClosed('ann', '  5s x', { x: 'PeerSilent' });
  }),
);

/** More than a timer of Node's can be set to: it would go off after a millisecond, with a warning. */
const LONG = 2 ** 31 + 5;

/** Things that wait so long, by the real clock, each with how to end it. What goes wrong with them is told. */
const waiting: Readonly<Record<string, (told: (what: string) => void) => Promise<() => unknown>>> = {
  'writeDeadline, for a peer that does not read': async (told) => {
    const [near, far] = memory({ writeDeadline: LONG });
    NEVER.pipe(far.writes).subscribe(ignored);
    of(new Uint8Array(4_000_000))
      .pipe(near.writes)
      .subscribe({ error: ({ name }: Error) => told(name) });
    return () => far.abort();
  },
  'halfClose, for one that does not end': async (told) => {
    const [near, far] = memory({ halfClose: LONG });
    NEVER.pipe(far.writes).subscribe(ignored);
    EMPTY.pipe(near.writes).subscribe();
    near.reads.subscribe({ error: ({ name }: Error) => told(name) });
    return () => far.abort();
  },
  'firstMessage, frameDeadline, and a hold time': async (told) => {
    const keepAlive = { interval: LONG, hold: LONG, probe: 'ping', isKeepAlive: () => false };
    const patient = protocol({ ...lines, firstMessage: LONG, frameDeadline: LONG, keepAlive, session: (said) => said });
    return speaking(patient, told);
  },
  'the deadline of a gate': async (told) =>
    speaking(authenticate(tokenGate([['s3cret', 'ann']]), shout, { deadline: LONG }), told),
  'handshakeTimeout, for a client': async (told) => {
    const tls = { key, cert, handshakeTimeout: LONG, ticketRotation: LONG };
    const server = await loopback(echo, { tls, onEvent: ({ type }) => told(type) });
    const peer = await server.dial();
    return () => {
      server.cut();
      peer.leave();
    };
  },
  'handshakeTimeout and connectTimeout, for a server': async (told) => {
    const silent = await loopback(serve(() => NEVER));
    const tls = { handshakeTimeout: LONG };
    const dialling = dial({ port: silent.port, connectTimeout: LONG, tls }).subscribe({
      error: ({ name }: Error) => told(name),
    });
    return () => {
      dialling.unsubscribe();
      silent.cut();
    };
  },
  'the deadline for the header of a proxy': async (told) => {
    const proxied = proxyProtocol({ trusted: ['127.0.0.1'], deadline: LONG, onEvent: ({ type }) => told(type) });
    const server = await loopback((connections: Observable<Connection>) => connections.pipe(proxied, echo));
    const peer = await server.dial();
    return () => {
      server.cut();
      peer.leave();
    };
  },
  'drain, for a session that does not end': async (told) => {
    const server = createServer('slow', () => NEVER, { port: 0, drain: LONG, idleAfter: LONG });
    const { port = 0 } = await server.start();
    const peer = await dialRaw({ port });
    await rounds();
    const stopping = server.stop().then(() => told('stopped'));
    return () => {
      peer.leave();
      return Promise.all([server.abort(), stopping]);
    };
  },
};

/** Has a peer say half a line to what is served. */
const speaking = ({ handler }: Handled, told: (what: string) => void): (() => void) => {
  const [near, far] = memory();
  concat(of(bytes('half')), NEVER)
    .pipe(far.writes)
    .subscribe(ignored);
  handler(near.reads, near)
    .pipe(near.writes)
    .subscribe({ error: ({ name }: Error) => told(name) });
  return () => far.abort();
};

for (const [what, begin] of Object.entries(waiting)) {
  test(`longer than a timer can be set to: ${what}`, async () => {
    const gone = assertNoLeaks();
    const seen: string[] = [];
    const onWarning = ({ name }: Error): number => seen.push(name);
    process.on('warning', onWarning);
    const end = await begin((told) => seen.push(told));
    await rounds(10);
    assert.equal(seen, []);
    process.off('warning', onWarning);
    await end();
    await gone();
  });
}

test.run();
