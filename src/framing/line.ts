import { checkObject, checkOneOf } from '../check.js';
import { delimited } from './delimited.js';
import { type InvertibleRule, checkLimit } from './rule.js';

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
  const delimiters = endings[checkOneOf<Ending>('ending', ending, ['lf', 'crlf', 'any'])];
  return { ...delimited(delimiters, { limit: checkLimit('maxBytes', maxBytes) }), name: `line(${ending})` };
};
