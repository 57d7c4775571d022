import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import {
  NEVER,
  type Observable,
  Subject,
  concatMap,
  delay,
  from,
  ignoreElements,
  lastValueFrom,
  map,
  merge,
  mergeMap,
  of,
  take,
  takeUntil,
  tap,
  timer,
  toArray,
} from 'rxjs';
import * as assert from 'uvu/assert';
import { type DrainReport, drain, frameFixed, serve } from '../operators/index.js';
import { type Connection, type Handler, type Outcome, listen, memory } from '../src/index.js';
import { type Loopback, loopback } from './kit/loopback.js';
import { ManualClock } from './kit/manual-clock.js';
import { assertNoLeaks } from '../src/testing/leaks.js';
import { everySplit, marbles } from '../src/testing/marbles.js';
import { type StreamPeer, knock } from './kit/peer.js';
import { quiet, rounds } from './kit/quiet.js';
import { raised } from './kit/raised.js';
import { reasons } from './kit/reasons.js';
import { suite } from './kit/suite.js';

const test = suite('drain');
const echo: Handler = (reads) => reads;

interface Draining {
  readonly server: Loopback<Outcome>;
  readonly stop: Subject<string>;
  readonly clock: ManualClock;
  readonly reports: DrainReport[];
}

/** A server that drains for ten seconds of a test's own time when `stop` says so. */
const draining = async (handler: Handler, concurrency?: number): Promise<Draining> => {
  const clock = new ManualClock();
  const stop = new Subject<string>();
  const reports: DrainReport[] = [];
  const serving = serve(handler, concurrency === undefined ? {} : { concurrency });
  const server = await loopback(
    drain(stop, 10_000, serving, { scheduler: clock, onDrained: (report) => reports.push(report) }),
    { scheduler: clock },
  );
  return { server, stop, clock, reports };
};

