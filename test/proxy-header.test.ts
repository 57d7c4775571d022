// The header of the PROXY protocol: the rule that cuts it, the codec that reads it, and what both are made of.
import { SocketAddress, isIP } from 'node:net';
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { crc32c } from '../src/codec/crc32c.js';
import { formatIp, parseIp } from '../src/codec/ip-address.js';
import { type ProxyEnd, type ProxyHeader, proxyHeader } from '../src/codec/proxy-header.js';
import type { ProxySsl, ProxyTlv } from '../src/codec/proxy-tlvs.js';
import { reasons } from '../src/codec/reasons.js';
import { FrameTooLong, MalformedFrame, TruncatedFrame } from '../src/errors.js';
import { deframer } from '../src/framing/deframer.js';
import { proxyFrame } from '../src/framing/proxy-frame.js';
import { verifyRule } from '../src/testing/verify.js';
import { bytes, text } from './kit/bytes.js';
import { thrown } from './kit/heard.js';
import { raised } from './kit/raised.js';
import { suite } from './kit/suite.js';

const test = suite('proxyHeader');

const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';

/** A header of version 2: command and family, its length, and the rest. */
const binary = (command: number, kind: number, rest: string, length = rest.length): string =>
  SIGNATURE + String.fromCharCode(command, kind, length >> 8, length & 0xff) + rest;

const IPV4 = '\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb';
const IPV4_ENDS = {
  source: { host: '192.0.2.1', port: 56_324 },
  destination: { host: '198.51.100.2', port: 443 },
};

const read = (wire: string): ProxyHeader | readonly string[] => {
  const decoded = proxyHeader.decode(bytes(wire));
  return E.isRight(decoded) ? decoded.right : reasons(decoded.left);
};

const why = (wire: string): string => {
  const refused = read(wire);
  return Array.isArray(refused) ? refused.join() : 'nothing is wrong with it';
};

/** Told from others to the last letter, but for the guess. */
const like =
  (expected: FrameTooLong | MalformedFrame | TruncatedFrame) =>
  (error: unknown): boolean =>
    JSON.stringify(thrown(error)) === JSON.stringify(thrown(expected));

test('the rule gives the same headers however they are cut, and judges each byte as it comes', () => {
  const line = 'PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n';
  const worst = `PROXY UNKNOWN ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`;
  assert.is(worst.length, 107);
  const tcp = binary(0x21, 0x11, IPV4);
  const local = binary(0x20, 0x00, '');
  verifyRule(
    proxyFrame({ limit: 300 }),
    [
      { wire: line + worst, frames: [line, worst] },
      { wire: tcp + local + 'PROXY UNKNOWN\r\n', frames: [tcp, local, 'PROXY UNKNOWN\r\n'] },
      { wire: binary(0x20, 0xff, 'anything'), frames: [binary(0x20, 0xff, 'anything')] },
      { wire: `PROXY UNKNOWN ${'x'.repeat(94)}`, frames: [], error: like(new FrameTooLong(108, 107)) },
      { wire: `PROXY UNKNOWN ${'x'.repeat(93)}\r\n`, frames: [], error: like(new FrameTooLong(108, 107)) },
      {
        wire: 'PROXY UNKNOWN\n',
        frames: [],
        error: like(new MalformedFrame('a PROXY line that does not end in CR LF')),
      },
      { wire: 'PROXY UNKNOWN\r', frames: [], error: like(new TruncatedFrame(14)) },
      { wire: 'GET / HTTP/1.1', frames: [], error: MalformedFrame },
      { wire: 'PROXIES', frames: [], error: MalformedFrame },
      { wire: `${SIGNATURE.slice(0, -1)}X`, frames: [], error: MalformedFrame },
      {
        wire: binary(0x11, 0x11, IPV4),
        frames: [],
        error: like(new MalformedFrame('version 1 of the PROXY protocol')),
      },
      {
        wire: binary(0x22, 0x11, IPV4),
        frames: [],
        error: like(new MalformedFrame('command 2 of the PROXY protocol')),
      },
      {
        wire: binary(0x21, 0x41, IPV4),
        frames: [],
        error: like(new MalformedFrame('address family and protocol 0x41')),
      },
      {
        wire: binary(0x21, 0x13, IPV4),
        frames: [],
        error: like(new MalformedFrame('address family and protocol 0x13')),
      },
      { wire: binary(0x21, 0x11, '1234'), frames: [], error: like(new MalformedFrame('4 bytes for addresses of 12')) },
      { wire: binary(0x21, 0x11, '', 0xffff), frames: [], error: like(new FrameTooLong(65_551, 300)) },
      { wire: binary(0x21, 0x11, 'half', 12), frames: [], error: like(new TruncatedFrame(20)) },
    ],
    { joined: false },
  );
});

