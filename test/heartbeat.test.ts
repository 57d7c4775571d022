import { NEVER, Observable, Subject, VirtualAction, VirtualTimeScheduler, mergeMap, of, take } from 'rxjs';
import * as assert from 'uvu/assert';
import { heartbeat } from '../operators/heartbeat.js';
import { flow, inScope, openScope } from '../src/flow/scope.js';
import { Valve } from '../src/flow/valve.js';
import { heldBack } from './kit/held-back.js';
import { marbles } from './kit/marbles.js';
import { suite } from './kit/suite.js';
import { waiting } from './kit/waiting.js';

const test = suite('heartbeat');

test(
  'breaks silence, again and again',
  marbles(({ hot, expectObservable, expectSubscriptions }) => {
    const messages = hot('--a-------b--|');
    const heard = '       ^------------!';
    const expected = '    --a--x--x-b--|';
    expectObservable(messages.pipe(heartbeat(3, 'x'))).toBe(expected);
    expectSubscriptions(messages.subscriptions).toBe(heard);
  }),
);

test(
  'beats where nothing is ever said',
  marbles(({ expectObservable }) => {
    expectObservable(NEVER.pipe(heartbeat(3, 'x'), take(3))).toBe('---x--x--(x|)');
    expectObservable(NEVER.pipe(heartbeat(1, 'x'), take(3))).toBe('-xx(x|)');
  }),
);

test(
  'does not beat where something is said in time, or at the very millisecond',
  marbles(({ hot, expectObservable }) => {
    expectObservable(hot('--a-b--c--d--|').pipe(heartbeat(3, 'x'))).toBe('--a-b--c--d--|');
  }),
);

test(
  'asks a function for each beat',
  marbles(({ expectObservable }) => {
    let beats = 0;
    const beat = (): string => 'xyz'[beats++] ?? '?';
    expectObservable(NEVER.pipe(heartbeat(3, beat), take(3))).toBe('---x--y--(z|)');
  }),
);

test(
  'fails with what that function throws',
  marbles(({ expectObservable }) => {
    const beat = (): string => {
      throw new Error('no beat');
    };
    expectObservable(NEVER.pipe(heartbeat(3, beat))).toBe('---#', undefined, new Error('no beat'));
  }),
);

test(
  'ends with its source, and fails with it',
  marbles(({ cold, expectObservable }) => {
    expectObservable(cold('-----|').pipe(heartbeat(3, 'x'))).toBe('---x-|');
    expectObservable(cold('-----#').pipe(heartbeat(3, 'x'))).toBe('---x-#');
  }),
);

test(
  'adds no beat while the peer has its buffers full',
  marbles(({ hot, cold, expectObservable }) => {
    const valve = '   --c-----o---------';
    const messages = '-a----------------';
    const leave = '   ^-------------!';
    const expected = '-a--------x--x----';
    expectObservable(
      heldBack(hot(messages), cold(valve), (said) => said.pipe(heartbeat(3, 'x'))),
      leave,
    ).toBe(expected);
  }),
);

test('sends a beat ahead of what is queued, and nothing else', () => {
  const scheduler = new VirtualTimeScheduler(VirtualAction);
  const messages = new Subject<string>();
  const sent: string[] = [];
  const beating = messages.pipe(heartbeat(3, 'x', scheduler)).subscribe((said) => {
    sent.push(`${said}${flow.urgent ? ' urgent' : ''}`);
    if (sent.length === 3) beating.unsubscribe();
  });
  messages.next('a');
  scheduler.schedule(() => messages.next('b'), 4);
  scheduler.flush();
  assert.equal(sent, ['a', 'x urgent', 'b']);
  assert.not(flow.urgent);
  assert.is(waiting(), 0);
});

test(
  'beats in the scope that it was subscribed in',
  marbles(({ expectObservable }) => {
    const valve = new Valve();
    const asks = new Observable<boolean>((out) => {
      out.next(flow.scope.valve === valve);
      out.complete();
    });
    const beats = NEVER.pipe(
      heartbeat(3, 'x'),
      mergeMap(() => asks),
      take(1),
    );
    const inThatScope = new Observable<boolean>((out) => inScope({ ...openScope, valve }, () => beats.subscribe(out)));
    expectObservable(inThatScope).toBe('---(a|)', { a: true });
  }),
);

test('takes what is said because of a beat', () => {
  const scheduler = new VirtualTimeScheduler(VirtualAction);
  const messages = new Subject<string>();
  const sent: [number, string][] = [];
  messages.pipe(heartbeat(3, 'x', scheduler), take(5)).subscribe((said) => {
    sent.push([scheduler.now(), said]);
    if (said === 'x') messages.next('because');
  });
  scheduler.flush();
  assert.equal(sent, [
    [3, 'x'],
    [3, 'because'],
    [6, 'x'],
    [6, 'because'],
    [9, 'x'],
  ]);
  of(1)
    .pipe(heartbeat(3, 2, scheduler))
    .subscribe();
  scheduler.flush();
  assert.is(scheduler.now(), 9, 'somebody still waits');
});

test.run();
