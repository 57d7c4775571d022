import { FrameTooLong, MalformedFrame, TruncatedFrame } from '../../src/errors.js';
import type { DeframerOptions } from '../../src/framing/deframer.js';
import { delimited } from '../../src/framing/delimited.js';
import { fixed } from '../../src/framing/fixed.js';
import { lengthPrefixed, selfCounting } from '../../src/framing/length-prefixed.js';
import { line } from '../../src/framing/line.js';
import { netstring } from '../../src/framing/netstring.js';
import { type Rule, found, more, tooLong } from '../../src/framing/rule.js';
import { varint } from '../../src/framing/varint.js';
import { text } from './bytes.js';

/** What has to come out of `wire`, however it is delivered. */
export interface FrameCase {
  readonly name: string;
  readonly rule: Rule;
  readonly options?: DeframerOptions;
  readonly wire: string;
  readonly frames: readonly string[];
  readonly error?: Error;
}

/** A rule as a reader would write one: lines, with a limit. */
const ownLine = (limit: number): Rule => ({
  capacity: limit + 1,
  judge: (front, seen) => {
    for (let index = seen; index < front.length; index++) {
      if (front.at(index) !== 10) continue;
      return index > limit ? tooLong(limit + 1, limit, index + 1) : found(0, index, 1);
    }
    return front.length > limit ? tooLong(limit + 1, limit) : more;
  },
});

/** The same without a thought for limits: the deframer has to keep the capacity. */
const carelessLine: Rule = {
  capacity: 4,
  judge: (front, seen) => {
    const end = front.indexOf(10, seen);
    return end < 0 ? more : found(0, end, 1);
  },
};

const head = delimited('\r\n\r\n', { limit: 64 });

/** A header that ends in an empty line and may say `length: N`, then a body of N bytes. */
const headThenBody: DeframerOptions = {
  next: (frame, rule) => {
    if (rule !== head) return head;
    const length = Number(/length: (\d+)/.exec(text(frame))?.[1] ?? 0);
    return length === 0 ? head : fixed(length);
  },
};

const skip: DeframerOptions = { onTooLong: 'skip' };
const emit: DeframerOptions = { onTruncated: 'emit' };
const drop: DeframerOptions = { onTruncated: 'drop' };
const max = '\xff';

