import {
  type InvertibleRule,
  deframer,
  delimited,
  fixed,
  lengthPrefixed,
  line,
  netstring,
  selfCounting,
  varint,
} from 'sluice';
import type { Contest, Group, Runner } from '../contest.js';
import * as byHand from '../framing/by-hand.js';
import { itLengthPrefixed, lengthPrefixedStream } from '../framing/rivals.js';
import { streamed, transform } from '../framing/transform.js';
import { PAYLOAD, type Wire, chunksOf, wires } from '../framing/wires.js';

/** A rule of ours, and the parser that somebody would write in its place. */
interface Pair {
  readonly name: string;
  readonly rule: () => InvertibleRule;
  readonly parser: byHand.Parser;
}

const pairs: readonly Pair[] = [
  { name: 'fixed', rule: () => fixed(PAYLOAD), parser: byHand.fixed(PAYLOAD) },
  { name: 'lengthPrefixed(1)', rule: () => lengthPrefixed(1), parser: byHand.u8 },
  { name: 'lengthPrefixed(2)', rule: () => lengthPrefixed(2), parser: byHand.u16be },
  { name: 'lengthPrefixed(4)', rule: () => lengthPrefixed(4), parser: byHand.u32be },
  { name: 'lengthPrefixed(4), le', rule: () => lengthPrefixed({ width: 4, order: 'le' }), parser: byHand.u32le },
  { name: 'selfCounting', rule: () => selfCounting(), parser: byHand.selfCounting },
  { name: 'varint', rule: () => varint(), parser: byHand.varint },
  { name: 'netstring', rule: () => netstring(), parser: byHand.netstring },
  { name: 'line', rule: () => line(), parser: byHand.line },
  { name: "delimited('\\r\\n')", rule: () => delimited('\r\n'), parser: byHand.crlf },
  { name: "delimited('\\0')", rule: () => delimited('\0'), parser: byHand.nul },
];

/** The loop that every operator and every loop of a user's is built on. */
const cut =
  (rule: InvertibleRule, wire: Wire): Runner =>
  () => {
    const chunks = chunksOf(rule, wire);
    const frames = deframer(rule);
    return () => {
      let count = 0;
      for (const chunk of chunks) {
        frames.push(chunk);
        for (let frame = frames.next(); frame !== undefined; frame = frames.next())
          if (frame.length === PAYLOAD) count++;
      }
      return count;
    };
  };

const parsed =
  ({ rule, parser }: Pair, wire: Wire): Runner =>
  () => {
    const chunks = chunksOf(rule(), wire);
    let count = 0;
    const parse = parser((frame) => {
      if (frame.length === PAYLOAD) count++;
    });
    return () => {
      count = 0;
      for (const chunk of chunks) parse(chunk);
      return count;
    };
  };

const packages = (rule: InvertibleRule, wire: Wire): Readonly<Record<string, Runner>> => ({
  'length-prefixed-stream': async () => streamed(await lengthPrefixedStream(), chunksOf(rule, wire), wire.frames),
  'it-length-prefixed': async () => {
    const { decode } = await itLengthPrefixed();
    const chunks = chunksOf(rule, wire);
    return () => {
      let count = 0;
      for (const frame of decode(chunks)) if (frame.length === PAYLOAD) count++;
      return count;
    };
  },
});

const contest = (pair: Pair, wire: Wire): Contest => ({
  name: `${pair.name}, ${wire.name}`,
  ours: cut(pair.rule(), wire),
  rivals: {
    'by hand': parsed(pair, wire),
    Transform: () => streamed(transform(pair.parser), chunksOf(pair.rule(), wire), wire.frames),
    ...(pair.name === 'varint' ? packages(pair.rule(), wire) : {}),
  },
  target: { times: 1.5, of: 'by hand' },
});

/** The same in a process that has spoken every protocol before, as a server with many of them does. */
const inCompany = (pair: Pair, wire: Wire): Contest => ({
  name: `${pair.name}, ${wire.name}, after all other rules`,
  ours: async () => {
    for (let round = 0; round < 20; round++)
      for (const { rule } of pairs) await (await cut(rule(), { ...wire, frames: 2_000 })())();
    return cut(pair.rule(), wire)();
  },
  rivals: { 'by hand': parsed(pair, wire) },
});

const group: Group = {
  about: 'frames out of chunks: every rule beside a parser written by hand, a Transform, and packages',
  unit: 'frame',
  contests: [
    ...pairs.flatMap((pair) => wires.map((wire) => contest(pair, wire))),
    ...pairs
      .filter(({ name }) => name === 'lengthPrefixed(2)')
      .flatMap((pair) => wires.map((wire) => inCompany(pair, wire))),
  ],
};

export default group;
