import * as assert from 'uvu/assert';
import { FrameTooLong, MalformedFrame } from '../src/errors.js';
import { deframer } from '../src/framing/deframer.js';
import { type DelimitedOptions, type Delimiter, delimited } from '../src/framing/delimited.js';
import { fixed } from '../src/framing/fixed.js';
import {
  type LengthPrefixedOptions,
  type Width,
  lengthPrefixed,
  selfCounting,
} from '../src/framing/length-prefixed.js';
import { type LineOptions, line } from '../src/framing/line.js';
import { netstring } from '../src/framing/netstring.js';
import { raw } from '../src/framing/raw.js';
import { type InvertibleRule, type Rule, found } from '../src/framing/rule.js';
import { varint } from '../src/framing/varint.js';
import { bytes, text } from './kit/bytes.js';
import { raised } from './kit/raised.js';
import { suite } from './kit/suite.js';

const test = suite('framing rules');

/** The frames that `rule` cuts out of `wire`, to its end. */
const cut = (rule: Rule, wire: Uint8Array): string[] => {
  const frames = deframer(rule);
  frames.push(wire);
  frames.end();
  const all: string[] = [];
  for (let frame = frames.next(); frame !== undefined; frame = frames.next()) all.push(text(frame));
  return all;
};

/** The error at which `wire` is refused. */
const refusal = (rule: Rule, wire: string): unknown => {
  try {
    cut(rule, bytes(wire));
  } catch (error) {
    return error;
  }
  return undefined;
};

const guessed = (rule: Rule, wire: string): string | undefined => {
  const error = refusal(rule, wire);
  if (error instanceof FrameTooLong || error instanceof MalformedFrame) return error.guess;
  throw new Error(`expected the frame to be refused, got ${String(error)}`);
};

const encoded = (rule: InvertibleRule, ...payloads: readonly string[]): string =>
  payloads.map((payload) => text(rule.encode(bytes(payload)))).join('');

// ── length prefixed ─────────────────────────────────────────────────────────────────────────────────────────────────

const widths: readonly Width[] = [1, 2, 3, 4, 6, 8];

for (const order of ['be', 'le'] as const) {
  test(`every length of every width at every offset, ${order}`, () => {
    for (const width of widths) {
      for (const offset of [0, 1, 2, 3, 7]) {
        for (const includesHeader of [false, true]) {
          for (const adjustment of [-1, 0, 1, 5]) {
            const rule = lengthPrefixed({ width, order, offset, includesHeader, adjustment, limit: 70_000 });
            for (const length of [0, 1, 2, 127, 128, 200, 255, 256, 257, 65_535, 65_536]) {
              const field = length - adjustment + (includesHeader ? offset + width : 0);
              if (field < 0 || field >= 256 ** width) continue;
              const high = [0, 0, 0, 0, 0, 0, 0, 0, field >>> 16, (field >>> 8) & 255, field & 255].slice(-width);
              const header = [...new Array<number>(offset).fill(0), ...(order === 'be' ? high : high.toReversed())];
              const payload = new Uint8Array(length).fill(88);
              const wire = Buffer.concat([Uint8Array.from(header), payload]);
              const frames = deframer(rule);
              frames.push(wire);
              assert.is(Buffer.compare(frames.next() as Uint8Array, payload), 0);
              assert.is(frames.held, 0);
              assert.is(Buffer.compare(rule.encode(payload), wire), 0);
            }
          }
        }
      }
    }
  });
}

test('refuses options of a length that make no sense', () => {
  const options = (some: Partial<LengthPrefixedOptions>) => () => lengthPrefixed({ width: 2, ...some });
  const range = (message: RegExp) => raised(RangeError, message);
  assert.throws(() => lengthPrefixed(5 as Width), range(/width must be one of 1, 2, 3, 4, 6, 8, got 5/));
  assert.throws(() => lengthPrefixed('2' as unknown as Width), range(/width must be one of .*, got 2/));
  assert.throws(options({ order: 'big' as 'be' }), raised(TypeError, /order must be one of "be", "le", got "big"/));
  assert.throws(options({ offset: -1 }), range(/offset must be a whole number from 0 to 1048576, got -1/));
  assert.throws(options({ limit: 0 }), range(/limit must be a whole number from 1 to 1073741824, got 0/));
  assert.throws(options({ limit: Infinity }), range(/limit must be .*, got Infinity/));
  assert.throws(options({ limit: 10, strip: 13 }), range(/strip must be a whole number from 0 to 12, got 13/));
  assert.throws(options({ offset: 1, strip: 2 }), range(/strip .* at most 1 or at least 3, got 2/));
  assert.throws(
    options({ includesHeader: 1 as unknown as boolean }),
    raised(TypeError, /includesHeader must be true or/),
  );
});

