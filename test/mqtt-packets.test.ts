import * as E from 'fp-ts/lib/Either.js';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { firstPacket, packets } from '../examples/mqtt/packet-rule.js';
import { type Message, type Packet, type Qos, type SubscribeCode, packet } from '../examples/mqtt/packets.js';
import { isFilter, isTopic } from '../examples/mqtt/topics.js';
import { deframer, reasons } from '../src/index.js';
import { verifyRule } from '../src/testing/index.js';
import { anyPacket, connect, hex, pingreq, publish, subscribe, wire } from './kit/mqtt.js';
import { suite } from './kit/suite.js';

const test = suite('mqtt: packets');

const decoded = (bytes: Uint8Array): Packet => {
  const result = packet.decode(bytes);
  if (E.isLeft(result)) throw new Error(reasons(result.left).join('; '));
  return result.right;
};

const refusal = (bytes: Uint8Array): string | undefined => {
  const result = packet.decode(bytes);
  return E.isLeft(result) ? reasons(result.left).join('; ') : undefined;
};

const payload = (said: string): Uint8Array => new TextEncoder().encode(said);

/** Bytes as the standard's own drawings lay them out. */
const golden: readonly (readonly [string, Packet])[] = [
  ['10 0d 0004 4d515454 04 02 000a 0001 61', { type: 'connect', clientId: 'a', clean: true, keepAlive: 10 }],
  [
    '10 1d 0004 4d515454 04 ee 003c 0001 61 0001 74 0002 6f6b 0003 616e6e 0002 c328',
    {
      type: 'connect',
      clientId: 'a',
      clean: true,
      keepAlive: 60,
      will: { topic: 't', payload: payload('ok'), qos: 1, retain: true },
      username: 'ann',
      password: hex('c328'),
    },
  ],
  ['20 02 01 00', { type: 'connack', sessionPresent: true, code: 0 }],
  ['20 02 00 05', { type: 'connack', sessionPresent: false, code: 5 }],
  [
    '30 05 0003 612f62',
    { type: 'publish', topic: 'a/b', payload: payload(''), qos: 0, retain: false, dup: false, id: 0 },
  ],
  [
    '3d 09 0003 612f62 000a 6869',
    { type: 'publish', topic: 'a/b', payload: payload('hi'), qos: 2, retain: true, dup: true, id: 10 },
  ],
  ['40 02 1234', { type: 'puback', id: 0x12_34 }],
  ['50 02 0001', { type: 'pubrec', id: 1 }],
  ['62 02 0001', { type: 'pubrel', id: 1 }],
  ['70 02 ffff', { type: 'pubcomp', id: 65_535 }],
  [
    '82 0e 000a 0003 612f62 01 0003 632f64 02',
    {
      type: 'subscribe',
      id: 10,
      subscriptions: [
        { filter: 'a/b', qos: 1 },
        { filter: 'c/d', qos: 2 },
      ],
    },
  ],
  ['90 05 000a 00 02 80', { type: 'suback', id: 10, codes: [0, 2, 0x80] }],
  ['a2 0c 000a 0003 612f62 0003 632f64', { type: 'unsubscribe', id: 10, filters: ['a/b', 'c/d'] }],
  ['b0 02 000a', { type: 'unsuback', id: 10 }],
  ['c0 00', { type: 'pingreq' }],
  ['d0 00', { type: 'pingresp' }],
  ['e0 00', { type: 'disconnect' }],
];

test('every type of packet has the bytes that the standard draws, both ways', () => {
  for (const [bytes, value] of golden) {
    assert.equal([...packet.encode(value)], [...hex(bytes)], value.type);
    assert.equal(decoded(hex(bytes)), value);
    assert.ok(packet.is(value));
  }
  for (const value of [undefined, null, 1, {}, { type: 'x' }]) assert.not(packet.is(value));
});

