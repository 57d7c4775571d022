import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { from as pulled, toArray as allOf } from 'ix/asynciterable';
import { type Observable, Subject, from, lastValueFrom, materialize, take, toArray } from 'rxjs';
import * as assert from 'uvu/assert';
import { decodeOr } from '../operators/decode-or.js';
import { decodeOr as pullDecodeOr } from '../operators/ix/decode-or.js';
import { json } from '../src/codec/json.js';
import { InvalidMessage } from '../src/errors.js';
import { marbles } from './kit/marbles.js';
import { raised } from './kit/raised.js';
import { suite } from './kit/suite.js';

const test = suite('decodeOr');
const bytes = (words: string): Uint8Array => new TextEncoder().encode(words);

const Ask = json.pipe(t.strict({ add: t.array(t.number) }));
const refuse = (why: readonly string[], frame: Uint8Array) => ({ refused: why, size: frame.length });
const why = ['add: expected Array<number>, got 5'];

const frames = { a: bytes('{"add":[1,2]}'), b: bytes('{"add":5}'), c: bytes('{"add":[]}') };
const messages = { x: { add: [1, 2] }, y: { refused: why, size: 9 }, z: { add: [] } };
const invalid = new InvalidMessage(why);

for (const [title, source, dropped, ended, answered] of [
  ['never', '       -', '         -', '        -', '    -'],
  ['nothing', '     --|', '       --|', '      --|', '  --|'],
  ['one frame', '   --a--|', '    --x--|', '   --x--|', '--x--|'],
  ['many frames', ' --a-(cc)-|', ' --x-(zz)-|', '--x-(zz)-|', '--x-(zz)-|'],
  ['a bad one', '   --a-(bc)-|', ' --x-z----|', ' --x-#', '    --x-(yz)-|'],
  ['an error', '    --b-#', '     ----#', '    --#', '    --y-#'],
] as const) {
  test(
    `treats ${title} by its policy`,
    marbles(({ cold, expectObservable }) => {
      const wire = cold(source.trim(), frames);
      expectObservable(wire.pipe(decodeOr(Ask, 'drop'))).toBe(dropped.trim(), messages);
      expectObservable(wire.pipe(decodeOr(Ask, 'end'))).toBe(ended.trim(), messages, invalid);
      expectObservable(wire.pipe(decodeOr(Ask, refuse))).toBe(answered.trim(), messages);
    }),
  );
}

test(
  'lets go of the frames when it ends, and when nobody listens',
  marbles(({ hot, expectObservable, expectSubscriptions }) => {
    const source = hot('--a--b--c|', frames);
    expectObservable(source.pipe(decodeOr(Ask, 'end'))).toBe('--x--#', messages, invalid);
    expectObservable(source.pipe(decodeOr(Ask, 'drop'), take(1))).toBe('--(x|)', messages);
    expectSubscriptions(source.subscriptions).toBe(['^----!', '^-!']);
  }),
);

test('is typed by the message and what stands in for it', () => {
  type Message = { readonly add: readonly number[] };
  const dropping: Observable<Message> = from([frames.a]).pipe(decodeOr(Ask, 'drop'));
  const answering: Observable<Message | { readonly kind: 'bad' }> = from([frames.b]).pipe(
    decodeOr(Ask, () => ({ kind: 'bad' })),
  );
  // @ts-expect-error: what stands in for a message is not a message
  const wrong: Observable<Message> = answering;
  assert.ok(dropping !== wrong);
});

test('tells of each bad frame, and counts anew for each subscription', async () => {
  const told: unknown[] = [];
  const onInvalid = (...all: unknown[]): unknown => told.push(all);
  const decoding = from([frames.b, frames.a, frames.b]).pipe(decodeOr(Ask, 'drop', { onInvalid }), toArray());
  for (const round of [1, 2]) {
    assert.equal(await lastValueFrom(decoding), [messages.x], String(round));
    assert.equal(told.splice(0), [
      [why, frames.b, 1],
      [why, frames.b, 2],
    ]);
  }
  await lastValueFrom(from([frames.b]).pipe(decodeOr(Ask, 'end', { onInvalid }), materialize()));
  await lastValueFrom(from([frames.b]).pipe(decodeOr(Ask, refuse, { onInvalid })));
  assert.is(told.length, 2);
});

