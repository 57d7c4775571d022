import {
  EMPTY,
  NEVER,
  Observable,
  Subject,
  concat,
  config,
  from,
  map,
  merge,
  of,
  range,
  share,
  take,
  takeUntil,
  tap,
  throwError,
} from 'rxjs';
import * as assert from 'uvu/assert';
import { delimit } from '../operators/delimit.js';
import { encodeFrames } from '../operators/encode-frames.js';
import { endLines } from '../operators/end-lines.js';
import { frameDelimited } from '../operators/frame-delimited.js';
import { frameFixed } from '../operators/frame-fixed.js';
import { frameLengthPrefixed } from '../operators/frame-length-prefixed.js';
import { frameLines } from '../operators/frame-lines.js';
import { frameNetstring } from '../operators/frame-netstring.js';
import { frameVarint } from '../operators/frame-varint.js';
import { frame } from '../operators/frame.js';
import { prefixLength } from '../operators/prefix-length.js';
import { prefixVarint } from '../operators/prefix-varint.js';
import { wrapNetstring } from '../operators/wrap-netstring.js';
import { FrameTooLong, TruncatedFrame } from '../src/errors.js';
import { Gate } from '../src/flow/gate.js';
import { type DrainState, type FrameWatch, flow, inScope, openScope } from '../src/flow/scope.js';
import { Valve } from '../src/flow/valve.js';
import type { DeframerOptions } from '../src/framing/deframer.js';
import { fixed } from '../src/framing/fixed.js';
import { type Rule, found } from '../src/framing/rule.js';
import { bytes, text } from './kit/bytes.js';
import { deliveries } from '../src/testing/deliveries.js';
import { frameCases } from './kit/frame-cases.js';
import { heard, thrown } from './kit/heard.js';
import { marbles } from './kit/marbles.js';
import { suite } from './kit/suite.js';

const test = suite('frame');
const values = { a: bytes('a'), b: bytes('b'), c: bytes('c'), d: bytes('d') };

for (const { name, rule, options, wire, frames, error } of frameCases) {
  test(`every delivery: ${name}`, () => {
    const cut = frame(rule, options);
    for (const chunks of deliveries(bytes(wire), wire.length <= 20 ? 2 : 1)) {
      const outcome = heard((next) => {
        let failure: { readonly error: unknown } | undefined;
        const failed = (raised: unknown): void => void (failure = { error: raised });
        from(chunks).pipe(cut).subscribe({ next, error: failed });
        if (failure !== undefined) throw failure.error;
      });
      assert.equal(outcome, { frames, error: thrown(error) });
    }
  });
}

// ── what an operator owes ───────────────────────────────────────────────────────────────────────────────────────────

test(
  'never',
  marbles(({ expectObservable }) => {
    expectObservable(NEVER.pipe(frameFixed(1))).toBe('-');
  }),
);

test(
  'empty',
  marbles(({ expectObservable }) => {
    expectObservable(EMPTY.pipe(frameFixed(1))).toBe('|');
  }),
);

test(
  'one frame of many chunks, many frames of one chunk',
  marbles(({ hot, expectObservable }) => {
    const chunks = hot('  --a----(bc)--|', { a: bytes('hel'), b: bytes('lowor'), c: bytes('ld') });
    const expected = '    -------(xy)--|';
    expectObservable(chunks.pipe(frameFixed(5))).toBe(expected, { x: bytes('hello'), y: bytes('world') });
  }),
);

test(
  'an error of the source passes at once, and what is held is forgotten',
  marbles(({ hot, expectObservable, expectSubscriptions }) => {
    const chunks = hot('  --a--#', { a: bytes('abcd') });
    const heardBytes = '  ^----!';
    const expected = '    --x--#';
    expectObservable(chunks.pipe(frameFixed(3))).toBe(expected, { x: bytes('abc') });
    expectSubscriptions(chunks.subscriptions).toBe(heardBytes);
  }),
);

