import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as realWait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip, gzipSync } from 'node:zlib';
import {
  NEVER,
  type Observable,
  Subject,
  asapScheduler,
  asyncScheduler,
  concatMap,
  config,
  finalize,
  from,
  ignoreElements,
  interval,
  lastValueFrom,
  map,
  merge,
  mergeMap,
  pipe,
  queueScheduler,
  takeUntil,
  tap,
  timer,
} from 'rxjs';
import * as assert from 'uvu/assert';
import { endLines, frameLines, mapAsync, protocol, serve as serving } from '../operators/index.js';
import * as ix from '../operators/ix/index.js';
import { type Handler, line, text } from '../src/index.js';
import { type Story, StoryFailed, marbles } from '../src/testing/index.js';
import { failure } from './kit/story.js';
import { suite } from './kit/suite.js';

const test = suite('marbles for whole servers');

const echo: Handler = (bytes) => bytes;

const chat = protocol({
  name: 'chat',
  framing: line(4_096),
  message: text,
  keepAlive: { interval: 10_000, hold: 15_000, probe: 'ping', isKeepAlive: (said) => said === 'pong' },
  session: map((said) => said.toUpperCase()),
});

// ── rows ────────────────────────────────────────────────────────────────────────────────────────────────────────────

test(
  'echo',
  marbles(({ serve, client, expectReceived, expectOpened, expectOutcomes }) => {
    serve(echo);
    client('ann', '        --a--b--|', { a: 'hi', b: 'ho' });
    client('bob', '        -^--(ab)----|', { a: 'hey ', b: new Uint8Array([0xff]) });
    expectOpened('          ab', { a: 'ann', b: 'bob' });
    expectReceived('ann', '--a--b--|', { a: 'hi', b: 'ho' });
    expectReceived('bob', '----a----|', { a: Buffer.concat([Buffer.from('hey '), Buffer.from([0xff])]) });
    expectOutcomes('        --------ab', { a: 'ann finished', b: 'bob finished' });
  }),
);

/** The first example of the design, word for word. */
const room = protocol({
  name: 'chat',
  framing: line(4_096),
  message: text,
  keepAlive: { interval: 10_000, hold: 15_000, probe: 'ping', isKeepAlive: (said) => said === 'pong' },
  session: (messages, peer) =>
    messages.pipe(
      tap((said) => peer.broadcast(said)),
      ignoreElements(),
    ),
});

test(
  'a silent client is hung up on after the hold time',
  marbles(async ({ serve, client, expectClosed }) => {
    serve(room);
    client('ann', '  a 10s b 20s', { a: 'hi\n', b: 'ho\n' });
    expectClosed('ann', '25001ms x', { x: 'PeerIdle' });
  }),
);

test(
  'keep-alives between answers',
  marbles(({ serve, client, expectReceived, expectClosed }) => {
    serve(chat);
    client('ann', '          a 10s b 20s', { a: 'hi\n', b: 'ho\n' });
    expectReceived('ann', '  a 9999ms p b 9999ms p 4999ms |', { a: 'HI\n', b: 'HO\n', p: 'ping\n' });
    expectClosed('ann', '25001ms x', { x: 'PeerIdle' });
  }),
);

test(
  'a half-close is served, and a reset is told from an end',
  marbles(({ serve, client, expectReceived, expectClosed }) => {
    serve((bytes) => bytes.pipe(concatMap((chunk) => timer(5).pipe(map(() => chunk)))));
    client('ann', '        a|');
    expectReceived('ann', '-----(a|)');
    expectClosed('ann', '  -----x', { x: 'finished' });
    client('bob', '        a-#');
    expectClosed('bob', '  --x', { x: 'ConnectionReset' });
  }),
);

test(
  'who does not read is told later',
  marbles(({ serve, client, expectReceived, expectClosed }) => {
    serve(echo);
    client('ann', '        <a-b-->-|');
    expectReceived('ann', '------a-|', { a: 'ab' });
    expectClosed('ann', '  --------x', { x: 'finished' });
  }),
);

