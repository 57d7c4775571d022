// A pool in virtual time: the drawing of its docstring, and servers that ask other servers, told as stories.
import { flow } from 'fp-ts/lib/function.js';
import { type Observable, asyncScheduler, concatMap, defer, delay, map, of, timer } from 'rxjs';
import { type Pool, decodeOr, encodeWith, endLines, frameLines, pool, protocol, serve } from '../operators/index.js';
import { type Connection, type Handled, line, memory, text } from '../src/index.js';
import { marbles as story } from '../src/testing/index.js';
import { marbles } from './kit/marbles.js';
import { paperConnection } from './kit/paper-connection.js';
import { suite } from './kit/suite.js';

const test = suite('pool stories');

/** Answers in capitals, one after another, after four milliseconds each. */
const slow = (): ((requests: Observable<string>) => Observable<string>) =>
  concatMap((request) => timer(4).pipe(map(() => request.toUpperCase())));

const drawn = (max: number): Pool<string, string> =>
  pool<string>({ dial: defer(() => of(paperConnection('paper'))), max, idle: 0, life: 0, protocol: slow });

test(
  'as it is drawn: two connections, and each request takes 4 ms',
  marbles(({ hot, expectObservable }) => {
    const requests = hot('--a-b-c-----------|');
    const answers = '     ------A-B-C-------|';
    expectObservable(requests.pipe(drawn(2).ask())).toBe(answers);
  }),
);

test(
  'a stream that ends before its answers waits for them',
  marbles(({ hot, expectObservable, expectSubscriptions }) => {
    const requests = hot('(abc|)');
    const answers = '     ----A---B---(C|)';
    expectObservable(requests.pipe(drawn(1).ask())).toBe(answers);
    expectSubscriptions(requests.subscriptions).toBe('(^!)');
  }),
);

test(
  'a stream that is unsubscribed from asks no more, and what was asked is still answered before another is',
  marbles(({ hot, expectObservable, expectSubscriptions }) => {
    const one = drawn(1);
    const requests = hot('-a-b-c-----');
    const heard = '       ^-----!---';
    const answers = '     -----A----';
    const others = hot('  -------x---');
    const theirs = '      -------------X';
    expectObservable(requests.pipe(one.ask()), heard).toBe(answers);
    expectObservable(others.pipe(one.ask())).toBe(theirs);
    expectSubscriptions(requests.subscriptions).toBe(heard);
  }),
);

/** Dials a server in memory that is so many milliseconds away. */
const faraway = (served: Handled, latency: number): Observable<Connection> =>
  defer(() => {
    const later = (work: () => void): void => void asyncScheduler.schedule(work, latency);
    const [near, far] = memory({ later, names: ['near', 'far'] });
    of(far).pipe(serve(served)).subscribe();
    return of(near).pipe(delay(latency));
  });

const shout = protocol({ name: 'shout', framing: line(), message: text, session: map((said) => said.toUpperCase()) });
const asking = (answer: (lines: Observable<string>) => Observable<string>) =>
  flow(frameLines(), decodeOr(text, 'end'), answer, encodeWith(text), endLines());

test(
  'a server that asks another: one connection is exclusive, and clients take turns on it',
  story(async ({ serve: serving, client, expectReceived, expectOutcomes, pass }) => {
    // 5 ms to dial, and 10 to ask and to be answered.
    const words = pool({ dial: faraway(shout, 5), max: 1, protocol: shout.options });
    serving(asking(words.ask()));
    client('ann', '        a 49ms |', { a: 'one\ntwo\n' });
    client('bob', '        -b 48ms |', { b: 'three\n' });
    expectReceived('ann', '15ms a 19ms b 14ms |', { a: 'ONE\n', b: 'TWO\n' });
    expectReceived('bob', '25ms c 24ms |', { c: 'THREE\n' });
    expectOutcomes('       50ms (ab)', { a: 'ann finished', b: 'bob finished' });
    await pass('60ms');
    words.close();
    await pass('30ms');
  }),
);

test(
  'the same, pipelined: nobody waits for anybody',
  story(async ({ serve: serving, client, expectReceived, expectOutcomes, pass }) => {
    const words = pool({ dial: faraway(shout, 5), max: 1, depth: 8, protocol: shout.options });
    serving(asking(words.ask()));
    client('ann', '        a 49ms |', { a: 'one\ntwo\n' });
    client('bob', '        -b 48ms |', { b: 'three\n' });
    expectReceived('ann', '15ms a 34ms |', { a: 'ONE\nTWO\n' });
    expectReceived('bob', '15ms c 34ms |', { c: 'THREE\n' });
    expectOutcomes('       50ms (ab)', { a: 'ann finished', b: 'bob finished' });
    await pass('60ms');
    words.close();
    await pass('30ms');
  }),
);

const silent = protocol({
  name: 'silent',
  framing: line(),
  message: text,
  session: (lines) =>
    lines.pipe(
      map(() => 'x'),
      delay(60_000),
    ),
});

test(
  'a server that is asked and says nothing for the hold time is given up, and the client is told',
  story(async ({ serve: serving, client, expectReceived, expectClosed, pass }) => {
    const words = pool({ dial: faraway(silent, 1), hold: 20_000, protocol: silent.options });
    serving(asking(words.ask()));
    client('ann', '        a', { a: 'anybody?\n' });
    expectReceived('ann', '20001ms |');
    expectClosed('ann', '  20001ms x', { x: 'RequestLost' });
    await pass('70s');
    words.close();
    await pass('30ms');
  }),
);

test.run();
