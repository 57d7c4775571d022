import { from, of, toArray } from 'ix/asynciterable';
import { map, take } from 'ix/asynciterable/operators';
import * as assert from 'uvu/assert';
import { frameDelimited } from '../operators/ix/frame-delimited.js';
import { frameFixed } from '../operators/ix/frame-fixed.js';
import { frameLengthPrefixed } from '../operators/ix/frame-length-prefixed.js';
import { frameLines } from '../operators/ix/frame-lines.js';
import { frameNetstring } from '../operators/ix/frame-netstring.js';
import { frameVarint } from '../operators/ix/frame-varint.js';
import { frame } from '../operators/ix/frame.js';
import { FrameTooLong } from '../src/errors.js';
import type { DeframerOptions } from '../src/framing/deframer.js';
import { fixed } from '../src/framing/fixed.js';
import { bytes, text } from './kit/bytes.js';
import { deliveries } from '../src/testing/deliveries.js';
import { frameCases } from './kit/frame-cases.js';
import { type Heard, thrown } from './kit/heard.js';
import { suite } from './kit/suite.js';

const test = suite('frame, pulled');

/** What a reader gets who pulls to the end. */
const pulled = async (frames: AsyncIterable<Uint8Array>): Promise<Heard> => {
  const all: string[] = [];
  try {
    for await (const one of frames) all.push(text(one));
  } catch (error) {
    return { frames: all, error: thrown(error) };
  }
  return { frames: all, error: undefined };
};

async function* pull(chunks: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* chunks;
}

for (const { name, rule, options, wire, frames, error } of frameCases) {
  test(`every delivery: ${name}`, async () => {
    const cut = frame(rule, options);
    for (const chunks of deliveries(bytes(wire), 1)) {
      assert.equal(await pulled(cut(pull(chunks))), { frames, error: thrown(error) });
    }
  });
}

/** A source that tells what is asked of it. */
const told = (...chunks: readonly string[]) => {
  const story: string[] = [];
  const source = async function* (): AsyncIterable<Uint8Array> {
    try {
      for (const chunk of chunks) {
        story.push(chunk);
        yield bytes(chunk);
      }
    } finally {
      story.push('gone');
    }
  };
  return { story, source: source() };
};

test('takes the next chunk only when a frame is asked for that has not come', async () => {
  const { story, source } = told('ab', 'cd');
  const frames = frameFixed(1)(source)[Symbol.asyncIterator]();
  assert.equal(story, []);
  await frames.next();
  await frames.next();
  assert.equal(story, ['ab']);
  await frames.next();
  assert.equal(story, ['ab', 'cd']);
});

test('leaving the loop lets go of the source', async () => {
  const { story, source } = told('abc', 'def');
  for await (const one of frameFixed(1)(source)) if (text(one) === 'b') break;
  assert.equal(story, ['abc', 'gone']);
});

test('a frame that cannot be cut lets go of the source', async () => {
  const { story, source } = told('\x01a\xff', '\x01b');
  const { frames, error } = await pulled(frameLengthPrefixed({ width: 1, limit: 9 })(source));
  assert.equal(frames, ['a']);
  assert.equal(error, thrown(new FrameTooLong(255, 9, 2)));
  assert.equal(story, ['\x01a\xff', 'gone']);
});

test('passes on an error of the source, after the frames before it', async () => {
  const source = async function* (): AsyncIterable<Uint8Array> {
    yield bytes('abc');
    throw new Error('reset');
  };
  assert.equal(await pulled(frameFixed(2)(source())), { frames: ['ab'], error: ['Error', 'reset'] });
});

test('fits into the pipe of ix, among its own operators', async () => {
  const words = from(of(bytes('hel'), bytes('lo\nyou\nthere\n'))).pipe(frameLines(), map(text), take(2));
  assert.equal(await toArray(words), ['hello', 'you']);
});

test('each iteration cuts for itself', async () => {
  const frames = frameFixed(2)({
    [Symbol.asyncIterator]: () => pull([bytes('abc'), bytes('d')])[Symbol.asyncIterator](),
  });
  assert.equal(await toArray(frames.pipe(map(text))), ['ab', 'cd']);
  assert.equal(await toArray(frames.pipe(map(text))), ['ab', 'cd']);
});

test('the twins by name take the same options', async () => {
  const out = async (frames: AsyncIterable<Uint8Array>): Promise<readonly string[]> => (await pulled(frames)).frames;
  const wire = (some: string): AsyncIterable<Uint8Array> => pull([bytes(some)]);
  assert.equal(await out(frameFixed(2, { onTruncated: 'emit' })(wire('abc'))), ['ab', 'c']);
  assert.equal(await out(frameLengthPrefixed(1, { onTruncated: 'drop' })(wire('\x01a\x02b'))), ['a']);
  assert.equal(await out(frameDelimited(';', { limit: 3, onTooLong: 'skip' })(wire('abcd;a;'))), ['a']);
  assert.equal(await out(frameLines({ ending: 'crlf' })(wire('a\nb\r\n'))), ['a\nb']);
  assert.equal(await out(frameVarint({ onTruncated: 'emit' })(wire('\x01a\x02b'))), ['a', 'b']);
  assert.equal(await out(frameNetstring({ onTruncated: 'emit' })(wire('1:a,2:b'))), ['a', 'b']);
});

test('an option that is none is refused at the call', () => {
  const options = { onTooLong: 'drop' } as unknown as DeframerOptions;
  assert.throws(() => frame(fixed(1), options), /onTooLong must be one of/);
});

test.run();
