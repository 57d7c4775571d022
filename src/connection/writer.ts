import type { Rule } from '../framing/rule.js';
import { LightSubscriber } from '../light-subscriber.js';

/** What takes a connection's bytes. It unsubscribes the writer at the end, so that what a teardown throws is its own. */
export interface Taker {
  take(chunk: Uint8Array): void;
  /** As `take` with what `rule` encodes `payload` into. Throws what the rule throws. */
  encode(rule: Encoding, payload: Uint8Array): void;
  fail(error: unknown): void;
  finish(): void;
}

/** A rule that encodes. */
export type Encoding = Rule & Required<Pick<Rule, 'encode'>>;

/**
 * The subscriber with which `writes` subscribes.
 *
 * An operator that encodes and finds that it feeds a writer, with nothing in between, hands the payload and the rule to
 * its taker: the frame is then encoded where it is gathered, without an array of its own.
 */
export class Writer extends LightSubscriber<Uint8Array> {
  readonly taker: Taker;

  constructor(taker: Taker) {
    super();
    this.taker = taker;
  }

  protected override _next(chunk: Uint8Array): void {
    this.taker.take(chunk);
  }

  protected override _error(error: unknown): void {
    this.taker.fail(error);
  }

  protected override _complete(): void {
    this.taker.finish();
  }
}
