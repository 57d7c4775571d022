// Where a request ends and what it says, however it was cut; and answers, read back.
import fc from 'fast-check';
import { type Observable, defer, map } from 'rxjs';
import * as assert from 'uvu/assert';
import { ProtocolError } from '../examples/resp/request-error.js';
import { type Allowed, RequestRule } from '../examples/resp/request-rule.js';
import { requestOf } from '../examples/resp/request.js';
import { type Reply, written } from '../examples/resp/reply.js';
import { frame } from '../operators/frame.js';
import { FrameTooLong, MalformedFrame, TruncatedFrame } from '../src/errors.js';
import { deframer } from '../src/framing/deframer.js';
import { verifyDecoder } from '../src/testing/verify.js';
import { asked } from './kit/resp.js';
import { suite } from './kit/suite.js';

const test = suite('resp: requests', undefined, { timeout: 20_000 });

const allowed: Allowed = { bulk: 64, arguments: 8, request: 512, inline: 40, stranger: false };

/** Bytes in, the arguments of each request out. */
const requests =
  (limits: Allowed = allowed) =>
  (bytes: Observable<Uint8Array>): Observable<readonly string[]> =>
    defer(() => {
      const rule = new RequestRule(limits);
      const argumentsOf = (cut: Uint8Array): readonly string[] => {
        const request = requestOf(cut, rule);
        return Array.from({ length: request.length }, (_, at) => request.text(at));
      };
      return bytes.pipe(frame(rule), map(argumentsOf));
    });

const wrong =
  (reason: string) =>
  (error: unknown): boolean =>
    error instanceof MalformedFrame && error.reason === reason;

test('requests are the same however the bytes were cut', async () => {
  await verifyDecoder(
    () => requests(),
    [
      { wire: '*1\r\n$4\r\nPING\r\n', frames: [['PING']] },
      { wire: '*3\r\n$3\r\nSET\r\n$0\r\n\r\n$4\r\n\r\n*1\r\n', frames: [['SET', '', '\r\n*1']] },
      { wire: 'PING\r\n\r\n  \nSET  k "a b"\n', frames: [['PING'], [], [], ['SET', 'k', 'a b']] },
      { wire: `'a\\'b' "\\x41\\n\\"" c"d"\r\n`, frames: [[`a'b`, 'A\n"', 'cd']] },
      { wire: '*0\r\n*-1\r\nPING\r\n', frames: [[], [], ['PING']] },
      { wire: '*2\r\n$4\r\nECHO\r\n$2\r\nh', frames: [], error: TruncatedFrame },
      { wire: 'PING\r\n*x\r\n', frames: [['PING']], error: wrong('invalid multibulk length') },
      { wire: '*9\r\n', frames: [], error: wrong('invalid multibulk length') },
      { wire: '*01\r\n', frames: [], error: wrong('invalid multibulk length') },
      { wire: '*-0\r\n', frames: [], error: wrong('invalid multibulk length') },
      { wire: '*\r\n', frames: [], error: wrong('invalid multibulk length') },
      { wire: '*1\rx', frames: [], error: wrong('invalid multibulk length') },
      { wire: '*99999999999999999999\r\n', frames: [], error: wrong('invalid multibulk length') },
      { wire: '*1\r\nPING\r\n', frames: [], error: wrong(`expected '$', got 'P'`) },
      { wire: '*1\r\n$65\r\n', frames: [], error: wrong('invalid bulk length') },
      { wire: '*1\r\n$-1\r\n', frames: [], error: wrong('invalid bulk length') },
      { wire: '*1\r\n$4\r\nPINGxx', frames: [], error: wrong('expected a line end behind a bulk') },
      { wire: '*1\r\n$4\r\nPING\rx', frames: [], error: wrong('expected a line end behind a bulk') },
      { wire: 'x'.repeat(41), frames: [], error: wrong('too big inline request') },
    ],
    { views: 'no', budget: 2_500 },
  );
});

test('quotes that are not closed, or not followed by a space, are no request', () => {
  const rule = new RequestRule(allowed);
  for (const line of ['"a', `'a`, '"a"b', `'a'"b"`, '"a\\"', `'a\\'`, '"']) {
    assert.throws(
      () => requestOf(Buffer.from(line), rule),
      (error: unknown) => error instanceof ProtocolError,
      line,
    );
  }
});

test('who has not said the password may send little', async () => {
  const stranger: Allowed = { ...allowed, arguments: 2, bulk: 5, stranger: true };
  await verifyDecoder(
    () => requests(stranger),
    [
      { wire: '*2\r\n$4\r\nAUTH\r\n$5\r\nabcde\r\n', frames: [['AUTH', 'abcde']] },
      { wire: '*3\r\n', frames: [], error: wrong('unauthenticated multibulk length') },
      { wire: '*1\r\n$6\r\n', frames: [], error: wrong('unauthenticated bulk length') },
    ],
    { views: 'no' },
  );
});

test('a request that is too long as a whole is refused as soon as that is known', async () => {
  await verifyDecoder(
    () => requests({ ...allowed, request: 60 }),
    [
      { wire: '*1\r\n$40\r\n' + 'x'.repeat(40) + '\r\n', frames: [['x'.repeat(40)]] },
      { wire: '*1\r\n$60\r\n', frames: [], error: FrameTooLong },
    ],
    { views: 'no' },
  );
});

