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
    if (!teardown || teardown === this || teardown === this.last || isOver(teardown)) return;
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

/** One that has ended is not kept: RxJS does not take it either, and here it has no way to say so later. */
const isOver = (teardown: Exclude<TeardownLogic, void>): boolean => teardown instanceof Subscription && teardown.closed;
