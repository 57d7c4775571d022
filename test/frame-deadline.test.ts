import { Subject, VirtualAction, VirtualTimeScheduler } from 'rxjs';
import * as assert from 'uvu/assert';
import { failIfIdle } from '../operators/fail-if-idle.js';
import { frameDeadline } from '../operators/frame-deadline.js';
import { FrameTooSlow } from '../src/errors.js';
import { NO_FRAMES } from '../src/flow/warning.js';
import { cutLines } from './kit/cut-lines.js';
import { heldBack } from './kit/held-back.js';
import { marbles } from './kit/marbles.js';
import { suite } from './kit/suite.js';
import { waiting } from './kit/waiting.js';

/** Chunks: a letter is itself, `/` the end of a line. */
const chunks = { a: 'a', b: 'b', c: 'c', d: 'd', e: 'e', '/': '\n', x: '\nd', z: 'de\n' };
/** Lines. */
const lines = { A: 'a', D: 'de', M: 'abc' };
const tooSlow = new FrameTooSlow(8);

const test = suite('frameDeadline');

test(
  'fails when a frame takes longer from its first byte to its last',
  marbles(({ hot, expectObservable, expectSubscriptions }) => {
    const bytes = hot(' --a-----b-----c---');
    const heard = '     ^---------!';
    const expected = '  ----------#';
    expectObservable(bytes.pipe(cutLines, frameDeadline(8))).toBe(expected, lines, tooSlow);
    expectSubscriptions(bytes.subscriptions).toBe(heard);
  }),
);

test(
  'lets a frame be finished in time, and at the very millisecond',
  marbles(({ hot, cold, expectObservable }) => {
    const inTime = '  -a--b--c-/-----';
    const expected = '---------M------';
    expectObservable(cold(inTime, chunks).pipe(cutLines, frameDeadline(9))).toBe(expected, lines);
    expectObservable(cold(inTime, chunks).pipe(cutLines, frameDeadline(8))).toBe(expected, lines);
    expectObservable(hot(inTime, chunks).pipe(cutLines, frameDeadline(8))).toBe(expected, lines);
    expectObservable(hot(inTime, chunks).pipe(cutLines, frameDeadline(7))).toBe(
      '--------#',
      lines,
      new FrameTooSlow(7),
    );
  }),
);

test(
  'gives each frame its own time',
  marbles(({ cold, expectObservable }) => {
    const bytes = cold('-a----/-d---e--/-a-----------', chunks);
    const expected = '  ------A--------D---------#';
    expectObservable(bytes.pipe(cutLines, frameDeadline(8))).toBe(expected, lines, tooSlow);
  }),
);

test(
  'begins anew with a frame that begins in the chunk which ends the last',
  marbles(({ cold, expectObservable }) => {
    const bytes = cold('-a-----x--------------', chunks);
    const expected = '  -------A-------#';
    expectObservable(bytes.pipe(cutLines, frameDeadline(8))).toBe(expected, lines, tooSlow);
  }),
);

test(
  'is not concerned with silence between frames, nor with frames that come whole',
  marbles(({ cold, expectObservable }) => {
    const bytes = cold('-z---a-/ 60m a--/- 60m z--', chunks);
    const expected = '  -D-----A 60m ---A- 60m D--';
    expectObservable(bytes.pipe(cutLines, frameDeadline(8))).toBe(expected, lines);
  }),
);

test(
  'does not take a drip for a sign of life',
  marbles(({ cold, expectObservable }) => {
    const drip = cold('-d-e-d-e-d-e-d-e-d-e-d-e');
    const alive = drip.pipe(failIfIdle(5), cutLines, frameDeadline(8));
    expectObservable(alive).toBe('---------#', lines, tooSlow);
  }),
);

test(
  'forgets a frame that its source left unfinished',
  marbles(({ cold, expectObservable }) => {
    expectObservable(cold('-a---|').pipe(cutLines, frameDeadline(8))).toBe('-----|');
    expectObservable(cold('-a---#').pipe(cutLines, frameDeadline(8))).toBe('-----#');
  }),
);

test(
  'leaves a frame alone whose rest lies unread because a consumer is full',
  marbles(({ cold, hot, expectObservable }) => {
    const valve = '    --c- 96ms o';
    const unread = '   -a---/';
    const expected = ' -- 98ms A';
    const stuck = '    -a---b';
    const slow = heldBack(hot(unread, chunks), cold(valve), (bytes) => bytes.pipe(cutLines, frameDeadline(8)));
    expectObservable(slow).toBe(expected, lines);
    const silent = heldBack(hot(stuck, chunks), cold(valve), (bytes) => bytes.pipe(cutLines, frameDeadline(8)));
    expectObservable(silent).toBe('100ms #', lines, tooSlow);
  }),
);

test('waits only while a frame is under way, with one alarm for all', () => {
  const bytes = new Subject<string>();
  const watched = bytes.pipe(cutLines, frameDeadline(20_000)).subscribe();
  bytes.next('whole\n');
  assert.is(waiting(), 0);
  bytes.next('half');
  assert.is(waiting(), 1);
  bytes.next('\nhalf');
  bytes.next('\nhalf');
  assert.is(waiting(), 1);
  watched.unsubscribe();
  assert.is(waiting(), 0);
});

test('takes a scheduler', () => {
  const scheduler = new VirtualTimeScheduler(VirtualAction);
  const bytes = new Subject<string>();
  let failed: unknown;
  bytes.pipe(cutLines, frameDeadline(60_000, scheduler)).subscribe({ error: (error: unknown) => (failed = error) });
  bytes.next('half');
  assert.is(waiting(), 0);
  scheduler.flush();
  assert.instance(failed, FrameTooSlow);
  assert.is(scheduler.now(), 60_000);
});

test('warns once where no frames are cut above it', async () => {
  const warnings: unknown[] = [];
  const hear = (warning: Error & { readonly code?: string }): number => warnings.push(warning.code);
  process.on('warning', hear);
  try {
    for (let time = 0; time < 2; time++) {
      const bytes = new Subject<string>();
      const watched = bytes.pipe(frameDeadline(20_000)).subscribe();
      bytes.next('a');
      bytes.next('b');
      watched.unsubscribe();
    }
    await new Promise(setImmediate);
    assert.equal(warnings, [NO_FRAMES]);
  } finally {
    process.off('warning', hear);
  }
});

test.run();
