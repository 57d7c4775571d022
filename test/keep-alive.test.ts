import {
  NEVER,
  type Observable,
  type OperatorFunction,
  Subject,
  VirtualAction,
  VirtualTimeScheduler,
  catchError,
  concat,
  delay,
  ignoreElements,
  map,
  merge,
  of,
  switchMap,
  take,
  throwError,
  timer,
} from 'rxjs';
import * as assert from 'uvu/assert';
import { type KeepAliveEvent, type KeepAliveOptions, keepAlive } from '../operators/keep-alive.js';
import { PeerIdle } from '../src/errors.js';
import { flow } from '../src/flow/scope.js';
import { marbles as story } from '../src/testing/marbles.js';
import { cutLines } from './kit/cut-lines.js';
import { heldBack } from './kit/held-back.js';
import { marbles } from './kit/marbles.js';
import { suite } from './kit/suite.js';
import { waiting } from './kit/waiting.js';

type Session = OperatorFunction<string, string>;

/** Answers in capitals. */
const loud: Session = map((said) => said.toUpperCase());

/** Our probes are `p`, the peer's are `k`. */
const alive = (options: Partial<KeepAliveOptions<string, string>>, session = loud): Session =>
  keepAlive({ interval: 0, probe: 'p', isKeepAlive: (said) => said === 'k', ...options }, session);

const silentFor = (ms: number): PeerIdle => new PeerIdle(ms);

const test = suite('keepAlive');

test(
  'hears the peer, sends probes, and gives up a peer that is silent',
  marbles(({ hot, expectObservable, expectSubscriptions }) => {
    const messages = hot('--a----k---------------');
    const heard = '       ^---------------!';
    const expected = '    --A----p----p---#';
    expectObservable(messages.pipe(alive({ interval: 5, hold: 9 }))).toBe(expected, undefined, silentFor(9));
    expectSubscriptions(messages.subscriptions).toBe(heard);
  }),
);

test(
  'gives a peer one and a half intervals unless told otherwise',
  marbles(({ hot, expectObservable }) => {
    const messages = hot('-a----------------');
    const expected = '    -A---------p----#';
    expectObservable(messages.pipe(alive({ interval: 10 }))).toBe(expected, undefined, silentFor(15));
  }),
);

test(
  'gives up a peer that never says anything',
  marbles(({ expectObservable }) => {
    expectObservable(NEVER.pipe(alive({ interval: 4, hold: 9 }))).toBe('----p---p#', undefined, silentFor(9));
    expectObservable(NEVER.pipe(alive({ interval: 9, hold: 4 }))).toBe('----#', undefined, silentFor(4));
  }),
);

test(
  'takes a sign of life at the very millisecond for one in time',
  marbles(({ hot, cold, expectObservable }) => {
    const messages = '---------k--------k---------';
    const expected = '---------------------------#';
    expectObservable(hot(messages).pipe(alive({ hold: 9 }))).toBe(expected, undefined, silentFor(9));
    expectObservable(cold(messages).pipe(alive({ hold: 9 }))).toBe(expected, undefined, silentFor(9));
  }),
);

test(
  'takes 0 for off, as BGP does',
  marbles(({ hot, expectObservable }) => {
    expectObservable(NEVER.pipe(alive({ interval: 4, hold: 0 }), take(3))).toBe('----p---p---(p|)');
    expectObservable(NEVER.pipe(alive({ interval: 0, hold: 9 }))).toBe('---------#', undefined, silentFor(9));
    const leave = '   ^ 999ms !';
    const messages = '-ka-k-b';
    const expected = '--A---B';
    expectObservable(hot(messages).pipe(alive({ interval: 0 })), leave).toBe(expected);
  }),
);

test('waits for nothing where all is off', () => {
  const off = NEVER.pipe(alive({ interval: 0 })).subscribe();
  assert.is(waiting(), 0);
  off.unsubscribe();
});

test(
  'sends no probe while both sides talk',
  marbles(({ cold, expectObservable }) => {
    const messages = '--a--b--c--d--|';
    const expected = '--A--B--C--D--|';
    expectObservable(cold(messages).pipe(alive({ interval: 4 }))).toBe(expected);
    expectObservable(cold(messages).pipe(alive({ interval: 3 }))).toBe(expected);
  }),
);

test(
  'sends probes to a peer that talks and is not answered',
  marbles(({ cold, expectObservable }) => {
    const messages = '--a--b--c--d--|';
    const expected = '----p---p---p-|';
    expectObservable(cold(messages).pipe(alive({ interval: 4 }, ignoreElements()))).toBe(expected);
  }),
);

