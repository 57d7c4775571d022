// examples/bgp: where a message ends and what its header may say, and the codec between messages and bytes.
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { SessionFault } from '../examples/bgp/faults.js';
import { messageRule } from '../examples/bgp/message-rule.js';
import { type Message, asOf, fourOctetAs, idNumber, message } from '../examples/bgp/messages.js';
import { MalformedFrame, deframer, reasons } from '../src/index.js';
import { verifyRule } from '../src/testing/index.js';
import { entry, hex, keepalive, notification, open, payload, update, wire } from './kit/bgp.js';
import { suite } from './kit/suite.js';

const test = suite('bgp: messages');

/** Every kind of message, written by hand from RFC 4271, and RFC 5492 and 6793 for the capabilities. */
const samples: readonly (readonly [bytes: string, Message])[] = [
  ['M 0013 04', keepalive],
  ['M 0017 02 0000 0000', update()],
  ['M 0015 03 06 02', notification(6, 2)],
  ['M 0017 03 02 01 0004', notification(2, 1, [0, 4])],
  ['M 001d 01 04 fdea 005a 0a000002 00', open({ hold: 90, capabilities: [] })],
  ['M 0025 01 04 fdea 0009 0a000002 08 02 06 41 04 0000fdea', open()],
  [
    'M 002d 01 04 5ba0 0000 c0000201 10 02 0c 01 04 00010001 41 04 0001e240 63 00',
    open({
      as: 123_456,
      hold: 0,
      id: '192.0.2.1',
      capabilities: [entry(1, 0, 1, 0, 1), fourOctetAs(123_456)],
      others: [entry(99)],
    }),
  ],
];

test('every message is the bytes that the standard says, both ways', () => {
  for (const [bytes, said] of samples) {
    const all = hex(bytes);
    assert.equal(wire(said), all, bytes);
    assert.equal(message.decode(all.subarray(18)), E.right(said), bytes);
  }
});

test('the frames are the same however they are cut', () => {
  const all = samples.slice(0, 6).map(([bytes]) => hex(bytes));
  const frame = (bytes: Uint8Array): Uint8Array => bytes.subarray(18);
  const { splits } = verifyRule(
    messageRule,
    [
      { wire: hex('M 0013 04'), frames: ['\x04'] },
      { wire: Buffer.concat(all), frames: all.map(frame) },
      { wire: hex('M 0013 04 ffff'), frames: ['\x04'], error: 'TruncatedFrame' },
      { wire: hex('M 0013 04 fffe'), frames: ['\x04'], error: 'MalformedFrame' },
      { wire: hex('M 1001'), frames: [], error: 'MalformedFrame' },
    ],
    { payloads: all.map(frame), budget: 4_000 },
  );
  assert.ok(splits > 500);
});

/** What the peer is to be told of some bytes, and after how many of them. */
const refusal = (bytes: Uint8Array): { readonly told: Message; readonly after: number } | undefined => {
  const frames = deframer(messageRule);
  for (const [index, byte] of bytes.entries()) {
    frames.push(Uint8Array.of(byte));
    try {
      frames.next();
    } catch (error) {
      assert.instance(error, MalformedFrame);
      const fault = (error as MalformedFrame).cause;
      assert.instance(fault, SessionFault);
      return { told: (fault as SessionFault).notification, after: index + 1 };
    }
  }
  return undefined;
};

test('a wrong header is refused by the byte that shows it, and the peer is told what RFC 4271, section 6.1, asks', () => {
  for (const [bytes, subcode, data, after] of [
    ['fe', 1, [], 1],
    [`${'ff'.repeat(15)} 7f`, 1, [], 16],
    ['GET / HTTP/1.1'.replaceAll(/./g, (letter) => letter.codePointAt(0)?.toString(16) ?? ''), 1, [], 1],
    ['M 0000', 2, [0, 0], 18],
    ['M 0012', 2, [0, 0x12], 18],
    ['M 1001', 2, [0x10, 0x01], 18],
    ['M ffff', 2, [0xff, 0xff], 18],
    ['M 0013 00', 3, [0], 19],
    ['M 0013 05', 3, [5], 19],
    ['M 1000 ff', 3, [0xff], 19],
    ['M 001c 01', 2, [0, 0x1c], 19],
    ['M 0016 02', 2, [0, 0x16], 19],
    ['M 0014 03', 2, [0, 0x14], 19],
    ['M 0014 04', 2, [0, 0x14], 19],
    ['M 1000 04', 2, [0x10, 0], 19],
  ] as const) {
    assert.equal(refusal(hex(bytes)), { told: notification(1, subcode, data), after }, bytes);
  }
  for (const bytes of ['M 0013 04', 'M 1000 02', 'M 001d 01', 'M 0015 03'])
    assert.is(refusal(hex(bytes)), undefined, bytes);
});

test('the longest message is one of 4,096 bytes, both ways', () => {
  const longest = update(Array.from({ length: 4_077 }, (_, index) => index & 255));
  const frames = deframer(messageRule);
  frames.push(wire(longest));
  assert.equal(message.decode(frames.next() as Uint8Array), E.right(longest));
  assert.is(frames.held, 0);
  assert.throws(() => wire(update(Array.from({ length: 4_078 }, () => 0))), RangeError);
  assert.throws(() => messageRule.encode(new Uint8Array()), RangeError);
  assert.throws(() => messageRule.encode(hex('04 00')), RangeError);
});

