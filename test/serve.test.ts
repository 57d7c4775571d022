import * as E from 'fp-ts/lib/Either.js';
import {
  EMPTY,
  NEVER,
  type Observable,
  type ObservableInput,
  Subject,
  concat,
  concatMap,
  delay,
  finalize,
  from,
  ignoreElements,
  lastValueFrom,
  map,
  merge,
  mergeMap,
  of,
  tap,
  throwError,
  timer,
  toArray,
} from 'rxjs';
import * as assert from 'uvu/assert';
import {
  decodeOr,
  encodeWith,
  failIfIdle,
  firstByteDeadline,
  frameFixed,
  frameLines,
  mapAsync,
  serve,
} from '../operators/index.js';
import { type Connection, ConnectionReset, type Handler, type Outcome, memory, text } from '../src/index.js';
import { loopback } from './kit/loopback.js';
import { ManualClock } from './kit/manual-clock.js';
import { assertNoLeaks } from '../src/testing/leaks.js';
import type { StreamPeer } from './kit/peer.js';
import { quiet, rounds } from './kit/quiet.js';
import { raised } from './kit/raised.js';
import { reasons } from './kit/reasons.js';
import { suite } from './kit/suite.js';

const test = suite('serve');
const bytes = (letters: string): Uint8Array => new TextEncoder().encode(letters);

/** What an exchange brings to one who says `said`, ends, and reads to the end. */
const ask = async (peer: StreamPeer, said: string): Promise<string> => {
  peer.read().send(said);
  peer.end();
  await peer.over;
  return peer.text;
};

test('emits how each connection ended, and completes after the last', async () => {
  const gone = assertNoLeaks();
  const server = await loopback(serve(frameFixed(4)));
  assert.is(await ask(await server.dial(), 'abcd'), 'abcd');
  assert.is(await ask(await server.dial(), 'abcdef'), 'abcd');
  const reset = await server.dial();
  reset.send('ab');
  await rounds();
  reset.reset();
  const slow = await server.dial();
  await rounds();
  const stopping = server.stop();
  assert.is(await ask(slow, 'late'), 'late');
  const outcomes = await stopping;
  assert.equal(reasons(outcomes), ['finished', 'TruncatedFrame', 'ConnectionReset', 'finished']);
  assert.ok(
    outcomes.every((outcome) => /^127/.test(E.isLeft(outcome) ? outcome.left.connection.peer : outcome.right.peer)),
  );
  await gone();
});

test('an outcome is out when the socket and the timers are gone, and not before', async () => {
  const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const open: string[] = [];
  const server = await loopback((connections) =>
    connections.pipe(
      serve((reads) =>
        reads.pipe(mergeMap((chunk) => (chunk[0] === 0x21 ? throwError(() => new Error('!')) : of(chunk)))),
      ),
      tap((outcome) => {
        const { closed, statistics } = E.isLeft(outcome) ? outcome.left.connection : outcome.right;
        let gone = false;
        closed.subscribe({ complete: () => (gone = true) });
        const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length - before;
        open.push(`${gone} ${statistics.buffered} ${timers}`);
      }),
    ),
  );
  const peers = [await server.dial(), await server.dial()] as const;
  // A moment after they came, the acceptor looks whether descriptors are left: a timer of its own.
  await new Promise((later) => setTimeout(later, 10));
  await ask(peers[0], 'hello');
  await ask(peers[1], '!');
  await server.stop();
  assert.equal(open, ['true 0 0', 'true 0 0']);
});

test('refuses what cannot serve', () => {
  const bad = (value: unknown): Handler => value as Handler;
  assert.throws(() => serve(bad(undefined)), raised(TypeError, /^handler must be a function, got undefined$/));
  assert.throws(() => serve(bad(null)), raised(TypeError, /^handler must be a function, got undefined$/));
  assert.throws(() => serve(bad({ handler: 'echo' })), raised(TypeError, /^handler must be a function, got "echo"$/));
  const echo: Handler = (reads) => reads;
  const most = Number.MAX_SAFE_INTEGER;
  for (const concurrency of [0, -1, 1.5, Infinity, NaN]) {
    assert.throws(
      () => serve(echo, { concurrency }),
      raised(RangeError, new RegExp(`^concurrency must be a whole number from 1 to ${most}, got ${concurrency}$`)),
    );
  }
});