test('refuses a length that could never be right', () => {
  const options = (some: Partial<LengthPrefixedOptions>) => () => lengthPrefixed({ width: 1, ...some });
  const range = (message: RegExp) => raised(RangeError, message);
  // Every frame would have less than no payload.
  assert.throws(
    options({ adjustment: -256 }),
    range(/adjustment must be a whole number from -255 to 1048576, got -256/),
  );
  assert.throws(options({ offset: 255, includesHeader: true }), range(/adjustment .* from 1 to /));
  assert.throws(options({ strip: 257 }), range(/adjustment .* from 1 to /));
  // Every frame would be too long.
  assert.throws(
    options({ limit: 10, adjustment: 11 }),
    range(/adjustment must be a whole number from -255 to 10, got 11/),
  );
  assert.is(options({ adjustment: -255 })().capacity, 1);
  assert.is(options({ limit: 10, adjustment: 10 })().capacity, 11);
});

test('holds no more than a length can say', () => {
  assert.is(lengthPrefixed(1).capacity, 256);
  assert.is(lengthPrefixed(2).capacity, 65_537);
  assert.is(lengthPrefixed(4).capacity, 4 + 1024 * 1024);
  assert.is(lengthPrefixed({ width: 4, offset: 2, limit: 10 }).capacity, 16);
  assert.is(selfCounting().capacity, 65_535);
});

test('draws a length-prefixed frame', () => {
  assert.is(
    lengthPrefixed(2).drawing,
    'length (2, big-endian) | payload (length, at most 1048576), passed on from byte 2',
  );
  assert.is(
    lengthPrefixed({ width: 4, order: 'le', offset: 1, includesHeader: true, strip: 0, limit: 99 }).drawing,
    'bytes (1) | length (4, little-endian) | payload (length - 5, at most 99), passed on whole',
  );
});

test('a stripped header is written, as zeros but for the length', () => {
  assert.is(encoded(lengthPrefixed({ width: 1, offset: 2 }), 'hi'), '\0\0\x02hi');
  assert.is(encoded(lengthPrefixed({ width: 1, strip: 3 }), 'hi'), '\x04\0\0hi');
  assert.is(encoded(lengthPrefixed({ width: 1, offset: 2, strip: 1 }), 'A\x02hi'), '\0A\x02hi');
  assert.is(encoded(selfCounting(), 'hello', ''), '\x07\0hello\x02\0');
});

test('a payload that brings its length has to bring the right one', () => {
  const rule = lengthPrefixed({ width: 2, offset: 1, strip: 0, limit: 5 });
  assert.is(encoded(rule, 'A\0\x02hi'), 'A\0\x02hi');
  assert.throws(() => encoded(rule, 'A\0\x03hi'), raised(RangeError, /brings its own length, which must be 2/));
  assert.throws(
    () => encoded(rule, 'A\0'),
    raised(RangeError, /payload.length must be a whole number from 3 to 8, got 2/),
  );
});

test('does not encode what it would not decode', () => {
  const range = (least: number, most: number, got: number) =>
    raised(RangeError, new RegExp(`payload.length must be a whole number from ${least} to ${most}, got ${got}`));
  const long = new Uint8Array(70_000);
  assert.throws(() => lengthPrefixed(1).encode(long), range(0, 255, 70_000));
  assert.throws(() => lengthPrefixed(2).encode(long), range(0, 65_535, 70_000));
  assert.throws(() => selfCounting().encode(long), range(0, 65_533, 70_000));
  assert.throws(() => lengthPrefixed({ width: 4, limit: 10 }).encode(long), range(0, 10, 70_000));
  assert.throws(() => lengthPrefixed({ width: 1, adjustment: 2 }).encode(bytes('x')), range(2, 257, 1));
  assert.throws(() => varint({ limit: 10 }).encode(long), range(0, 10, 70_000));
  assert.throws(() => netstring({ limit: 10 }).encode(long), range(0, 10, 70_000));
  assert.throws(() => fixed(3).encode(long), range(3, 3, 70_000));
  assert.throws(() => fixed(3).encode(bytes('ab')), range(3, 3, 2));
});