test(
  'asks a peer that is talked to and says nothing',
  marbles(({ cold, hot, expectObservable }) => {
    const talks: Session = (said) => merge(said.pipe(ignoreElements()), cold('-x-x-x-x-x-x-x-x'));
    const silent = '  ------------';
    const asked = '   -x-xpx-xpx#';
    const talking = ' ---k--k--k--';
    const notAsked = '-x-x-x-x-x-x';
    const leave = '   ------------!';
    expectObservable(hot(silent).pipe(alive({ interval: 4, hold: 10 }, talks))).toBe(asked, undefined, silentFor(10));
    expectObservable(hot(talking).pipe(alive({ interval: 4, hold: 10 }, talks)), leave).toBe(notAsked);
  }),
);

test(
  'takes neither half a message nor what we say for a sign of life',
  marbles(({ cold, expectObservable }) => {
    const talks: Session = (said) => merge(said.pipe(ignoreElements()), cold('-x-x-x-x-x-x-x-x'));
    const drip = cold(' k-k-k-k-k-k-k-k-');
    const expected = '  -x-x-x-x#';
    expectObservable(drip.pipe(cutLines, alive({ hold: 8 }, talks))).toBe(expected, undefined, silentFor(8));
  }),
);

test('tells what happens, and does not pass the peer’s probes on', () => {
  const events: KeepAliveEvent[] = [];
  const told = alive({ interval: 5, hold: 9, onEvent: (event) => events.push(event) });
  marbles(({ cold, expectObservable }) => {
    const messages = '-k-k--a---------';
    const expected = '-----pA----p---#';
    expectObservable(cold(messages).pipe(told)).toBe(expected, undefined, silentFor(9));
  })();
  assert.equal(events, ['received', 'received', 'sent', 'sent', 'pending', 'expired']);
});

test(
  'asks a function for each probe',
  marbles(({ expectObservable }) => {
    let probes = 0;
    const probe = (): string => 'xyz'[probes++] ?? '?';
    expectObservable(NEVER.pipe(alive({ interval: 3, hold: 0, probe }), take(3))).toBe('---x--y--(z|)');
  }),
);

test(
  'fails with what a function that it was given throws',
  marbles(({ cold, expectObservable }) => {
    const error = new Error('mine');
    const fails = (): never => {
      throw error;
    };
    const messages = cold('-k');
    expectObservable(messages.pipe(alive({ interval: 3, probe: fails }))).toBe('---#', undefined, error);
    expectObservable(messages.pipe(alive({ isKeepAlive: fails }))).toBe('-#', undefined, error);
    expectObservable(messages.pipe(alive({}, fails))).toBe('#', undefined, error);
    expectObservable(messages.pipe(alive({}, () => throwError(() => error)))).toBe('#', undefined, error);
  }),
);

test('takes what onEvent throws for a warning', async () => {
  const warnings: string[] = [];
  const hear = (warning: Error): number => warnings.push(warning.message.split('\n')[0] ?? '');
  process.on('warning', hear);
  try {
    const onEvent = (event: KeepAliveEvent): never => {
      throw new Error(event);
    };
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-k').pipe(alive({ interval: 3, hold: 4, onEvent }))).toBe(
        '---p-#',
        undefined,
        silentFor(4),
      );
    })();
    await new Promise(setImmediate);
    assert.equal(
      warnings,
      ['received', 'sent', 'expired'].map((event) => `onEvent threw Error: ${event}`),
    );
  } finally {
    process.off('warning', hear);
  }
});

test(
  'reads nothing before the session listens, and expects nothing',
  marbles(({ cold, expectObservable, expectSubscriptions }) => {
    const messages = cold('      -a----');
    const heard = '        ------^------!';
    const expected = '     ----p--A---p-#';
    const later: Session = (said) => timer(6).pipe(switchMap(() => loud(said)));
    expectObservable(messages.pipe(alive({ interval: 4, hold: 6 }, later))).toBe(expected, undefined, silentFor(6));
    expectSubscriptions(messages.subscriptions).toBe(heard);

    const never: Session = () => NEVER;
    expectObservable(NEVER.pipe(alive({ interval: 4, hold: 6 }, never), take(3))).toBe('----p---p---(p|)');
  }),
);

test(
  'goes on hearing the peer when the session listens no more',
  marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
    const messages = hot('-a-b---k--k--------');
    const heard = '       ^---------------!';
    const expected = '    -x-x-x-x-x-x-x-x#';
    const once: Session = (said) =>
      said.pipe(
        take(1),
        switchMap(() => cold('x-x-x-x-x-x-x-x-x-x')),
      );
    expectObservable(messages.pipe(alive({ hold: 6 }, once))).toBe(expected, undefined, silentFor(6));
    expectSubscriptions(messages.subscriptions).toBe(heard);
  }),
);

