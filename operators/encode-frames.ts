import { type OperatorFunction, map } from 'rxjs';
import { checkFunction, checkObject } from '../src/check.js';
import type { Rule } from '../src/framing/rule.js';

/**
 * Makes each payload the bytes of a frame: the inverse of `frame(rule)`.
 *
 *     payloads  --a-----b---|    a: "hi"  b: ""
 *               encodeFrames(netstring())
 *     bytes     --x-----y---|    x: "2:hi,"  y: "0:,"
 *
 * `rule` is any of the package's, or one of your own that has `encode`. Fails with a `RangeError` at a payload that the
 * rule would not cut back into itself: one above its limit, one with a delimiter in it.
 */
export const encodeFrames = (rule: Rule & Required<Pick<Rule, 'encode'>>): OperatorFunction<Uint8Array, Uint8Array> => {
  checkFunction('rule.encode', checkObject('rule', rule).encode);
  return map((payload) => rule.encode(payload));
};