test(
  'emits what came before a frame that is too long, and stops reading',
  marbles(({ hot, expectObservable, expectSubscriptions }) => {
    const chunks = hot('  --a--b-|', { a: bytes('\x02hi\xff'), b: bytes('\x01a') });
    const heardBytes = '  ^-!';
    const expected = '    --(x#)';
    const framed = chunks.pipe(frameLengthPrefixed({ width: 1, limit: 100 }));
    expectObservable(framed).toBe(expected, { x: bytes('hi') }, new FrameTooLong(255, 100, 3));
    expectSubscriptions(chunks.subscriptions).toBe(heardBytes);
  }),
);

test(
  'fails when the bytes end inside a frame',
  marbles(({ hot, expectObservable }) => {
    const chunks = hot('--a--|', { a: bytes('abcd') });
    expectObservable(chunks.pipe(frameFixed(3))).toBe('--x--#', { x: bytes('abc') }, new TruncatedFrame(1, 3));
  }),
);

test(
  'lets go of the bytes once nobody listens',
  marbles(({ hot, expectObservable, expectSubscriptions }) => {
    const chunks = hot('  --a----b--|', { a: bytes('\x01a\x01b'), b: bytes('\x01c') });
    const heardBytes = '  ^-!';
    const expected = '    --(x|)';
    expectObservable(chunks.pipe(frameLengthPrefixed(1), take(1))).toBe(expected, { x: bytes('a') });
    expectSubscriptions(chunks.subscriptions).toBe(heardBytes);
  }),
);

test(
  'each subscription cuts for itself',
  marbles(({ hot, expectObservable }) => {
    const chunks = hot('ab-c-d|', values);
    const framed = chunks.pipe(frameFixed(2));
    expectObservable(framed).toBe('-x---y|', { x: bytes('ab'), y: bytes('cd') });
    expectObservable(framed, '-^').toBe('---x--#', { x: bytes('bc') }, new TruncatedFrame(1, 2));
  }),
);

test('stops a source that would never end by itself', () => {
  let taken = 0;
  const endless = range(0, Number.MAX_SAFE_INTEGER).pipe(
    tap(() => taken++),
    map(() => bytes('abc')),
  );
  endless.pipe(frameFixed(2), take(4)).subscribe();
  assert.is(taken, 3);
});

test('cuts no further in a chunk once nobody listens', () => {
  let judged = 0;
  const rule: Rule = { capacity: 1, judge: () => (judged++, found(0, 1)) };
  of(bytes('abcdef')).pipe(frame(rule), take(2)).subscribe();
  assert.is(judged, 2);
});

test('chunks that a handler causes come after what is there, one frame at a time', () => {
  const chunks = new Subject<Uint8Array>();
  const all: string[] = [];
  chunks.pipe(frameFixed(1)).subscribe((one) => {
    all.push(text(one));
    if (text(one) === 'a') chunks.next(bytes('xy'));
    if (text(one) === 'x') chunks.next(bytes('z'));
    all.push('.');
  });
  chunks.next(bytes('abc'));
  chunks.next(bytes('d'));
  assert.is(all.join(''), 'a.b.c.x.y.z.d.');
});

test('chunks that cause chunks, a hundred thousand deep, do not pile up', () => {
  const chunks = new Subject<Uint8Array>();
  let emitted = 0;
  chunks.pipe(frameFixed(2)).subscribe(() => {
    if (++emitted < 100_000) chunks.next(bytes('ab'));
  });
  chunks.next(bytes('ab'));
  assert.is(emitted, 100_000);
});

test('an end that a handler causes comes after what is there', () => {
  const chunks = new Subject<Uint8Array>();
  const all: string[] = [];
  chunks.pipe(frameFixed(1)).subscribe({
    next: (one) => {
      all.push(text(one));
      chunks.complete();
    },
    complete: () => all.push('|'),
  });
  chunks.next(bytes('abc'));
  assert.is(all.join(''), 'abc|');
});

test('an error that a handler causes passes at once', () => {
  const chunks = new Subject<Uint8Array>();
  const all: string[] = [];
  chunks.pipe(frameFixed(1)).subscribe({
    next: (one) => {
      all.push(text(one));
      if (text(one) === 'b') chunks.error(new Error('reset'));
    },
    error: (error: Error) => all.push(error.message),
  });
  chunks.next(bytes('abc'));
  assert.equal(all, ['a', 'b', 'reset']);
});