test(
  'a frame and an end in one millisecond, and values of any kind',
  marbles(async ({ serve, client, hot, pass, expectReceived, expectClosed, expectObservable }) => {
    serve(echo);
    client('ann', '        -(a|)', { a: [Buffer.from('one\n'), 'two\n'] });
    expectReceived('ann', '-(ab|)', { a: 'one', b: Buffer.from('two') }, line());
    expectClosed('ann', '  -x', { x: 'finished' });
    expectObservable(hot('  -a').pipe(map(() => [{ payload: Buffer.from('x') }]))).toBe('-a', {
      a: [{ payload: Uint8Array.of(0x78) }],
    });
    await pass('1s');
    expectObservable(hot('  -a')).toBe('1s -a');
  }),
);

test(
  'a server that is over has let go of its clients, and reports nothing of them',
  marbles(({ serveWith, client, expectReceived }) => {
    serveWith((connections) =>
      connections.pipe(
        serving(() => NEVER),
        takeUntil(timer(5)),
      ),
    );
    client('ann', '        ^');
    expectReceived('ann', '-----#');
  }),
);

test(
  'what comes as frames',
  marbles(({ serve, client, expectReceived, expectOpen }) => {
    serve(echo);
    client('ann', '        -a--b-', { a: 'one\ntw', b: 'o\n' });
    expectReceived('ann', '-a--b-', { a: 'one', b: 'two' }, line());
    expectOpen('ann');
  }),
);

test(
  "RxJS's own helpers, and what the server tells",
  marbles(({ serve, client, hot, cold, time, expectObservable, expectSubscriptions, expectReceived, expectClosed }) => {
    const said = new Subject<string>();
    const news = hot('  ---n-----');
    const greeting = cold('-g|');
    serve((bytes) =>
      merge(bytes.pipe(tap((chunk) => said.next(String.fromCharCode(...chunk)))), greeting, news).pipe(
        map((each) => (typeof each === 'string' ? new TextEncoder().encode(each) : each)),
      ),
    );
    client('ann', '         a----#');
    expectReceived('ann', ' ag-n-');
    expectClosed('ann', '   -----x', { x: 'ConnectionReset' });
    expectObservable(said).toBe('a-----');
    expectSubscriptions(news.subscriptions).toBe('^----!');
    expectSubscriptions(greeting.subscriptions).toBe('^-!');
    assert.is(time('-- 10s |'), 10_002);
  }),
);

// ── promises ────────────────────────────────────────────────────────────────────────────────────────────────────────

const fiftyAwaits = async <A>(value: A): Promise<A> => {
  for (let step = 0; step < 50; step++) await Promise.resolve();
  return value;
};

async function* twice(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const each of bytes) {
    yield each;
    await fiftyAwaits(null);
    yield each;
  }
}

const answering = (handler: Handler, diagram: string, answer: string) =>
  marbles(({ serve, client, expectReceived, expectClosed }: Story) => {
    serve(handler);
    client('ann', '--a--|', { a: 'hi\nho\n' });
    expectReceived('ann', diagram, { a: answer });
    expectClosed('ann', '-----x', { x: 'finished' });
  });

test(
  'fifty awaits take no time',
  answering((bytes) => bytes.pipe(frameLines(), mapAsync(1, fiftyAwaits), endLines()), '--a--|', 'hi\nho\n'),
);

test(
  'nor do ticks, microtasks, and chance made on the spot',
  answering(
    (bytes) =>
      bytes.pipe(
        concatMap(async (chunk) => {
          await new Promise<void>((done) => process.nextTick(done));
          await new Promise<void>((done) => queueMicrotask(done));
          await import('node:fs');
          randomBytes(8);
          gzipSync('on the spot');
          clearTimeout(setTimeout(() => {}, 1));
          return chunk;
        }),
      ),
    '--a--|',
    'hi\nho\n',
  ),
);

test(
  "RxJS's timers take the time that they say",
  answering(
    (bytes) => bytes.pipe(concatMap(async (chunk) => (await lastValueFrom(timer(2)), fiftyAwaits(chunk)))),
    '----a|',
    'hi\nho\n',
  ),
);