test(
  'has one listener at a time, and takes another after it',
  marbles(({ hot, expectObservable }) => {
    const both: Session = (said) => merge(said, said);
    const refused = new Error('the messages of keepAlive have a subscriber');
    expectObservable(hot('-a').pipe(alive({}, both))).toBe('#', undefined, refused);

    const messages = '-a-b-----c-|';
    const expected = '-a-(bx)--c-(y|)';
    const inTurn: Session = (said) => concat(said.pipe(take(2)), of('x'), said, of('y'), said);
    expectObservable(hot(messages).pipe(alive({}, inTurn))).toBe(expected);
  }),
);

test(
  'hands an error to the session, and fails with it where nobody listens',
  marbles(({ cold, hot, expectObservable }) => {
    expectObservable(cold('-a-#').pipe(alive({}))).toBe('-A-#');
    const catches: Session = (said) => said.pipe(catchError(() => of('x')));
    expectObservable(cold('-a-#').pipe(alive({}, catches))).toBe('-a-(x|)');
    const once: Session = (said) =>
      said.pipe(
        take(1),
        switchMap(() => NEVER),
      );
    expectObservable(hot('-a-#').pipe(alive({}, once))).toBe('---#');
  }),
);

test(
  'expects nothing of a peer that has ended, and lets its answers take their time',
  marbles(({ cold, expectObservable }) => {
    const messages = '-a-|';
    const expected = '--------p-------p----(a|)';
    expectObservable(cold(messages).pipe(alive({ interval: 8, hold: 6 }, delay(20)))).toBe(expected);
  }),
);

test(
  'puts one probe in front for a peer that has its buffers full, and no second',
  marbles(({ hot, cold, expectObservable }) => {
    const messages = '-a------------------------------------';
    const fullOnce = '--c 29ms o';
    const expected = '-A---p 27ms p---p---';
    const leave = '   ^ 39ms !';
    const probed = alive({ interval: 4, hold: 0 });
    expectObservable(heldBack(hot(messages), cold(fullOnce), probed), leave).toBe(expected);

    const fullTwice = '-- c-------oc-----------';
    const each = '     -A---p-------p----------';
    expectObservable(heldBack(hot(messages), cold(fullTwice), probed), '-----------------------!').toBe(each);
  }),
);

test('sends a probe ahead of what is queued, and nothing else', () => {
  const scheduler = new VirtualTimeScheduler(VirtualAction);
  const messages = new Subject<string>();
  const sent: string[] = [];
  messages.pipe(alive({ interval: 3, hold: 0, scheduler }), take(3)).subscribe((said) => {
    sent.push(`${said}${flow.urgent ? ' urgent' : ''}`);
  });
  assert.is(waiting(), 0, 'nothing waits by the machine’s clock');
  messages.next('a');
  scheduler.schedule(() => messages.next('b'), 4);
  scheduler.flush();
  assert.equal(sent, ['A', 'p urgent', 'B']);
  assert.not(flow.urgent);
});

test('refuses options that are none, at the call', () => {
  const wrong = (options: object, name: string, session = loud): void =>
    assert.throws(
      () => alive(options, session),
      (error: unknown) => error instanceof Error && !(error instanceof PeerIdle) && error.message.startsWith(name),
    );
  wrong({ interval: undefined }, 'interval');
  wrong({ interval: -1 }, 'interval');
  wrong({ hold: Number.NaN }, 'hold');
  wrong({ hold: '9' }, 'hold');
  wrong({ isKeepAlive: undefined }, 'isKeepAlive');
  wrong({}, 'session', 'no function' as unknown as Session);
});

/** As many letters as that, as bytes. */
const letters = (letter: string, count: number): Uint8Array => new TextEncoder().encode(letter.repeat(count));

test(
  'puts a probe on the wire right behind a chunk that is partly written',
  story(async ({ serve, client, pass, expectReceived, expectOpen }) => {
    const full = merge(of(letters('a', 100_000)), of(letters('b', 10), letters('c', 10)));
    const events: KeepAliveEvent[] = [];
    const probed = keepAlive(
      {
        interval: 20,
        hold: 0,
        probe: letters('p', 1),
        isKeepAlive: () => false,
        onEvent: (event) => events.push(event),
      },
      (said: Observable<Uint8Array>) => merge(said.pipe(ignoreElements()), full),
    );
    serve(probed);
    client('ann', '        < 79ms > 50ms');
    expectReceived('ann', '80ms a 19ms p 19ms p', {
      a: `${'a'.repeat(100_000)}p${'b'.repeat(10)}${'c'.repeat(10)}`,
      p: 'p',
    });
    expectOpen('ann');
    await pass('79ms');
    assert.equal(events, ['sent', 'pending'], 'a second one would only wait behind the first');
  }),
);

test.run();
