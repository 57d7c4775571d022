import { Observable, type OperatorFunction } from 'rxjs';
import { checkFunction, checkObject } from '../src/check.js';
import { type Encoding, Writer } from '../src/connection/writer.js';
import { Link } from './link.js';

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
export const encodeFrames = (rule: Encoding): OperatorFunction<Uint8Array, Uint8Array> => {
  checkFunction('rule.encode', checkObject('rule', rule).encode);
  return (payloads) =>
    new Observable((out) => {
      const next =
        out instanceof Writer
          ? (payload: Uint8Array) => out.encode(rule, payload)
          : (payload: Uint8Array) => out.next(rule.encode(payload));
      payloads.subscribe(new Link<Uint8Array>(out, { next }));
    });
};