const isRefused = async (server: Loopback<unknown>): Promise<void> => {
  const [error] = (await once(connect(server.port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException];
  assert.is(error.code, 'ECONNREFUSED');
};

test('refuses what is no way to stop', () => {
  const serving = serve(echo);
  const any = (value: unknown): never => value as never;
  assert.throws(() => drain(any('SIGTERM'), 1, serving), raised(TypeError, /^stop must be an Observable, got string$/));
  assert.throws(() => drain(NEVER, -1, serving), raised(RangeError, /^ms must be a time from 0 to \d+ ms, got -1$/));
  assert.throws(() => drain(NEVER, any('1'), serving), raised(TypeError, /^ms must be a number, got "1"$/));
  assert.throws(
    () => drain(NEVER, 1, any(undefined)),
    raised(TypeError, /^serving must be a function, got undefined$/),
  );
  assert.throws(
    () => drain(NEVER, 1, serving, { onDrained: any(1) }),
    raised(TypeError, /^onDrained must be a function, got 1$/),
  );
  assert.throws(
    () => drain(NEVER, 1, serving, { scheduler: any(1) }),
    raised(TypeError, /^scheduler must be a scheduler of RxJS, got 1$/),
  );
});

test('with nobody there it is over at once, and reports', async () => {
  const gone = assertNoLeaks();
  const { server, stop, reports } = await draining(echo);
  stop.next('now');
  assert.equal(await server.over, []);
  assert.equal(reports, [{ ended: 0, cut: [], took: 0 }]);
  assert.not(stop.observed);
  await isRefused(server);
  await gone();
});

test('idle peers are ended, and refused at once when they come again', async () => {
  const gone = assertNoLeaks();
  const { server, stop, clock, reports } = await draining(echo);
  const peers = [(await server.dial()).read(), (await server.dial()).read(), (await server.dial()).read()];
  peers[0]?.send('x');
  await peers[0]?.heard(1);
  await rounds();
  stop.next('now');
  await isRefused(server);
  assert.equal(await Promise.all(peers.map(({ over }) => over)), ['end', 'end', 'end']);
  assert.equal(reports, []);
  clock.advance(3_000);
  for (const peer of peers) peer.end();
  assert.equal(reasons(await server.over), ['finished', 'finished', 'finished']);
  assert.equal(reports, [{ ended: 3, cut: [], took: 3_000 }]);
  await gone();
});

test('what was asked is answered, what is asked later is not, and a half frame is forgotten', async () => {
  const reports: DrainReport[] = [];
  await everySplit(async ({ serveWith, client, pass, expectReceived, expectOutcomes }) => {
    let asked = 0;
    const stop = new Subject<void>();
    const answer = (question: Uint8Array): Observable<Uint8Array> => {
      asked++;
      return timer(5_000).pipe(map(() => question));
    };
    serveWith(
      drain(
        stop,
        10_000,
        serve((reads) => reads.pipe(frameFixed(4), concatMap(answer))),
        {
          onDrained: (report) => reports.push(report),
        },
      ),
    );
    client('busy', '        -a 1s b', { a: 'one.two.th', b: 'ree.' });
    client('half', '        -a 1s b-|', { a: 'ab', b: 'cd' });
    expectReceived('busy', '5001ms a 4999ms (b|)', { a: 'one.', b: 'two.' });
    expectReceived('half', '1s |');
    expectOutcomes('        1004ms h 8996ms b', { h: 'half finished', b: 'busy finished' });
    await pass('1s');
    assert.is(asked, 1);
    stop.next();
    await pass('10s');
    assert.is(asked, 2);
  })();
  for (const { ended, cut, took } of reports) assert.equal([ended, cut, took], [2, [], 9_001]);
  assert.ok(reports.length > 10);
});

test('at the deadline the rest is cut, named and reported: a stuck reader, a handler that never ends, 500 who wait', async () => {
  const gone = assertNoLeaks();
  const endless: Handler = (reads) => merge(reads.pipe(ignoreElements()), NEVER);
  const flood: Handler = (reads) =>
    reads.pipe(concatMap(() => from(Array.from({ length: 200 }, () => new Uint8Array(64 * 1024)))));
  let served = 0;
  const { server, stop, clock, reports } = await draining((reads, connection) => {
    served++;
    if (served === 1) return flood(reads, connection);
    return served === 2 ? endless(reads, connection) : reads.pipe(frameFixed(4));
  }, 4);
  const peers: StreamPeer[] = [];
  for (let made = 0; made < 4; made++) {
    peers.push(await server.dial());
    await rounds(1);
  }
  const [stuck, never, idle, half] = peers as [StreamPeer, StreamPeer, StreamPeer, StreamPeer];
  const names = [stuck.name, never.name].toSorted();
  stuck.send('go');
  half.send('ab');
  await quiet(() => stuck.sent);
  const crowd = Array.from({ length: 520 }, () => knock({ port: server.port }).read());
  await quiet(() => crowd.filter(({ stream }) => !(stream as Socket).connecting).length);
  assert.is(served, 4);

  stop.next('now');
  await isRefused(server);
  for (const peer of [idle, half]) {
    assert.is(await peer.read().over, 'end');
    peer.end();
  }
  await Promise.all(
    crowd.map(async (peer) => {
      await peer.over;
      peer.end();
    }),
  );
  clock.advance(9_999);
  await rounds();
  assert.equal(reports, []);
  clock.advance(1);
  const outcomes = await server.over;
  await never.read().over;
  stuck.stream.destroy();

  const tally = reasons(outcomes);
  // The one who was next in the line was served when a place came free: it could say nothing any more.
  assert.equal(tally.filter((reason) => reason === 'DrainTimeout').length, 2);
  assert.equal(tally.filter((reason) => reason === 'finished').length, tally.length - 2);
  assert.is(reports.length, 1);
  const [{ ended, cut, took }] = reports as [DrainReport];
  assert.is(took, 10_000);
  assert.is(ended, tally.length - 2);
  assert.equal(cut.map(({ peer }) => peer).toSorted(), names);
  assert.is(new Set(outcomes).size, outcomes.length);
  await gone();
});

test('600 who wait for their turn in the line are ended one after another', async () => {
  const gone = assertNoLeaks();
  const stop = new Subject<void>();
  const accepted = new Subject<Connection>();
  const reports: DrainReport[] = [];
  const outcomes = lastValueFrom(
    accepted.pipe(
      drain(stop, 10_000, serve(echo, { concurrency: 10 }), { onDrained: (report) => reports.push(report) }),
      toArray(),
    ),
  );
  const pairs = Array.from({ length: 600 }, () => memory());
  for (const [server] of pairs) accepted.next(server);
  stop.next();
  for (const [, client] of pairs) client.reads.subscribe();
  assert.equal(
    reasons(await outcomes),
    Array.from({ length: 600 }, () => 'finished'),
  );
  assert.equal(
    reports.map(({ ended, cut }) => [ended, cut.length]),
    [[600, 0]],
  );
  await gone();
});

test('while connections come all the time, each that was accepted has one outcome, and no peer is left hanging', async () => {
  const gone = assertNoLeaks();
  const accepted: number[] = [];
  const stop = new Subject<void>();
  const reports: DrainReport[] = [];
  const server = await loopback((connections) =>
    connections.pipe(
      drain(
        stop,
        5_000,
        (coming) =>
          coming.pipe(
            tap(({ id }) => accepted.push(id)),
            serve((reads) => reads.pipe(concatMap((chunk) => of(chunk).pipe(delay(1))))),
          ),
        { onDrained: (report) => reports.push(report) },
      ),
    ),
  );
  const peers: StreamPeer[] = [];
  let ended = 0;
  const coming = (async () => {
    while (peers.length < 400) {
      for (let burst = 0; burst < 10; burst++) {
        const peer = server.knock().read();
        peer.send('hello');
        peers.push(peer);
      }
      if (peers.length === 250) stop.next();
      await rounds(1);
    }
  })();
  await coming;
  for (const peer of peers) {
    peer.end();
    await peer.over;
    ended++;
  }
  const outcomes = await server.over;
  assert.is(ended, 400);
  const ids = outcomes.map((outcome) => (outcome._tag === 'Left' ? outcome.left.connection.id : outcome.right.id));
  assert.equal(
    ids.toSorted((a, b) => a - b),
    accepted,
  );
  assert.ok(accepted.length > 0 && accepted.length <= 260);
  assert.equal(
    reports.map(({ cut }) => cut),
    [[]],
  );
  await gone();
});

test('a stop that ends without a value stops nothing; one that fails fails the server', async () => {
  const { server, stop, clock, reports } = await draining(echo);
  stop.complete();
  clock.advance(20_000);
  const peer = (await server.dial()).read();
  peer.send('still');
  assert.is(await peer.heard(5), 'still');
  server.cut();
  assert.equal(reports, []);

  const failing = await draining(echo);
  const other = (await failing.server.dial()).read();
  await rounds();
  failing.stop.error(new Error('no way to stop'));
  const failure: unknown = await failing.server.over.catch((error: unknown) => error);
  assert.is((failure as Error).message, 'no way to stop');
  await other.over;
});

test('a server that is stopped before it has begun serves nobody', async () => {
  const gone = assertNoLeaks();
  const outcomes = await lastValueFrom(listen({ port: 0 }).pipe(drain(of('now'), 1_000, serve(echo)), toArray()));
  assert.equal(outcomes, []);
  await gone();
});

test('without any stop it reports nothing, and a hook that throws is a warning', async () => {
  const { server, reports } = await draining(echo);
  assert.equal(await server.stop(), []);
  assert.equal(reports, []);

  const warnings: string[] = [];
  const heard = (warning: Error): void => {
    warnings.push(warning.message);
  };
  process.on('warning', heard);
  const onDrained = (): never => {
    throw new Error('in the hook');
  };
  const outcomes = await lastValueFrom(
    listen({ port: 0 }).pipe(drain(timer(5), 1_000, serve(echo), { onDrained }), toArray()),
  );
  await rounds();
  process.off('warning', heard);
  assert.equal(outcomes, []);
  assert.is(warnings.length, 1);
  assert.match(warnings[0] ?? '', /^onDrained threw Error: in the hook/);
});

test('what serves may be anything: at the deadline all is cut', async () => {
  const gone = assertNoLeaks();
  const pairs = [memory(), memory()] as const;
  const stop = new Subject<void>();
  const reports: DrainReport[] = [];
  const outcomes = lastValueFrom(
    from(pairs.map(([server]) => server)).pipe(
      drain(stop, 0, () => NEVER, { onDrained: (report) => reports.push(report) }),
      toArray(),
    ),
  );
  stop.next();
  assert.equal(reasons(await outcomes), []);
  assert.is(reports[0]?.cut.length, 0);

  const all = lastValueFrom(
    from(pairs.map(([server]) => server)).pipe(
      drain(timer(1), 0, (connections) => connections.pipe(mergeMap(() => NEVER)), {
        onDrained: (report) => reports.push(report),
      }),
      toArray(),
    ),
  );
  assert.equal(reasons(await all), ['DrainTimeout', 'DrainTimeout']);
  assert.is(reports[1]?.cut.length, 2);
  await gone();
});

test('unsubscribing while it drains cuts at once', async () => {
  const gone = assertNoLeaks();
  const { server, stop, reports } = await draining(() => NEVER);
  const peer = (await server.dial()).read();
  await rounds();
  stop.next('now');
  server.cut();
  assert.is(await peer.over, 'reset');
  assert.equal(reports, []);
  await gone();
});

test('a deadline that is asked for at the stop, and what holds those who are cut', async () => {
  const states: string[] = [];
  await marbles(async ({ serveWith, client, pass, expectReceived, expectOutcomes }) => {
    const stop = new Subject<void>();
    let patience = 1;
    const onCut = (late: readonly Connection[]): void =>
      void states.push(...late.map(({ peer, state }) => `${peer} ${state}`));
    const stuck = serve((reads) => merge(reads.pipe(ignoreElements()), NEVER));
    serveWith(drain(stop, () => patience, stuck, { onCut }));
    client('ann', '        ^');
    client('bob', '        ^|');
    expectReceived('ann', '25ms #');
    expectReceived('bob', '25ms #');
    expectOutcomes('        25ms (ab)', { a: 'ann DrainTimeout', b: 'bob DrainTimeout' });
    await pass('5ms');
    patience = 20;
    stop.next();
    await pass('30ms');
  })();
  assert.equal(states, ['ann open', 'bob peer-ended']);
  const senseless = NEVER.pipe(drain(of('now'), () => NaN, serve(echo)));
  const error: unknown = await lastValueFrom(senseless).catch((reason: unknown) => reason);
  assert.match(String(error), /^RangeError: ms must be a time from 0 to \d+ ms, got NaN$/);
});

// ── the same, of three gates ──────────────────────────────────────────────────────────────────────────────────────

test(
  'the three gates of plain RxJS',
  everySplit(async ({ serveWith, client, pass, expectOpened, expectReceived, expectOutcomes }) => {
    const stop = new Subject<void>();
    const late = new Subject<void>();
    const slow = (questions: Observable<Uint8Array>): Observable<Uint8Array> =>
      questions.pipe(concatMap((question) => (question[0] === 0x21 ? NEVER : of(question).pipe(delay(20)))));
    serveWith((connections) =>
      connections.pipe(
        takeUntil(stop),
        serve((reads) => reads.pipe(frameFixed(4), takeUntil(stop), slow)),
        takeUntil(late),
      ),
    );
    client('idle', '        ^');
    client('busy', '        ^-a 20ms b', { a: 'one.two.', b: 'more' });
    client('half', '        ^-a', { a: 'ab' });
    client('never', '       ^-a 1s |', { a: '!!!!' });
    expectOpened('          (ibhn)', { i: 'idle', b: 'busy', h: 'half', n: 'never' });
    expectReceived('idle', '10ms |');
    expectReceived('busy', '22ms a 19ms (b|)', { a: 'one.', b: 'two.' });
    expectReceived('half', '10ms |');
    expectReceived('never', '100ms #');
    expectOutcomes('        10ms (ih) 31ms b', { i: 'idle finished', h: 'half finished', b: 'busy finished' });
    await pass('10ms');
    stop.next();
    await pass('90ms');
    late.next();
  }),
);

test(
  'a peer that was sent the end before the stop gets no longer for its own than one that is sent it now',
  marbles(async ({ serveWith, client, expectReceived, expectOutcomes, pass }) => {
    const stop = new Subject<void>();
    serveWith(
      drain(
        stop,
        10_000,
        serve((bytes) => bytes.pipe(take(1))),
      ),
    );
    client('ann', '        --a 20s |');
    client('bob', '        20s |');
    expectReceived('ann', '--(a|)');
    expectReceived('bob', '100ms |');
    expectOutcomes('        1100ms (ab)', { a: 'ann finished', b: 'bob finished' });
    await pass('100ms');
    stop.next();
    await pass('10s');
  }),
);

test.run();
