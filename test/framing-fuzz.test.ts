import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { type DeframerOptions, deframer } from '../src/framing/deframer.js';
import { delimited } from '../src/framing/delimited.js';
import { fixed } from '../src/framing/fixed.js';
import { type LengthPrefixedOptions, lengthPrefixed, selfCounting } from '../src/framing/length-prefixed.js';
import { line } from '../src/framing/line.js';
import { netstring } from '../src/framing/netstring.js';
import { raw } from '../src/framing/raw.js';
import type { InvertibleRule, Rule } from '../src/framing/rule.js';
import { varint } from '../src/framing/varint.js';
import { text } from './kit/bytes.js';
import { type Heard, heard } from './kit/heard.js';
import { suite } from './kit/suite.js';

const test = suite('framing, at random');

const bytesOf = fc.uint8Array;

/** Rules, and payloads that they encode, if not all that are given: a delimiter may stand in them. */
const table: readonly (readonly [rule: InvertibleRule, payloads: fc.Arbitrary<Uint8Array>])[] = [
  [fixed(1), bytesOf({ minLength: 1, maxLength: 1 })],
  [fixed(7), bytesOf({ minLength: 7, maxLength: 7 })],
  [lengthPrefixed(1), bytesOf({ maxLength: 255 })],
  [lengthPrefixed({ width: 1, limit: 20 }), bytesOf({ maxLength: 20 })],
  [lengthPrefixed({ width: 2, order: 'le', limit: 300 }), bytesOf({ maxLength: 300 })],
  [lengthPrefixed({ width: 4, includesHeader: true, limit: 300 }), bytesOf({ maxLength: 300 })],
  [lengthPrefixed({ width: 8, limit: 300 }), bytesOf({ maxLength: 300 })],
  [lengthPrefixed({ width: 1, offset: 2, adjustment: -3, limit: 40 }), bytesOf({ maxLength: 40 })],
  [
    lengthPrefixed({ width: 1, offset: 1, strip: 0 }),
    bytesOf({ maxLength: 40 }).map((body) => Uint8Array.of(9, body.length, ...body)),
  ],
  [selfCounting({ limit: 300 }), bytesOf({ maxLength: 300 })],
  [delimited('\0', { limit: 30 }), bytesOf({ maxLength: 40 })],
  [delimited(['\0', '\x01\0', '\x01\x02'], { limit: 30 }), bytesOf({ maxLength: 40, max: 9 })],
  [delimited(['\x01', '\x01\x02', '\x01\x02\x01\x02'], { limit: 30 }), bytesOf({ maxLength: 40, max: 9 })],
  [
    delimited('\0\0\x01', { limit: 30, keep: true }),
    bytesOf({ maxLength: 40, max: 9 }).map((body) => Uint8Array.of(...body, 0, 0, 1)),
  ],
  [line({ maxBytes: 30 }), bytesOf({ maxLength: 40, min: 9, max: 15 })],
  [line({ ending: 'crlf', maxBytes: 30 }), bytesOf({ maxLength: 40, min: 9, max: 15 })],
  [varint({ limit: 300 }), bytesOf({ maxLength: 300 })],
  [netstring({ limit: 300 }), bytesOf({ maxLength: 300 })],
];
const rules: readonly Rule[] = table.map(([rule]) => rule);

const policies: readonly DeframerOptions[] = (['error', 'skip'] as const).flatMap((onTooLong) =>
  (['error', 'drop', 'emit'] as const).map((onTruncated) => ({ onTooLong, onTruncated })),
);

/** Bytes that mean something to many rules more often than chance would have it. */
const wires = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc.uint8Array({ maxLength: 12, max: 3 }),
      fc
        .constantFrom('\r\n', '\n', '\r', '3:abc,', '0:,', '\0\0\0\x04', '\x80\x01', 'hello world')
        .map((some) => Uint8Array.from(some, (letter) => letter.charCodeAt(0))),
    ),
    { maxLength: 40 },
  )
  .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));

/** Where to cut: any places, thinned out as often as not. */
const places = fc.array(fc.nat(400), { maxLength: 30 });

const cutAt = (wire: Uint8Array, at: readonly number[]): Uint8Array[] => {
  const ends = [...at.map((place) => place % (wire.length + 1)), wire.length].toSorted((a, b) => a - b);
  return ends.map((end, index) => wire.subarray(ends[index - 1] ?? 0, end));
};

/** What comes of `chunks`. In between, the state is now and then taken out and put back, and the bound is looked at. */
const run = (chunks: readonly Uint8Array[], rule: Rule, options: DeframerOptions, moves = false): Heard =>
  heard((next) => {
    let frames = deframer(rule, options);
    const pull = (): void => {
      for (let frame = frames.next(); frame !== undefined; frame = frames.next()) next(frame);
      assert.ok(frames.held < frames.rule.capacity, `held ${frames.held} of ${frames.rule.capacity}`);
    };
    for (const chunk of chunks) {
      frames.push(chunk);
      pull();
      if (moves) frames = deframer(frames.rule, { ...options, state: structuredClone(frames.state()) });
    }
    frames.end();
    pull();
  });

