import { NEVER, type Observable, concatMap, ignoreElements, map, merge, of, tap, timer } from 'rxjs';
import * as assert from 'uvu/assert';
import { endLines, frameLines } from '../operators/index.js';
import type { Handler } from '../src/index.js';
import { everySplit, marbles } from '../src/testing/index.js';
import { failure } from './kit/story.js';
import { suite } from './kit/suite.js';

const test = suite('the network of a story');

const echo: Handler = (bytes) => bytes;

/** Puts a full stop behind each chunk, so that one can see how the bytes came. */
const chunks: Handler = (bytes) => bytes.pipe(map((chunk) => Buffer.concat([chunk, Buffer.from('.')])));

test(
  'latency: a connection, a byte, an end and a reset take as long',
  marbles(
    ({ serve, client, expectOpened, expectReceived, expectClosed }) => {
      serve(echo);
      client('ann', '  -^-a-|');
      client('bob', '  -^---#');
      expectOpened('  ----(ab)', { a: 'ann', b: 'bob' });
      expectReceived('ann', '---------a-|');
      expectClosed('ann', '  --------x', { x: 'finished' });
      expectClosed('bob', '  --------x', { x: 'ConnectionReset' });
    },
    { latency: 3 },
  ),
);

test(
  'split: so many bytes come at once',
  marbles(
    ({ serve, client, expectReceived, expectOpen }) => {
      serve(chunks);
      client('ann', '        -a', { a: 'hello' });
      expectReceived('ann', '-a', { a: 'he.ll.o.' });
      expectOpen('ann');
      client('bob', '        -a', { a: 'hello' }, { split: 1 });
      expectReceived('bob', '-a', { a: 'h.e.l.l.o.' });
      expectOpen('bob');
    },
    { split: 2 },
  ),
);

test(
  'what is written comes apart, unless it is joined',
  marbles(({ serve, client, expectReceived, expectOpen }) => {
    serve(chunks);
    client('ann', '        -(abc)');
    expectReceived('ann', '-a', { a: 'a.b.c.' });
    expectOpen('ann');
    client('bob', '        -(abc)-d', {}, { coalesce: true });
    expectReceived('bob', '-a-b', { a: 'abc.', b: 'd.' });
    expectOpen('bob');
    client('cyd', '        -(abc)', {}, { coalesce: true, split: 2 });
    expectReceived('cyd', '-a', { a: 'ab.c.' });
    expectOpen('cyd');
  }),
);

test(
  'between two pieces, microtasks run dry',
  marbles(
    ({ serve, client, expectReceived, expectOpen }) => {
      const log: string[] = [];
      serve((bytes) =>
        bytes.pipe(
          tap(() => {
            log.push('came');
            void Promise.resolve()
              .then(() => Promise.resolve())
              .then(() => log.push('followed'));
          }),
          tap(() => assert.is(log.join(' '), 'came followed '.repeat(20).slice(0, log.join(' ').length))),
        ),
      );
      client('ann', '        -a', { a: 'abc' });
      expectReceived('ann', '-a', { a: 'abc' });
      expectOpen('ann');
    },
    { split: 1 },
  ),
);

test(
  'bandwidth: bytes trickle, each way',
  marbles(
    ({ serve, client, expectReceived, expectClosed }) => {
      serve(chunks);
      client('ann', '        a------|', { a: 'hello' });
      // 2 bytes a millisecond to the server: he, ll, o. Each answer has a byte more.
      expectReceived('ann', '--ABCD-|', { A: 'he', B: '.l', C: 'l.', D: 'o.' });
      expectClosed('ann', '  -------x', { x: 'finished' });
    },
    { bandwidth: 2_000 },
  ),
);

test(
  'bandwidth: a slow line, however it is written to',
  marbles(({ serve, client, expectReceived, expectOpen }) => {
    serve(echo);
    client('ann', '        (aaaaaaaaaa)', { a: 'x'.repeat(100) }, { bandwidth: undefined as never });
    expectReceived('ann', 'a', { a: 'x'.repeat(1_000) });
    expectOpen('ann');
    client('bob', '        (abc)', {}, { bandwidth: 1 });
    expectReceived('bob', '2s a 999ms b 999ms c', {});
    expectOpen('bob');
  }, {}),
);

/** Says `size` bytes each millisecond, for as long as it is let. */
const talkative =
  (size: number): Handler =>
  () =>
    merge(timer(1, 1).pipe(map(() => new Uint8Array(size))), NEVER) as Observable<Uint8Array>;

test(
  'window: a client that does not read is full, and given up after the write deadline',
  marbles(
    ({ serve, client, expectReceived, expectClosed }) => {
      serve(talkative(64));
      client('ann', '<');
      expectReceived('ann', '-');
      // 256 bytes are there after 4 ms.
      expectClosed('ann', '104ms x', { x: 'WriteStalled' });
    },
    { window: 256, connection: { writeDeadline: 100, writeLimit: 1e6 } },
  ),
);

