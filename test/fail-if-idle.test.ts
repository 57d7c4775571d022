import {
  NEVER,
  Observable,
  Subject,
  VirtualAction,
  VirtualTimeScheduler,
  catchError,
  concat,
  delay,
  groupBy,
  ignoreElements,
  merge,
  mergeMap,
  of,
  retry,
  take,
  throwError,
} from 'rxjs';
import * as assert from 'uvu/assert';
import { failIfIdle } from '../operators/fail-if-idle.js';
import { mapAsync } from '../operators/map-async.js';
import { PeerIdle } from '../src/errors.js';
import { flow, inScope, openScope } from '../src/flow/scope.js';
import { Valve } from '../src/flow/valve.js';
import { heldBack, peer } from './kit/held-back.js';
import { marbles } from './kit/marbles.js';
import { suite } from './kit/suite.js';
import { waiting } from './kit/waiting.js';

const test = suite('failIfIdle');

test(
  'fails when nothing comes for so long',
  marbles(({ hot, expectObservable, expectSubscriptions }) => {
    const messages = hot('--a--b----------');
    const heard = '       ^---------!';
    const expected = '    --a--b----#';
    expectObservable(messages.pipe(failIfIdle(5))).toBe(expected, undefined, new PeerIdle(5));
    expectSubscriptions(messages.subscriptions).toBe(heard);
  }),
);

test(
  'fails a peer that never says anything',
  marbles(({ expectObservable }) => {
    expectObservable(NEVER.pipe(failIfIdle(5))).toBe('-----#', undefined, new PeerIdle(5));
    expectObservable(NEVER.pipe(failIfIdle(1))).toBe('-#', undefined, new PeerIdle(1));
  }),
);

test(
  'takes a message at the very millisecond for one in time',
  marbles(({ hot, cold, expectObservable }) => {
    const messages = '   -----a----b-----c';
    const expected = '   -----a----b----#';
    expectObservable(hot(messages).pipe(failIfIdle(5))).toBe(expected, undefined, new PeerIdle(5));
    expectObservable(cold(messages).pipe(failIfIdle(5))).toBe(expected, undefined, new PeerIdle(5));
  }),
);

test(
  'takes an end at the very millisecond for an end',
  marbles(({ hot, cold, expectObservable }) => {
    expectObservable(hot('-a----|').pipe(failIfIdle(5))).toBe('-a----|');
    expectObservable(cold('-a----|').pipe(failIfIdle(5))).toBe('-a----|');
    expectObservable(cold('-----#').pipe(failIfIdle(5))).toBe('-----#');
  }),
);

test(
  'waits for each subscriber from its own beginning, and anew when it is tried again',
  marbles(({ cold, expectObservable }) => {
    const messages = cold('-a-----b');
    const expected = '     -a----#';
    expectObservable(messages.pipe(failIfIdle(5))).toBe(expected, undefined, new PeerIdle(5));
    expectObservable(messages.pipe(failIfIdle(5)), '   ---^---').toBe('----a----#', undefined, new PeerIdle(5));
    expectObservable(messages.pipe(failIfIdle(5), retry(1))).toBe('-a-----a----#', undefined, new PeerIdle(5));
  }),
);

test('takes a scheduler', () => {
  const scheduler = new VirtualTimeScheduler(VirtualAction);
  const messages = new Subject<number>();
  let failed: unknown;
  messages.pipe(failIfIdle(60_000, scheduler)).subscribe({ error: (error: unknown) => (failed = error) });
  scheduler.schedule(() => messages.next(1), 59_999);
  scheduler.schedule(() => assert.is(failed, undefined), 119_998);
  assert.is(waiting(), 0, 'nothing waits by the machine’s clock');
  scheduler.flush();
  assert.instance(failed, PeerIdle);
  assert.is(scheduler.now(), 119_999);
  assert.not(messages.observed);
});

test(
  'does not wait for what stands below it',
  marbles(({ hot, expectObservable }) => {
    const messages = hot('-a-b-|');
    expectObservable(messages.pipe(failIfIdle(5), delay(50))).toBe('50ms -a-(b|)');
  }),
);

test(
  'fails in the scope that it was subscribed in',
  marbles(({ expectObservable }) => {
    const valve = new Valve();
    const inItsPlace = new Observable<boolean>((out) => {
      out.next(flow.scope.valve === valve);
      out.complete();
    });
    const watched = NEVER.pipe(
      failIfIdle(5),
      catchError(() => inItsPlace),
    );
    const inThatScope = new Observable<boolean>((out) =>
      inScope({ ...openScope, valve }, () => watched.subscribe(out)),
    );
    expectObservable(inThatScope).toBe('-----(a|)', { a: true });
  }),
);

