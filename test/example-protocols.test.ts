// The protocols of the examples, told as stories. Their programs are run by examples.test.ts.
import * as assert from 'uvu/assert';
import { calculator } from '../examples/calculator-protocol.js';
import { heartbeat } from '../examples/heartbeat-protocol.js';
import { lengthPrefixed } from '../src/framing/length-prefixed.js';
import { everySplit, marbles } from '../src/testing/index.js';
import { suite } from './kit/suite.js';

const test = suite('protocols of the examples');

const prefixed = lengthPrefixed(2);

/** Behind its length, as it is on the wire. */
const framed = (said: string): Uint8Array =>
  Buffer.concat([Uint8Array.of(said.length >> 8, said.length & 255), Buffer.from(said)]);

test(
  'the calculator adds, and answers what it cannot add',
  everySplit(({ serve, client, expectReceived, expectClosed }) => {
    serve(calculator);
    client('ann', '        -a--(bc)--(da)--|', {
      a: framed('{"add":[1,2,3.5]}'),
      b: framed('{"add":["one"]}'),
      c: framed('{}'),
      d: framed('{"add":[]}'),
    });
    expectReceived(
      'ann',
      '               -a--(bc)--(da)--|',
      {
        a: '{"sum":6.5}',
        b: '{"error":"add.0: expected number, got \\"one\\""}',
        c: '{"error":"add: expected Array<number>, got undefined"}',
        d: '{"sum":0}',
      },
      prefixed,
    );
    expectClosed('ann', '  ----------x', { x: 'finished' });
  }),
);

test(
  'the calculator waits 15 s for a question, and a byte now and then is none',
  everySplit(({ serve, client, expectReceived, expectClosed }) => {
    serve(calculator);
    client('ann', '         a 14998ms a', { a: framed('{"add":[1]}') });
    expectReceived('ann', ' a 14998ms a 14999ms |', { a: '{"sum":1}' }, prefixed);
    expectClosed('ann', '   29999ms x', { x: 'PeerIdle' });
    client('bob', `         ${'x 999ms '.repeat(20)}`);
    expectClosed('bob', '   15s x', { x: 'PeerIdle' });
  }),
);

test(
  'the calculator knows a frame that is cut short from an end',
  everySplit(({ serve, client, expectClosed }) => {
    serve(calculator);
    client('ann', '       -a|', { a: framed('{"add":[1]}').subarray(0, 5) });
    expectClosed('ann', ' --x', { x: 'TruncatedFrame' });
    client('bob', '       --|');
    expectClosed('bob', ' --x', { x: 'finished' });
  }),
);

test('the heartbeat at its own times: 10 s of silence are broken, 15 are the end', async () => {
  const events: string[] = [];
  await marbles(({ serve, client, expectReceived, expectClosed }) => {
    serve(heartbeat({ interval: 10_000, hold: 15_000, onEvent: (event) => events.push(event) }));
    client('ann', '        a 14999ms p 14998ms p', { a: 'hello\n', p: 'ping\n' });
    expectReceived('ann', 'a 9999ms p 9999ms p 9999ms p 9999ms p 4998ms |', { a: 'you said hello\n', p: 'ping\n' });
    expectClosed('ann', '  44999ms x', { x: 'PeerIdle' });
  })();
  assert.equal(events, ['sent', 'pending', 'received', 'sent', 'received', 'sent', 'sent', 'pending', 'expired']);
});

test(
  'the heartbeat for a day: who answers is never given up',
  marbles(
    ({ serve, client, expectReceived, expectClosed }) => {
      const probes = 24 * 60 * 6;
      serve(heartbeat({ interval: 10_000, hold: 15_000 }));
      client('ann', `        p${' 9999ms p'.repeat(probes)} |`, { p: 'ping\n' });
      expectReceived('ann', `10s p${' 9999ms p'.repeat(probes - 1)} |`, { p: 'ping\n' });
      expectClosed('ann', '  24h -x', { x: 'finished' });
    },
    { split: 1 },
  ),
);

test.run();
