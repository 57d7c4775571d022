// Runs the same story through two operators in virtual time, and compares all that can be seen of it.
import fc from 'fast-check';
import {
  type Observable,
  type ObservableInput,
  type OperatorFunction,
  EMPTY,
  NEVER,
  finalize,
  from,
  of,
  take,
  throwError,
} from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import * as assert from 'uvu/assert';

/** What a value of the outer stream is mapped to. */
type Inner =
  | { readonly kind: 'cold' | 'hot'; readonly marble: string }
  | { readonly kind: 'array'; readonly values: readonly string[] }
  | { readonly kind: 'empty' | 'never' | 'fails' | 'throws' };

/** One run: the outer stream, what each of its values is mapped to, and when the one who listens leaves. */
export interface Story {
  readonly hot: boolean;
  readonly outer: string;
  /** One for each of the letters a to e. */
  readonly inners: readonly Inner[];
  readonly concurrent: number;
  readonly leaves: number;
  readonly takes: number;
  readonly selects: boolean;
}

const LETTERS = ['a', 'b', 'c', 'd', 'e'];

const letter = fc.constantFrom(...LETTERS);
const moment = fc.oneof(
  { weight: 5, arbitrary: fc.constant('-') },
  { weight: 4, arbitrary: letter },
  { weight: 1, arbitrary: fc.tuple(letter, letter).map((pair) => `(${pair.join('')})`) },
);
const marble = fc
  .tuple(fc.array(moment, { maxLength: 12 }), fc.constantFrom('|', '|', '|', '|', '|', '(e|)', '(e|)', '', '#', '(d#)'))
  .map(([moments, end]) => moments.join('') + end)
  .filter((text) => text !== '');

const inner: fc.Arbitrary<Inner> = fc.oneof(
  { weight: 14, arbitrary: fc.record({ kind: fc.constantFrom('cold' as const, 'hot' as const), marble }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('array' as const), values: fc.array(letter, { maxLength: 3 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('empty' as const, 'never' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('fails' as const, 'throws' as const) }) },
);

export const stories: fc.Arbitrary<Story> = fc.record({
  hot: fc.boolean(),
  outer: marble,
  inners: fc.array(inner, { minLength: LETTERS.length, maxLength: LETTERS.length }),
  concurrent: fc.constantFrom(1, 1, 2, 3, Infinity),
  leaves: fc.oneof({ weight: 3, arbitrary: fc.constant(Infinity) }, { weight: 1, arbitrary: fc.nat({ max: 20 }) }),
  takes: fc.oneof(
    { weight: 3, arbitrary: fc.constant(Infinity) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 6 }) },
  ),
  selects: fc.boolean(),
});

/** An operator under test: maps and flattens as the story says. */
export type Flatten = (
  story: Story,
  project: (value: string, index: number) => ObservableInput<string>,
) => OperatorFunction<string, string>;

const plain: Record<'empty' | 'never' | 'fails' | 'throws', () => Observable<never>> = {
  empty: () => EMPTY,
  never: () => NEVER,
  fails: () => throwError(() => 'failed'),
  throws: () => {
    throw new Error('thrown');
  },
};

/** All that can be seen of a story: what was projected and emitted, in order and by frame, and who was subscribed when. */
const seen = (story: Story, flatten: Flatten): unknown => {
  const log: unknown[] = [];
  // By frame only: RxJS starts the next inner within the end of the one before, and so finalizes the last one first.
  const finalized: string[] = [];
  const scheduler = new TestScheduler(() => {});
  return scheduler.run(({ cold, hot, flush }) => {
    const note = (...what: readonly unknown[]): void => void log.push([scheduler.now(), ...what]);
    const outer = story.hot ? hot(story.outer) : cold(story.outer);
    const logs: unknown[] = [outer.subscriptions];
    const inners = story.inners.map((given): (() => Observable<string>) => {
      if ('values' in given) return () => from(given.values);
      if (!('marble' in given)) return plain[given.kind];
      const made = given.kind === 'cold' ? cold(given.marble) : hot(given.marble);
      logs.push(made.subscriptions);
      return () => made;
    });
    const project = (value: string, index: number): ObservableInput<string> => {
      note('project', value, index);
      const made = inners[LETTERS.indexOf(value)]?.() ?? of('?');
      return made.pipe(finalize(() => finalized.push(`${scheduler.now()} ${index}`)));
    };
    const flattened = outer.pipe(flatten(story, project));
    const subscription = (Number.isFinite(story.takes) ? flattened.pipe(take(story.takes)) : flattened).subscribe({
      next: (value) => note('next', value),
      error: (error) => note('error', error),
      complete: () => note('complete'),
    });
    if (Number.isFinite(story.leaves)) scheduler.schedule(() => subscription.unsubscribe(), story.leaves);
    flush();
    return { log, logs, finalized: finalized.toSorted() };
  });
};

/** Fails where `ours` does anything that `stock` does not, at any frame. */
export const assertParity = (ours: Flatten, stock: Flatten, runs: number): void => {
  fc.assert(
    fc.property(stories, (story) => assert.equal(seen(story, ours), seen(story, stock))),
    { numRuns: runs },
  );
};

/** An inner stream of another library: what it is given to subscribe with, it wraps. */
export const foreign = <A>(values: Observable<A>): ObservableInput<A> =>
  ({
    '@@observable': () => ({ subscribe: (observer: object) => values.subscribe(new Proxy(observer, {})) }),
  }) as unknown as ObservableInput<A>;
