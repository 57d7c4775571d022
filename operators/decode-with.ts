import type { Either } from 'fp-ts/lib/Either.js';
import type * as t from 'io-ts';
import { map, type OperatorFunction } from 'rxjs';
import { type CodecOrSchema, codecOf } from '../src/codec/standard-schema.js';

/**
 * Frames in, and for each of them its message on the right or what is wrong with it on the left.
 *
 *     frames    --a--b--|    a: '{"add":[1,2]}'  b: 'hello'
 *               decodeWith(Ask)
 *     messages  --x--y--|    x: right({ add: [1, 2] })  y: left(errors)
 *
 * `codec` is an io-ts type over bytes, or a Standard Schema (zod, valibot, ...), which is taken over JSON: see
 * `codecOf`. A frame that does not decode is a value, so the stream goes on: `reasons` makes short lines of the errors.
 */
export const decodeWith = <A>(codec: CodecOrSchema<A>): OperatorFunction<Uint8Array, Either<t.Errors, A>> => {
  const type = codecOf(codec);
  return map((frame) => type.decode(frame));
};
