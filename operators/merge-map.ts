import { type ObservableInput, type ObservedValueOf, type OperatorFunction, from, map } from 'rxjs';
import { checkFunction } from '../src/check.js';
import { HIGH_WATER, mergeInner } from './merge-inner.js';

/** @deprecated The `resultSelector` is RxJS's own, and deprecated there: use an inner `map`. */
type ResultSelector<A, B, R> = (outer: A, inner: B, outerIndex: number, innerIndex: number) => R;

export function mergeMap<A, O extends ObservableInput<unknown>>(
  project: (value: A, index: number) => O,
  concurrent?: number,
): OperatorFunction<A, ObservedValueOf<O>>;
/** @deprecated As in RxJS: use an inner `map` instead of a `resultSelector`. */
export function mergeMap<A, O extends ObservableInput<unknown>>(
  project: (value: A, index: number) => O,
  resultSelector: undefined,
  concurrent?: number,
): OperatorFunction<A, ObservedValueOf<O>>;
/** @deprecated As in RxJS: use an inner `map` instead of a `resultSelector`. */
export function mergeMap<A, R, O extends ObservableInput<unknown>>(
  project: (value: A, index: number) => O,
  resultSelector: ResultSelector<A, ObservedValueOf<O>, R>,
  concurrent?: number,
): OperatorFunction<A, R>;
/**
 * RxJS's `mergeMap`, with the same signature, results, errors and timing, and with backpressure.
 *
 *     values   --a--b--c---------|        one at a time, each takes 5 ms; the sources above rest while 64 values wait
 *              mergeMap((x) => timer(5).pipe(map(() => x)), 1)
 *     results  -------a----b----(c|)
 *
 * With `concurrent` set (default: no limit), the values that wait for their turn stay within 64, and one burst of a
 * source, if the sources above can be paused; where none can, it warns once and keeps them all, as RxJS does. While a
 * consumer below is full, none of those that wait is started, and the sources above rest. Starting the next inner stream is a loop, not a recursion.
 *
 * An inner stream must not wait for values of the very source that rests meanwhile, as one that shares it does: both
 * would wait for ever. RxJS's own keeps everything, and so does not.
 */
export function mergeMap<A, R, O extends ObservableInput<unknown>>(
  project: (value: A, index: number) => O,
  resultSelector?: ResultSelector<A, ObservedValueOf<O>, R> | number,
  concurrent = Infinity,
): OperatorFunction<A, ObservedValueOf<O> | R> {
  checkFunction('project', project);
  if (typeof resultSelector !== 'function') {
    return mergeInner<A, ObservedValueOf<O>>({
      name: 'mergeMap',
      project: project as (value: A, index: number) => ObservableInput<ObservedValueOf<O>>,
      concurrent: typeof resultSelector === 'number' ? resultSelector : concurrent,
      highWater: HIGH_WATER,
    });
  }
  return mergeInner<A, R>({
    name: 'mergeMap',
    project: selected(project, resultSelector),
    concurrent,
    highWater: HIGH_WATER,
  });
}

/** @internal A project whose inner values go through a result selector. */
export const selected =
  <A, R, O extends ObservableInput<unknown>>(
    project: (value: A, index: number) => O,
    resultSelector: ResultSelector<A, ObservedValueOf<O>, R>,
  ) =>
  (outer: A, outerIndex: number): ObservableInput<R> =>
    from(project(outer, outerIndex) as ObservableInput<ObservedValueOf<O>>).pipe(
      map((inner, innerIndex) => resultSelector(outer, inner, outerIndex, innerIndex)),
    );