test('what a rule throws is the error of the stream', () => {
  const rule: Rule = {
    capacity: 1,
    judge: (front) => {
      if (front.at(0) === 33) throw new Error('not that one');
      return found(0, 1);
    },
  };
  const all: string[] = [];
  of(bytes('ab!c'))
    .pipe(frame(rule))
    .subscribe({ next: (one) => all.push(text(one)), error: (error: Error) => all.push(error.message) });
  assert.equal(all, ['a', 'b', 'not that one']);
});

test('a handler that throws does not stop the frames', () => {
  const unhandled: unknown[] = [];
  const before = config.onUnhandledError;
  config.onUnhandledError = (error) => unhandled.push(error);
  const chunks = new Subject<Uint8Array>();
  const all: string[] = [];
  chunks.pipe(frameFixed(1)).subscribe((one) => {
    all.push(text(one));
    throw new Error('mine');
  });
  chunks.next(bytes('ab'));
  chunks.next(bytes('c'));
  assert.is(all.join(''), 'abc');
  return new Promise<void>((done) => {
    setTimeout(() => {
      config.onUnhandledError = before;
      assert.is(unhandled.length, 3);
      done();
    });
  });
});

test('an option that is none is refused at the call', () => {
  assert.throws(() => frame(fixed(1), { onTooLong: 'drop' } as unknown as DeframerOptions), /onTooLong must be one of/);
  assert.throws(() => frame(null as unknown as Rule), /rule must be a rule/);
});

// ── flow ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A source that can be paused, in the scope of a consumer with a valve. */
const pausableBytes = () => {
  const valve = new Valve();
  let gate = new Gate();
  let out: { next(chunk: Uint8Array): void; complete(): void; error(error: unknown): void } | undefined;
  const source = new Observable<Uint8Array>((subscriber) => {
    gate = new Gate();
    out = subscriber;
    return () => gate.leave();
  });
  return {
    valve,
    source,
    push: (chunk: string) => out !== undefined && gate.next(out, bytes(chunk)),
    end: () => gate.run(() => out?.complete()),
    fail: (error: Error) => gate.run(() => out?.error(error)),
    /** The source does what it does in its turn: when whoever waits before it is through. */
    inTurn: (work: () => void) => gate.wait(work),
  };
};

/** Subscribes with a valve below that is closed after every `every` frames. */
const slowly = (framed: Observable<Uint8Array>, valve: Valve, every: number): string[] => {
  const all: string[] = [];
  inScope({ ...openScope, valve }, () =>
    framed.subscribe({
      next: (one) => {
        all.push(text(one));
        if (all.length % every === 0) valve.close();
      },
      error: (error: Error) => all.push(error.message),
      complete: () => all.push('|'),
    }),
  );
  return all;
};

test('stops in the middle of a chunk while a consumer below is full, and goes on in order', () => {
  const { valve, source, push, end, inTurn } = pausableBytes();
  const all = slowly(source.pipe(frameFixed(1)), valve, 2);
  push('abcde');
  assert.is(all.join(''), 'ab');
  inTurn(() => push('fg'));
  inTurn(end);
  valve.open();
  assert.is(all.join(''), 'abcd');
  valve.open();
  assert.is(all.join(''), 'abcdef');
  valve.open();
  assert.is(all.join(''), 'abcdefg|');
});

test('a chunk that comes meanwhile all the same goes behind', () => {
  const { valve, source, push } = pausableBytes();
  const all = slowly(source.pipe(frameFixed(2)), valve, 1);
  push('aabbc');
  push('cdd');
  assert.is(all.join(''), 'aa');
  for (const soFar of ['aabb', 'aabbcc', 'aabbccdd']) {
    valve.open();
    assert.is(all.join(''), soFar);
  }
});

/** Opens the valve until the end has come, and says what had come each time. */
const opened = (valve: Valve, all: readonly string[]): string[] => {
  const story = [all.join('')];
  while (valve.closed && !all.includes('|')) {
    valve.open();
    story.push(all.join(''));
  }
  return story;
};