for (const [rule, payloads] of table) {
  test(`${rule.name}, ${rule.capacity}: random bytes give frames or a typed error, the same however they are cut`, () => {
    fc.assert(
      fc.property(wires, places, fc.constantFrom(...policies), (wire, at, options) => {
        const whole = run([wire], rule, options);
        const [kind] = whole.error ?? [];
        assert.ok(kind === undefined || ['FrameTooLong', 'MalformedFrame', 'TruncatedFrame'].includes(kind as string));
        assert.equal(run(cutAt(wire, at), rule, options), whole);
        assert.equal(run(cutAt(wire, at), rule, options, true), whole);
        assert.equal(run(cutAt(wire, [...wire.keys()]), rule, options), whole);
      }),
      { numRuns: 120 },
    );
  });

  test(`${rule.name}, ${rule.capacity}: what it encodes, it cuts back into the same`, () => {
    fc.assert(
      fc.property(fc.array(payloads, { maxLength: 8 }), places, (given, at) => {
        const sent = given.filter((payload) => encodes(rule, payload));
        const wire = Uint8Array.from(sent.flatMap((payload) => [...rule.encode(payload)]));
        assert.equal(run(cutAt(wire, at), rule, {}), { frames: sent.map(text), error: undefined });
      }),
      { numRuns: 120 },
    );
  });
}

const encodes = (rule: InvertibleRule, payload: Uint8Array): boolean => {
  try {
    rule.encode(payload);
    return true;
  } catch (error) {
    assert.instance(error, RangeError);
    return false;
  }
};

test('large random frames, cut at random, come back', () => {
  const large: readonly InvertibleRule[] = [
    lengthPrefixed(4),
    varint(),
    netstring(),
    delimited('\r\n\r\n'),
    line({ maxBytes: 200_000, ending: 'crlf' }),
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...large),
      fc.array(fc.tuple(fc.nat(120_000), fc.nat(9)), { maxLength: 5 }),
      fc.array(fc.nat(70_000), { minLength: 1, maxLength: 20 }),
      (rule, sizes, steps) => {
        const payloads = sizes.map(([size, fill]) => new Uint8Array(size).fill(fill));
        const wire = Buffer.concat(payloads.map((payload) => rule.encode(payload)));
        const frames = deframer(rule);
        const back: Uint8Array[] = [];
        for (let at = 0, step = 0; at < wire.length; step++) {
          const size = 1 + (steps[step % steps.length] as number);
          frames.push(wire.subarray(at, at + size));
          at += size;
          for (let frame = frames.next(); frame !== undefined; frame = frames.next()) back.push(frame);
        }
        frames.end();
        assert.is(frames.next(), undefined);
        assert.is(back.length, payloads.length);
        for (const [index, frame] of back.entries()) assert.is(Buffer.compare(frame, payloads[index] as Uint8Array), 0);
      },
    ),
    { numRuns: 100 },
  );
});

for (const [ending, delimiters] of [
  ['lf', ['\n']],
  ['crlf', ['\r\n']],
  ['any', ['\n', '\r\n']],
] as const) {
  test(`lines that end in ${ending} are what is between ${JSON.stringify(delimiters)}`, () => {
    const [lines, parts] = [line({ ending, maxBytes: 9 }), delimited(delimiters, { limit: 9 })];
    const anyText = fc
      .array(fc.constantFrom('\r', '\n', '\r\n', 'a', 'bcd'), { maxLength: 40 })
      .map((pieces) => Uint8Array.from(pieces.join(''), (letter) => letter.charCodeAt(0)));
    fc.assert(
      fc.property(anyText, places, fc.constantFrom(...policies), (wire, at, options) => {
        assert.equal(run(cutAt(wire, at), lines, options), run(cutAt(wire, at), parts, options));
      }),
      { numRuns: 400 },
    );
  });
}

test('any options of a length make a rule that there is, or a RangeError', () => {
  const options = fc.record(
    {
      width: fc.constantFrom(1, 2, 3, 4, 6, 8),
      order: fc.constantFrom('be', 'le'),
      offset: fc.integer({ min: -1, max: 9 }),
      includesHeader: fc.boolean(),
      adjustment: fc.integer({ min: -300, max: 300 }),
      strip: fc.integer({ min: -1, max: 20 }),
      limit: fc.integer({ min: 0, max: 500 }),
    },
    { requiredKeys: ['width'] },
  ) as fc.Arbitrary<LengthPrefixedOptions>;
  let made = 0;
  fc.assert(
    fc.property(options, wires, fc.uint8Array({ maxLength: 30 }), (some, wire, payload) => {
      let rule;
      try {
        rule = lengthPrefixed(some);
      } catch (error) {
        assert.instance(error, RangeError);
        return;
      }
      made++;
      run([wire], rule, { onTruncated: 'drop' });
      if (encodes(rule, payload)) {
        assert.equal(run([rule.encode(payload)], rule, {}), { frames: [text(payload)], error: undefined });
      }
    }),
    { numRuns: 2000 },
  );
  assert.ok(made > 200, `only ${made} were possible`);
});

test('raw bytes come out as they went in, however they are cut', () => {
  fc.assert(
    fc.property(wires, places, (wire, at) => {
      const { frames, error } = run(cutAt(wire, at), raw(), {});
      assert.is(frames.join(''), text(wire));
      assert.is(error, undefined);
    }),
  );
});

test('rules that follow one another at random cut the same frames however the bytes are cut', () => {
  const options: DeframerOptions = {
    onTruncated: 'emit',
    onTooLong: 'skip',
    next: (frame, rule) => rules[(frame.length + (rule.name ?? '').length) % rules.length] as Rule,
  };
  fc.assert(
    fc.property(wires, places, (wire, at) => {
      const whole = run([wire], fixed(1), options);
      assert.equal(run(cutAt(wire, at), fixed(1), options), whole);
      assert.equal(run(cutAt(wire, [...wire.keys()]), fixed(1), options), whole);
    }),
    { numRuns: 300 },
  );
});

test.run();
