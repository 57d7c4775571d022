// What backpressure does to whole connections, told as stories: who is held up, who is not, and that nothing is lost.
import { firstValueFrom, merge, pipe, timer } from 'rxjs';
import * as assert from 'uvu/assert';
import { broadcast, concatMap, endLines, frameLines, mapAsync } from '../operators/index.js';
import type { Connection } from '../src/connection/connection.js';
import { line } from '../src/framing/line.js';
import { topic } from '../src/source/topic.js';
import { everySplit, marbles } from '../src/testing/index.js';
import { suite } from './kit/suite.js';

const test = suite('flow, told as stories');
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => `line ${String(from + index).padStart(4, '0')}\n`).join('');

test('a client that does not read is not read from, and has lost nothing when it reads again', async () => {
  let held: Connection | undefined;
  const sent = lines(0, 1_000);
  await marbles(
    async ({ serve, client, pass, expectHeard, expectClosed }) => {
      serve((bytes, connection) => {
        held = connection;
        return bytes;
      });
      const rows = Object.fromEntries(
        'abcdefghij'.split('').map((letter, index) => [letter, sent.slice(index * 1_000, (index + 1) * 1_000)]),
      );
      client('ann', '        ^<abcdefghij 10s > 10ms |', rows);
      expectHeard('ann', sent);
      expectClosed('ann', '  10023ms x', { x: 'finished' });
      await pass('5s');
      const { bytesIn, buffered } = (held as Connection).statistics;
      assert.ok(bytesIn <= 3_000, `${bytesIn} bytes were read of one that reads nothing`);
      assert.ok(buffered <= 3_000, `${buffered} bytes wait for it`);
    },
    { window: 1_000 },
  )();
});

for (const [name, slow] of [
  ['mapAsync', mapAsync(1, (said: Uint8Array) => firstValueFrom(timer(10)).then(() => said))],
  ['concatMap', concatMap((said: Uint8Array) => firstValueFrom(timer(10)).then(() => said))],
] as const) {
  test(
    `${name}: one line after another, 10 ms each, however they came`,
    everySplit(({ serve, client, expectReceived, expectClosed }) => {
      serve(pipe(frameLines(), slow, endLines()));
      client('ann', '        a----|', { a: '1\n2\n3\n' });
      expectReceived('ann', '10ms a 9ms b 9ms (c|)', { a: '1', b: '2', c: '3' }, line());
      expectClosed('ann', '  30ms x', { x: 'finished' });
    }),
  );
}

test(
  'one that does not read holds up nobody else in the room: it loses the oldest, and is closed in its time',
  marbles(
    async ({ serve, client, pass, expectReceived, expectClosed, expectOpen }) => {
      const room = topic<Uint8Array>({ policy: 'drop-oldest', highWater: 2 });
      serve((bytes) => merge(bytes.pipe(frameLines(), broadcast(room)), room.stream().pipe(endLines())));
      const said = Object.fromEntries('abcdefgh'.split('').map((letter) => [letter, `${letter.repeat(20)}\n`]));
      client('bob', '        ^< 1m -');
      client('ann', '        ^--a--b--c--d--e--f--g--h', said);
      expectReceived('ann', '---a--b--c--d--e--f--g--h', said);
      expectOpen('ann');
      expectClosed('bob', '  30006ms x', { x: 'WriteStalled' });
      await pass('1s');
      assert.ok(room.statistics.dropped > 0, 'bob has lost some');
      assert.is(room.statistics.published, 8);
    },
    { window: 30 },
  ),
);

test.run();