test(
  'pull pipelines',
  marbles(({ serveWith, client, expectReceived, expectClosed }) => {
    serveWith(
      pipe(
        ix.toAsyncIterable(),
        ix.serve((bytes) => ix.frameLines()(twice(bytes))),
        (outcomes) => from(outcomes),
      ),
    );
    client('ann', '        --a--|', { a: 'hi\n' });
    expectReceived('ann', '--a--|', { a: 'hihi' });
    expectClosed('ann', '  -----x', { x: 'finished' });
  }),
);

test(
  "RxJS's schedulers do at once what they do at once, and a part of a millisecond is one",
  marbles(async ({ pass }) => {
    const log: string[] = [];
    queueScheduler.schedule(() => log.push('queue'));
    asapScheduler.schedule(() => log.push('asap'));
    asapScheduler.schedule(() => log.push(`asap ${performance.now()}`), 2);
    timer(0.5).subscribe(() => log.push(`timer ${performance.now()}`));
    log.push('here');
    await Promise.resolve();
    log.push('there');
    await pass('5ms');
    assert.equal(log, ['queue', 'here', 'asap', 'there', 'timer 1', 'asap 2']);
  }),
);

test(
  'the story lets time pass, and clocks are on its time',
  marbles(async ({ pass }) => {
    const start = Date.now();
    assert.is(new Date().toISOString(), '2000-01-01T00:00:00.000Z');
    assert.instance(new Date(), Date);
    await pass('10s');
    assert.is(Date.now() - start, 10_000);
    assert.is(new Date().getTime() - start, 10_000);
    assert.is(performance.now(), 10_000);
    assert.is(asyncScheduler.now(), 10_000);
    await pass('--');
    assert.is(performance.now(), 10_002);
  }),
);

// ── what fails ──────────────────────────────────────────────────────────────────────────────────────────────────────

const wrong = (title: string, story: (story: Story) => void | Promise<void>, message: string): void => {
  test(title, async () => {
    assert.is(await failure(story), message);
  });
};

wrong(
  'a row that differs is shown under what was expected',
  ({ serve, client, expectReceived, expectClosed }) => {
    serve(echo);
    client('ann', '        --a--b--|', { a: 'hi', b: 'ho' });
    expectReceived('ann', '--a---b-|', { a: 'hi', b: 'hu' });
    expectClosed('ann', '  --------x', { x: 'PeerIdle' });
  },
  `received by ann: the rows differ at 5ms
  was       --a--?--|
  expected  --a---b-|
                 ^
  was       ? = "ho"  hex 68 6f  at 5ms
  expected  b = "hu"  hex 68 75  at 6ms

end of ann: the rows differ at 8ms
  was       --------?
  expected  --------x
                    ^
  was       ? = "finished"  at 8ms
  expected  x = "PeerIdle"  at 8ms`,
);

wrong(
  'also what is missing, or too much',
  ({ serve, client, expectReceived, expectOpen }) => {
    serve(echo);
    client('ann', '        a 10s b');
    expectReceived('ann', 'a');
    expectOpen('ann');
    client('bob', '        -');
    expectReceived('bob', '--#');
    expectOpen('bob');
  },
  `received by ann: the rows differ at 10001ms
  was       a 10s ?
  expected  a 10s -
                  ^
  was       ? = "b"  hex 62  at 10001ms
  expected  nothing

received by bob: the rows differ at 2ms
  was       ---
  expected  --#
              ^
  was       nothing
  expected  # (reset)  at 2ms`,
);

wrong(
  'of long bytes, what differs',
  ({ serve, client, expectReceived, expectOpen }) => {
    serve(echo);
    client('ann', '-a', { a: 'x'.repeat(1_000) });
    expectReceived('ann', '-a', { a: `${'x'.repeat(900)}y${'x'.repeat(99)}` });
    expectOpen('ann');
  },
  `received by ann: the rows differ at 1ms
  was       -?
  expected  -a
             ^
  was       ? = "${'x'.repeat(48)}"  hex ${'78 '.repeat(48)} (bytes 884 to 932 of 1000)  at 1ms
  expected  a = "${'x'.repeat(16)}y${'x'.repeat(31)}"  hex ${'78 '.repeat(16)}79 ${'78 '.repeat(31)} (bytes 884 to 932 of 1000)  at 1ms`,
);