test('any arguments come back, wherever the bytes are cut', () => {
  const args = fc.array(fc.uint8Array({ maxLength: 64 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.array(args, { maxLength: 6 }), fc.array(fc.nat(2_000), { maxLength: 12 }), (sent, cuts) => {
      const wire = asked(...sent);
      const rule = new RequestRule({ ...allowed, request: 1_024 });
      const frames = deframer(rule);
      const got: string[][] = [];
      const ends = [...cuts.map((cut) => cut % (wire.length + 1)), wire.length].toSorted((a, b) => a - b);
      for (const [index, end] of ends.entries()) {
        frames.push(wire.subarray(ends[index - 1] ?? 0, end));
        for (let cut = frames.next(); cut !== undefined; cut = frames.next()) {
          const request = requestOf(cut, rule).keep();
          got.push(Array.from({ length: request.length }, (_, at) => Buffer.from(request.bytes(at)).toString('hex')));
        }
      }
      assert.equal(
        got,
        sent.map((one) => one.map((arg) => Buffer.from(arg).toString('hex'))),
      );
    }),
    { numRuns: 150 },
  );
});

test('a hundred thousand arguments, a few bytes at a time: no byte is looked at twice', () => {
  const rule = new RequestRule({ ...allowed, arguments: 100_000, request: 10_000_000 });
  const wire = asked(Array.from({ length: 100_000 }, (_, at) => String(at)));
  const frames = deframer(rule);
  let looked = 0;
  const judge = rule.judge.bind(rule);
  rule.judge = (front, seen) =>
    judge(
      {
        length: front.length,
        at: (index) => {
          looked++;
          return front.at(index);
        },
        indexOf: (byte, from) => front.indexOf(byte, from),
        uint: (index, width, littleEndian) => front.uint(index, width, littleEndian),
      },
      seen,
    );
  let cut: Uint8Array | undefined;
  for (let at = 0; at < wire.length; at += 7) {
    frames.push(wire.subarray(at, at + 7));
    cut = frames.next();
  }
  assert.is(requestOf(cut as Uint8Array, rule).length, 100_000);
  // A header may be begun again when it came in two pieces.
  assert.ok(looked < wire.length * 3, `${looked} looks at ${wire.length} bytes`);
});

test('a length that is only announced takes no memory', () => {
  const rule = new RequestRule({ ...allowed, arguments: 1_000_000, bulk: 1e9, request: 2e9 });
  const frames = deframer(rule);
  frames.push(Buffer.from('*1000000\r\n$900000000\r\nabc'));
  assert.is(frames.next(), undefined);
  assert.ok(frames.held < 100);
  assert.ok(rule.places.length <= 2);
});

// ── answers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What an answer is, as a client reads it. Too simple to be wrong. */
const read = (wire: string): unknown[] => {
  let at = 0;
  const line = (): string => {
    const end = wire.indexOf('\r\n', at);
    const text = wire.slice(at, end);
    at = end + 2;
    return text;
  };
  const value = (): unknown => {
    const [kind, rest] = [wire[at], line().slice(1)];
    if (kind === '$') {
      if (rest === '-1') return null;
      const bulk = wire.slice(at, at + Number(rest));
      at += Number(rest) + 2;
      return bulk;
    }
    if (kind === '*' || kind === '~' || kind === '%' || kind === '>') {
      if (rest === '-1') return null;
      return Array.from({ length: Number(rest) * (kind === '%' ? 2 : 1) }, value);
    }
    return kind === '_' ? null : `${kind}${rest}`;
  };
  const values: unknown[] = [];
  while (at < wire.length) values.push(value());
  return values;
};

type Said = readonly [write: (reply: Reply) => void, read: unknown];

const leaves: fc.Arbitrary<Said> = fc.oneof(
  fc
    .uint8Array({ maxLength: 40 })
    .map((bytes): Said => [(reply) => reply.bulk(bytes), Buffer.from(bytes).toString('latin1')]),
  fc
    .integer({ min: 4_000, max: 40_000 })
    .map((size): Said => [(reply) => reply.bulk(new Uint8Array(size).fill(97)), 'a'.repeat(size)]),
  fc.integer().map((value): Said => [(reply) => reply.integer(value), `:${value}`]),
  fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map((value): Said => [(reply) => reply.integer(value), `:${value}`]),
  fc.constant<Said>([(reply) => reply.null(), null]),
  fc.constant<Said>([(reply) => reply.nullArray(), null]),
  fc.constant<Said>([(reply) => reply.ok(), '+OK']),
  fc.constant<Said>([(reply) => reply.error('ERR a\r\nb'), '-ERR a  b']),
  fc.integer({ min: 0, max: 20_000 }).map((size): Said => [(reply) => reply.text('é'.repeat(size)), 'é'.repeat(size)]),
);

const nested = (inner: fc.Arbitrary<Said>): fc.Arbitrary<Said> =>
  fc.array(inner, { maxLength: 6 }).map((parts): Said => [
    (reply) => {
      reply.array(parts.length);
      for (const [write] of parts) write(reply);
    },
    parts.map(([, value]) => value),
  ]);

test('what is written is read back, whatever comes after whatever', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(leaves, nested(fc.oneof(leaves, nested(leaves)))), { maxLength: 12 }),
      fc.constantFrom(2, 3),
      (said, protocol) => {
        const bytes = written(protocol, (reply) => {
          for (const [index, [write]] of said.entries()) {
            write(reply);
            // Now and then there is somebody else who writes meanwhile.
            if (index % 3 === 0)
              assert.is(Buffer.from(written(2, (other) => other.text('other'))).toString(), '$5\r\nother\r\n');
            if (index % 2 === 0) reply.flush();
          }
        });
        assert.equal(
          read(Buffer.from(bytes).toString('latin1')),
          said.map(([, value]) => value),
        );
      },
    ),
    { numRuns: 100 },
  );
});

test.run();
