import type { AsyncIterableX } from 'ix/asynciterable';
import { defer } from 'ix/asynciterable/defer';
import { DROPPED, decodingBy, type InvalidOptions, type InvalidPolicy } from '../../src/codec/invalid.js';
import type { CodecOrSchema } from '../../src/codec/standard-schema.js';

/** The pull twin of `decodeOr`: goes on to the next frame that is a message, or gives what the policy puts there. */
export const decodeOr = <A, const B = never>(
  codec: CodecOrSchema<A>,
  policy: InvalidPolicy<B>,
  options: InvalidOptions = {},
): ((frames: AsyncIterable<Uint8Array>) => AsyncIterableX<A | B>) => {
  const decoding = decodingBy(codec, policy, options);
  return (frames) =>
    defer(async function* messages() {
      const decode = decoding();
      for await (const frame of frames) {
        const message = decode(frame);
        if (message !== DROPPED) yield message;
      }
    });
};
