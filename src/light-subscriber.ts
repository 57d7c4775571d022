import { Subscriber, Subscription, type TeardownLogic, UnsubscriptionError } from 'rxjs';

/**
 * A subscriber that has no array for what it tears down as long as that is one thing, as it is in a chain of operators.
 *
 * The array that RxJS makes has room for seventeen and takes 184 bytes. Of all that a connection keeps that was a fifth.
 */
export abstract class LightSubscriber<A> extends Subscriber<A> {
  /** What was added last. All before it is with RxJS, and so the order is the same. */
  protected last: TeardownLogic = undefined;

  override add(teardown: TeardownLogic): void {
    if (this.closed) return super.add(teardown);
    if (!teardown || teardown === this || this.needsNot(teardown)) return;
    const before = this.last;
    this.last = teardown;
    super.add(before);
  }

  override remove(teardown: Exclude<TeardownLogic, void>): void {
    if (teardown === this.last) this.last = undefined;
    else super.remove(teardown);
  }

  override unsubscribe(): void {
    if (this.closed) return;
    const { last } = this;
    this.last = undefined;
    try {
      super.unsubscribe();
    } catch (error) {
      throw new UnsubscriptionError([...errorsOf(error), ...thrownBy(() => super.add(last))]);
    }
    // To one that is closed this is to tear it down at once.
    super.add(last);
  }

  /** As in RxJS. One that ends later is kept for as long as it is the last: it has no way to say so here. */
  private needsNot(teardown: Exclude<TeardownLogic, void>): boolean {
    return teardown instanceof Subscription && (teardown.closed || teardown === this.last);
  }
}

const errorsOf = (error: unknown): unknown[] => (error instanceof UnsubscriptionError ? error.errors : [error]);

const thrownBy = (work: () => void): unknown[] => {
  try {
    work();
    return [];
  } catch (error) {
    return errorsOf(error);
  }
};