// ── three ways ────────────────────────────────────────────────────────────────────────────────────────────────────

for (const [concurrency, most] of [
  [1, 1],
  [3, 3],
  [undefined, 8],
] as const) {
  test(`the same connections, ${concurrency ?? 'all'} at a time`, async () => {
    const gone = assertNoLeaks();
    let active = 0;
    let highest = 0;
    const begun: string[] = [];
    const handler: Handler = (reads, { local }) => {
      begun.push(local);
      highest = Math.max(highest, ++active);
      return reads.pipe(
        concatMap((chunk) => of(chunk).pipe(delay(2))),
        finalize(() => active--),
      );
    };
    const pairs = Array.from({ length: 8 }, (_, index) => memory({ names: [`s${index}`, `c${index}`] }));
    const answers = pairs.map(([, client], index) => {
      of(bytes(`${index}`))
        .pipe(client.writes)
        .subscribe();
      return lastValueFrom(
        client.reads.pipe(
          map((chunk) => Buffer.from(chunk).toString()),
          toArray(),
        ),
      );
    });
    const outcomes = await lastValueFrom(
      from(pairs.map(([server]) => server)).pipe(
        serve(handler, concurrency === undefined ? {} : { concurrency }),
        toArray(),
      ),
    );
    assert.equal(
      await Promise.all(answers),
      ['0', '1', '2', '3', '4', '5', '6', '7'].map((answer) => [answer]),
    );
    assert.equal(begun, ['s0', 's1', 's2', 's3', 's4', 's5', 's6', 's7']);
    assert.is(highest, most);
    assert.equal(
      reasons(outcomes),
      Array.from({ length: 8 }, () => 'finished'),
    );
    await gone();
  });
}

// ── isolation ─────────────────────────────────────────────────────────────────────────────────────────────────────

const look = (): never => assert.unreachable('nobody looks at it') as never;
/** An error that throws when it is looked at. (Not an Error: Node itself looks at the stack of one that is thrown.) */
const nasty: unknown = Object.freeze({
  get message() {
    return look();
  },
  get code() {
    return look();
  },
  get _tag() {
    return look();
  },
  toString: look,
});
const failing = (error: unknown): Observable<never> => throwError(() => error);
const unsound = (value: unknown): Observable<Uint8Array> => value as Observable<Uint8Array>;
const thrown = new Error('thrown');

/** What a handler may do wrong, and what its connection's error is then. */
const wrongs: readonly [string, Handler, (error: unknown) => boolean][] = [
  [
    'throws at once',
    () => {
      throw thrown;
    },
    (error) => error === thrown,
  ],
  [
    'throws a text',
    () => {
      throw 'text';
    },
    (error) => error === 'text',
  ],
  [
    'throws nothing',
    () => {
      throw undefined;
    },
    (error) => error === undefined,
  ],
  ['fails at once', () => failing(thrown), (error) => error === thrown],
  ['fails with null', () => failing(null), (error) => error === null],
  ['fails with an error that cannot be looked at', () => failing(nasty), (error) => error === nasty],
  ['fails with a thing without a prototype', () => failing(Object.create(null)), (error) => typeof error === 'object'],
  [
    'throws later',
    (reads) =>
      reads.pipe(
        map(() => {
          throw thrown;
        }),
      ),
    (error) => error === thrown,
  ],
  ['fails later', (reads) => merge(reads, timer(3).pipe(mergeMap(() => failing(thrown)))), (error) => error === thrown],
  ['rejects', () => unsound(Promise.reject(thrown)), (error) => error === thrown],
  [
    'throws while it is torn down',
    (reads) =>
      reads.pipe(
        finalize(() => {
          throw thrown;
        }),
      ),
    (error) => error === thrown,
  ],
  [
    'throws deep down',
    (reads) =>
      concat(
        reads.pipe(
          finalize(() => {
            throw thrown;
          }),
        ),
        EMPTY,
      ),
    (error) => error === thrown,
  ],
  [
    'throws as it is subscribed to',
    () =>
      unsound({
        subscribe: () => {
          throw thrown;
        },
        [Symbol.observable ?? '@@observable']() {
          return this;
        },
      }),
    (error) => error === thrown,
  ],
  ['returns nothing', () => unsound(undefined), (error) => error instanceof TypeError],
  ['returns null', () => unsound(null), (error) => error instanceof TypeError],
  ['returns a number', () => unsound(42), (error) => error instanceof TypeError],
  [
    'answers texts',
    () => unsound(of('text')),
    (error) => error instanceof TypeError && /^writes takes bytes/.test(error.message),
  ],
  ['answers null', () => unsound(of(null)), (error) => error instanceof TypeError],
  ['answers a number', () => unsound([1, 2]), (error) => error instanceof TypeError],
  [
    'writes to its connection itself',
    (reads, { writes }) => reads.pipe(writes),
    (error) => error instanceof Error && /in use already/.test(error.message),
  ],
];

