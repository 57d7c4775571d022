import type { ObservableInput, ObservedValueOf, OperatorFunction } from 'rxjs';
import { checkFunction } from '../src/check.js';
import { HIGH_WATER, mergeInner } from './merge-inner.js';
import { selected } from './merge-map.js';

export function concatMap<A, O extends ObservableInput<unknown>>(
  project: (value: A, index: number) => O,
): OperatorFunction<A, ObservedValueOf<O>>;
/** @deprecated As in RxJS: use an inner `map` instead of a `resultSelector`. */
export function concatMap<A, O extends ObservableInput<unknown>>(
  project: (value: A, index: number) => O,
  resultSelector: undefined,
): OperatorFunction<A, ObservedValueOf<O>>;
/** @deprecated As in RxJS: use an inner `map` instead of a `resultSelector`. */
export function concatMap<A, R, O extends ObservableInput<unknown>>(
  project: (value: A, index: number) => O,
  resultSelector: (outer: A, inner: ObservedValueOf<O>, outerIndex: number, innerIndex: number) => R,
): OperatorFunction<A, R>;
/**
 * RxJS's `concatMap`, with the same signature, results, errors and timing, and with backpressure.
 *
 *     values   --a--b--c---------|        each takes 5 ms; the sources above rest while 64 values wait
 *              concatMap((x) => timer(5).pipe(map(() => x)))
 *     results  -------a----b----(c|)
 *
 * The values that wait for their turn stay within 64, and one burst of a source, if the sources above can be paused;
 * where none can, it warns once and keeps them all, as RxJS does.
 *
 * An inner stream must not wait for values of the very source that rests meanwhile, as one that shares it does: both
 * would wait for ever. RxJS's own keeps everything, and so does not.
 */
export function concatMap<A, R, O extends ObservableInput<unknown>>(
  project: (value: A, index: number) => O,
  resultSelector?: (outer: A, inner: ObservedValueOf<O>, outerIndex: number, innerIndex: number) => R,
): OperatorFunction<A, ObservedValueOf<O> | R> {
  checkFunction('project', project);
  return mergeInner<A, ObservedValueOf<O> | R>({
    name: 'concatMap',
    project:
      typeof resultSelector === 'function'
        ? selected(project, resultSelector)
        : (project as (value: A, index: number) => ObservableInput<ObservedValueOf<O>>),
    concurrent: 1,
    highWater: HIGH_WATER,
  });
}
