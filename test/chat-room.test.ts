// The chat, told as stories: what is said, to whom, and when. Its program, with a port and signals, is in chat.test.ts.
import { Subject } from 'rxjs';
import * as assert from 'uvu/assert';
import { chatRoom } from '../examples/chat-room.js';
import { type DrainReport, drain, serve as serving } from '../operators/index.js';
import { everySplit, marbles } from '../src/testing/index.js';
import { suite } from './kit/suite.js';

const test = suite('chat room');

const COMMANDS = '* /nick NAME gives you a name, /who tells who is here; everything else is said to all others\n';

const welcome = (name: string, others: number): string => `* welcome, ${name}; ${others} others are here\n${COMMANDS}`;

test(
  'what one says goes to all others, with joins and leaves, however the network cuts it',
  everySplit(({ serve, client, expectReceived, expectOutcomes }) => {
    serve(chatRoom());
    client('ann', '        ^-----ab---------|', { a: 'hello ev', b: 'erybody\r\n' });
    client('bob', '        --^-------c---|', { c: 'hi\nann\n' });
    client('cyd', '        ----^-----------|');
    expectReceived('ann', 'w-b-c-----h---l-m|', {
      w: welcome('ann', 0),
      b: '* bob has joined\n',
      c: '* cyd has joined\n',
      h: 'bob: hi\nbob: ann\n',
      l: '* bob has left\n',
      m: '* cyd has left\n',
    });
    expectReceived('bob', '--w-c--h------|', {
      w: welcome('bob', 1),
      c: '* cyd has joined\n',
      h: 'ann: hello everybody\n',
    });
    expectReceived('cyd', '----w--h--c---l-|', {
      w: welcome('cyd', 2),
      h: 'ann: hello everybody\n',
      c: 'bob: hi\nbob: ann\n',
      l: '* bob has left\n',
    });
    expectOutcomes('        --------------b-ca', { a: 'ann finished', b: 'bob finished', c: 'cyd finished' });
  }),
);

test(
  'a name is taken by one, told to all others, and used from then on',
  everySplit(({ serve, client, expectReceived, expectOutcomes }) => {
    serve(chatRoom());
    client('one', '        ^---a-b-c-d---s--|', {
      a: '/nick ann\n',
      b: '/nick ann b\n',
      c: `/nick ${'x'.repeat(21)}\n`,
      d: '/nick\n',
      s: 'hello\n',
    });
    client('two', '        --^---------a---|', { a: '/nick ann\n' });
    expectReceived('one', 'w-j-y-n-n-n-----l|', {
      w: welcome('one', 0),
      j: '* two has joined\n',
      y: '* you are now ann\n',
      n: '* a name is 1 to 20 letters, digits, - or _\n',
      l: '* two has left\n',
    });
    expectReceived('two', '--w-i-------t-s-|', {
      w: welcome('two', 1),
      i: '* one is now ann\n',
      t: '* ann is taken\n',
      s: 'ann: hello\n',
    });
    expectOutcomes('        ----------------ba', { a: 'one finished', b: 'two finished' });
  }),
);

test(
  'names may be of any alphabet, and one who has left gives his back',
  marbles(({ serve, client, expectReceived, expectOutcomes }) => {
    serve(chatRoom());
    client('one', '        ^-a--|', { a: '/nick Zoë_7-П\n' });
    client('two', '        ^-----a--|', { a: '/nick Zoë_7-П\n' });
    expectReceived('one', 'w-y--|', {
      w: `${welcome('one', 0)}* two has joined\n`,
      y: '* you are now Zoë_7-П\n',
    });
    expectReceived('two', 'w-i--ly--|', {
      w: welcome('two', 1),
      i: '* one is now Zoë_7-П\n',
      l: '* Zoë_7-П has left\n',
      y: '* you are now Zoë_7-П\n',
    });
    expectOutcomes('        -----a---b', { a: 'one finished', b: 'two finished' });
  }),
);

test(
  'tells who is here, and since when each has said nothing',
  marbles(({ serve, client, expectReceived, expectOpen }) => {
    serve(chatRoom());
    client('ann', '        ^ 59999ms a 1h w', { a: 'hi\n', w: '/who\n' });
    client('bob', '        ^ 90s w', { w: '/who\n' });
    expectReceived('ann', 'w 1h 1m i', {
      w: `${welcome('ann', 0)}* bob has joined\n`,
      i: '* ann (idle 0 s)\n* bob (idle 3570 s)\n',
    });
    expectReceived('bob', 'w 59999ms a 30s i', {
      w: welcome('bob', 1),
      a: 'ann: hi\n',
      i: '* ann (idle 30 s)\n* bob (idle 0 s)\n',
    });
    expectOpen('ann');
    expectOpen('bob');
  }),
);

test(
  'answers a command that it does not know, says nothing for an empty line, and passes no control character on',
  everySplit(({ serve, client, expectReceived, expectOpen }) => {
    serve(chatRoom());
    client('ann', '        --a-b-c-d', {
      a: '/what\n',
      b: '\r\n',
      c: '\u{1b}[2Jsn\u{7}eaky\u{9b}\n',
      d: new Uint8Array([0xff, 10]),
    });
    client('bob', '        -^');
    expectReceived('ann', 'wjh', { w: welcome('ann', 0), j: '* bob has joined\n', h: COMMANDS });
    expectReceived('bob', '-w----c', { w: welcome('bob', 1), c: 'ann: [2Jsneaky\n' });
    expectOpen('ann');
    expectOpen('bob');
  }),
);