for (const [does, handler, expected] of wrongs) {
  test(`a handler that ${does} harms nobody else`, async () => {
    const gone = assertNoLeaks();
    let calls = 0;
    const server = await loopback(serve((reads, connection) => (++calls === 2 ? handler(reads, connection) : reads)));
    const first = (await server.dial()).read();
    first.send('1');
    await first.heard(1);
    const victim = await server.dial();
    await ask(victim, 'x');
    first.send('2');
    assert.is(await first.heard(2), '12');
    assert.is(await ask(await server.dial(), '3'), '3');
    first.end();
    const outcomes = await server.stop();
    const lefts = outcomes.filter(E.isLeft).map(({ left }) => left.error);
    assert.is(lefts.length, 1);
    assert.ok(expected(lefts[0]), 'the error is the one that was thrown');
    assert.is(outcomes.length, 3);
    await gone();
  });
}

test('what a handler had answered before it failed arrives', async () => {
  const server = await loopback(
    serve((reads) => concat(of(bytes('so far')), reads.pipe(ignoreElements()), failing(thrown))),
  );
  assert.is(await ask(await server.dial(), 'x'.repeat(100_000)), 'so far');
  assert.equal(reasons(await server.stop()), ['thrown']);
});

for (const [kind, answer] of [
  ['a promise', Promise.resolve(bytes('hi'))],
  ['a list', [bytes('h'), bytes('i')]],
  [
    'an async iterable',
    (async function* () {
      yield bytes('hi');
    })(),
  ],
] as const) {
  test(`${kind} of bytes is an answer, too`, async () => {
    const server = await loopback(serve(() => unsound(answer satisfies ObservableInput<Uint8Array>)));
    assert.is(await ask(await server.dial(), ''), 'hi');
    assert.equal(reasons(await server.stop()), ['finished']);
  });
}

test('a handler that never answers is given up half a minute after its peer has ended', async () => {
  const gone = assertNoLeaks();
  const clock = new ManualClock();
  const server = await loopback(
    serve(() => NEVER),
    { scheduler: clock },
  );
  const silent = await loopback(
    serve((reads) => merge(reads.pipe(ignoreElements()), NEVER)),
    { scheduler: clock },
  );
  const peer = await silent.dial();
  peer.read().end();
  await rounds();
  clock.advance(29_999);
  await rounds();
  assert.equal(silent.out, []);
  clock.advance(2);
  assert.equal(reasons(await silent.stop()), ['HalfCloseTimeout']);
  // Of one that does not even read, nobody knows whether its peer has ended: it stays until the server goes.
  const other = await server.dial();
  other.read().end();
  await rounds();
  clock.advance(100_000);
  assert.equal(server.out, []);
  server.cut();
  await other.over;
  await gone();
});

test('a handler that does not read ends its connection all the same', async () => {
  const gone = assertNoLeaks();
  const server = await loopback(serve(() => of(bytes('it is ten'))));
  assert.is(await ask(await server.dial(), 'what time is it?'), 'it is ten');
  assert.equal(reasons(await server.stop()), ['finished']);
  await gone();
});