test('what is no header is refused at its first byte that shows it', () => {
  const refusedAt = (wire: string): number => {
    const frames = deframer(proxyFrame());
    for (const [index, letter] of wire.split('').entries()) {
      frames.push(bytes(letter));
      try {
        frames.next();
      } catch {
        return index;
      }
    }
    return -1;
  };
  assert.is(refusedAt('HELO there'), 0);
  assert.is(refusedAt('PROXIE'), 4);
  assert.is(refusedAt('PROXY TCP4 1.2.3.4\n'), 18);
  assert.is(refusedAt(binary(0x31, 0, '')), 12);
  assert.is(refusedAt(binary(0x21, 0x51, '')), 13);
  assert.is(refusedAt(binary(0x21, 0x21, 'x')), 15);
  assert.is(refusedAt(binary(0x21, 0x11, IPV4)), -1);
});

test('reads lines of version 1', () => {
  assert.equal(read('PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n'), {
    version: 1,
    command: 'proxy',
    tlvs: {},
    ...IPV4_ENDS,
    transport: 'stream',
  });
  assert.equal((read('PROXY TCP6 2001:DB8:0::1 ::ffff:1.2.3.4 0 65535\r\n') as ProxyHeader).source, {
    host: '2001:db8::1',
    port: 0,
  });
  const unknown: ProxyHeader = { version: 1, command: 'proxy', tlvs: {} };
  assert.equal(read('PROXY UNKNOWN\r\n'), unknown);
  assert.equal(read('PROXY UNKNOWN whatever it says here\r\n'), unknown);
});

for (const [line, reason] of [
  ['PROXY TCP4 192.0.2.1 198.51.100.2 56324\r\n', 'a port that is none'],
  ['PROXY TCP4 192.0.2.1 198.51.100.2 56324 65536\r\n', 'a port that is none'],
  ['PROXY TCP4 192.0.2.1 198.51.100.2 56324 0443\r\n', 'a port that is none'],
  ['PROXY TCP4 192.0.2.01 198.51.100.2 56324 443\r\n', 'an address that is none'],
  ['PROXY TCP4 192.0.2 198.51.100.2 56324 443\r\n', 'an address that is none'],
  ['PROXY TCP4 ::1 ::1 1 2\r\n', 'an address that is none'],
  ['PROXY TCP6 1.2.3.4 ::1 1 2\r\n', 'an address that is none'],
  ['PROXY TCP4  192.0.2.1 198.51.100.2 1 2\r\n', 'no PROXY line'],
  ['PROXY TCP4 192.0.2.1 198.51.100.2 1 2 \r\n', 'no PROXY line'],
  ['PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n', 'no PROXY line'],
  ['PROXY UNKNOWN a\rb\r\n', 'no PROXY line'],
  ['PROXY\r\n', 'no PROXY line'],
  ['PROXY UNKNOWN \xff\r\n', 'no PROXY header'],
  ['PROXY UNKNOWN', 'no PROXY header'],
  ['', 'no PROXY header'],
] as const) {
  test(`refuses ${JSON.stringify(line)}`, () => {
    assert.ok(why(line).endsWith(reason), why(line));
  });
}

