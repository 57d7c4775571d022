import * as assert from 'uvu/assert';
import * as byHand from '../bench/micro/framing/by-hand.js';
import { delimited } from '../src/framing/delimited.js';
import { fixed } from '../src/framing/fixed.js';
import { lengthPrefixed, selfCounting } from '../src/framing/length-prefixed.js';
import { line } from '../src/framing/line.js';
import { netstring } from '../src/framing/netstring.js';
import type { InvertibleRule } from '../src/framing/rule.js';
import { varint } from '../src/framing/varint.js';
import { deliveries } from '../src/testing/deliveries.js';
import { bytes, text } from './kit/bytes.js';
import { suite } from './kit/suite.js';

const parsers = suite('the parsers that the benchmarks compare with');

const some = ['a', '', 'hello', 'x'.repeat(200), '', 'end'];

const pairs: readonly (readonly [InvertibleRule, byHand.Parser, readonly string[]])[] = [
  [fixed(3), byHand.fixed(3), ['abc', 'def', 'ghi']],
  [lengthPrefixed(1), byHand.u8, some],
  [lengthPrefixed(2), byHand.u16be, some],
  [lengthPrefixed(4), byHand.u32be, some],
  [lengthPrefixed({ width: 4, order: 'le' }), byHand.u32le, some],
  [selfCounting(), byHand.selfCounting, some],
  [varint(), byHand.varint, some],
  [netstring(), byHand.netstring, some],
  [line(), byHand.line, some],
  [delimited('\r\n'), byHand.crlf, [...some, 'a\nb\r']],
  [delimited('\0'), byHand.nul, some],
];

for (const [rule, parser, payloads] of pairs) {
  parsers(`${rule.name}: gives what ours gives, however the bytes are cut`, () => {
    const wire = Buffer.concat(payloads.map((payload) => rule.encode(bytes(payload))));
    for (const chunks of deliveries(wire, 1)) {
      const frames: string[] = [];
      const parse = parser((frame) => frames.push(text(frame)));
      for (const chunk of chunks) parse(chunk);
      assert.equal(frames, payloads);
    }
  });
}

parsers('a line may end in CR LF, whole or cut in two', () => {
  for (const chunks of deliveries('a\r\n\r\nb\rc\n\r\r\n', 3)) {
    const frames: string[] = [];
    const parse = byHand.line((frame) => frames.push(text(frame)));
    for (const chunk of chunks) parse(chunk);
    assert.equal(frames, ['a', '', 'b\rc', '\r']);
  }
});

parsers.run();