const stop = new Subject<void>();
for (const [name, operator] of [
  ['ends', tap<Uint8Array>()],
  ['ends for all who share it', share<Uint8Array>()],
  ['is cut off', takeUntil<Uint8Array>(stop)],
] as const) {
  test(`when the source ${name}, what waits is emitted in its time, then the end`, () => {
    const { valve, source, push, end } = pausableBytes();
    const all = slowly(source.pipe(operator, frameFixed(1)), valve, 1);
    push('abc');
    end();
    stop.next();
    assert.equal(opened(valve, all), ['a', 'ab', 'abc|']);
  });
}

test('when a source ends while it is subscribed to, what waits is emitted in its time', () => {
  const valve = new Valve();
  const source = new Observable<Uint8Array>((out) => {
    const gate = new Gate();
    gate.next(out, bytes('abc'));
    gate.run(() => out.complete());
    return () => gate.leave();
  });
  const all = slowly(source.pipe(frameFixed(1)), valve, 1);
  assert.equal(opened(valve, all), ['a', 'ab', 'abc|']);
});

test('when another source takes over, what waits of the first comes first', () => {
  const [first, second] = [pausableBytes(), pausableBytes()];
  const { valve } = first;
  const all = slowly(concat(first.source, second.source).pipe(frameFixed(1)), valve, 1);
  first.push('abc');
  first.end();
  second.push('d');
  second.end();
  assert.equal(opened(valve, all), ['a', 'ab', 'abc', 'abcd|']);
});

test('what waits obeys a consumer that joined on the way, also when the source is gone', () => {
  const { valve, source, push, end } = pausableBytes();
  const joined = new Valve();
  const all: string[] = [];
  inScope({ ...openScope, valve }, () =>
    source.pipe(frameFixed(1)).subscribe({
      next: (one) => {
        all.push(text(one));
        flow.emitting?.join(joined);
        joined.close();
      },
      complete: () => all.push('|'),
    }),
  );
  push('abc');
  end();
  assert.equal(opened(joined, all), ['a', 'ab', 'abc|']);
});

test('frames within frames wait in order', () => {
  const { valve, source, push, end, inTurn } = pausableBytes();
  const all = slowly(source.pipe(frameLines(), frameFixed(1)), valve, 1);
  push('ab\ncd\n');
  inTurn(end);
  assert.equal(opened(valve, all), ['a', 'ab', 'abc', 'abcd', 'abcd|']);
});

test('a source that ends with a half frame while frames wait fails after them', () => {
  const { valve, source, push, end, inTurn } = pausableBytes();
  const all = slowly(source.pipe(frameFixed(2)), valve, 1);
  push('aabbc');
  inTurn(end);
  valve.open();
  assert.equal(all, ['aa', 'bb']);
  valve.open();
  assert.equal(all, ['aa', 'bb', new TruncatedFrame(1, 4).message]);
});

test('an error passes at once, over frames that wait', () => {
  const { valve, source, push, fail } = pausableBytes();
  const all = slowly(source.pipe(frameFixed(1)), valve, 1);
  push('abc');
  fail(new Error('reset'));
  assert.equal(all, ['a', 'reset']);
  valve.open();
  assert.equal(all, ['a', 'reset']);
});

test('who leaves while frames wait hears no more', () => {
  const { valve, source, push } = pausableBytes();
  const all: string[] = [];
  const subscription = inScope({ ...openScope, valve }, () =>
    source.pipe(frameFixed(1)).subscribe((one) => {
      all.push(text(one));
      valve.close();
    }),
  );
  push('abc');
  subscription.unsubscribe();
  valve.open();
  assert.is(all.join(''), 'a');
});

test('does not wait when there is nothing left to emit', () => {
  const { valve, source, push, end } = pausableBytes();
  const all = slowly(source.pipe(frameFixed(1)), valve, 2);
  push('ab');
  assert.ok(valve.closed);
  end();
  assert.is(all.join(''), 'ab|');
});