export const frameCases: readonly FrameCase[] = [
  { name: 'nothing at all', rule: fixed(3), wire: '', frames: [] },
  { name: 'fixed size', rule: fixed(3), wire: 'abcdef', frames: ['abc', 'def'] },
  { name: 'fixed size of one', rule: fixed(1), wire: 'abc', frames: ['a', 'b', 'c'] },

  { name: 'length of 1', rule: lengthPrefixed(1), wire: '\x01a\x00\x03xyz', frames: ['a', '', 'xyz'] },
  { name: 'length of 2', rule: lengthPrefixed(2), wire: '\0\x02hi\0\0\0\x01!', frames: ['hi', '', '!'] },
  { name: 'length of 3', rule: lengthPrefixed(3), wire: '\0\0\x02hi\0\0\x01!', frames: ['hi', '!'] },
  { name: 'length of 4', rule: lengthPrefixed(4), wire: '\0\0\0\x02hi\0\0\0\x01!', frames: ['hi', '!'] },
  { name: 'length of 6', rule: lengthPrefixed(6), wire: '\0\0\0\0\0\x02hi', frames: ['hi'] },
  { name: 'length of 8', rule: lengthPrefixed(8), wire: '\0\0\0\0\0\0\0\x02hi', frames: ['hi'] },
  {
    name: 'length of 2, low end first',
    rule: lengthPrefixed({ width: 2, order: 'le' }),
    wire: '\x02\0hi\0\0\x01\0!',
    frames: ['hi', '', '!'],
  },
  {
    name: 'length of 8, low end first',
    rule: lengthPrefixed({ width: 8, order: 'le' }),
    wire: '\x02\0\0\0\0\0\0\0hi',
    frames: ['hi'],
  },
  {
    name: 'bytes before the length',
    rule: lengthPrefixed({ width: 1, offset: 2 }),
    wire: 'zz\x02hizz\0',
    frames: ['hi', ''],
  },
  {
    name: 'a header that is passed on',
    rule: lengthPrefixed({ width: 1, offset: 1, strip: 0 }),
    wire: 'A\x02hiB\0',
    frames: ['A\x02hi', 'B\0'],
  },
  {
    name: 'part of a header passed on',
    rule: lengthPrefixed({ width: 1, offset: 2, strip: 1 }),
    wire: 'xA\x02hi',
    frames: ['A\x02hi'],
  },
  {
    name: 'a byte after the length stripped',
    rule: lengthPrefixed({ width: 1, strip: 2 }),
    wire: '\x03-hi\x01-',
    frames: ['hi', ''],
  },
  {
    name: 'a length that counts too little',
    rule: lengthPrefixed({ width: 1, adjustment: 2 }),
    wire: '\x01abc\0de',
    frames: ['abc', 'de'],
  },
  {
    name: 'a length that counts too much',
    rule: lengthPrefixed({ width: 1, adjustment: -1 }),
    wire: '\x03ab\x01',
    frames: ['ab', ''],
  },
  {
    name: 'a length that counts its header',
    rule: lengthPrefixed({ width: 2, offset: 1, includesHeader: true }),
    wire: '-\0\x05hi-\0\x03',
    frames: ['hi', ''],
  },
  { name: 'a length that counts itself', rule: selfCounting(), wire: '\x04\0hi\x02\0\x03\0!', frames: ['hi', '', '!'] },
  { name: 'exactly the limit', rule: lengthPrefixed({ width: 1, limit: 2 }), wire: '\x02hi', frames: ['hi'] },
  {
    name: 'one over the limit',
    rule: lengthPrefixed({ width: 1, limit: 2 }),
    wire: '\x01a\x03xyz\x01b',
    frames: ['a'],
    error: new FrameTooLong(3, 2, 2),
  },
  {
    name: 'the highest length of 4',
    rule: lengthPrefixed(4),
    wire: `\0\0\0\x01a${max.repeat(4)}`,
    frames: ['a'],
    error: new FrameTooLong(2 ** 32 - 1, 1024 * 1024, 5),
  },
  {
    name: 'a length of 2^31',
    rule: lengthPrefixed(4),
    wire: '\x80\0\0\0',
    frames: [],
    error: new FrameTooLong(2 ** 31, 1024 * 1024, 0),
  },
  {
    name: 'a length of 2^53',
    rule: lengthPrefixed(8),
    options: skip,
    wire: '\0\x20\0\0\0\0\0\0',
    frames: [],
    error: new FrameTooLong(2 ** 53, 1024 * 1024, 0),
  },
  {
    name: 'less than its own header',
    rule: selfCounting(),
    wire: '\x03\0a\x01\0b',
    frames: ['a'],
    error: new MalformedFrame('its length is 1, which is less than its header takes', 3),
  },
  {
    name: 'zero where the header counts',
    rule: lengthPrefixed({ width: 1, includesHeader: true }),
    wire: '\0\0\0',
    frames: [],
    error: new MalformedFrame('its length is 0, which is less than its header takes', 0),
  },
  {
    name: 'too long, skipped',
    rule: lengthPrefixed({ width: 1, limit: 3 }),
    options: skip,
    wire: '\x01a\x04wxyz\x05vwxyz\x01b',
    frames: ['a', 'b'],
  },
  {
    name: 'cut short while it is skipped',
    rule: lengthPrefixed({ width: 1, limit: 3 }),
    options: skip,
    wire: '\x01a\x04wxy',
    frames: ['a'],
    error: new TruncatedFrame(4, 2),
  },
  {
    name: 'cut short while it is skipped, and emit',
    rule: fixed(2),
    options: { ...skip, ...emit },
    wire: 'abc',
    frames: ['ab', 'c'],
  },
  {
    name: 'cut short',
    rule: lengthPrefixed(2),
    wire: '\0\x01a\0\x03xy',
    frames: ['a'],
    error: new TruncatedFrame(4, 3),
  },
  {
    name: 'cut short in the header',
    rule: lengthPrefixed(2),
    wire: '\0\x01a\0',
    frames: ['a'],
    error: new TruncatedFrame(1, 3),
  },
  { name: 'cut short and dropped', rule: lengthPrefixed(2), options: drop, wire: '\0\x01a\0\x03xy', frames: ['a'] },
  {
    name: 'cut short and emitted',
    rule: lengthPrefixed(2),
    options: emit,
    wire: '\0\x01a\0\x03xy',
    frames: ['a', 'xy'],
  },
  {
    name: 'cut short before the payload and emitted',
    rule: lengthPrefixed(2),
    options: emit,
    wire: '\0\x03',
    frames: [''],
  },
  {
    name: 'cut short in the header and emitted',
    rule: lengthPrefixed(2),
    options: emit,
    wire: '\x07',
    frames: ['\x07'],
  },

  { name: 'delimiter', rule: delimited(';'), wire: 'a;;bc;', frames: ['a', '', 'bc'] },
  { name: 'delimiter of two', rule: delimited('\r\n'), wire: 'a\rb\r\n\n\r\n', frames: ['a\rb', '\n'] },
  { name: 'delimiter with a false start', rule: delimited('aab'), wire: 'aaabaaaab', frames: ['a', 'aa'] },
  { name: 'delimiter that repeats', rule: delimited('abac'), wire: 'ababacabac', frames: ['ab', ''] },
  {
    name: 'several delimiters',
    rule: delimited([';', '\r\n', '--']),
    wire: 'a;b\r\n-c--\r;',
    frames: ['a', 'b', '-c', '\r'],
  },
  {
    name: 'the longest delimiter',
    rule: delimited(['\r', '\r\n', '\r\n\r\n']),
    wire: 'a\rb\r\nc\r\n\r\nd\r\n\r',
    frames: ['a', 'b', 'c', 'd', ''],
  },
  {
    name: 'the delimiter that begins first',
    rule: delimited(['b', 'ab', 'bc']),
    wire: 'xabcbcyb',
    frames: ['x', 'c', 'y'],
  },
  {
    name: 'a long delimiter begun in vain',
    rule: delimited(['ab', 'abcde']),
    wire: 'xabcdabababcde',
    frames: ['x', 'cd', '', ''],
  },
  {
    name: 'a long delimiter begun at the end',
    rule: delimited(['ab', 'abcde']),
    options: emit,
    wire: 'xabcd',
    frames: ['x', 'cd'],
  },
  {
    name: 'delimiters kept',
    rule: delimited([';', '\r\n'], { keep: true }),
    wire: 'a;b\r\n;',
    frames: ['a;', 'b\r\n', ';'],
  },
  {
    name: 'delimiter at the limit',
    rule: delimited('--', { limit: 2 }),
    wire: 'ab--a---',
    frames: ['ab', 'a'],
    error: new TruncatedFrame(1, 7),
  },
  {
    name: 'delimiter kept at the limit',
    rule: delimited('--', { limit: 2, keep: true }),
    wire: 'ab--',
    frames: ['ab--'],
  },
  {
    name: 'delimiter beyond the limit',
    rule: delimited('--', { limit: 2 }),
    wire: 'a--ab-c--',
    frames: ['a'],
    error: new FrameTooLong(3, 2, 3),
  },
  {
    name: 'no delimiter in sight',
    rule: delimited('--', { limit: 2 }),
    wire: 'a--abcdefgh--',
    frames: ['a'],
    error: new FrameTooLong(3, 2, 3),
  },
  {
    name: 'no delimiter in sight, skipped',
    rule: delimited('--', { limit: 2 }),
    options: skip,
    wire: 'a--abcd-efgh--b--',
    frames: ['a', 'b'],
  },
  {
    name: 'skipped to the longest delimiter',
    rule: delimited(['\r', '\r\n'], { limit: 1 }),
    options: skip,
    wire: 'abc\r\nd\rabc\r\re\r\n',
    frames: ['d', '', 'e'],
  },
  {
    name: 'skipped to an end that may be longer',
    rule: delimited(['\r', '\r\n'], { limit: 1 }),
    options: skip,
    wire: 'a\rbcd\r',
    frames: ['a'],
  },
  {
    name: 'cut short while an end is looked for',
    rule: delimited('--', { limit: 1 }),
    options: skip,
    wire: 'a--bcdefg-',
    frames: ['a'],
    error: new TruncatedFrame(7, 3),
  },
  {
    name: 'cut short, skipped, nothing to emit',
    rule: delimited('--', { limit: 1 }),
    options: { ...skip, ...emit },
    wire: 'a--bcd',
    frames: ['a'],
  },
  { name: 'no last delimiter', rule: delimited(';'), wire: 'a;bc', frames: ['a'], error: new TruncatedFrame(2, 2) },
  { name: 'no last delimiter, emitted', rule: delimited(';'), options: emit, wire: 'a;bc', frames: ['a', 'bc'] },

  { name: 'lines', rule: line(), wire: 'a\nb\r\n\n\r\nc\rd\r\r\n', frames: ['a', 'b', '', '', 'c\rd\r'] },
  { name: 'lines that end in LF', rule: line({ ending: 'lf' }), wire: 'a\nb\r\n', frames: ['a', 'b\r'] },
  { name: 'lines that end in CR LF', rule: line({ ending: 'crlf' }), wire: 'a\nb\r\n\r\n', frames: ['a\nb', ''] },
  { name: 'lines of exactly the limit', rule: line(3), wire: 'abc\r\nabc\nab\r\n', frames: ['abc', 'abc', 'ab'] },
  {
    name: 'a CR over the limit that no LF follows',
    rule: line(3),
    wire: 'abc\rd\n',
    frames: [],
    error: new FrameTooLong(4, 3, 0),
  },
  {
    name: 'a CR over the limit at the end',
    rule: line(3),
    options: emit,
    wire: 'abc\r',
    frames: [],
    error: new FrameTooLong(4, 3, 0),
  },
  {
    name: 'a line too long, skipped',
    rule: line(3),
    options: skip,
    wire: 'ab\nabcd\r\r\nc\r\nabcd\nd\n',
    frames: ['ab', 'c', 'd'],
  },
  { name: 'a last line without an ending', rule: line(), options: emit, wire: 'a\nb\r', frames: ['a', 'b\r'] },

  { name: 'varint', rule: varint(), wire: '\x02hi\0\x01!', frames: ['hi', '', '!'] },
  {
    name: 'varint of two bytes',
    rule: varint(),
    wire: `\x80\x01${'x'.repeat(128)}\x01y`,
    frames: ['x'.repeat(128), 'y'],
  },
  {
    name: 'varint with bytes to spare',
    rule: varint(),
    wire: '\x01a\x80\0\x01A',
    frames: ['a'],
    error: new MalformedFrame('a length with bytes to spare', 2),
  },
  {
    name: 'varint of 2^64',
    rule: varint(),
    wire: `${'\x80'.repeat(9)}\x02`,
    frames: [],
    error: new MalformedFrame('a length of more than 64 bits', 0),
  },
  {
    name: 'varint without an end',
    rule: varint({ limit: 1 }),
    options: skip,
    wire: max.repeat(12),
    frames: [],
    error: new MalformedFrame('a length of more than 64 bits', 0),
  },
  {
    name: 'varint of 2^63',
    rule: varint(),
    options: skip,
    wire: `${'\x80'.repeat(9)}\x01`,
    frames: [],
    error: new FrameTooLong(2 ** 63, 1024 * 1024, 0),
  },
  {
    name: 'varint too long',
    rule: varint({ limit: 2 }),
    wire: '\x02hi\x03xyz',
    frames: ['hi'],
    error: new FrameTooLong(3, 2, 3),
  },
  {
    name: 'varint too long, skipped',
    rule: varint({ limit: 2 }),
    options: skip,
    wire: '\x03xyz\x02hi',
    frames: ['hi'],
  },

  { name: 'netstring', rule: netstring(), wire: '2:hi,0:,10:0123456789,', frames: ['hi', '', '0123456789'] },
  { name: 'netstring with colon and comma in it', rule: netstring(), wire: '3:,:,,', frames: [',:,'] },
  {
    name: 'netstring without a comma',
    rule: netstring(),
    wire: '2:hi,2:hi;',
    frames: ['hi'],
    error: new MalformedFrame('0x3b where a comma should end the payload', 5),
  },
  {
    name: 'netstring with a leading zero',
    rule: netstring(),
    wire: '02:hi,',
    frames: [],
    error: new MalformedFrame('a length with a leading zero', 0),
  },
  {
    name: 'netstring without digits',
    rule: netstring(),
    wire: ':,',
    frames: [],
    error: new MalformedFrame('0x3a where a digit should stand', 0),
  },
  {
    name: 'netstring too long',
    rule: netstring({ limit: 2 }),
    wire: '3:xyz,',
    frames: [],
    error: new FrameTooLong(3, 2, 0),
  },
  {
    name: 'netstring too long, skipped',
    rule: netstring({ limit: 2 }),
    options: skip,
    wire: '3:xyz,1:a,',
    frames: ['a'],
  },
  {
    name: 'netstring with a length beyond reason',
    rule: netstring(),
    options: skip,
    wire: '10000000000000000:',
    frames: [],
    error: new FrameTooLong(10 ** 16, 1024 * 1024, 0),
  },
  { name: 'netstring cut short before its comma', rule: netstring(), options: emit, wire: '2:hi', frames: ['hi'] },

  {
    name: "a reader's own rule",
    rule: ownLine(3),
    wire: 'a\n\nabc\nabcd\n',
    frames: ['a', '', 'abc'],
    error: new FrameTooLong(4, 3, 7),
  },
  {
    name: "a reader's own rule, skipped",
    rule: ownLine(3),
    options: skip,
    wire: 'a\nabcdefg\nb\n',
    frames: ['a', 'b'],
  },
  {
    name: 'a rule that forgets its limit',
    rule: carelessLine,
    options: skip,
    wire: 'a\nabc\nabcdefg\nb\n',
    frames: ['a', 'abc', 'b'],
  },

  {
    name: 'header, then body',
    rule: head,
    options: headThenBody,
    wire: 'length: 5\r\n\r\na\r\n\r\nx\r\n\r\nlength: 1\r\n\r\nb',
    frames: ['length: 5', 'a\r\n\r\n', 'x', 'length: 1', 'b'],
  },
];