// ── guesses ─────────────────────────────────────────────────────────────────────────────────────────────────────────

test('says what a frame that is refused looks like', () => {
  const http = 'it looks like HTTP';
  const rule = lengthPrefixed(4);
  assert.is(guessed(rule, 'GET / HTTP/1.1\r\n'), http);
  assert.is(guessed(rule, 'POST /x'), http);
  assert.is(guessed(rule, 'HEAD'), http);
  assert.is(guessed(rule, 'HTTP/1.1 400 Bad Request'), http);
  assert.is(guessed(lengthPrefixed({ width: 4, order: 'le' }), 'HTTP'), http);
  assert.is(guessed(lengthPrefixed({ width: 2, limit: 1000 }), 'PU'), http);
  assert.is(guessed(rule, '\x16\x03\x01\x02\0\x01'), 'it looks like a TLS hello');
  assert.is(guessed(rule, 'SSH-2.0-OpenSSH'), 'it looks like SSH');
  assert.is(guessed(rule, 'PROXY TCP4 '), 'it looks like the PROXY protocol');
  assert.is(guessed(rule, '\r\n\r\n\0\r\nQUIT\n'), 'it looks like the PROXY protocol');
  assert.is(guessed(rule, 'what is this'), undefined);
});

test('says so where the other byte order would do', () => {
  assert.is(guessed(lengthPrefixed(4), '\x05\0\0\0hello'), 'in little-endian order the length would be 5');
  assert.is(
    guessed(lengthPrefixed({ width: 4, order: 'le' }), '\0\x01\0\x10'),
    'in big-endian order the length would be 65552',
  );
  assert.is(guessed(lengthPrefixed({ width: 1, limit: 1 }), '\x02hi'), undefined);
  assert.is(
    guessed(lengthPrefixed({ width: 4, includesHeader: true, order: 'le' }), '\0\0\0\x05'),
    'in big-endian order the length would be 5',
  );
  assert.is(guessed(selfCounting({ limit: 100 }), '\0\x01'), undefined, 'less than the header takes is no better');
});

test('varints and netstrings are guessed at too', () => {
  assert.is(guessed(netstring(), 'GET / HTTP/1.1'), 'it looks like HTTP');
  assert.is(guessed(netstring(), '\x16\x03\x01'), 'it looks like a TLS hello');
  assert.is(guessed(varint({ limit: 10 }), 'GET / HTTP/1.1'), 'it looks like HTTP');
  assert.is(guessed(netstring(), 'G'), undefined, 'one byte proves nothing');
});

test('an error names the offset, the limit, what came and what it looks like', () => {
  const error = refusal(lengthPrefixed(4), '\0\0\0\x01aGET ');
  assert.is(
    String(error),
    'FrameTooLong: a frame of 1195725856 bytes is longer than the limit of 1048576: it looks like HTTP (frame at byte 5 of the stream)',
  );
});

// ── delimiters ──────────────────────────────────────────────────────────────────────────────────────────────────────

test('refuses delimiters that leave it open where a frame ends', () => {
  const set = (delimiters: unknown) => () => delimited(delimiters as Delimiter);
  const range = (message: RegExp) => raised(RangeError, message);
  assert.throws(set([]), range(/delimiters must be one or more, got none/));
  assert.throws(set(''), range(/must have one byte or more/));
  assert.throws(set([';', new Uint8Array(0)]), range(/must have one byte or more/));
  assert.throws(set([';', Uint8Array.of(59)]), range(/must differ, got ";" twice/));
  assert.throws(set(['b', 'abc']), range(/must not stand inside one another, as "b" does in "abc"/));
  assert.throws(set([7]), raised(TypeError, /texts or bytes, got 7/));
  assert.throws(set(undefined), raised(TypeError, /texts or bytes, got undefined/));
  assert.throws(() => delimited(';', { limit: 0 }), range(/limit must be a whole number from 1 /));
  assert.throws(
    () => delimited(';', { keep: 1 } as unknown as DelimitedOptions),
    raised(TypeError, /keep must be true or/),
  );
});

test('takes text as UTF-8', () => {
  assert.equal(cut(delimited('§'), Uint8Array.of(97, 0xc2, 0xa7, 98, 0xc2, 0xa7)), ['a', 'b']);
});

