import * as E from 'fp-ts/lib/Either.js';
import { checkHook, checkObject, checkOneOf } from '../check.js';
import { InvalidMessage } from '../errors.js';
import { reasons } from './reasons.js';
import { type CodecOrSchema, codecOf } from './standard-schema.js';

/**
 * What becomes of a frame that does not decode.
 *
 * - `'drop'`: nothing, the stream goes on with the next frame.
 * - `'end'`: the stream fails with `InvalidMessage`.
 * - a function: its result takes the message's place. `why` has a line for each thing that is wrong (see `reasons`).
 */
export type InvalidPolicy<B> = 'drop' | 'end' | ((why: readonly string[], frame: Uint8Array) => B);

/** What can be set for `decodeOr`. */
export interface InvalidOptions {
  /** Told of each frame that does not decode, before the policy is applied; `count` is how many there have been. */
  readonly onInvalid?: (why: readonly string[], frame: Uint8Array, count: number) => void;
}

/** @internal Stands where a message was dropped. */
export const DROPPED = Symbol('dropped');

/** @internal Decodes by `policy`. What comes back decodes one stream: it has the count. */
export const decodingBy = <A, B>(
  codec: CodecOrSchema<A>,
  policy: InvalidPolicy<B>,
  options: InvalidOptions,
): (() => (frame: Uint8Array) => A | B | typeof DROPPED) => {
  const type = codecOf(codec);
  if (typeof policy !== 'function') checkOneOf('policy', policy, ['drop', 'end']);
  const onInvalid = checkHook('onInvalid', checkObject('options', options).onInvalid);

  return () => {
    let count = 0;
    return (frame) => {
      const decoded = type.decode(frame);
      if (E.isRight(decoded)) return decoded.right;
      // What nobody is told of is not looked into: a peer that says nothing but nonsense is to be cheap.
      if (policy === 'drop' && onInvalid === undefined) return DROPPED;
      const why = reasons(decoded.left);
      onInvalid?.(why, frame, ++count);
      if (policy === 'drop') return DROPPED;
      if (policy === 'end') throw new InvalidMessage(why);
      return policy(why, frame);
    };
  };
};
