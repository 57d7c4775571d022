import type { AsyncIterableX } from 'ix/asynciterable';
import { map } from 'ix/asynciterable/operators/map';
import { type CodecOrSchema, codecOf } from '../../src/codec/standard-schema.js';

/** The pull twin of `encodeWith`: encodes a message when its bytes are asked for. */
export const encodeWith = <A>(
  codec: CodecOrSchema<A>,
): ((messages: AsyncIterable<A>) => AsyncIterableX<Uint8Array>) => {
  const type = codecOf(codec);
  return map((message) => type.encode(message));
};
