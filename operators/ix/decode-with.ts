import type { Either } from 'fp-ts/lib/Either.js';
import type * as t from 'io-ts';
import type { AsyncIterableX } from 'ix/asynciterable';
import { map } from 'ix/asynciterable/operators/map';
import { type CodecOrSchema, codecOf } from '../../src/codec/standard-schema.js';

/** The pull twin of `decodeWith`: decodes a frame when its message is asked for. */
export const decodeWith = <A>(
  codec: CodecOrSchema<A>,
): ((frames: AsyncIterable<Uint8Array>) => AsyncIterableX<Either<t.Errors, A>>) => {
  const type = codecOf(codec);
  return map((frame) => type.decode(frame));
};