wrong(
  'a frame that is not whole',
  ({ serve, client, expectReceived, expectOpen }) => {
    serve(echo);
    client('ann', '        -a-', { a: 'one\ntw' });
    expectReceived('ann', '-a-', { a: 'one' }, line());
    expectOpen('ann');
  },
  `received by ann: the rows differ at 1ms
  was       -(a?)
  expected  -a
             ^
  was       ? = TruncatedFrame: the stream ended 2 bytes into a frame (frame at byte 4 of the stream)  at 1ms
  expected  nothing`,
);

wrong(
  'an observable that differs',
  ({ hot, expectObservable, expectSubscriptions }) => {
    const letters = hot('                                         a-b-c-|');
    expectObservable(letters.pipe(map((letter) => ({ letter })))).toBe('a-b-d-|', {
      a: { letter: 'a' },
      b: { letter: 'b' },
      d: { letter: 'd' },
    });
    expectSubscriptions(letters.subscriptions).toBe('             ^----!');
  },
  `observable: the rows differ at 4ms
  was       a-b-?-|
  expected  a-b-c-|
                ^
  was       ? = { letter: 'c' }  at 4ms
  expected  c = { letter: 'd' }  at 4ms

subscriptions: the rows differ at 5ms
  was       ^-----!
  expected  ^----!-
                 ^
  was       ! (end)  at 6ms
  expected  ! (end)  at 5ms`,
);

wrong(
  'what is not asserted',
  ({ serve, client, cold, expectObservable, expectSubscriptions }) => {
    serve(echo);
    client('ann', '--a-a--|');
    const letters = cold('a|');
    expectObservable(letters);
    expectSubscriptions(letters.subscriptions);
  },
  `what ann received is not asserted (expectReceived)
  was  --?-?--|
       "a"  hex 61
       "a"  hex 61

how ann's connection ended is not asserted (expectClosed)
  was  -------?
       "finished"

expectObservable asserts nothing: it wants a toBe

expectSubscriptions asserts nothing: it wants a toBe`,
);

wrong(
  'connections that are left open',
  ({ serve, client, expectOpen, expectClosed }) => {
    serve((bytes) => merge(bytes, NEVER));
    client('ann', '---');
    client('bob', '-|');
    client('cyd', '-#');
    expectClosed('cyd', '-x', { x: 'ConnectionReset' });
    expectOpen('cyd');
  },
  `ann is left connected: end it (|), or say expectOpen('ann')

bob is left connected: end it (|), or say expectOpen('bob')

cyd is not connected at the end, and expectOpen says that it is`,
);

wrong(
  'a handler that goes on when its client has gone',
  ({ serve, client }) => {
    serve(() => NEVER);
    client('ann', '-#');
  },
  "ann has gone, and the server's connection to it is left open: its handler goes on",
);

wrong(
  'timers and subscriptions that are left',
  ({ serve, client, hot, expectOpen }) => {
    const news = hot('a--b--');
    serve((bytes) => {
      interval(1_000).subscribe();
      news.subscribe();
      return bytes;
    });
    client('ann', '--^');
    expectOpen('ann');
  },
  `a timer is left, to go off at 1002ms, made at testing-marbles.test.ts

hot('a--b--') is left subscribed to, since 2ms`,
);

const REAL_TIMER = "a timer of Node's (setTimeout, setInterval, timers/promises; RxJS's timer runs in virtual time)";

const reals: readonly (readonly [string, () => unknown, string])[] = [
  ['setTimeout', () => realWait(5), REAL_TIMER],
  ['setImmediate', () => new Promise((done) => setImmediate(done)), 'setImmediate'],
  [
    'setImmediate, some awaits later',
    async () => (await fiftyAwaits(null), new Promise((done) => setImmediate(done))),
    'setImmediate',
  ],
  ['a file', () => readFile(new URL(import.meta.url)), 'a file'],
  [
    'a socket',
    () =>
      new Promise((done) =>
        createServer()
          .listen(0, () => done(null))
          .unref(),
      ),
    'a port that is listened on',
  ],
  ['compression', () => promisify(gzip)('later'), 'compression in another thread'],
  ['chance from another thread', () => new Promise((done) => randomBytes(8, done)), 'cryptography in another thread'],
];

