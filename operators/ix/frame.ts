import { defer } from 'ix/asynciterable/defer';
import type { MonoTypeOperatorAsyncFunction } from 'ix/interfaces';
import { type Deframer, type DeframerOptions, deframer } from '../../src/framing/deframer.js';
import type { Rule } from '../../src/framing/rule.js';

function* whole(frames: Deframer): Iterable<Uint8Array> {
  for (let frame = frames.next(); frame !== undefined; frame = frames.next()) yield frame;
}

/**
 * The pull twin of `frame`: takes the next chunk only when a frame is asked for that has not come.
 *
 *     for await (const message of frame(lengthPrefixed(2))(socket)) handle(message);
 *
 * Same frames, same errors, same options. Leaving the loop lets go of the source.
 */
export const frame = (rule: Rule, options?: DeframerOptions): MonoTypeOperatorAsyncFunction<Uint8Array> => {
  deframer(rule, options); // An option that is none is the caller's error, not a reader's.
  return (bytes) =>
    defer(async function* () {
      const frames = deframer(rule, options);
      for await (const chunk of bytes) {
        frames.push(chunk);
        yield* whole(frames);
      }
      frames.end();
      yield* whole(frames);
    });
};
