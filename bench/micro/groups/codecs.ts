import { isLeft } from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { do_not_optimize } from 'mitata';
import { cstring, json, struct, text, u16, u32 } from 'sluice';
import type { Contest, Group, Run } from '../contest.js';

const strict = new TextDecoder('utf-8', { fatal: true });
const encoder = new TextEncoder();

/** `work` for each of many values, in turn. */
const each =
  <A>(values: readonly A[], work: (value: A) => unknown): (() => Run) =>
  () =>
  () => {
    for (const value of values) do_not_optimize(work(value));
    return values.length;
  };

const many = <A>(make: (at: number) => A): readonly A[] => Array.from({ length: 5_000 }, (_, at) => make(at));

const Point = struct({ id: u32, x: u16, y: u16, z: u16, flags: u16 });
type Point = t.TypeOf<typeof Point>;

const readPoint = (bytes: Uint8Array): Point => {
  if (bytes.length !== 12) throw new RangeError(`a point of ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, 12);
  return {
    id: view.getUint32(0),
    x: view.getUint16(4),
    y: view.getUint16(6),
    z: view.getUint16(8),
    flags: view.getUint16(10),
  };
};

const writePoint = ({ id, x, y, z, flags }: Point): Uint8Array => {
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, id);
  view.setUint16(4, x);
  view.setUint16(6, y);
  view.setUint16(8, z);
  view.setUint16(10, flags);
  return bytes;
};

const Student = struct({ name: cstring(32), roll: u32 }, { order: 'le' });
type Student = t.TypeOf<typeof Student>;

const readStudent = (bytes: Uint8Array): Student => {
  if (bytes.length !== 36) throw new RangeError(`a student of ${bytes.length} bytes`);
  const end = bytes.indexOf(0);
  if (end < 0 || end > 31) throw new RangeError('a name without an end');
  const view = new DataView(bytes.buffer, bytes.byteOffset, 36);
  return { name: strict.decode(bytes.subarray(0, end)), roll: view.getUint32(32, true) };
};

const Shape = json.pipe(t.strict({ add: t.array(t.number), of: t.string }));
interface Ask {
  readonly add: number[];
  readonly of: string;
}

const isAsk = (value: Partial<Ask> | null): value is Ask =>
  typeof value?.of === 'string' && Array.isArray(value.add) && value.add.every((item) => typeof item === 'number');

const parseAsk = (bytes: Uint8Array): Ask => {
  const value = JSON.parse(strict.decode(bytes)) as Partial<Ask> | null;
  if (!isAsk(value)) throw new TypeError('no ask');
  return value;
};

const points = many((at): Point => ({ id: at, x: 1, y: 2, z: 3, flags: 4 }));
const students = many((at): Student => ({ name: `student ${at}`, roll: at }));
const asks = many((at): Ask => ({ add: [at, 2, 3], of: 'apples and pears' }));
const words = many((at) => `a message of some length, number ${at}`);

/** Decodes, or ends the benchmark: what is measured is what is right. */
const decoded =
  <A>(codec: t.Type<A, Uint8Array, Uint8Array>) =>
  (bytes: Uint8Array): A => {
    const result = codec.decode(bytes);
    if (isLeft(result)) throw new Error(`${codec.name} does not decode`);
    return result.right;
  };

/** Bytes of its own for each, as frames have them. */
const encoded = <A>(codec: t.Type<A, Uint8Array, Uint8Array>, values: readonly A[]): readonly Uint8Array[] =>
  values.map((value) => codec.encode(value));

const decoding = <A>(
  name: string,
  codec: t.Type<A, Uint8Array, Uint8Array>,
  values: readonly A[],
  byHand: (bytes: Uint8Array) => unknown,
): Contest => ({
  name: `${name}, decode`,
  ours: () => each(encoded(codec, values), decoded(codec))(),
  rivals: { 'by hand': () => each(encoded(codec, values), byHand)() },
});

const encoding = <A>(
  name: string,
  codec: t.Type<A, Uint8Array, Uint8Array>,
  values: readonly A[],
  byHand: (value: A) => Uint8Array,
): Contest => ({
  name: `${name}, encode`,
  ours: each(values, (value) => codec.encode(value)),
  rivals: { 'by hand': each(values, byHand) },
});

const stringified = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value));

const group: Group = {
  about: 'codecs beside DataView, JSON.parse and TextDecoder',
  unit: 'message',
  contests: [
    decoding('struct of 5 numbers', Point, points, readPoint),
    encoding('struct of 5 numbers', Point, points, writePoint),
    decoding('struct with a cstring', Student, students, readStudent),
    decoding('json', json, asks, (bytes) => JSON.parse(strict.decode(bytes)) as unknown),
    decoding('json of a shape', Shape, asks, parseAsk),
    encoding('json', json, asks, stringified),
    decoding('text', text, words, (bytes) => strict.decode(bytes)),
    encoding('text', text, words, (word) => encoder.encode(word)),
  ],
};

export default group;
