import type { Subscriber } from 'rxjs';
import { LightSubscriber } from '../src/light-subscriber.js';

/** What an operator does with what it hears. What is left out goes straight on. */
export interface Heard<A> {
  readonly next: (value: A) => void;
  readonly complete?: () => void;
  readonly error?: (error: unknown) => void;
  /** Called once everything above has been torn down, whatever the reason. */
  readonly gone?: (link: Link<A>) => void;
}

/**
 * How an operator listens to a source: a subscriber that is closed together with the one it feeds.
 *
 * The link has to stand before the source is subscribed to, or a synchronous source could not be stopped in its loop.
 * An error thrown by the operator is the stream's error. The one place that builds on how RxJS 7 makes subscribers.
 */
export class Link<A> extends LightSubscriber<A> {
  // Not `#out`: an observable of another library may have wrapped the link in a proxy, which has no such names.
  protected readonly out: Subscriber<unknown>;
  protected readonly heard: Heard<A>;

  /** `parent`: with whom it is torn down, if not with the one it feeds. */
  constructor(out: Subscriber<unknown>, heard: Heard<A>, parent: Subscriber<unknown> | null = out) {
    super(parent ?? undefined);
    this.out = out;
    this.heard = heard;
    if (this.closed) heard.gone?.(this);
  }

  protected override _next(value: A): void {
    try {
      this.heard.next(value);
    } catch (error) {
      this.out.error(error);
    }
  }

  protected override _error(error: unknown): void {
    try {
      if (this.heard.error) this.heard.error(error);
      else this.out.error(error);
    } catch (thrown) {
      this.out.error(thrown);
    } finally {
      this.unsubscribe();
    }
  }

  protected override _complete(): void {
    try {
      if (this.heard.complete) this.heard.complete();
      else this.out.complete();
    } catch (error) {
      this.out.error(error);
    } finally {
      this.unsubscribe();
    }
  }

  override unsubscribe(): void {
    if (this.closed) return;
    try {
      super.unsubscribe();
    } finally {
      // If the one it feeds has ended before, this is called while the link is being made.
      (this.heard as Heard<A> | undefined)?.gone?.(this);
    }
  }
}

/**
 * A link that is its own listener: all that an operator knows of a subscription stands in one object.
 *
 * For the operators through which every byte goes. With a thousand connections nothing of the last message to one of
 * them is in the processor's cache any more, so that what a message costs is the objects that it comes by.
 */
export abstract class Step<A> extends LightSubscriber<A> {
  protected readonly out: Subscriber<unknown>;

  constructor(out: Subscriber<unknown>) {
    super(out);
    this.out = out;
  }

  protected abstract take(value: A): void;

  protected end(): void {
    this.out.complete();
  }

  protected override _next(value: A): void {
    try {
      this.take(value);
    } catch (error) {
      this.out.error(error);
    }
  }

  protected override _error(error: unknown): void {
    try {
      this.out.error(error);
    } finally {
      this.unsubscribe();
    }
  }

  protected override _complete(): void {
    try {
      this.end();
    } catch (error) {
      this.out.error(error);
    } finally {
      this.unsubscribe();
    }
  }
}
