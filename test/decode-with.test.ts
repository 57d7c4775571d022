import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { from as pulled, toArray as allOf } from 'ix/asynciterable';
import { Subject, from, lastValueFrom, map, take, toArray } from 'rxjs';
import * as assert from 'uvu/assert';
import { decodeWith } from '../operators/decode-with.js';
import { encodeWith } from '../operators/encode-with.js';
import { decodeWith as pullDecodeWith } from '../operators/ix/decode-with.js';
import { encodeWith as pullEncodeWith } from '../operators/ix/encode-with.js';
import { u16 } from '../src/codec/fields.js';
import { json } from '../src/codec/json.js';
import { reasons } from '../src/codec/reasons.js';
import type { StandardSchema } from '../src/codec/standard-schema.js';
import { struct } from '../src/codec/struct.js';
import { text } from '../src/codec/text.js';
import { marbles } from './kit/marbles.js';
import { raised } from './kit/raised.js';
import { suite } from './kit/suite.js';

const test = suite('decodeWith and encodeWith');
const bytes = (words: string): Uint8Array => new TextEncoder().encode(words);

const Ask = json.pipe(t.strict({ add: t.array(t.number) }));
const Pair = struct({ n: u16 });
const numberSchema: StandardSchema<number> = {
  '~standard': {
    version: 1,
    vendor: 'handmade',
    validate: (value) => (typeof value === 'number' ? { value } : { issues: [{ message: 'no number' }] }),
  },
};
const why = map(E.mapLeft(reasons));

const frames = { a: bytes('{"add":[1,2]}'), b: bytes('{"add":"1"}'), c: bytes('{"add":[]}') };
const messages = {
  x: E.right({ add: [1, 2] }),
  y: E.left(['add: expected Array<number>, got "1"']),
  z: E.right({ add: [] }),
};

for (const [title, source, expected] of [
  ['never', '-', '-'],
  ['nothing', '--|', '--|'],
  ['one frame', '--a--|', '--x--|'],
  ['many frames, one of them no message', '--a-(bc)-|', '--x-(yz)-|'],
  ['frames and an error', '--a-#', '--x-#'],
] as const) {
  test(
    `decodes ${title}`,
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold(source, frames).pipe(decodeWith(Ask), why)).toBe(expected, messages);
    }),
  );
  test(
    `encodes ${title}`,
    marbles(({ cold, expectObservable }) => {
      const words = { a: 'one', b: 'two', c: 'three' };
      const encoded = { x: bytes('one'), y: bytes('two'), z: bytes('three') };
      expectObservable(cold(source, words).pipe(encodeWith(text))).toBe(expected, encoded);
    }),
  );
}

test(
  'lets go of the frames when nobody listens',
  marbles(({ hot, expectObservable, expectSubscriptions }) => {
    const source = hot('--a--b--|', frames);
    expectObservable(source.pipe(decodeWith(Ask), why, take(1))).toBe('--(x|)', messages);
    expectSubscriptions(source.subscriptions).toBe('^-!');
  }),
);

test('decodes a frame that comes while another is handled', () => {
  const source = new Subject<Uint8Array>();
  const seen: unknown[] = [];
  source.pipe(decodeWith(text)).subscribe((message) => {
    seen.push(message);
    if (seen.length === 1) source.next(bytes('again'));
  });
  source.next(bytes('first'));
  assert.equal(seen, [E.right('first'), E.right('again')]);
});

test('takes a Standard Schema where it takes a codec', async () => {
  const wire = [bytes('1'), bytes('"a"')];
  const decoded = await lastValueFrom(from(wire).pipe(decodeWith(numberSchema), why, toArray()));
  assert.equal(decoded, [E.right(1), E.left(['no number'])]);
  const encoded = await lastValueFrom(from([1, 2]).pipe(encodeWith(numberSchema), toArray()));
  assert.equal(encoded, [bytes('1'), bytes('2')]);
});

test('does not compile with a type that is not over bytes', () => {
  // @ts-expect-error: over values
  decodeWith(t.strict({ add: t.number }));
  // @ts-expect-error: over values
  encodeWith(t.string);
  assert.throws(() => decodeWith(undefined as never), raised(TypeError, /^codec must be/));
  assert.throws(() => pullDecodeWith(undefined as never), raised(TypeError, /^codec must be/));
});

test('fails with the RangeError of a message that has no bytes', async () => {
  const refusal = raised(RangeError, /^n must be a whole number from 0 to 65535, got 70000$/);
  const failure = (run: () => Promise<unknown>): Promise<unknown> => run().catch((error: unknown) => error);
  assert.ok(refusal(await failure(() => lastValueFrom(from([{ n: 70_000 }]).pipe(encodeWith(Pair))))));
  assert.ok(refusal(await failure(() => allOf(pullEncodeWith(Pair)(pulled([{ n: 70_000 }]))))));
});

test('gives the same pulled as pushed', async () => {
  const wire = Object.values(frames);
  const pushed = await lastValueFrom(from(wire).pipe(decodeWith(Ask), toArray()));
  assert.equal(await allOf(pullDecodeWith(Ask)(pulled(wire))), pushed);
  const asks = [{ add: [1] }, { add: [] }];
  const encoded = await lastValueFrom(from(asks).pipe(encodeWith(Ask), toArray()));
  assert.equal(await allOf(pullEncodeWith(Ask)(pulled(asks))), encoded);
  assert.equal(await allOf(pullDecodeWith(Ask)(pulled([]))), []);
});

test('pulls a frame when a message is asked for, and lets go when nobody asks', async () => {
  const log: string[] = [];
  const source = async function* source(): AsyncGenerator<Uint8Array> {
    try {
      for (const frame of Object.values(frames)) {
        log.push('pulled');
        yield frame;
      }
    } finally {
      log.push('let go');
    }
  };
  for await (const message of pullDecodeWith(Ask)(source())) {
    log.push(message._tag);
    if (E.isLeft(message)) break;
  }
  assert.equal(log, ['pulled', 'Right', 'pulled', 'Left', 'let go']);
});

test.run();