test('reads headers of version 2, of every family', () => {
  const header = { version: 2, command: 'proxy', tlvs: {} } as const;
  assert.equal(read(binary(0x21, 0x11, IPV4)), { ...header, ...IPV4_ENDS, transport: 'stream' });
  assert.equal(read(binary(0x21, 0x12, IPV4)), { ...header, ...IPV4_ENDS, transport: 'datagram' });
  const ipv6 = `${'\0'.repeat(15)}\x01\x20\x01\x0d\xb8${'\0'.repeat(12)}\x12\x34\0\x07`;
  assert.equal(read(binary(0x21, 0x21, ipv6)), {
    ...header,
    source: { host: '::1', port: 0x1234 },
    destination: { host: '2001:db8::', port: 7 },
    transport: 'stream',
  });
  const unix = '/tmp/a'.padEnd(108, '\0') + ''.padEnd(108, '\0');
  assert.equal(read(binary(0x21, 0x31, unix)), {
    ...header,
    source: { path: '/tmp/a' },
    destination: { path: '' },
    transport: 'stream',
  });
});

test('of what is local, or of no kind that is known, nothing is taken for the ends', () => {
  assert.equal(read(binary(0x20, 0x11, IPV4)), { version: 2, command: 'local', tlvs: {} });
  assert.equal(read(binary(0x20, 0xff, '\x03\0\x04wron')), { version: 2, command: 'local', tlvs: {} });
  assert.equal(read(binary(0x21, 0x00, '')), { version: 2, command: 'proxy', tlvs: {} });
  assert.equal(read(binary(0x21, 0x10, `${IPV4}\x02\0\x01a`)), {
    version: 2,
    command: 'proxy',
    tlvs: { authority: 'a' },
  });
});

test('reads what else is said, and knows TLS', () => {
  const ssl = ['\x03\0\0\0\0', '\x21\0\x07TLSv1.3', '\x22\0\x03ann', '\x2f\0\x01!'].join('');
  const tlvs =
    '\x01\0\x02h2' +
    '\x02\0\x0bexample.com' +
    '\x04\0\x02zz' +
    '\x05\0\x02id' +
    `\x20\0${String.fromCharCode(ssl.length)}${ssl}` +
    '\x30\0\x04blue' +
    '\xe1\0\0';
  const { tlvs: found } = read(binary(0x21, 0x11, IPV4 + tlvs)) as ProxyHeader;
  assert.equal(found, {
    alpn: 'h2',
    authority: 'example.com',
    uniqueId: bytes('id'),
    ssl: {
      tls: true,
      certificate: 'connection',
      verified: true,
      version: 'TLSv1.3',
      commonName: 'ann',
      others: [{ type: 0x2f, value: bytes('!') }],
    },
    netns: 'blue',
    others: [{ type: 0xe1, value: new Uint8Array(0) }],
  });
});

for (const [tlvs, reason] of [
  ['\x01\0\x02h', 'a TLV that is cut short'],
  ['\x01\0', 'a TLV that is cut short'],
  ['\x02\0\x01\xff', 'a text that is not UTF-8'],
  ['\x02\0\x01a\x02\0\x01b', 'two TLVs of type 2'],
  [`\x05\0\x81${'i'.repeat(129)}`, 'a unique id of 129 bytes'],
  ['\x20\0\x04\x01\0\0\0', 'what it says of TLS is cut short'],
  ['\x20\0\x08\x01\0\0\0\0\x21\0\x09', 'a TLV that is cut short'],
  ['\x03\0\x03abc', 'a checksum of another size'],
  ['\x03\0\x04\0\0\0\0', 'a checksum that is wrong'],
] as const) {
  test(`refuses the TLVs ${JSON.stringify(tlvs).slice(0, 40)}`, () => {
    const refused = why(binary(0x21, 0x11, IPV4 + tlvs));
    assert.ok(refused.endsWith(reason), refused);
  });
}

test('a checksum is of the whole header, itself left out', () => {
  assert.is(crc32c(bytes('123456789')), 0xe3069283);
  assert.is(crc32c(new Uint8Array(32)), 0x8a9136aa);
  const sent = proxyHeader.encode({
    version: 2,
    command: 'proxy',
    ...IPV4_ENDS,
    tlvs: { crc32c: true, authority: 'a' },
  });
  assert.equal((read(text(sent)) as ProxyHeader).tlvs, { crc32c: true, authority: 'a' });
  for (let index = 0; index < sent.length; index++) {
    for (const bit of [1, 16, 128]) {
      const wrong = Uint8Array.from(sent, (byte, at) => (at === index ? byte ^ bit : byte));
      const decoded = proxyHeader.decode(wrong);
      // One that is local now, or has no checksum any more, is another header.
      if (E.isRight(decoded)) assert.ok(decoded.right.command === 'local' || index === 28, `byte ${index}`);
    }
  }
});