test('emits what waited as the source that it came from', () => {
  const { valve, source, push } = pausableBytes();
  const emitting: (Gate | null)[] = [];
  inScope({ ...openScope, valve }, () =>
    source.pipe(frameFixed(1)).subscribe(() => {
      emitting.push(flow.emitting);
      valve.close();
    }),
  );
  push('ab');
  valve.open();
  assert.instance(emitting[0], Gate);
  assert.is(emitting[1], emitting[0]);
  assert.is(flow.emitting, null);
});

test('without a source that can be paused it emits all', () => {
  const valve = new Valve();
  assert.is(slowly(of(bytes('abc')).pipe(frameFixed(1)), valve, 1).join(''), 'abc|');
  assert.not(valve.reached, 'and lets the consumer find that out');
});

// ── the watch and the drain ─────────────────────────────────────────────────────────────────────────────────────────

/** Frames and what the watch is told, in order: `(` for a frame begun and `)` for none under way. */
const watched = (source: Observable<string>, rule: Rule, options?: DeframerOptions): string[] => {
  const all: string[] = [];
  const frames: FrameWatch = {
    watching: () => all.push('watching'),
    begun: () => all.push('('),
    done: () => all.push(')'),
  };
  inScope({ ...openScope, frames }, () => {
    const cut = source.pipe(
      tap((chunk) => all.push(chunk)),
      map(bytes),
      frame(rule, options),
    );
    cut.subscribe({
      next: (one) => all.push(`[${text(one)}]`),
      error: (error: Error) => all.push(error.name),
      complete: () => all.push('|'),
    });
  });
  return all;
};

test('tells the watch once of each frame that is under way', () => {
  const story = watched(of('aa', 'b', 'b', 'bc', 'ccdddde', 'e', 'ee'), fixed(4));
  assert.is(story.join(' '), 'watching aa ( b b ) [aabb] bc ( ccdddde ) [bccc] [dddd] ( e ee ) [eeee] |');
});

test('tells the watch that a frame is done when it is over, however it ends', () => {
  assert.equal(watched(of('aa'), fixed(4)), ['watching', 'aa', '(', 'TruncatedFrame', ')']);
  assert.equal(watched(of('aa'), fixed(4), { onTruncated: 'drop' }), ['watching', 'aa', '(', '|', ')']);
  const failing = concat(
    of('aa'),
    throwError(() => new RangeError('x')),
  );
  assert.equal(watched(failing, fixed(4)), ['watching', 'aa', '(', 'RangeError', ')']);
  assert.equal(watched(merge(of('aaaa'), EMPTY), fixed(4)), ['watching', 'aaaa', '[aaaa]', '|']);
});

test('tells a watch of a frame that is skipped', () => {
  const rule: Rule = { capacity: 3, judge: (front) => found(1, front.at(0)) };
  const story = watched(of('\x05ab', 'cd', 'e\x01', 'x'), rule, { onTooLong: 'skip' });
  assert.equal(story, ['watching', '\x05ab', '(', 'cd', 'e\x01', ')', '(', 'x', ')', '[x]', '|']);
});

test('the watch is told of the frames nearest to it alone', () => {
  const story: string[] = [];
  const frames: FrameWatch = {
    watching: () => story.push('watching'),
    begun: () => story.push('begun'),
    done: () => story.push('done'),
  };
  const chunks = new Subject<Uint8Array>();
  inScope({ ...openScope, frames }, () => chunks.pipe(frameLengthPrefixed(1), frameLines()).subscribe());
  for (const chunk of ['\x03abc', '\x02', 'de', '\x01\n']) chunks.next(bytes(chunk));
  assert.equal(story, ['watching', 'begun', 'done']);
});

test('who leaves leaves no frame under way', () => {
  const story: string[] = [];
  const frames: FrameWatch = { watching: () => {}, begun: () => story.push('begun'), done: () => story.push('done') };
  const chunks = new Subject<Uint8Array>();
  const subscription = inScope({ ...openScope, frames }, () => chunks.pipe(frameFixed(2)).subscribe());
  chunks.next(bytes('a'));
  subscription.unsubscribe();
  assert.equal(story, ['begun', 'done']);
});

