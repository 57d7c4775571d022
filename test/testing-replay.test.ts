import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flow } from 'fp-ts/lib/function.js';
import { concat, delay, ignoreElements, map, of, tap } from 'rxjs';
import * as assert from 'uvu/assert';
import { failIfIdle } from '../operators/fail-if-idle.js';
import { frameFixed } from '../operators/frame-fixed.js';
import { heartbeat } from '../operators/heartbeat.js';
import { protocol } from '../operators/protocol.js';
import { serve } from '../operators/serve.js';
import { text } from '../src/codec/text.js';
import { line } from '../src/framing/line.js';
import type { Handled, Handler } from '../src/server/outcome.js';
import { ending } from '../src/testing/ending.js';
import { loopback } from '../src/testing/loopback.js';
import { marbles } from '../src/testing/marbles.js';
import { record } from '../src/testing/record.js';
import { type Recording, parseRecording, readRecording } from '../src/testing/recording.js';
import { replay } from '../src/testing/replay.js';
import { StoryFailed } from '../src/testing/story-failed.js';
import { raised } from './kit/raised.js';
import { suite } from './kit/suite.js';

const test = suite('replay');
const folder = mkdtempSync(join(tmpdir(), 'sluice-replay-'));
test.after(() => rmSync(folder, { recursive: true }));

const echo: Handler = (bytes) => bytes;
const beat: Uint8Array = Buffer.from('beat');

const chat = (): Handled =>
  protocol({
    name: 'chat',
    framing: line(),
    message: text,
    session: (lines, peer) =>
      concat(
        of(`welcome, ${peer.name}`),
        lines.pipe(
          tap((said) => peer.broadcast(`${peer.name}: ${said}`)),
          ignoreElements(),
        ),
      ),
  });

/** What is wrong with a story in which a recording is replayed to a handler; nothing when all is as it was. */
const wrongWith = async (
  recording: Recording | string,
  handler: Handler | Handled,
  options?: { readonly client: number },
): Promise<string> => {
  try {
    await marbles((story) => {
      story.serve(handler);
      replay(recording, story, options);
    })();
    return '';
  } catch (error) {
    if (error instanceof StoryFailed) return error.message;
    throw error;
  }
};

const base64 = (said: string): string => Buffer.from(said).toString('base64');

/** A recording of these happenings. */
const recordingOf = (...happenings: readonly object[]): Recording =>
  parseRecording(
    [{ sluice: 'recording', version: 1, startedAt: '2026-11-05T12:00:00.000Z' }, ...happenings]
      .map((one) => `${JSON.stringify(one)}\n`)
      .join(''),
  );

const opened = (at: number, id = 1, peer = 'ann'): object => ({ at, id, type: 'open', peer, local: 'here' });
const came = (at: number, said: string, id = 1): object => ({ at, id, type: 'in', bytes: base64(said) });
const went = (at: number, said: string, id = 1): object => ({ at, id, type: 'out', bytes: base64(said) });
const then = (at: number, type: string, id = 1): object => ({ at, id, type });
const closed = (at: number, how?: string, id = 1): object => ({ at, id, type: 'closed', how });

test('an echo over real sockets is replayed without one', async () => {
  const path = join(folder, 'echo.jsonl');
  const server = await loopback({ serving: flow(record(path), serve(echo)) });
  const [ann, bob] = [await server.dial(), await server.dial()];
  await ann.send('hello').heard(5);
  await bob.send(Uint8Array.of(0, 255, 10)).heard(3);
  ann.end(' and goodbye');
  await ann.heard(/goodbye$/);
  bob.reset();
  assert.equal((await server.stop()).map(ending), ['finished', 'ConnectionReset']);

  assert.is(await wrongWith(path, echo), '');
  assert.match(
    await wrongWith(path, (bytes) => bytes.pipe(map((chunk) => (chunk.length === 5 ? Buffer.from('Hello') : chunk)))),
    /^received by 127\.0\.0\.1:\d+ differs\n {2}was {7}"Hello and goodbye" .*\n {2}expected {2}"hello and goodbye" /,
  );
  assert.match(
    await wrongWith(path, frameFixed(17)),
    /^received by \S+ differs[^]*end of 127\.0\.0\.1:\d+ differs|received by \S+ differs/,
  );
});

test('a chat, with what each of them hears of the others', async () => {
  const path = join(folder, 'chat.jsonl');
  const server = await loopback({ serving: flow(record(path), serve(chat())) });
  const guests = [await server.dial(), await server.dial(), await server.dial()];
  await Promise.all(guests.map((guest) => guest.heard(/welcome, .*\n/)));
  for (let said = 0; said < 60; said++) {
    guests[said % 3]?.send(`line ${said}\n`);
    // Each line has reached the others before the next is said.
    // oxlint-disable-next-line no-await-in-loop
    await guests[(said + 1) % 3]?.heard(new RegExp(`: line ${said}\n`));
  }
  guests[0]?.end();
  await guests[0]?.over;
  await server.stop();

  const recording = readRecording(path);
  assert.is(recording.happenings.filter(({ type }) => type === 'in').length, 60);
  assert.is(await wrongWith(recording, chat()), '');
  assert.match(await wrongWith(recording, echo), /received by 127\.0\.0\.1:\d+ differs/);
});

