import { checkObject } from '../check.js';
import { shownValue } from './compare.js';
import { type Bytes, bytesOf } from './deliveries.js';
import type { Talk } from './simulation/talk.js';

/**
 * A talk that is known beforehand, for servers whose answers are: pairs of what a client says and what it must hear for
 * that. No answer may come before its question was said. A text stands for bytes, a letter each.
 *
 *     talk: () => recite([['hello\n', 'HELLO\n'], ['world\n', 'WORLD\n']])
 */
export const recite = (exchanges: Iterable<readonly [says: Bytes, hears: Bytes]>): Talk => {
  const known = Array.from(
    checkObject('exchanges', exchanges),
    ([says, hears]) => [bytesOf(says), bytesOf(hears)] as const,
  );
  let said = 0;
  let due = 0;
  let heard = 0;
  const all = Buffer.concat(known.map(([, hears]) => hears));
  return {
    say: () => {
      const next = known[said++];
      if (next === undefined) return undefined;
      due += next[1].length;
      return next[0];
    },
    hear: (bytes) => {
      const expected = all.subarray(heard, Math.min(due, heard + bytes.length));
      if (!expected.equals(bytes)) {
        throw new Error(`heard ${shownValue(bytes)} where ${shownValue(expected)} was due, after ${heard} bytes`);
      }
      heard += bytes.length;
      return undefined;
    },
    complete: () => {
      if (heard < due) throw new Error(`heard ${heard} bytes of ${due}`);
    },
  };
};