test(
  'window: one that reads again has all of it',
  marbles(
    ({ serve, client, expectReceived, expectClosed }) => {
      const large = new Uint8Array(200_000).fill(0x61);
      serve((bytes) => bytes.pipe(concatMap(() => of(large))));
      client('ann', '        <a---->-|');
      expectReceived('ann', '------A-|', { A: large });
      expectClosed('ann', '  --------x', { x: 'finished' });
    },
    { window: 1_000 },
  ),
);

test(
  'a reset behind so many bytes: they still come, and both sides see it',
  marbles(
    ({ serve, client, expectReceived, expectClosed }) => {
      serve(echo);
      client('ann', '        -a--b-c|', { a: 'one', b: 'two' });
      expectReceived('ann', '-a--#', { a: 'one' });
      expectClosed('ann', '  ----x', { x: 'ConnectionReset' });
      client('bob', '        -a', { a: 'never' }, { resetAt: 0 });
      expectReceived('bob', '-#');
      expectClosed('bob', '  -x', { x: 'ConnectionReset' });
      client('cyd', '        -a', { a: '0123456789' }, { resetAt: 6, bandwidth: 2_000 });
      expectReceived('cyd', '---a(b#)', { a: '01', b: '23' });
      expectClosed('cyd', '  ----x', { x: 'ConnectionReset' });
    },
    { resetAt: 4 },
  ),
);

test('a reset overtakes what the line has not carried, and that is lost', async () => {
  let heard = '';
  await marbles(({ serve, client, expectReceived, expectClosed }) => {
    serve((bytes) => bytes.pipe(tap((chunk) => void (heard += Buffer.from(chunk).toString()))));
    client('ann', '      a--#', { a: '0123456789' }, { bandwidth: 1_000, latency: 2 });
    expectReceived('ann', '-');
    expectClosed('ann', '-----x', { x: 'ConnectionReset' });
  })();
  assert.is(heard, '012');
});

test('what had come before a reset is read, by one who reads it late', async () => {
  let heard = '';
  await marbles(({ serve, client, expectClosed }) => {
    serve((bytes) =>
      timer(10).pipe(
        concatMap(() => bytes),
        tap((chunk) => void (heard += Buffer.from(chunk).toString())),
        ignoreElements(),
      ),
    );
    client('ann', '      --(ab)--#', { a: 'one ', b: 'two' });
    expectClosed('ann', '----------x', { x: 'ConnectionReset' });
  })();
  assert.is(heard, 'one two');
});

test(
  'to close with bytes unread is a reset',
  marbles(({ serve, client, expectReceived, expectClosed }) => {
    serve(() => timer(5).pipe(map(() => Buffer.from('bye'))));
    client('ann', '--a---|');
    expectReceived('ann', '-----(b|)', { b: 'bye' });
    expectClosed('ann', '------x', { x: 'finished' });
  }),
);

// ── every split ─────────────────────────────────────────────────────────────────────────────────────────────────────

test(
  'every split gives the same rows',
  everySplit(({ serve, client, expectReceived, expectClosed }) => {
    serve((bytes) => bytes.pipe(frameLines(), endLines()));
    client('ann', '        --a--b--|', { a: 'hi\nyou', b: '\nho\n' });
    expectReceived('ann', '--a--b--|', { a: 'hi\n', b: 'you\nho\n' });
    expectClosed('ann', '  --------x', { x: 'finished' });
  }),
);

const splitFailure = async (options?: Parameters<typeof everySplit>[1]): Promise<string> => {
  try {
    await everySplit(({ serve, client, expectReceived, expectOpen }) => {
      serve(chunks);
      client('ann', '        -a', { a: 'hello' });
      expectReceived('ann', '-a', { a: 'hello.' });
      expectOpen('ann');
    }, options)();
  } catch (error) {
    return (error as Error).message;
  }
  return 'went well';
};

test('the split that gives others is named', async () => {
  assert.is(
    await splitFailure(),
    `received by ann: the rows differ at 1ms
  was       -?
  expected  -a
             ^
  was       ? = "h.e.l.l.o."  hex 68 2e 65 2e 6c 2e 6c 2e 6f 2e  at 1ms
  expected  a = "hello."  hex 68 65 6c 6c 6f 2e  at 1ms

network: split 1`,
  );
});

test('the seed of a split by chance is printed, and gives the same again', async () => {
  const story: Parameters<typeof failure>[0] = ({ serve, client, expectReceived, expectOpen }) => {
    serve(chunks);
    client('ann', '        -a', { a: 'the quick brown fox' });
    expectReceived('ann', '-a', { a: 'the quick brown fox.' });
    expectOpen('ann');
  };
  const message = await failure(story, { split: 'random' });
  assert.match(message, /\n\nnetwork: split random, seed 1$/);
  assert.is(await failure(story, { split: 'random', seed: 1 }), message);
  assert.is.not(await failure(story, { split: 'random', seed: 2 }), message.replace('seed 1', 'seed 2'));
});

test('chance has as many tries as are asked for', async () => {
  let told = 0;
  await everySplit(() => void told++, { random: 3 })();
  assert.is(told, 1 + 4 + 1 + 3);
});

test.run();