test('what a handler emits after its connection is gone goes nowhere', async () => {
  const late = new Subject<Uint8Array>();
  const server = await loopback(serve((reads) => merge(reads, late)));
  const peer = await server.dial();
  peer.send('a');
  await peer.read().heard(1);
  assert.ok(late.observed);
  peer.reset();
  await quiet(() => server.out.length);
  assert.not(late.observed);
  late.next(bytes('too late'));
  late.error(new Error('too late'));
  assert.equal(reasons(await server.stop()), ['ConnectionReset']);
});

test('unsubscribing cuts all, also those who wait for their turn', async () => {
  const gone = assertNoLeaks();
  for (const concurrency of [1, 2, 100]) {
    const accepted: Connection[] = [];
    const server = await loopback((connections) =>
      connections.pipe(
        tap((connection) => accepted.push(connection)),
        serve((reads) => merge(reads, NEVER), { concurrency }),
      ),
    );
    const peers: StreamPeer[] = [];
    for (let made = 0; made < 6; made++) peers.push((await server.dial()).read());
    peers[0]?.send('x');
    await peers[0]?.heard(1);
    await rounds();
    server.cut();
    assert.equal(
      await Promise.all(peers.map(({ over }) => over)),
      Array.from({ length: 6 }, () => 'reset'),
    );
    for (const connection of accepted) await lastValueFrom(connection.closed, { defaultValue: null });
    assert.equal(server.out, []);
  }
  await gone();
});

test('a teardown that throws while all is cut is a warning, and all is cut', async () => {
  const gone = assertNoLeaks();
  const warnings: string[] = [];
  const heard = (warning: Error): void => {
    warnings.push(warning.message);
  };
  process.on('warning', heard);
  const tearing: Handler = () =>
    NEVER.pipe(
      finalize(() => {
        throw thrown;
      }),
    );
  const server = await loopback(serve(tearing));
  const peers = [(await server.dial()).read(), (await server.dial()).read()];
  await rounds();
  server.cut();
  assert.equal(await Promise.all(peers.map(({ over }) => over)), ['reset', 'reset']);
  process.off('warning', heard);
  assert.is(warnings.length, 2);
  for (const warning of warnings) assert.match(warning, /^the teardown of a handler threw Error: thrown/);
  await gone();
});

test('the failure of the source ends what is served', async () => {
  const [server, client] = memory();
  const source = new Subject<Connection>();
  const out: unknown[] = [];
  source
    .pipe(serve(() => NEVER))
    .subscribe({ next: (outcome) => out.push(outcome), error: (error: unknown) => out.push(error) });
  source.next(server);
  source.error(thrown);
  assert.equal(out, [thrown]);
  const failure: unknown = await lastValueFrom(client.reads, { defaultValue: null }).catch((error: unknown) => error);
  assert.instance(failure, ConnectionReset);
});

test('who is slow with the outcomes holds up nobody who is being served', async () => {
  const server = await loopback((connections) =>
    connections.pipe(
      serve((reads) => reads),
      mapAsync(1, () => new Promise<Outcome>(() => {})),
    ),
  );
  const stays = (await server.dial()).read();
  stays.send('1');
  await stays.heard(1);
  for (let made = 0; made < 40; made++) {
    const peer = server.knock().read();
    peer.end();
    await rounds(1);
  }
  stays.send('2');
  assert.is(await stays.heard(2), '12');
  server.cut();
  await stays.over;
});

// ── abuse ─────────────────────────────────────────────────────────────────────────────────────────────────────────

