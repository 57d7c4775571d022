import { map, type OperatorFunction } from 'rxjs';
import { type CodecOrSchema, codecOf } from '../src/codec/standard-schema.js';

/**
 * Messages in, their bytes out.
 *
 *     messages  --a--b--|    a: { sum: 3 }  b: { sum: 7 }
 *               encodeWith(Answer)
 *     bytes     --x--y--|    x: '{"sum":3}'  y: '{"sum":7}'
 *
 * `codec` is an io-ts type over bytes, or a Standard Schema, which stands for JSON and encodes a message as it is.
 * Fails with the codec's RangeError or TypeError for a message that has no bytes: a number too large for its field of a
 * struct, a text over its limit.
 */
export const encodeWith = <A>(codec: CodecOrSchema<A>): OperatorFunction<A, Uint8Array> => {
  const type = codecOf(codec);
  return map((message) => type.encode(message));
};