const qos = fc.constantFrom<Qos>(0, 1, 2);
const id = fc.integer({ min: 1, max: 65_535 });
const text = fc.string({ unit: 'binary', maxLength: 20 }).filter((said) => !said.includes('\0'));
const topic = text.filter(isTopic);
const filter = fc
  .array(fc.oneof(fc.constantFrom('+', '', 'a', '$SYS'), text), { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join('/'))
  .filter(isFilter);
const bytes = fc.uint8Array({ maxLength: 200 });
const message = fc.record<Message>({ topic, payload: bytes, qos, retain: fc.boolean() });

const anyOne: fc.Arbitrary<Packet> = fc.oneof(
  fc
    .record(
      {
        type: fc.constant('connect' as const),
        clientId: text,
        clean: fc.boolean(),
        keepAlive: fc.nat(65_535),
        will: message,
        username: text,
      },
      { requiredKeys: ['type', 'clientId', 'clean', 'keepAlive'] },
    )
    .chain((given) =>
      given.username === undefined ? fc.constant(given) : bytes.map((password) => ({ ...given, password })),
    ),
  fc.record({ type: fc.constant('foreign' as const), level: fc.nat(255).filter((level) => level !== 4) }),
  fc.constantFrom<Packet>(
    { type: 'connack', sessionPresent: true, code: 0 },
    { type: 'connack', sessionPresent: false, code: 5 },
    { type: 'pingreq' },
    { type: 'pingresp' },
    { type: 'disconnect' },
  ),
  fc.tuple(message, id, fc.boolean()).map(([said, number, dup]): Packet => ({
    type: 'publish',
    ...said,
    id: said.qos === 0 ? 0 : number,
    dup: dup && said.qos > 0,
  })),
  fc.record({ type: fc.constantFrom('puback' as const, 'pubrec', 'pubrel', 'pubcomp', 'unsuback'), id }),
  fc.record({
    type: fc.constant('subscribe' as const),
    id,
    subscriptions: fc.array(fc.record({ filter, qos }), { minLength: 1, maxLength: 4 }),
  }),
  fc.record({
    type: fc.constant('suback' as const),
    id,
    codes: fc.array(fc.constantFrom<SubscribeCode>(0, 1, 2, 0x80), { minLength: 1, maxLength: 4 }),
  }),
  fc.record({
    type: fc.constant('unsubscribe' as const),
    id,
    filters: fc.array(filter, { minLength: 1, maxLength: 4 }),
  }),
);

test('what is encoded decodes to the same', () => {
  fc.assert(
    fc.property(anyOne, (value) => {
      assert.equal(decoded(packet.encode(value)), structuredClone(value));
    }),
    { numRuns: 500 },
  );
});

test('what is encoded is one frame of the rule, cut back from among others', () => {
  fc.assert(
    fc.property(fc.array(anyOne, { maxLength: 5 }), (values) => {
      const frames = deframer(anyPacket);
      frames.push(wire(...values));
      const back: Packet[] = [];
      for (let frame = frames.next(); frame !== undefined; frame = frames.next()) back.push(decoded(frame));
      assert.equal(back, structuredClone(values));
    }),
    { numRuns: 200 },
  );
});

test('any bytes decode to a packet, or to a reason why not; a packet that decodes has one value', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        anyOne.map((value) => packet.encode(value)),
      ),
      fc.nat(40),
      fc.nat(255),
      (given, at, byte) => {
        const changed = Uint8Array.from(given);
        if (at < changed.length) changed[at] = byte;
        const result = packet.decode(changed);
        if (E.isRight(result) && result.right.type !== 'foreign') {
          assert.equal(decoded(packet.encode(result.right)), result.right);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('what is kept of a packet is a copy', () => {
  const chunk = Uint8Array.from(publish('a', 'payload'));
  const said = decoded(chunk);
  chunk.fill(0xdb);
  assert.equal(said.type === 'publish' && Buffer.from(said.payload).toString(), 'payload');
});

for (const [what, bytesOf, why] of [
  ['a text that is not UTF-8 is refused', '30 04 0002 c328', /not UTF-8/],
  ['half a surrogate pair is refused', '30 05 0003 eda080', /not UTF-8/],
  ['U+0000 in a text is refused', '30 03 0001 00', /U\+0000/],
  ['an empty topic is refused', '30 02 0000', /no topic: ""/],
  ['a topic with a wildcard is refused', '30 05 0003 612f23', /no topic: "a\/#"/],
  ['a topic longer than its packet is refused', '30 04 0009 6161', /cut short/],
  ['packet identifier 0 is refused', '32 05 0001 61 0000', /identifier 0/],
  ['a PUBLISH without its identifier is refused', '32 03 0001 61', /cut short/],
  ['a SUBSCRIBE without a filter is refused', '82 02 0001', /cut short/],
  ['a SUBSCRIBE of QoS 3 is refused', '82 06 0001 0001 61 03', /QoS 3/],
  ['a SUBSCRIBE with reserved bits is refused', '82 06 0001 0001 61 81', /QoS 129/],
  ['a SUBSCRIBE with a wrong filter is refused', '82 08 0001 0003 61 2362 00', /no topic filter: "a#b"/],
  ['an UNSUBSCRIBE without a filter is refused', 'a2 02 0001', /cut short/],
  ['an UNSUBSCRIBE with a filter that is not UTF-8 is refused', 'a2 06 0001 0002 c328', /not UTF-8/],
  ['an acknowledgement with bytes to spare is refused', '40 03 0001 00', /1 bytes to spare/],
  ['a PINGREQ with a body is refused', 'c0 01 00', /1 bytes to spare/],
  ['a SUBACK with a reserved code is refused', '90 03 0001 03', /QoS 3/],
  ['a CONNACK that refuses has no session', '20 02 01 01', /connack 1 1/],
] as const) {
  test(what, () => assert.match(refusal(hex(bytesOf)) ?? 'nothing', why));
}

/** A CONNECT of the client `a` with these flags, and what stands behind its name. */
const flagged = (flags: string, rest = ''): Uint8Array => {
  const body = `0004 4d515454 04 ${flags} 0000 0001 61 ${rest}`.replaceAll(' ', '');
  return hex(`10 ${(body.length / 2).toString(16).padStart(2, '0')} ${body}`);
};

for (const [what, bytesOf, why] of [
  ['a CONNECT with its reserved flag set is refused', flagged('03'), /reserved flag/],
  ['a will of QoS 3 is refused', flagged('1e', '0001 61 0000'), /QoS 3/],
  ['a QoS of no will is refused', flagged('0a'), /no will/],
  ['a retain flag of no will is refused', flagged('22'), /no will/],
  ['a will that is announced and missing is refused', flagged('06'), /cut short/],
  ['a will that is not announced is refused', flagged('02', '0001 61 0000'), /5 bytes to spare/],
  ['a will for a topic with a wildcard is refused', flagged('06', '0001 23 0000'), /no topic: "#"/],
  ['a password without a user name is refused', flagged('42', '0001 61'), /no user name/],
  ['a user name that is announced and missing is refused', flagged('82'), /cut short/],
  ['a user name that is not announced is refused', flagged('02', '0001 61'), /3 bytes to spare/],
  ['a user name that is not UTF-8 is refused', flagged('82', '0002 c328'), /not UTF-8/],
  ['a password that is announced and missing is refused', flagged('c2', '0001 61'), /cut short/],
  ['a password that is not announced is refused', flagged('82', '0001 61 0001 62'), /3 bytes to spare/],
  ['a CONNECT without a client identifier is refused', hex('10 0a 0004 4d515454 04 02 0000'), /cut short/],
  ['a client identifier that is not UTF-8 is refused', hex('10 0e 0004 4d515454 04 02 0000 0002 c328'), /not UTF-8/],
  ['another protocol name is refused', hex('10 0c 0006 4d5149736470 03 02 0000'), /the protocol "MQIsdp"/],
] as const) {
  test(what, () => assert.match(refusal(bytesOf) ?? 'nothing', why));
}

test('a byte order mark is a character like any other', () => {
  const topicOf = (said: Packet): string => (said.type === 'publish' ? said.topic : '');
  assert.is(topicOf(decoded(hex('30 06 0004 efbbbf61'))), '\u{FEFF}a');
});

test('a CONNECT of another version is known, whatever stands behind its level', () => {
  assert.equal(decoded(hex('10 0a 0004 4d515454 05 02 0000 00')), { type: 'foreign', level: 5 });
});

test('what has no bytes is a RangeError', () => {
  const long = 'x'.repeat(65_536);
  assert.throws(() => publish(long, ''), /65535 bytes at most, got 65536/);
  assert.throws(() => connect('a', { username: long }), /65535 bytes at most/);
  assert.is(publish('x'.repeat(65_535), '').length, 65_535 + 2 + 4);
});

// ── the rule ────────────────────────────────────────────────────────────────────────────────────────────────────────

const rule = packets(200);
const said = (length: number): Uint8Array => publish('a', 'x'.repeat(length - 3));

test('packets are the same wherever the network has cut them', () => {
  const frames = [connect('ann'), pingreq, said(127), said(128), said(200), subscribe(1, ['a', 0])];
  verifyRule(
    rule,
    [
      {
        wire: Buffer.concat([pingreq, publish('a', 'b', 1, 7), pingreq]),
        frames: [pingreq, publish('a', 'b', 1, 7), pingreq],
      },
      { wire: Buffer.concat([pingreq, said(128)]), frames: [pingreq, said(128)] },
      { wire: hex('30 80 80 80 00'), frames: [hex('30 80 80 80 00')] },
      { wire: Buffer.concat([pingreq, hex('30 05 00')]), frames: [pingreq], error: 'TruncatedFrame' },
    ],
    { payloads: frames, budget: 2_000 },
  );
});

test('every length has its own number of bytes: one to 127, two to 16,383, three to 2,097,151, then four', () => {
  for (const [length, header] of [
    [0, 2],
    [127, 2],
    [128, 3],
    [16_383, 3],
    [16_384, 4],
    [2_097_151, 4],
    [2_097_152, 5],
  ] as const) {
    const bytesOf = length === 0 ? pingreq : said(length);
    assert.is(bytesOf.length, header + length);
    assert.equal(anyPacket.encode(bytesOf), bytesOf);
  }
});

for (const [what, bytesOf, tag] of [
  ['type 0 is refused by its first byte', '00', 'MalformedFrame'],
  ['type 15 is refused by its first byte', 'f0', 'MalformedFrame'],
  ['a PUBLISH of QoS 3 is refused by its first byte', '36', 'MalformedFrame'],
  ['DUP of a PUBLISH of QoS 0 is refused by its first byte', '38', 'MalformedFrame'],
  ['wrong flags of a SUBSCRIBE are refused by its first byte', '80', 'MalformedFrame'],
  ['wrong flags of an UNSUBSCRIBE are refused by its first byte', 'a0', 'MalformedFrame'],
  ['wrong flags of a PUBREL are refused by its first byte', '60', 'MalformedFrame'],
  ['wrong flags of a DISCONNECT are refused by its first byte', 'e1', 'MalformedFrame'],
  ['wrong flags of a CONNECT are refused by its first byte', '11', 'MalformedFrame'],
  ['wrong flags of a PUBACK are refused by its first byte', '42', 'MalformedFrame'],
  ['wrong flags of a PINGREQ are refused by its first byte', 'c8', 'MalformedFrame'],
  ['a length of five bytes is refused', '30 80 80 80 80', 'MalformedFrame'],
  ['a packet over the limit is refused by its length', '30 c9 01', 'FrameTooLong'],
  ['256 MB are refused by their length', '30 ff ff ff 7f', 'FrameTooLong'],
] as const) {
  test(what, () => void verifyRule(rule, [{ wire: hex(bytesOf), frames: [], error: tag }]));
}

test('the first packet has to be a CONNECT, and a small one', () => {
  const first = firstPacket(20, rule);
  verifyRule(
    first,
    [
      { wire: connect('ann'), frames: [connect('ann')] },
      { wire: pingreq, frames: [], error: 'MalformedFrame' },
      { wire: connect('a'.repeat(30)).subarray(0, 2), frames: [], error: 'FrameTooLong' },
    ],
    { joined: false },
  );
  assert.equal(first.encode(said(200)), said(200));
});

test('the rule takes one whole packet within its limit, and nothing else', () => {
  for (const wrong of [hex(''), hex('c0'), hex('c0 00 c0 00'), hex('00 00'), said(201)]) {
    assert.throws(
      () => rule.encode(wrong),
      (error: unknown) => error instanceof RangeError,
    );
  }
});

test.run();