for (const [title, wait, name] of reals) {
  wrong(
    `waiting for something real: ${title}`,
    ({ serve, client }) => {
      serve((bytes) => bytes.pipe(mergeMap(async (chunk) => (await wait(), chunk))));
      client('ann', '--a 1s |');
    },
    `at 2ms the story waits for something real, which does not come in virtual time:\n  ${name} at testing-marbles.test.ts`,
  );
}

const STUCK = "the story awaits something that does not come while time stands still: await pass('10s') lets time pass";

wrong('a story that waits for what time has to bring', async () => void (await lastValueFrom(timer(5))), STUCK);
wrong('a story that waits for nothing', () => new Promise(() => {}), STUCK);

wrong(
  'a difference, whatever goes wrong when everybody leaves',
  ({ serve, client, expectReceived, expectOpen }) => {
    serve((bytes) => bytes.pipe(finalize(() => void setImmediate(() => {}))));
    client('ann', '        -');
    expectReceived('ann', '|');
    expectOpen('ann');
  },
  `received by ann: the rows differ at 0ms
  was       -
  expected  |
            ^
  was       nothing
  expected  | (end)  at 0ms`,
);

wrong(
  'probes that are not always the same are a row like any other',
  ({ serve, client, expectOpen }) => {
    serve(
      protocol({
        ...chat.options,
        keepAlive: { interval: 5, hold: 0, probe: () => 'p', isKeepAlive: () => false },
      }),
    );
    client('ann', '------');
    expectOpen('ann');
  },
  `what ann received is not asserted (expectReceived)
  was  -----?
       "p\\n"  hex 70 0a`,
);

wrong(
  'timers without end',
  async ({ pass }) => {
    interval(0).subscribe();
    await pass('-');
  },
  'at 0ms time stands still: 100000 timers went off, the last one made at testing-marbles.test.ts',
);

wrong(
  'what is thrown where nobody listens',
  () => {
    timer(5).subscribe(() => {
      throw new Error('in next');
    });
    return undefined;
  },
  'a timer is left, to go off at 5ms, made at testing-marbles.test.ts',
);

wrong(
  'the same, once it is thrown',
  async ({ pass }) => {
    timer(5).subscribe(() => {
      throw new Error('in next');
    });
    await pass('10ms');
  },
  'in next',
);

const mistakes: readonly (readonly [string, (story: Story) => void | Promise<void>, string])[] = [
  ['nobody serves', ({ client }) => client('ann', '-'), 'ann connects, and nobody serves: call serve first'],
  [
    'two servers',
    ({ serve }) => {
      serve(echo);
      serve(echo);
    },
    'a story has one server: serve or start was called before',
  ],
  ['an unknown client', ({ expectOpen }) => expectOpen('ann'), 'the story has no client ann; it has none'],
  [
    'the same client twice',
    ({ client }) => {
      client('ann', '-');
      client('ann', '-');
    },
    'the story has a client ann already',
  ],
  ['too early', ({ client }) => client('ann', '-a^'), 'ann cannot do a before it has connected (^)'],
  ['twice', ({ client }) => client('ann', '^-^'), 'ann connects twice (^): the second time, let it be another client'],
  [
    'two passes at once',
    async ({ pass }) => void (await Promise.all([pass('1s'), pass('1s')])),
    'time passes already: await one pass before the next',
  ],
  [
    'no bytes',
    ({ serve, client }) => {
      serve(echo);
      client('ann', 'a', { a: 1 });
    },
    'a client sends bytes, a text or a list of them, got 1',
  ],
];

for (const [title, story, message] of mistakes) wrong(`a mistake of the story: ${title}`, story, message);

// ── what a story leaves behind ──────────────────────────────────────────────────────────────────────────────────────

const clocks = (): unknown[] => [
  globalThis.Date,
  Object.getOwnPropertyDescriptor(Date, 'now'),
  Object.getOwnPropertyDescriptor(performance, 'now'),
  Object.getOwnPropertyDescriptors(asyncScheduler),
  config.onUnhandledError,
];

