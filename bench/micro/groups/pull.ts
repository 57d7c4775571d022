import { do_not_optimize } from 'mitata';
import { Observable } from 'rxjs';
import { from as fromOfIx } from 'ix/asynciterable';
import { map as mapOfIx } from 'ix/asynciterable/operators/map';
import { json, lengthPrefixed, varint } from 'sluice';
import { toBatches } from 'sluice/operators';
import { decodeWith, frameLengthPrefixed, frameVarint, toAsyncIterable } from 'sluice/operators/ix';
import type { Group, Run } from '../contest.js';
import { type Parser, u16be } from '../framing/by-hand.js';
import { itLengthPrefixed } from '../framing/rivals.js';
import { chunksOf } from '../framing/wires.js';

const wire = { name: '64 KiB chunks', frames: 20_000, chunk: 65_536 };

async function* delivered<A>(values: Iterable<A>): AsyncGenerator<A> {
  yield* values;
}

/** Pulls everything, and counts it. */
const pulled =
  <A>(values: () => AsyncIterable<A>): Run =>
  async () => {
    let count = 0;
    for await (const value of values()) {
      do_not_optimize(value);
      count++;
    }
    return count;
  };

/** A parser written by hand, in an async generator. */
const parsing = (parser: Parser) =>
  async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let frames: Uint8Array[] = [];
    const parse = parser((frame) => frames.push(frame));
    for await (const chunk of chunks) {
      parse(chunk);
      const those = frames;
      frames = [];
      yield* those;
    }
  };

const VALUES = Array.from({ length: 20_000 }, (_, at) => at);
const BURST = 50;

/** Values that come in bursts, as frames do, with the loop free between them. */
const bursts = new Observable<number>((out) => {
  let at = 0;
  const burst = (): void => {
    for (const end = at + BURST; at < end; at++) out.next(VALUES[at] as number);
    if (at === VALUES.length) out.complete();
    else setImmediate(burst);
  };
  setImmediate(burst);
});

const messages = Array.from({ length: 5_000 }, (_, at) => json.encode({ add: [at, 2, 3] }));

const strict = new TextDecoder('utf-8', { fatal: true });
const parsed = (bytes: Uint8Array): unknown => JSON.parse(strict.decode(bytes));

const group: Group = {
  about: 'the pull twins: frames, batches and messages by `for await`, beside IxJS, generators and a package',
  unit: 'value',
  contests: [
    {
      name: 'ix frameLengthPrefixed(2)',
      ours: () => {
        const chunks = chunksOf(lengthPrefixed(2), wire);
        return pulled(() => frameLengthPrefixed(2)(delivered(chunks)));
      },
      rivals: {
        'by hand': () => {
          const chunks = chunksOf(lengthPrefixed(2), wire);
          return pulled(() => parsing(u16be)(delivered(chunks)));
        },
      },
    },
    {
      name: 'ix frameVarint',
      ours: () => {
        const chunks = chunksOf(varint(), wire);
        return pulled(() => frameVarint()(delivered(chunks)));
      },
      rivals: {
        'it-length-prefixed': async () => {
          const { decode } = await itLengthPrefixed();
          const chunks = chunksOf(varint(), wire);
          return pulled(() => decode(delivered(chunks)));
        },
      },
    },
    {
      name: 'toBatches',
      ours: () => async () => {
        let count = 0;
        for await (const batch of toBatches()(bursts)) count += batch.length;
        return count;
      },
      rivals: { 'IxJS, one by one': () => pulled(() => fromOfIx(bursts)) },
    },
    {
      name: 'toAsyncIterable',
      ours: () => pulled(() => toAsyncIterable()(bursts)),
      rivals: { IxJS: () => pulled(() => fromOfIx(bursts)) },
    },
    {
      name: 'ix decodeWith(json)',
      ours: () => pulled(() => decodeWith(json)(delivered(messages))),
      rivals: {
        IxJS: () => pulled(() => mapOfIx(parsed)(delivered(messages))),
      },
    },
  ],
};

export default group;
