// What every operator that waits owes as an operator: in time it changes nothing, and it leaves nothing behind.
import {
  EMPTY,
  type MonoTypeOperatorFunction,
  NEVER,
  Observable,
  type SchedulerLike,
  Subject,
  combineLatest,
  identity,
  mergeMap,
  of,
  range,
  take,
  throwError,
  timer,
} from 'rxjs';
import * as assert from 'uvu/assert';
import { failIfIdle } from '../operators/fail-if-idle.js';
import { firstByteDeadline } from '../operators/first-byte-deadline.js';
import { frameDeadline } from '../operators/frame-deadline.js';
import { heartbeat } from '../operators/heartbeat.js';
import { keepAlive } from '../operators/keep-alive.js';
import { inScope, openScope, flow } from '../src/flow/scope.js';
import { Valve } from '../src/flow/valve.js';
import { marbles } from './kit/marbles.js';
import { suite } from './kit/suite.js';
import { waiting } from './kit/waiting.js';

type Operator = <A>(ms: number, scheduler?: SchedulerLike) => MonoTypeOperatorFunction<A>;

const never = (): never => {
  throw new Error('a beat, which nobody waited for');
};

const operators: Record<string, Operator> = {
  failIfIdle,
  firstByteDeadline,
  frameDeadline,
  heartbeat: <A>(ms: number, scheduler?: SchedulerLike) => heartbeat<A>(ms, never, scheduler),
  keepAlive: <A>(ms: number, scheduler?: SchedulerLike) =>
    keepAlive<A, A>(
      { interval: ms, probe: never, isKeepAlive: () => false, ...(scheduler === undefined ? {} : { scheduler }) },
      identity,
    ),
};

/** Whether it is the error that an option which is `value` deserves. */
const outOfRange =
  (value: number) =>
  (error: unknown): boolean =>
    error instanceof RangeError && error.message.includes(String(value)) && / from \d/.test(error.message);

const test = suite('an operator that waits');

for (const [name, operator] of Object.entries(operators)) {
  test(
    `${name}: values, the end and an error go through`,
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const cases = ['(a|)', 'a--|', '--a-(bcd)-e|', '|', '---|', '#', '--a-#', '(abc#)'];
      for (const messages of cases) expectObservable(cold(messages).pipe(operator(20))).toBe(messages);
      expectObservable(of('a', 'b').pipe(operator(20))).toBe('(ab|)');
      expectObservable(EMPTY.pipe(operator(20))).toBe('|');
      expectObservable(throwError(() => 'error').pipe(operator(20))).toBe('#');

      const many = hot('  -a-b-c-d-e|');
      const heard = '     ^----!';
      const expected = '  -a-b-(c|)';
      expectObservable(many.pipe(operator(20), take(3))).toBe(expected);
      expectSubscriptions(many.subscriptions).toBe(heard);

      const left = hot('  -a-b-c-d-e|');
      const leave = '     ^---!';
      expectObservable(left.pipe(operator(20)), leave).toBe('  -a-b-');
      expectSubscriptions(left.subscriptions).toBe(leave);
    }),
  );

  test(`${name}: stops a source in the middle of its loop`, () => {
    let made = 0;
    const source = new Observable<number>((out) => {
      for (made = 0; made < 100 && !out.closed; made++) out.next(made);
    });
    source.pipe(operator(20), take(3)).subscribe();
    assert.is(made, 3);
    range(0, Infinity).pipe(operator(20), take(3)).subscribe();
  });

  test(`${name}: takes a value that comes while it emits one`, () => {
    const messages = new Subject<number>();
    const got: number[] = [];
    messages.pipe(operator(20)).subscribe((value) => {
      got.push(value);
      if (value < 3) messages.next(value + 1);
      if (value === 3) messages.complete();
    });
    messages.next(1);
    assert.equal(got, [1, 2, 3]);
    assert.is(waiting(), 0);
  });

  test(`${name}: leaves no alarm behind, however it ends`, () => {
    assert.is(waiting(), 0);
    const expected = name === 'frameDeadline' ? 0 : name === 'keepAlive' ? 2 : 1;
    const left = NEVER.pipe(operator(20_000)).subscribe();
    assert.is(waiting(), expected);
    left.unsubscribe();
    assert.is(waiting(), 0);

    for (const end of ['complete', 'error', 'taken'] as const) {
      const messages = new Subject<number>();
      messages.pipe(operator(20_000), take(2)).subscribe({ error: () => {} });
      messages.next(1);
      if (end === 'complete') messages.complete();
      else if (end === 'error') messages.error(new Error('over'));
      else messages.next(2);
      assert.is(waiting(), 0, end);
      assert.not(messages.observed, end);
    }
    of(1, 2, 3).pipe(operator(20_000), take(1)).subscribe();
    assert.is(waiting(), 0);
    const over = throwError(() => new Error('over before it is subscribed to'));
    combineLatest([over, NEVER.pipe(operator(20_000))]).subscribe({ error: () => {} });
    assert.is(waiting(), 0);
  });

  test(`${name}: ten thousand that come and go leave nothing`, () => {
    const messages = new Subject<number>();
    const some = Array.from({ length: 10_000 }, () => messages.pipe(operator(20_000)).subscribe());
    messages.next(1);
    for (const one of some) one.unsubscribe();
    assert.is(waiting(), 0);
    assert.not(messages.observed);
  });

  test(`${name}: each subscription waits for itself`, () => {
    const messages = new Subject<number>();
    const watched = messages.pipe(operator(20_000));
    const [first, second] = [watched.subscribe(), watched.subscribe()];
    const one = waiting() / 2;
    first.unsubscribe();
    assert.is(waiting(), one);
    second.unsubscribe();
    assert.is(waiting(), 0);
  });

  test(`${name}: refuses a time that is none, at the call`, () => {
    for (const wrong of [-1, Number.NaN, Infinity, 1e15]) assert.throws(() => operator(wrong), outOfRange(wrong));
    assert.throws(
      () => operator('5' as unknown as number),
      (error: unknown) => error instanceof TypeError,
    );
    if (name !== 'keepAlive') assert.throws(() => operator(0), outOfRange(0));
  });

  test(`${name}: what is subscribed to in its place finds the scope it was subscribed in`, () => {
    const valve = new Valve();
    const scope = { ...openScope, valve };
    let found: unknown;
    const asks = new Observable<never>(() => {
      found = flow.scope.valve;
    });
    const got = inScope(scope, () =>
      of(1)
        .pipe(
          operator(20),
          mergeMap(() => asks),
        )
        .subscribe(),
    );
    assert.is(found, valve);
    got.unsubscribe();
  });

  test(
    `${name}: waits longer than a timer of the host can`,
    marbles(({ expectObservable }) => {
      const month = 31 * 24 * 3_600_000;
      const soon = timer(month - 1);
      expectObservable(soon.pipe(operator(month))).toBe(`${month - 1}ms (a|)`, { a: 0 });
    }),
  );
}

test.run();
