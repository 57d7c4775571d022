import { NEVER, Subject, VirtualAction, VirtualTimeScheduler, merge } from 'rxjs';
import * as assert from 'uvu/assert';
import { firstByteDeadline } from '../operators/first-byte-deadline.js';
import { mapAsync } from '../operators/map-async.js';
import { PeerSilent } from '../src/errors.js';
import { cutLines } from './kit/cut-lines.js';
import { peer } from './kit/held-back.js';
import { marbles } from './kit/marbles.js';
import { suite } from './kit/suite.js';
import { waiting } from './kit/waiting.js';

const test = suite('firstByteDeadline');

test(
  'fails a peer that says nothing',
  marbles(({ hot, expectObservable, expectSubscriptions }) => {
    const bytes = hot('------------');
    const heard = '    ^----!';
    const expected = ' -----#';
    expectObservable(bytes.pipe(firstByteDeadline(5))).toBe(expected, undefined, new PeerSilent(5));
    expectSubscriptions(bytes.subscriptions).toBe(heard);
  }),
);

test(
  'lets a peer that has said something be silent for ever',
  marbles(({ cold, expectObservable }) => {
    expectObservable(cold('----a- 9h b-').pipe(firstByteDeadline(5))).toBe('----a- 9h b-');
  }),
);

test(
  'takes a first byte at the very millisecond for one in time',
  marbles(({ hot, cold, expectObservable }) => {
    expectObservable(hot('-----a--').pipe(firstByteDeadline(5))).toBe('-----a--');
    expectObservable(cold('-----a--').pipe(firstByteDeadline(5))).toBe('-----a--');
    expectObservable(cold('------a-').pipe(firstByteDeadline(5))).toBe('-----#', undefined, new PeerSilent(5));
  }),
);

test(
  'takes an end or an error that comes first for what it is',
  marbles(({ cold, expectObservable }) => {
    expectObservable(cold('-----|').pipe(firstByteDeadline(5))).toBe('-----|');
    expectObservable(cold('-----#').pipe(firstByteDeadline(5))).toBe('-----#');
  }),
);

test(
  'waits for a whole frame where it stands after the frames',
  marbles(({ cold, expectObservable }) => {
    const drip = cold('d-r-i-p-d-r-i-p-');
    expectObservable(drip.pipe(cutLines, firstByteDeadline(5))).toBe('-----#', undefined, new PeerSilent(5));
    expectObservable(drip.pipe(firstByteDeadline(5), cutLines)).toBe('----------------');
  }),
);

test('waits for nothing once it has heard something', () => {
  const messages = new Subject<number>();
  const heard = messages.pipe(firstByteDeadline(20_000)).subscribe();
  assert.is(waiting(), 1);
  messages.next(1);
  assert.is(waiting(), 0);
  messages.next(2);
  assert.is(waiting(), 0);
  heard.unsubscribe();
});

test('takes a scheduler', () => {
  const scheduler = new VirtualTimeScheduler(VirtualAction);
  let failed: unknown;
  NEVER.pipe(firstByteDeadline(60_000, scheduler)).subscribe({ error: (error: unknown) => (failed = error) });
  assert.is(waiting(), 0);
  scheduler.flush();
  assert.instance(failed, PeerSilent);
  assert.is(scheduler.now(), 60_000);
});

test(
  'leaves a peer alone whose first byte lies unread',
  marbles(({ hot, expectObservable }) => {
    const release = new Subject<void>();
    const busy = mapAsync<string, string>(1, () => new Promise(() => release.subscribe()), { highWater: 1 });
    const served = merge(peer(hot('(abc)')), peer(hot('--d')).pipe(firstByteDeadline(5))).pipe(busy);
    expectObservable(served, '^ 999ms !').toBe('-');
  }),
);

test.run();