const byte = fc.integer({ min: 0, max: 255 });
const bytesOf = (maxLength: number) => fc.uint8Array({ maxLength });
/** Plain objects, as the codec makes them. */
const record = <A>(fields: { [K in keyof A]: fc.Arbitrary<A[K]> }): fc.Arbitrary<A> =>
  fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<A>;
const anyEntry = record({ code: byte, value: bytesOf(12) }).filter(
  ({ code, value }) => code !== 65 || value.length === 4,
);
const anyOpen = record({
  type: fc.constant('open' as const),
  version: fc.constant(4),
  as: fc.integer({ min: 0, max: 0xffff }),
  hold: fc.integer({ min: 0, max: 0xffff }),
  id: fc.tuple(byte, byte, byte, byte).map((parts) => parts.join('.')),
  capabilities: fc.array(anyEntry, { maxLength: 8 }),
  others: fc.array(record({ code: byte.filter((code) => code !== 2), value: bytesOf(12) }), { maxLength: 8 }),
});
const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  anyOpen,
  record({ type: fc.constant('update' as const), body: bytesOf(200).filter(({ length }) => length >= 4) }),
  record({ type: fc.constant('notification' as const), code: byte, subcode: byte, data: bytesOf(100) }),
  fc.constant(keepalive),
);

test('every message is what its bytes say', () => {
  fc.assert(
    fc.property(fc.array(anyMessage, { maxLength: 5 }), (said) => {
      const frames = deframer(messageRule);
      frames.push(Buffer.concat(said.map(wire)));
      for (const one of said) assert.equal(message.decode(frames.next() as Uint8Array), E.right(one));
      assert.is(frames.next(), undefined);
    }),
    { numRuns: 300 },
  );
});

test('any bytes are a message or none, and nothing is thrown', () => {
  fc.assert(
    fc.property(fc.constantFrom(1, 2, 3, 4, 5, 0), bytesOf(60), (type, body) => {
      const decoded = message.decode(Uint8Array.of(type, ...body));
      // What there is of an OPEN may come in other words: each capability in a parameter of its own.
      if (E.isRight(decoded)) assert.equal(message.decode(payload(decoded.right)), decoded);
    }),
    { numRuns: 2_000 },
  );
});

test('what is kept of a message is a copy, also of a Buffer', () => {
  for (const said of [open(), open({ others: [entry(9, 1)] }), notification(6, 2, [1, 2])]) {
    const frame = Buffer.from(payload(said));
    const decoded = message.decode(frame);
    frame.fill(0);
    assert.equal(decoded, E.right(said));
  }
});

test('an OPEN whose parameters are cut short is none, and says why', () => {
  const why = (bytes: string): readonly string[] => E.match(reasons, () => [])(message.decode(hex(bytes)));
  for (const [bytes, reason] of [
    ['01 04 fdea 0009 0a000002', 'it is cut short'],
    ['01 04 fdea 0009 0a000002 01', '1 bytes of parameters are announced'],
    ['01 04 fdea 0009 0a000002 00 00', '0 bytes of parameters are announced'],
    ['01 04 fdea 0009 0a000002 01 02', 'a parameter is cut short'],
    ['01 04 fdea 0009 0a000002 03 02 02 41', 'a parameter is cut short'],
    ['01 04 fdea 0009 0a000002 04 02 02 41 04', 'a capability is cut short'],
    ['01 04 fdea 0009 0a000002 05 02 03 41 01 00', 'an AS number of four bytes has not four bytes'],
  ] as const) {
    assert.is(why(bytes).length, 1, bytes);
    assert.match(why(bytes)[0] as string, reason);
  }
  // Nobody knows how an OPEN of another version is made.
  assert.ok(E.isRight(message.decode(hex('01 05 fdea 0009 0a000002 01'))));
});

test('many capabilities in one parameter, and each in one of its own, are the same', () => {
  const [together, apart] = [
    '0e 02 0c 01 04 00010001 41 04 00010000',
    '10 02 06 01 04 00010001 02 06 41 04 00010000',
  ].map((parameters) => message.decode(hex(`01 04 5ba0 0009 0a000002 ${parameters}`)));
  assert.ok(together !== undefined && E.isRight(together));
  assert.equal(together, apart);
  assert.is(together.right.type === 'open' && asOf(together.right), 65_536);
});

test('what does not fit into an OPEN is an error', () => {
  for (const wrong of [
    open({ hold: 65_536 }),
    open({ hold: -1 }),
    open({ id: '10.0.0' }),
    open({ id: '10.0.0.256' }),
    open({ capabilities: Array.from({ length: 50 }, () => fourOctetAs(1)) }),
  ])
    assert.throws(() => payload(wrong), RangeError);
});

test('identifiers are four numbers', () => {
  assert.is(idNumber('0.0.0.0'), 0);
  assert.is(idNumber('255.255.255.255'), 0xffff_ffff);
  assert.is(idNumber('10.0.0.1'), 0x0a00_0001);
  for (const wrong of [
    '',
    '10',
    '10.0.0',
    '10.0.0.256',
    '10.0.0.1.1',
    'a.b.c.d',
    '1e1.0.0.1',
    ' 10.0.0.1',
    '10.0.0.-1',
  ])
    assert.is(idNumber(wrong), undefined, wrong);
});

test.run();