test('says what a version cannot say', () => {
  const header: ProxyHeader = { version: 1, command: 'proxy', ...IPV4_ENDS };
  const refused = (wrong: object, message: RegExp, type: typeof Error = RangeError): void =>
    assert.throws(() => proxyHeader.encode({ ...header, ...wrong }), raised(type, message));
  refused({ tlvs: { authority: 'a' } }, /^tlvs need version 2$/);
  refused({ transport: 'datagram' }, /^transport "datagram" needs version 2$/);
  refused({ source: { path: '/a' }, destination: { path: '/b' } }, /^the path of a Unix socket needs version 2$/);
  refused({ source: undefined }, /^source and destination go together$/);
  refused({ source: { host: 'localhost', port: 1 } }, /^source.host must be an IP address, got "localhost"$/);
  refused({ destination: { host: '::1', port: 70_000 } }, /^destination.port must be a whole number .* got 70000$/);
  refused({ version: 3 }, /^version must be 1 or 2, got 3$/);
  refused({ command: 'x' }, /^command must be one of "proxy", "local", got "x"$/, TypeError);
  refused({ version: 2, source: { path: '/a' } }, /^source and destination must be of one kind$/);
  const long = { path: 'x'.repeat(109) };
  refused({ version: 2, source: long, destination: long }, /^source.path must have 108 bytes at most and no NUL/);
  refused({ version: 2, tlvs: { uniqueId: new Uint8Array(129) } }, /^uniqueId must have 128 bytes at most, got 129$/);
  refused({ version: 2, tlvs: { others: [{ type: 256, value: bytes('') }] } }, /^the type of a TLV .* got 256$/);
  const half = { type: 0xe0, value: new Uint8Array(40_000) };
  refused({ version: 2, tlvs: { others: [half, half] } }, /^a PROXY header must have 65551 bytes at most, got 80034$/);
});

test('version 1 writes addresses so that every receiver reads them', () => {
  const sent = (source: ProxyEnd, destination: ProxyEnd): string =>
    text(proxyHeader.encode({ version: 1, command: 'proxy', source, destination }));
  const v4 = { host: '192.0.2.1', port: 1 };
  const v6 = { host: '2001:db8::5', port: 2 };
  assert.is(sent(v4, v4), 'PROXY TCP4 192.0.2.1 192.0.2.1 1 1\r\n');
  assert.is(sent(v4, v6), 'PROXY TCP6 ::ffff:c000:201 2001:db8::5 1 2\r\n');
  assert.is(text(proxyHeader.encode({ version: 1, command: 'local' })), 'PROXY UNKNOWN\r\n');
});

// ── properties ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Plain objects, which uvu tells from others. */
const record = <A>(model: { [Key in keyof A]: fc.Arbitrary<A[Key]> }): fc.Arbitrary<A> =>
  fc.record<A>(model, { noNullPrototype: true });
const port = fc.integer({ min: 0, max: 0xffff });
const ofFamily = (host: fc.Arbitrary<string>): fc.Arbitrary<{ source: ProxyEnd; destination: ProxyEnd }> =>
  record({ source: record({ host, port }), destination: record({ host, port }) });
