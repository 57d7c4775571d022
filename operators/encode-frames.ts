import { Observable, type OperatorFunction, type Subscriber } from 'rxjs';
import { checkFunction, checkObject } from '../src/check.js';
import { type Encoding, type Taker, Writer } from '../src/connection/writer.js';
import { Step } from './link.js';

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
  return (payloads) => new Observable((out) => payloads.subscribe(new EncodingStep(out, rule)));
};

class EncodingStep extends Step<Uint8Array> {
  protected readonly rule: Encoding;
  /** What takes the bytes right behind, if it is a connection: the frame is encoded where it is gathered. */
  protected readonly taker: Taker | null;

  constructor(out: Subscriber<Uint8Array>, rule: Encoding) {
    super(out);
    this.rule = rule;
    this.taker = out instanceof Writer ? out.taker : null;
  }

  protected take(payload: Uint8Array): void {
    if (this.taker !== null) this.taker.encode(this.rule, payload);
    else this.out.next(this.rule.encode(payload));
  }
}