test('what is dropped, and nobody is told of, is not looked into', async () => {
  let looked = 0;
  const wrong = new t.Type<never, never, Uint8Array>(
    'wrong',
    t.never.is,
    () => {
      const errors: t.Errors = [];
      return E.left(new Proxy(errors, { get: (...all) => (looked++, Reflect.get(...all) as unknown) }));
    },
    (never) => never,
  ) as unknown as t.Type<string, Uint8Array, Uint8Array>;
  assert.equal(await lastValueFrom(from([frames.b]).pipe(decodeOr(wrong, 'drop'), toArray())), []);
  assert.is(looked, 0);
  await lastValueFrom(from([frames.b]).pipe(decodeOr(wrong, 'drop', { onInvalid: () => {} }), toArray()));
  assert.ok(looked > 0);
});

test('fails with what a policy or onInvalid throws, and takes no more frames', async () => {
  const oops = (): never => {
    throw new Error('oops');
  };
  for (const decoding of [decodeOr(Ask, oops), decodeOr(Ask, 'drop', { onInvalid: oops })]) {
    let pulls = 0;
    const endless = function* endless(): Generator<Uint8Array> {
      for (;;) {
        pulls++;
        yield frames.b;
      }
    };
    const error = await lastValueFrom(from(endless()).pipe(decoding)).catch((reason: unknown) => reason);
    assert.is((error as Error).message, 'oops');
    assert.is(pulls, 1);
  }
});

test('decodes a frame that comes while another is handled', () => {
  const source = new Subject<Uint8Array>();
  const seen: unknown[] = [];
  source.pipe(decodeOr(Ask, refuse)).subscribe((message) => {
    seen.push(message);
    if (seen.length === 1) source.next(frames.b);
  });
  source.next(frames.a);
  assert.equal(seen, [messages.x, messages.y]);
});

test('refuses an impossible policy when it is given', () => {
  for (const make of [decodeOr, pullDecodeOr]) {
    assert.throws(
      () => make(Ask, 'skip' as never),
      raised(TypeError, /^policy must be one of "drop", "end", got "skip"$/),
    );
    assert.throws(
      () => make(Ask, 'drop', { onInvalid: 1 as never }),
      raised(TypeError, /^onInvalid must be a function/),
    );
    assert.throws(() => make({} as never, 'drop'), raised(TypeError, /^codec must be/));
  }
});

test('gives the same pulled as pushed', async () => {
  const { a, b, c } = frames;
  for (const wire of [[], [a], [b], [a, b, c], [b, b]]) {
    for (const policy of ['drop', refuse] as const) {
      const pushed = await lastValueFrom(from(wire).pipe(decodeOr(Ask, policy), toArray()));
      assert.equal(await allOf(pullDecodeOr(Ask, policy)(pulled(wire))), pushed);
    }
  }
});

test('pulled, ends at a bad frame with what came before, and lets go', async () => {
  const log: unknown[] = [];
  const source = async function* source(): AsyncGenerator<Uint8Array> {
    try {
      yield* [frames.a, frames.b, frames.c];
    } finally {
      log.push('let go');
    }
  };
  try {
    for await (const message of pullDecodeOr(Ask, 'end')(source())) log.push(message);
  } catch (error) {
    log.push((error as InvalidMessage)._tag, (error as InvalidMessage).reasons);
  }
  assert.equal(log, [messages.x, 'let go', 'InvalidMessage', why]);
});

test('pulled, counts anew for each iteration', async () => {
  const counts: number[] = [];
  const decoding = pullDecodeOr(Ask, 'drop', { onInvalid: (_why, _frame, count) => counts.push(count) });
  const messagesOf = decoding(pulled([frames.b, frames.b]));
  await allOf(messagesOf);
  await allOf(messagesOf);
  assert.equal(counts, [1, 2, 1, 2]);
});

test.run();