const ipv6 = fc.ipV6().map((address) => formatIp(parseIp(address) as Uint8Array));
const path = fc.string({ maxLength: 100 }).filter((some) => !some.includes('\0') && bytes(some).length <= 108);
const paths = record({ source: record({ path }), destination: record({ path }) });
const someBytes = fc.uint8Array({ maxLength: 40 });
const own: fc.Arbitrary<ProxyTlv> = record({ type: fc.integer({ min: 0xe0, max: 0xef }), value: someBytes });
const word = fc.string({ maxLength: 20 });
const maybe = <A>(arbitrary: fc.Arbitrary<A>): fc.Arbitrary<A | undefined> => fc.option(arbitrary, { nil: undefined });
const present = <A extends object>(value: A): A =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as A;
const ssl: fc.Arbitrary<ProxySsl> = record({
  tls: fc.boolean(),
  certificate: fc.constantFrom('none', 'session', 'connection'),
  verified: fc.boolean(),
  version: maybe(word),
  commonName: maybe(word),
  cipher: maybe(word),
  signature: maybe(word),
  key: maybe(word),
}).map((said) => present({ ...said, verified: said.verified && said.certificate !== 'none' }));
const tlvs = record({
  alpn: maybe(fc.constantFrom('h2', '\xff')),
  authority: maybe(word),
  uniqueId: maybe(someBytes),
  ssl: maybe(ssl),
  netns: maybe(word),
  crc32c: maybe(fc.constant(true)),
  others: maybe(fc.uniqueArray(own, { minLength: 1, maxLength: 3, selector: ({ type }) => type })),
}).map(present);
const transport = fc.constantFrom<'stream' | 'datagram'>('stream', 'datagram');

test('what is encoded is decoded to the same, in both versions', () => {
  fc.assert(
    fc.property(
      fc.oneof(ofFamily(fc.ipV4()), ofFamily(ipv6), paths),
      transport,
      tlvs,
      fc.boolean(),
      (ends, how, said, plain) => {
        const header: ProxyHeader = { version: 2, command: 'proxy', ...ends, transport: how, tlvs: said };
        assert.equal(read(text(proxyHeader.encode(header))), header);
        if ('path' in ends.source) return;
        const line: ProxyHeader = { version: 1, command: 'proxy', ...ends, transport: 'stream', tlvs: {} };
        const sent = proxyHeader.encode(line);
        assert.ok(sent.length <= 107);
        assert.equal(read(text(sent)), line);
        if (!plain) return;
        const frames = deframer(proxyFrame());
        frames.push(bytes(`${text(sent)}and more`));
        assert.equal(text(frames.next() as Uint8Array), text(sent));
        assert.is(text(frames.rest()), 'and more');
      },
    ),
    { numRuns: 300 },
  );
});

test('no bytes do harm: they are a header, or are refused', () => {
  const near = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .tuple(fc.constantFrom(0x20, 0x21), fc.integer({ min: 0, max: 0x33 }), fc.uint8Array({ maxLength: 260 }))
      .map(([command, kind, rest]) => bytes(binary(command, kind, text(rest)))),
    fc.string({ maxLength: 100 }).map((some) => bytes(`PROXY TCP4 ${some.replaceAll(/[^ -\xff]/g, '')}\r\n`)),
  );
  fc.assert(
    fc.property(near, (wire) => {
      const decoded = proxyHeader.decode(wire);
      if (E.isRight(decoded)) assert.equal(read(text(proxyHeader.encode(decoded.right))), decoded.right);
      else assert.ok(reasons(decoded.left).length > 0);
    }),
    { numRuns: 1_000 },
  );
});

test('an address is one where Node says so, and is written as the standard has it', () => {
  const crumbs = fc.array(fc.constantFrom(':', '::', '.', '0', '1', '255', '256', 'ffff', 'FFFF', '10000', '01', 'g'), {
    maxLength: 12,
  });
  const almost = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    crumbs.map((some) => some.join('')),
    fc.ipV4Extended(),
  );
  fc.assert(
    fc.property(almost, (address) => {
      const parsed = parseIp(address);
      assert.is(parsed === undefined ? 0 : parsed.length === 4 ? 4 : 6, isIP(address), address);
      if (parsed === undefined) return;
      const family = parsed.length === 4 ? 'ipv4' : 'ipv6';
      assert.equal(parseIp(formatIp(parsed)), parsed);
      // Node writes the deprecated form of an IPv4 address in IPv6 too; nobody else does.
      if (!/^::[\d.]+$/.test(new SocketAddress({ address, family }).address)) {
        assert.is(formatIp(parsed), new SocketAddress({ address, family }).address);
      }
    }),
    { numRuns: 1_000 },
  );
});

test.run();
