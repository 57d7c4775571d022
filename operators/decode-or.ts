import { defer, filter, map, type OperatorFunction } from 'rxjs';
import { DROPPED, decodingBy, type InvalidOptions, type InvalidPolicy } from '../src/codec/invalid.js';
import type { CodecOrSchema } from '../src/codec/standard-schema.js';

/**
 * Frames in, messages out; `policy` says what becomes of a frame that is none.
 *
 *     frames    --a--b--c--|     a: '{"add":[1,2]}'  b: 'hello'  c: '{"add":[]}'
 *               decodeOr(Ask, 'drop')
 *     messages  --x-----z--|     x: { add: [1, 2] }  z: { add: [] }
 *
 *               decodeOr(Ask, 'end')
 *     messages  --x--#           InvalidMessage
 *
 *               decodeOr(Ask, (why) => ({ refused: why }))
 *     messages  --x--y--z--|     y: { refused: ['not JSON: ...'] }
 *
 * A function answers: what it gives stands in the message's place, and whatever turns messages into answers further
 * down turns it into one too. So a bad question is answered, and in its turn.
 *
 * `onInvalid` of the options is told of each such frame, with a count that begins anew for each subscription.
 */
export const decodeOr = <A, const B = never>(
  codec: CodecOrSchema<A>,
  policy: InvalidPolicy<B>,
  options: InvalidOptions = {},
): OperatorFunction<Uint8Array, A | B> => {
  const decoding = decodingBy(codec, policy, options);
  return (frames) =>
    defer(() =>
      frames.pipe(
        map(decoding()),
        filter((message): message is A | B => message !== DROPPED),
      ),
    );
};
