// What time does to whole connections, told as stories: who is given up, when, and who is not.
import { type Observable, Subject, firstValueFrom, ignoreElements, interval, map, merge, pipe } from 'rxjs';
import {
  failIfIdle,
  firstByteDeadline,
  frameDeadline,
  frameLines,
  endLines,
  heartbeat,
  keepAlive,
  mapAsync,
} from '../operators/index.js';
import { everySplit, marbles } from '../src/testing/index.js';
import { suite } from './kit/suite.js';

const test = suite('time over connections');

const line = (said: string): Uint8Array => new TextEncoder().encode(said);
const isHere = (said: Uint8Array): boolean => new TextDecoder().decode(said) === 'here';

test(
  'a peer that is not read from is not given up, and one that is silent afterwards is',
  everySplit(async ({ serve, client, pass, expectReceived, expectClosed }) => {
    const go = new Subject<void>();
    const released = firstValueFrom(go, { defaultValue: undefined });
    const busy = mapAsync(1, (said: Uint8Array) => released.then(() => said), { highWater: 2 });
    serve(pipe(frameLines(), failIfIdle(100), busy, endLines()));
    client('ann', '        a-b', { a: '1\n2\n3\n4\n', b: '5\n' });
    expectReceived('ann', '400ms a 99ms |', { a: '1\n2\n3\n4\n5\n' });
    expectClosed('ann', '  500ms x', { x: 'PeerIdle' });
    await pass('400ms');
    go.next();
  }),
);

test(
  'neither half a line nor what the server says is a sign of life',
  everySplit(({ serve, client, expectReceived, expectClosed }) => {
    const alive = keepAlive(
      { interval: 0, hold: 150, probe: line('probe'), isKeepAlive: isHere },
      (lines: Observable<Uint8Array>) =>
        merge(lines.pipe(ignoreElements()), interval(40).pipe(map((count) => line(String(count))))),
    );
    serve(pipe(frameLines(), alive, endLines()));
    client('ann', `        ${'h 19ms '.repeat(8)}`, { h: 'here' });
    expectReceived('ann', '40ms a 39ms b 39ms c 29ms |', { a: '0\n', b: '1\n', c: '2\n' });
    expectClosed('ann', '  150ms x', { x: 'PeerIdle' });
    client('bob', '        h 148ms h', { h: 'here\n' });
    expectReceived(
      'bob',
      '40ms a 39ms b 39ms c 39ms d 39ms e 39ms f 39ms g 18ms |',
      Object.fromEntries('abcdefg'.split('').map((letter, index) => [letter, `${index}\n`])),
    );
    expectClosed('bob', '  299ms x', { x: 'PeerIdle' });
  }),
);

test(
  'a drip is not alive, who says nothing is hung up on, and the others are served meanwhile',
  everySplit(({ serve, client, expectReceived, expectOutcomes, expectOpen }) => {
    serve(pipe(firstByteDeadline(20_000), frameLines(), frameDeadline(30_000), endLines()));
    client('ann', `        10s ${'x 999ms '.repeat(50)}`);
    client('bob', '        ^ 1m -');
    client('cyd', '        ^ 19s (abc) 1m d', { a: 'o', b: 'n', c: 'e\n', d: 'two\n' });
    expectReceived('ann', '40s |');
    expectReceived('bob', '20s |');
    expectReceived('cyd', '19001ms a 1m b', { a: 'one\n', b: 'two\n' });
    expectOutcomes('        20s b 19999ms a', { a: 'ann FrameTooSlow', b: 'bob PeerSilent' });
    expectOpen('cyd');
  }),
);

test(
  'a beat is sent to who is told nothing else, over a slow network too',
  marbles(
    ({ serve, client, expectReceived, expectClosed }) => {
      serve(pipe(frameLines(), endLines(), heartbeat(1_000, line('.'))));
      client('ann', '        -a 2s |', { a: 'hi\n' });
      expectReceived('ann', '501ms a 999ms b 999ms b|', { a: 'hi\n', b: '.' });
      expectClosed('ann', '  2252ms x', { x: 'finished' });
    },
    { latency: 250 },
  ),
);

test.run();
