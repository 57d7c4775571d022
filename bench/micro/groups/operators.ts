import { isRight } from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { Observable, type OperatorFunction, concatMap as concatMapOfRx, map, mergeMap as mergeMapOfRx, of } from 'rxjs';
import { json, lengthPrefixed } from 'sluice';
import { concatMap, decodeWith, frame, mapAsync, mergeMap, prefixLength } from 'sluice/operators';
import type { Contest, Group } from '../contest.js';
import { type Parser, u16be } from '../framing/by-hand.js';
import { streamed, transform } from '../framing/transform.js';
import { type Wire, chunksOf, wires } from '../framing/wires.js';
import { awaited, pushed } from '../pushed.js';

const numbers = Array.from({ length: 20_000 }, (_, at) => at);
/** Fewer where all come at once and wait: what RxJS does with a long queue is another question. */
const burst = numbers.slice(0, 1_000);
const one = (value: number): Observable<number> => of(value);
const work = async (value: number): Promise<number> => value;

/** A parser written by hand, as an operator. */
const parsing =
  (parser: Parser): OperatorFunction<Uint8Array, Uint8Array> =>
  (chunks) =>
    new Observable((out) => {
      const parse = parser((payload) => out.next(payload));
      return chunks.subscribe({
        next: parse,
        error: (error: unknown) => out.error(error),
        complete: () => out.complete(),
      });
    });

const framing = (wire: Wire): Contest => {
  const rule = lengthPrefixed(2);
  return {
    name: `frame(lengthPrefixed(2)), ${wire.name}`,
    ours: () => pushed(frame(rule), chunksOf(rule, wire))(),
    rivals: {
      'by hand': () => pushed(parsing(u16be), chunksOf(rule, wire))(),
      Transform: () => streamed(transform(u16be), chunksOf(rule, wire), wire.frames),
    },
    target: { times: 1.5, of: 'by hand' },
  };
};

interface Ask {
  readonly add: readonly number[];
}
const Ask = json.pipe(t.strict({ add: t.array(t.number) }));
const asks = Array.from({ length: 5_000 }, (_, at) => Ask.encode({ add: [at, 2, 3] }));

const text = new TextDecoder('utf-8', { fatal: true });

/** What one writes without a codec: parses, looks at the shape, and forgets about limits. */
const parseAsk = (bytes: Uint8Array): Ask => {
  const value = JSON.parse(text.decode(bytes)) as Partial<Ask> | null;
  if (!Array.isArray(value?.add) || !value.add.every((item) => typeof item === 'number')) throw new TypeError('no ask');
  return { add: value.add };
};

const payloads = Array.from({ length: 20_000 }, () => new Uint8Array(32).fill(0x61));

const prefixed = (payload: Uint8Array): Uint8Array => {
  const { length } = payload;
  if (length > 65_535) throw new RangeError(`a payload of ${length} bytes`);
  const bytes = new Uint8Array(2 + length);
  bytes[0] = length >> 8;
  bytes[1] = length & 255;
  bytes.set(payload, 2);
  return bytes;
};

const group: Group = {
  about: 'operators of ours beside the nearest of RxJS, or what one writes by hand in its place',
  unit: 'message',
  contests: [
    ...wires.map(framing),
    {
      name: 'mergeMap, each to `of`',
      ours: pushed(mergeMap(one), numbers),
      rivals: { RxJS: pushed(mergeMapOfRx(one), numbers) },
    },
    {
      name: 'concatMap, each to `of`',
      ours: pushed(concatMap(one), numbers),
      rivals: { RxJS: pushed(concatMapOfRx(one), numbers) },
    },
    {
      name: 'mergeMap, each to a promise, 4 at a time',
      ours: awaited(mergeMap(work, 4), burst),
      rivals: { RxJS: awaited(mergeMapOfRx(work, 4), burst) },
    },
    {
      name: 'concatMap, each to a promise',
      ours: awaited(concatMap(work), burst),
      rivals: { RxJS: awaited(concatMapOfRx(work), burst) },
    },
    {
      name: 'mapAsync(4)',
      ours: awaited(mapAsync(4, work), burst),
      rivals: { 'RxJS, unordered': awaited(mergeMapOfRx(work, 4), burst) },
    },
    {
      name: 'mapAsync(4), unordered',
      ours: awaited(mapAsync(4, work, { ordered: false }), burst),
      rivals: { RxJS: awaited(mergeMapOfRx(work, 4), burst) },
    },
    {
      name: 'decodeWith(json of a shape)',
      ours: pushed((frames) => decodeWith(Ask)(frames).pipe(map(isRight)), asks),
      rivals: { 'by hand': pushed(map(parseAsk), asks) },
    },
    {
      name: 'prefixLength(2)',
      ours: pushed(prefixLength(2), payloads),
      rivals: { 'by hand': pushed(map(prefixed), payloads) },
    },
  ],
};

export default group;