/** A consumer that takes one value and is then busy until it is released. */
const stuck = () => {
  const release = new Subject<void>();
  const busy = mapAsync<string, string>(1, (value) => new Promise((done) => release.subscribe(() => done(value))), {
    highWater: 2,
  });
  return { busy, release };
};

test(
  'leaves a peer alone that is not read from because a consumer is full',
  marbles(({ hot, expectObservable }) => {
    const messages = hot('(abcd)');
    expectObservable(peer(messages).pipe(failIfIdle(5), stuck().busy), '^ 999ms !').toBe('-');
    expectObservable(peer(hot('---')).pipe(failIfIdle(5), stuck().busy)).toBe('-----#', undefined, new PeerIdle(5));
  }),
);

test(
  'leaves a peer alone that is held back by a consumer inside a group',
  marbles(({ hot, expectObservable }) => {
    const { busy } = stuck();
    const groups = peer(hot('(abcd)')).pipe(
      failIfIdle(5),
      groupBy(() => 'all'),
      mergeMap((group) => group.pipe(busy)),
    );
    expectObservable(groups, '^ 999ms !').toBe('-');
  }),
);

test(
  'leaves a peer alone whose first message lies unread',
  marbles(({ hot, expectObservable }) => {
    const { busy } = stuck();
    const noisy = peer(hot('(abcd)'));
    const shy = peer(hot('------e')).pipe(failIfIdle(5));
    expectObservable(merge(noisy, shy).pipe(busy), '^ 999ms !').toBe('-');
  }),
);

test(
  'gives up a peer that is silent, however full the others keep a consumer that they share',
  marbles(({ hot, expectObservable }) => {
    const { busy } = stuck();
    const noisy = peer(hot('---(abcd)'));
    const silent = peer(hot('-e-')).pipe(failIfIdle(9));
    expectObservable(merge(noisy, silent).pipe(busy)).toBe('----------#', undefined, new PeerIdle(9));
  }),
);

const watched = failIfIdle<string>(8);

test(
  'leaves a peer alone until what it said has been read',
  marbles(({ hot, cold, expectObservable }) => {
    const valve = '   --c- 96ms o';
    const messages = '-a---b--------------';
    const expected = '-a- 97ms b-------#';
    expectObservable(heldBack(hot(messages), cold(valve), watched)).toBe(expected, undefined, new PeerIdle(8));
  }),
);

test(
  'gives up a peer that was silent all the while',
  marbles(({ hot, cold, expectObservable }) => {
    const valve = '   --c- 96ms o';
    const messages = '-a------------------';
    const expected = '-a-------#';
    expectObservable(heldBack(hot(messages), cold(valve), watched)).toBe(expected, undefined, new PeerIdle(8));
  }),
);

test(
  'gives up a peer that never said anything, once it is read from',
  marbles(({ hot, cold, expectObservable }) => {
    const valve = '   --c- 96ms o';
    const messages = '--------------------';
    const expected = '100ms #';
    expectObservable(heldBack(hot(messages), cold(valve), watched)).toBe(expected, undefined, new PeerIdle(8));
  }),
);

test('is a stream’s error once, whatever else happens in that moment', () => {
  const scheduler = new VirtualTimeScheduler(VirtualAction);
  const messages = new Subject<number>();
  const heard: string[] = [];
  messages.pipe(failIfIdle(5, scheduler)).subscribe({
    next: (value) => heard.push(`${value}`),
    error: (error: Error) => {
      heard.push(error.name);
      messages.next(1);
      messages.error(new Error('late'));
    },
  });
  scheduler.flush();
  messages.next(2);
  assert.equal(heard, ['PeerIdle']);
});

test(
  'takes the time from the first message, and waits for nothing before that',
  marbles(({ hot, cold, expectObservable }) => {
    const holds = { a: 3, b: 9 };
    expectObservable(hot('----------a-b', holds).pipe(failIfIdle((hold) => hold))).toBe(
      '----------a-b--#',
      holds,
      new PeerIdle(3),
    );
    const first = hot('-a----', holds);
    expectObservable(first.pipe(failIfIdle(() => 0))).toBe('-a----', holds);
    const wrong = cold('--a', holds).pipe(failIfIdle(() => -1));
    const why = new RangeError('ms must be a time from 0 to 3153600000000 ms, got -1');
    expectObservable(wrong).toBe('--#', undefined, why);
  }),
);

test('costs nobody who has failed before', () => {
  const failing = throwError(() => new Error('at once')).pipe(failIfIdle(5_000));
  concat(failing.pipe(catchError(() => of(1))), NEVER)
    .pipe(take(1), ignoreElements())
    .subscribe();
  assert.is(waiting(), 0);
});

test.run();
