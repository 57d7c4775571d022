import { checkObject, checkOneOf } from '../check.js';
import { delimited } from './delimited.js';
import { type Front, type InvertibleRule, type Verdict, checkLimit, found, more, tooLong } from './rule.js';

/** What ends a line: LF; CR LF and nothing else; or either of these. */
export type Ending = 'lf' | 'crlf' | 'any';

/** What can be set for `line`. */
export interface LineOptions {
  /** What ends a line. Defaults to `'any'`, LF or CR LF. */
  readonly ending?: Ending;
  /** The most bytes of a line, its ending not counted. Defaults to 65,536. */
  readonly maxBytes?: number;
}

const endings: Readonly<Record<Ending, readonly string[]>> = { lf: ['\n'], crlf: ['\r\n'], any: ['\n', '\r\n'] };

const LF = 10;
const CR = 13;

/**
 * Each frame is a line, without its ending. A bare number is `maxBytes`.
 *
 * The CR of a CR LF never counts to `maxBytes`, also where it has come without its LF. A CR that no LF follows is part
 * of the line, as is an LF where the ending is `'crlf'`, and a CR LF's CR where it is `'lf'`.
 *
 * Encodes a line with its ending: LF for `'lf'` and `'any'`, CR LF for `'crlf'`. A `RangeError` where the line has an
 * ending in it, or ends in a CR that would be taken for one.
 */
export const line = (options: number | LineOptions = {}): InvertibleRule => {
  const { ending = 'any', maxBytes = 65_536 }: LineOptions =
    typeof options === 'number' ? { maxBytes: options } : checkObject('options', options);
  const limit = checkLimit('maxBytes', maxBytes);
  const rule = delimited(endings[checkOneOf<Ending>('ending', ending, ['lf', 'crlf', 'any'])], { limit });
  return { ...rule, name: `line(${ending})`, judge: ending === 'any' ? judgeAny(limit) : rule.judge };
};

/** LF or CR LF: what `delimited` would say, in two thirds of its time, for here all ends are LFs and every LF an end. */
const judgeAny =
  (limit: number) =>
  (front: Front, seen: number, ended: boolean): Verdict => {
    const end = front.indexOf(LF, seen);
    if (end >= 0) {
      const length = end > 0 && front.at(end - 1) === CR ? end - 1 : end;
      return length > limit ? tooLong(limit + 1, limit, end + 1) : found(0, length, end + 1 - length);
    }
    if (front.length <= limit) return more;
    // A CR whose LF may still come does not count.
    const open = !ended && front.at(front.length - 1) === CR ? front.length - 1 : front.length;
    return open > limit ? tooLong(limit + 1, limit) : more;
  };