test('nothing is left behind, however a story ends', async () => {
  const before = clocks();
  const stories: (() => Promise<void>)[] = [
    marbles(() => {}),
    marbles(({ serve, client }) => {
      serve(echo);
      client('ann', '-');
    }),
    marbles(() => {
      throw new Error('mine');
    }),
    marbles(() => new Promise(() => {})),
  ];
  const ends: string[] = [];
  for (const story of stories) {
    ends.push(
      await story().then(
        () => 'well',
        (error: Error) => error.name,
      ),
    );
    assert.equal(clocks(), before);
    assert.is(globalThis.Date, before[0]);
  }
  assert.equal(ends, ['well', 'StoryFailed', 'Error', 'StoryFailed']);
});

test('two stories at once are refused, and the first goes on', async () => {
  const story = marbles(async ({ pass }) => pass('1h'));
  const first = story();
  const second = await story().catch((error: Error) => error.message);
  await first;
  assert.is(second, 'another story is being told in this process: they change its clock, so tell them one at a time');
  await story();
});

test('a failure is a StoryFailed', async () => {
  const error: unknown = await marbles(({ client }) => client('ann', '-'))().catch((reason: unknown) => reason);
  assert.instance(error, StoryFailed);
});

test('options are checked where they are given', () => {
  assert.throws(() => marbles(() => {}, { split: 0 }), 'split must be a whole number from 1');
  assert.throws(() => marbles(() => {}, { latency: -1 }), 'latency must be a whole number from 0');
  assert.throws(() => marbles('story' as never), 'story must be a function, got "story"');
});

// ── long, and the same ──────────────────────────────────────────────────────────────────────────────────────────────

test('24 hours of keep-alives every 10 s', async () => {
  const count = { sent: 0, received: 0, pending: 0, expired: 0 };
  const kept = protocol({
    ...chat.options,
    keepAlive: {
      interval: 10_000,
      probe: 'ping',
      isKeepAlive: (said) => said === 'pong',
      onEvent: (event) => void count[event]++,
    },
  });
  const day = 8_640;
  const started = performance.now();
  await marbles(({ serve, client, expectReceived, expectClosed }) => {
    serve(kept);
    client('ann', `p${' 9999ms p'.repeat(day)}|`, { p: 'pong\n' });
    expectReceived('ann', ` 10s p${' 9999ms p'.repeat(day - 1)}|`, {
      p: 'ping\n',
    });
    expectClosed('ann', '24h -x', { x: 'finished' });
  })();
  console.log(`24 hours took ${Math.round(performance.now() - started)} ms`);
  assert.equal(count, { sent: day, received: day + 1, pending: day, expired: 0 });
});

/** All that a server sees and says, with the times. */
const recorded = async (seed: number): Promise<string[]> => {
  const log: string[] = [];
  const note = (what: string): void => void log.push(`${Date.now()} ${performance.now()} ${what}`);
  const recording =
    (name: string) =>
    <A>(source: Observable<A>): Observable<A> =>
      source.pipe(tap((value) => note(`${name} ${String(value)}`)));
  log.push(
    await failure(
      ({ serve, client, expectReceived }) => {
        serve((bytes, connection) =>
          bytes.pipe(
            recording(`${connection.id} ${connection.peer} heard`),
            mergeMap(async (chunk) => {
              await fiftyAwaits(null);
              await lastValueFrom(timer(chunk.length));
              return chunk;
            }),
            recording(`${connection.id} says`),
          ),
        );
        client('ann', '--a--a--|', { a: 'the quick brown fox jumps over the lazy dog' });
        client('bob', '--a--a--#', { a: 'the quick brown fox jumps over the lazy dog' });
        for (const name of ['ann', 'bob']) expectReceived(name, '-');
      },
      { split: 'random', seed, latency: 3, bandwidth: 20_000 },
    ),
  );
  return log;
};

test('the same story is the same, also when chance splits it', async () => {
  const [first, second, other] = [await recorded(7), await recorded(7), await recorded(8)];
  assert.ok((first?.length ?? 0) > 30, 'much was recorded');
  assert.equal(first, second);
  assert.is.not(first?.join('\n').replaceAll('seed 7', ''), other?.join('\n').replaceAll('seed 8', ''));
  assert.match(first?.at(-1) ?? '', /network: split random, seed 7, latency 3, bandwidth 20000$/);
});

test.run();