test(
  'a line that is too long, and a reset, are the end of their own client only',
  everySplit(({ serve, client, expectReceived, expectOutcomes, expectOpen }) => {
    serve(chatRoom());
    client('ann', '        ^---------a', { a: 'still here?\n' });
    client('bob', '        -^-b', { b: 'x'.repeat(1025) });
    client('cyd', '        -----^-#');
    expectReceived('ann', 'wb-l-c-m', {
      w: welcome('ann', 0),
      b: '* bob has joined\n',
      l: '* bob has left\n',
      c: '* cyd has joined\n',
      m: '* cyd has left\n',
    });
    expectReceived('bob', '-w-|', { w: welcome('bob', 1) });
    expectReceived('cyd', '-----w', { w: welcome('cyd', 1) });
    expectOutcomes('        ---b---c', { b: 'bob FrameTooLong', c: 'cyd ConnectionReset' });
    expectOpen('ann');
  }),
);

/** The chat as its program serves it: drained when `stop` says so. */
const stoppable = (stop: Subject<void>, reports: DrainReport[] = []): ReturnType<typeof drain> => {
  let stopping = false;
  stop.subscribe(() => {
    stopping = true;
  });
  return drain(stop, 10_000, serving(chatRoom({ stopping: () => stopping })), {
    onDrained: (report) => reports.push(report),
  });
};

test('a stop tells everyone goodbye, and ends them', async () => {
  const reports: DrainReport[] = [];
  await everySplit(async ({ serveWith, client, pass, expectReceived, expectOutcomes }) => {
    const stop = new Subject<void>();
    serveWith(stoppable(stop, reports));
    client('ann', '        ^-a--- 500ms |', { a: 'last words\nand half a li' });
    client('bob', '        ^');
    expectReceived('ann', 'w---(g|)', {
      w: `${welcome('ann', 0)}* bob has joined\n`,
      g: '* the server is stopping, goodbye\n',
    });
    expectReceived('bob', 'w-l-(g|)', {
      w: welcome('bob', 1),
      l: 'ann: last words\n',
      g: '* ann has left\n* the server is stopping, goodbye\n',
    });
    expectOutcomes('        ----b- 500ms a', { a: 'ann finished', b: 'bob finished' });
    await pass('4ms');
    stop.next();
    await pass('4s');
  })();
  for (const { ended, cut, took } of reports) assert.equal([ended, cut, took], [2, [], 502]);
  assert.ok(reports.length > 10);
});

test(
  'who does not end in return has a second, and who does not read is cut at the deadline of a stop',
  marbles(async ({ serveWith, client, pass, expectReceived, expectOutcomes }) => {
    const stop = new Subject<void>();
    const reports: DrainReport[] = [];
    serveWith(stoppable(stop, reports));
    client('ann', '        ^ 20s |');
    client('bob', '        <', {}, { window: 100 });
    expectReceived('ann', 'w 999ms (g|)', {
      w: `${welcome('ann', 0)}* bob has joined\n`,
      g: '* the server is stopping, goodbye\n',
    });
    expectOutcomes('        2s a 8999ms b', { a: 'ann finished', b: 'bob DrainTimeout' });
    await pass('1s');
    stop.next();
    await pass('10s');
    assert.equal(
      reports.map(({ ended, cut, took }) => [ended, cut.map(({ peer }) => peer), took]),
      [[1, ['bob'], 10_000]],
    );
  }),
);

test('what happens is logged', async () => {
  const log: string[] = [];
  await marbles(({ serve, client, expectReceived, expectClosed }) => {
    serve(chatRoom({ log: (line) => log.push(line) }));
    client('ann', '        --ab-|', { a: '/nick ann-2\n', b: 'say "hi"\n' });
    expectReceived('ann', 'w-y--|', { w: welcome('ann', 0), y: '* you are now ann-2\n' });
    expectClosed('ann', '  -----x', { x: 'finished' });
  })();
  assert.equal(log, ['connected ann', 'message ann-2 "say \\"hi\\""']);
});

test(
  'a day of talk, and nobody is forgotten',
  marbles(({ serve, client, expectReceived, expectOutcomes }) => {
    serve(chatRoom());
    const minutes = 1_440;
    client('ann', `        ^${' 59999ms a'.repeat(minutes)} |`, { a: 'tick\n' });
    client('bob', '        ^ 24h --|');
    expectReceived('ann', 'w 24h |', { w: `${welcome('ann', 0)}* bob has joined\n` });
    expectReceived('bob', `w${' 59999ms a'.repeat(minutes)} l-|`, {
      w: welcome('bob', 1),
      a: 'ann: tick\n',
      l: '* ann has left\n',
    });
    expectOutcomes('        24h -a-b', { a: 'ann finished', b: 'bob finished' });
  }),
);

test.run();