test('does not look at its delimiters again', () => {
  const delimiter = bytes(';');
  const rule = delimited(delimiter);
  delimiter[0] = 0;
  assert.equal(cut(rule, bytes('a;')), ['a']);
});

test('writes a delimiter that cannot be taken for the beginning of another', () => {
  assert.is(encoded(delimited([';', '\n']), 'a', ''), 'a;;');
  assert.is(encoded(delimited(['\r', '\r\n']), 'a'), 'a\r\n');
  assert.is(encoded(delimited(';', { keep: true }), 'a;', ';'), 'a;;');
});

test('does not write what would be cut elsewhere', () => {
  const refused = (rule: InvertibleRule, payload: string, message: RegExp) =>
    assert.throws(() => rule.encode(bytes(payload)), raised(RangeError, message));
  refused(delimited(';'), 'a;b', /payload must have no delimiter in it/);
  refused(delimited([';', '--']), 'a--b', /no delimiter in it/);
  refused(delimited('--'), 'a-', /no delimiter in it/);
  refused(delimited(';', { limit: 2 }), 'abc', /payload must have 2 bytes at most before a delimiter, got 3/);
  refused(delimited(';', { keep: true }), 'ab', /one delimiter, at its end/);
  refused(delimited(';', { keep: true }), 'a;b;', /one delimiter, at its end/);
  refused(delimited(['\r', '\r\n'], { keep: true }), 'a\r', /one delimiter, at its end/);
  refused(line(), 'a\r', /no delimiter in it/);
  refused(line(), 'a\nb', /no delimiter in it/);
  refused(line(2), 'abc', /2 bytes at most/);
});

test('lines', () => {
  assert.is(encoded(line(), 'a', ''), 'a\n\n');
  assert.is(encoded(line({ ending: 'lf' }), 'a\r'), 'a\r\n');
  assert.is(encoded(line({ ending: 'crlf' }), 'a\nb', 'c\r'), 'a\nb\r\nc\r\r\n');
  assert.throws(
    () => line({ ending: 'cr' } as unknown as LineOptions),
    raised(TypeError, /ending must be one of "lf", "crlf", "any"/),
  );
  assert.throws(() => line(0), raised(RangeError, /maxBytes must be a whole number from 1 to /));
  assert.is(line().capacity, 65_536 + 2);
});

// ── the others ──────────────────────────────────────────────────────────────────────────────────────────────────────

test('refuses limits that are none', () => {
  assert.throws(() => fixed(0), raised(RangeError, /size must be a whole number from 1 to 1073741824, got 0/));
  assert.throws(() => fixed(2.5), raised(RangeError, /size must be a whole number/));
  assert.throws(() => varint({ limit: -1 }), raised(RangeError, /limit must be/));
  assert.throws(() => netstring({ limit: 2 ** 31 }), raised(RangeError, /limit must be .* got 2147483648/));
});

test('varint and netstring write the one spelling of a length', () => {
  assert.is(encoded(varint(), '', 'hi'), '\0\x02hi');
  assert.equal([...varint().encode(new Uint8Array(300)).subarray(0, 2)], [0xac, 0x02]);
  assert.is(encoded(netstring(), '', 'hi'), '0:,2:hi,');
});

test('raw passes on what is there', () => {
  const frames = deframer(raw());
  for (const chunk of ['ab', 'c']) {
    frames.push(bytes(chunk));
    assert.is(text(frames.next() as Uint8Array), chunk);
    assert.is(frames.next(), undefined);
  }
  assert.is(encoded(raw(), 'ab'), 'ab');
});

test('a frame has a byte or more, and no part of it less than none', () => {
  for (const [header, payload, trailer] of [
    [0, 0, 0],
    [-1, 2, 0],
    [2, -1, 0],
    [1, 1, -1],
    [NaN, 1, 0],
  ] as const) {
    assert.throws(() => found(header, payload, trailer), raised(RangeError, /a frame must have a byte or more/));
  }
  assert.not.throws(() => found(1, 0));
});

test('rules have names', () => {
  const names = [fixed(5), lengthPrefixed(2), delimited(['\r\n', ';']), line(), varint(), netstring(), raw()];
  assert.equal(
    names.map(({ name }) => name),
    ['fixed(5)', 'lengthPrefixed(2)', String.raw`delimited("\r\n", ";")`, 'line(any)', 'varint', 'netstring', 'raw'],
  );
});

test.run();