test('clients do what they did when they did it', async () => {
  const recording = recordingOf(
    opened(3.2),
    came(10_005.1, 'a'),
    went(10_006, 'a'),
    then(20_000, 'in-end'),
    then(20_001, 'out-end'),
    closed(20_001, 'finished'),
  );
  await marbles((story) => {
    story.serve(echo);
    replay(recording, story);
    story.expectOpened('  3ms a', { a: 'ann' });
    story.expectReceived('ann', ' 10006ms a 9993ms |');
    story.expectOutcomes('20000ms f', { f: 'ann finished' });
  })();
});

test('in one millisecond, those of several connections keep their order', async () => {
  const recording = recordingOf(
    opened(0, 1, 'ann'),
    opened(0.1, 2, 'bob'),
    opened(0.2, 3, 'cyd'),
    ...[came(5.1, 'x', 3), came(5.2, 'y', 1), came(5.3, 'z', 1), came(5.4, 'w', 2)],
  );
  const said: string[] = [];
  await marbles((story) => {
    const listening: Handler = (bytes, { peer }) =>
      bytes.pipe(
        tap((chunk) => said.push(`${peer} ${Buffer.from(chunk).toString()}`)),
        ignoreElements(),
      );
    story.serve(listening);
    replay(recording, story);
  })();
  assert.equal(said, ['cyd x', 'ann y', 'ann z', 'bob w']);
});

test('answers that take time, and those that come by themselves', async () => {
  const recording = recordingOf(
    opened(1.5),
    came(2.5, 'a'),
    went(53.1, 'a'),
    went(10_053.4, 'beat'),
    went(20_053.9, 'beat'),
    then(20_053.9, 'reset'),
    closed(20_054, 'ConnectionReset'),
  );
  const slow: Handler = (bytes) => bytes.pipe(delay(50), heartbeat(10_000, beat));
  assert.is(await wrongWith(recording, slow), '');
  assert.match(await wrongWith(recording, (bytes) => bytes.pipe(heartbeat(5_000, beat))), /^received by ann differs/);
});

test('a connection that timed out must time out, one that was open must be open', async () => {
  const recording = recordingOf(
    opened(0, 1, 'idle'),
    opened(1, 2, 'busy'),
    came(5_000, 'a', 2),
    went(5_000, 'a', 2),
    closed(8_002, 'PeerIdle', 1),
  );
  const impatient: Handler = (bytes) => bytes.pipe(failIfIdle(8_000));
  assert.is(await wrongWith(recording, impatient), '');
  assert.match(
    await wrongWith(recording, echo),
    /^end of idle differs\n {2}was {7}undefined\n {2}expected {2}"PeerIdle"/,
  );
  assert.match(
    await wrongWith(recording, (bytes) => bytes.pipe(failIfIdle(3_000))),
    /busy is not connected at the end, and expectOpen says that it is/,
  );
});

test('what came of a stop of the server is left out', async () => {
  const recording = recordingOf(
    opened(0, 1, 'ann'),
    opened(1, 2, 'bob'),
    came(2, 'a', 1),
    went(2, 'a', 1),
    then(10, 'stop', 1),
    went(10, 'goodbye', 1),
    then(10, 'stop', 2),
    closed(11, 'finished', 1),
    came(11, 'too late', 2),
    closed(12, 'ConnectionReset', 2),
  );
  assert.is(await wrongWith(recording, echo), '');
});

test('one client of many, and two of the same name', async () => {
  const recording = recordingOf(
    opened(0, 7, '/a/path'),
    opened(1, 8, '/a/path'),
    came(2, 'seven', 7),
    went(2, 'seven', 7),
    came(3, 'eight', 8),
    went(3, 'EIGHT', 8),
  );
  assert.is(await wrongWith(recording, echo, { client: 7 }), '');
  assert.match(await wrongWith(recording, echo), /^received by \/a\/path #2 differs\n {2}was {7}"eight"/);
  const nobody = { client: 9 };
  assert.is(
    await wrongWith(recording, echo, nobody).catch((error: unknown) => (error as RangeError).message),
    'the recording has no client 9',
  );
});

test('a client may send more different chunks than there are letters of one alphabet', async () => {
  const chunks = Array.from({ length: 500 }, (_, index) => `chunk ${index};`);
  const recording = recordingOf(
    opened(0),
    ...chunks.flatMap((chunk, index) => [came(1 + index / 10, chunk), went(1 + index / 10, chunk)]),
    then(60, 'in-end'),
    closed(60, 'finished'),
  );
  assert.is(await wrongWith(recording, echo), '');
});

test('what makes no sense is refused', () => {
  const story = { client: () => {}, expectHeard: () => {}, expectEnding: () => {}, expectOpen: () => {} };
  assert.throws(
    () => replay(recordingOf(came(1, 'a')), story),
    raised(SyntaxError, /^connection 1 has in before it was opened$/),
  );
  assert.throws(() => replay(recordingOf(), story, { client: 0 }), raised(RangeError, /^client must be/));
  assert.throws(() => replay(join(folder, 'none'), story), raised(Error, /ENOENT/));
});

test.run();