test('peers that ask and never read are not read from, cost little, and are closed after the write deadline', async () => {
  const gone = assertNoLeaks();
  const clock = new ManualClock();
  const accepted: Connection[] = [];
  const server = await loopback(
    (connections) =>
      connections.pipe(
        tap((connection) => accepted.push(connection)),
        serve((reads) => reads),
      ),
    { scheduler: clock },
  );
  const greedy: StreamPeer[] = [];
  const question = new Uint8Array(64 * 1024);
  for (let made = 0; made < 8; made++) {
    const peer = await server.dial();
    greedy.push(peer);
    for (let asked = 0; asked < 400; asked++) peer.send(question);
  }
  const sum = (what: (connection: Connection) => number): number =>
    accepted.reduce((total, one) => total + what(one), 0);
  await quiet(() => sum(({ statistics }) => statistics.bytesIn));
  assert.ok(sum(({ statistics }) => statistics.bytesIn) < 8 * 8 * 1024 * 1024);
  assert.ok(Math.max(...accepted.map(({ statistics }) => statistics.buffered)) <= 256 * 1024);
  const asked = performance.now();
  assert.is(await ask(await server.dial(), 'me too'), 'me too');
  assert.ok(performance.now() - asked < 1_000);
  clock.advance(30_000);
  await quiet(() => server.out.length);
  assert.equal(
    reasons(server.out).toSorted(),
    ['finished', ...Array.from({ length: 8 }, () => 'WriteStalled')].toSorted(),
  );
  for (const peer of greedy) peer.stream.destroy();
  await server.stop();
  await gone();
});

test('500 who connect and say nothing are closed after the first-byte deadline', async () => {
  const gone = assertNoLeaks();
  const clock = new ManualClock();
  const server = await loopback(serve(firstByteDeadline(10_000, clock)), { scheduler: clock });
  const silent: StreamPeer[] = [];
  for (let made = 0; made < 500; made += 50)
    silent.push(...(await Promise.all(Array.from({ length: 50 }, () => server.dial()))));
  const talker = await server.dial();
  talker.read().send('hello');
  await talker.heard(5);
  clock.advance(10_000);
  clock.advance(0);
  for (const peer of silent) peer.read().end();
  assert.ok((await Promise.all(silent.map(({ over }) => over))).every((over) => over === 'end'));
  talker.end();
  const outcomes = reasons(await server.stop());
  assert.is(outcomes.filter((reason) => reason === 'PeerSilent').length, 500);
  assert.is(outcomes.filter((reason) => reason === 'finished').length, 1);
  await gone();
});

test('a peer that has vanished is given up by the idle time, and gone a second later', async () => {
  const gone = assertNoLeaks();
  const clock = new ManualClock();
  const server = await loopback(serve(failIfIdle(5_000, clock)), { scheduler: clock });
  // It answers nothing any more: no byte, no end, no reset.
  const vanished = await server.dial();
  vanished.send('last words');
  await rounds();
  clock.advance(5_001);
  clock.advance(1);
  await rounds();
  assert.equal(server.out, []);
  clock.advance(1_001);
  clock.advance(1);
  assert.equal(reasons(await server.stop()), ['PeerIdle']);
  vanished.stream.destroy();
  await gone();
});

test('all answers come before the end, from slow handlers to slow readers', async () => {
  const server = await loopback(
    serve((reads) =>
      reads.pipe(
        frameLines(),
        concatMap((line) => timer(2).pipe(map(() => new Uint8Array(100_000).fill(line[0] ?? 0)))),
      ),
    ),
  );
  const peer = await server.dial();
  peer.send('a\nb\nc\nd\ne\n');
  peer.end();
  await rounds(20);
  peer.read();
  assert.is(await peer.over, 'end');
  assert.is(peer.text.length, 500_000);
  assert.is(peer.text.replace(/(.)\1+/g, '$1'), 'abcde');
  assert.equal(reasons(await server.stop()), ['finished']);
});

test('NUL, a lone CR and bad UTF-8 are ordinary bytes, or the error of that connection alone', async () => {
  const server = await loopback(
    serve((reads) =>
      reads.pipe(
        frameLines(),
        decodeOr(text, 'end'),
        map((said) => `you said ${JSON.stringify(said)}\n`),
        encodeWith(text),
      ),
    ),
  );
  const well = (await server.dial()).read();
  well.send('a\0b\rc\n');
  assert.is(await well.heard(22), 'you said "a\\u0000b\\rc"\n');
  assert.is(await ask(await server.dial(), 'x\n\xff\xfe\ny\n'), 'you said "x"\n');
  well.send('d\n');
  assert.match(await well.heard(35), /"d"\n$/);
  well.end();
  assert.equal(reasons(await server.stop()).toSorted(), ['InvalidMessage', 'finished']);
});

test.run();