test('forgets a half frame when a server that stops has ended the bytes', () => {
  const ending = (stopping: boolean, options?: DeframerOptions): string[] => {
    const drain: DrainState = { stopping, onStop: () => () => {} };
    const all: string[] = [];
    inScope({ ...openScope, drain }, () => {
      of(bytes('abc'))
        .pipe(frame(fixed(2), options))
        .subscribe({
          next: (one) => all.push(text(one)),
          error: (error: Error) => all.push(error.name),
          complete: () => all.push('|'),
        });
    });
    return all;
  };
  assert.equal(ending(false), ['ab', 'TruncatedFrame']);
  assert.equal(ending(true), ['ab', '|']);
  assert.equal(ending(true, { onTruncated: 'emit' }), ['ab', '|']);
});

// ── by name, and the inverses ───────────────────────────────────────────────────────────────────────────────────────

/** What comes out of `source`, as one text a value. */
const texts = (source: Observable<Uint8Array>): string[] => {
  const all: string[] = [];
  source.subscribe({
    next: (one) => all.push(text(one)),
    error: (error: Error) => all.push(`${error.name}: ${error.message}`),
  });
  return all;
};

const payloads = ['', 'hi', 'hello world'];
const sent = from(payloads).pipe(map(bytes));

for (const [name, encode, decode, wire] of [
  ['length', prefixLength(2), frameLengthPrefixed(2), ['\0\0', '\0\x02hi', '\0\x0bhello world']],
  [
    'length, with options',
    prefixLength({ width: 1, includesHeader: true }),
    frameLengthPrefixed({ width: 1, includesHeader: true }, { onTooLong: 'skip' }),
    ['\x01', '\x03hi', '\x0chello world'],
  ],
  ['delimiter', delimit(';'), frameDelimited(';', { limit: 11 }), [';', 'hi;', 'hello world;']],
  ['lines', endLines(), frameLines({ maxBytes: 11 }), ['\n', 'hi\n', 'hello world\n']],
  ['lines, CR LF', endLines({ ending: 'crlf' }), frameLines(), ['\r\n', 'hi\r\n', 'hello world\r\n']],
  ['varint', prefixVarint(), frameVarint({ limit: 11 }), ['\0', '\x02hi', '\x0bhello world']],
  ['netstring', wrapNetstring(), frameNetstring({ limit: 11 }), ['0:,', '2:hi,', '11:hello world,']],
] as const) {
  test(`${name}: there and back`, () => {
    assert.equal(texts(sent.pipe(encode)), wire);
    assert.equal(texts(sent.pipe(encode, decode)), payloads);
  });
}

test('the operators by name take the policies too', () => {
  const wire = of(bytes('abcdef;a;b'));
  assert.equal(texts(wire.pipe(frameDelimited(';', { limit: 3, onTooLong: 'skip', onTruncated: 'drop' }))), ['a']);
  assert.equal(texts(of(bytes('ab\nc')).pipe(frameLines({ onTruncated: 'emit' }))), ['ab', 'c']);
  assert.equal(texts(of(bytes('\x01a\x02b')).pipe(frameVarint({ onTruncated: 'emit' }))), ['a', 'b']);
  assert.equal(texts(of(bytes('1:a,2:b')).pipe(frameNetstring({ onTruncated: 'drop' }))), ['a']);
  assert.equal(texts(of(bytes('abc')).pipe(frameFixed(2, { onTruncated: 'emit' }))), ['ab', 'c']);
});

test('a payload that does not fit is the error of the stream, after what came before', () => {
  const message = 'RangeError: payload.length must be a whole number from 0 to 5, got 11';
  assert.equal(texts(sent.pipe(prefixLength({ width: 1, limit: 5 }))), ['\0', '\x02hi', message]);
});

test('a rule of your own encodes if it can', () => {
  const shout: Rule = {
    capacity: 1,
    judge: () => found(0, 1),
    encode: (payload) => bytes(text(payload).toUpperCase()),
  };
  assert.equal(texts(sent.pipe(encodeFrames(shout as never))), ['', 'HI', 'HELLO WORLD']);
  assert.throws(
    () => encodeFrames({ capacity: 1, judge: () => found(0, 1) } as never),
    /rule.encode must be a function/,
  );
});

test.run();
