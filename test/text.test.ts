import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { reasons } from '../src/codec/reasons.js';
import { text, textWithin } from '../src/codec/text.js';
import { raised } from './kit/raised.js';
import { suite } from './kit/suite.js';

const test = suite('text');
const why = E.mapLeft(reasons);

test('gives back what it was given', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (words) => {
      assert.equal(text.decode(text.encode(words)), E.right(words));
    }),
  );
});

test('keeps a byte order mark, and an empty text', () => {
  assert.equal(text.decode(text.encode('\ufeffhi')), E.right('\ufeffhi'));
  assert.equal(text.decode(new Uint8Array()), E.right(''));
});

test('does not decode what is not UTF-8, and forgets it', () => {
  const wrong = [[0xff], [0x61, 0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x80]];
  for (const bytes of wrong) {
    assert.equal(why(text.decode(Uint8Array.from(bytes))), E.left(['not UTF-8']));
    assert.equal(text.decode(Uint8Array.of(0x62)), E.right('b'));
  }
});

test('answers an Either to any bytes, and the same bytes to its text', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const decoded = text.decode(bytes);
      if (E.isRight(decoded)) assert.equal(text.encode(decoded.right), bytes);
    }),
    { numRuns: 1000 },
  );
});

test('writes U+FFFD for half a surrogate pair', () => {
  assert.equal(text.decode(text.encode('a\ud800b')), E.right('a\ufffdb'));
});

test('keeps its limit in both directions, counted in bytes', () => {
  const short = textWithin({ maxBytes: 4 });
  assert.equal(short.decode(short.encode('éé')), E.right('éé'));
  assert.equal(why(short.decode(text.encode('ééa'))), E.left(['5 bytes are more than the limit of 4']));
  assert.throws(() => short.encode('ééa'), raised(RangeError, /^text: 5 bytes are more than the limit of 4$/));
});

test('has a limit of 1 MiB unless told otherwise', () => {
  const most = new Uint8Array(1_048_576).fill(0x61);
  assert.ok(E.isRight(text.decode(most)));
  assert.equal(
    why(text.decode(new Uint8Array(1_048_577))),
    E.left(['1048577 bytes are more than the limit of 1048576']),
  );
});

test('refuses an impossible limit when it is given', () => {
  for (const maxBytes of [0, -1, 1.5, Number.NaN, Infinity])
    assert.throws(() => textWithin({ maxBytes }), raised(RangeError, /^maxBytes/));
});

test('knows its own values', () => {
  assert.ok(text.is('a'));
  assert.not.ok(text.is(1));
  assert.not.ok(text.is(new Uint8Array()));
});

test.run();
