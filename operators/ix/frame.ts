import { defer } from 'ix/asynciterable/defer';
import type { MonoTypeOperatorAsyncFunction } from 'ix/interfaces';
import { type Deframer, type DeframerOptions, deframer } from '../../src/framing/deframer.js';
import type { Rule } from '../../src/framing/rule.js';
import { machineClock } from '../../src/time/clock.js';

/** So many frames are taken before others have their turn: to await what is there already gives them none. */
const SHARE = 1_024;

const othersHadTheirs = (): Promise<void> => new Promise((turned) => machineClock.afterReads(turned));

function* whole(frames: Deframer): Iterable<Uint8Array> {
  for (let frame = frames.next(); frame !== undefined; frame = frames.next()) yield frame;
}

/**
 * The pull twin of `frame`: takes the next chunk only when a frame is asked for that has not come.
 *
 *     for await (const message of frame(lengthPrefixed(2))(socket)) handle(message);
 *
 * Same frames, same errors, same options. Leaving the loop lets go of the source. Every 1,024 frames the event loop turns
 * once, so that who sends many small ones keeps nobody waiting.
 */
export const frame = (rule: Rule, options?: DeframerOptions): MonoTypeOperatorAsyncFunction<Uint8Array> => {
  deframer(rule, options); // An option that is none is the caller's error, not a reader's.
  return (bytes) =>
    defer(async function* () {
      const frames = deframer(rule, options);
      let taken = 0;
      for await (const chunk of bytes) {
        frames.push(chunk);
        for (const cut of whole(frames)) {
          yield cut;
          if (++taken % SHARE === 0) await othersHadTheirs();
        }
      }
      frames.end();
      yield* whole(frames);
    });
};
