// Two ways to send values through an operator of RxJS.
import { do_not_optimize } from 'mitata';
import { type OperatorFunction, Subject, from, lastValueFrom, map } from 'rxjs';
import type { Runner } from './contest.js';

/** One by one, as they come from a connection. Counts what comes out. */
export const pushed =
  <A, B>(operator: OperatorFunction<A, B>, values: readonly A[]): Runner =>
  () => {
    const source = new Subject<A>();
    let count = 0;
    source.pipe(operator).subscribe((value) => {
      do_not_optimize(value);
      count++;
    });
    return () => {
      count = 0;
      for (const value of values) source.next(value);
      return count;
    };
  };

/** All at once, through an operator that takes its time, until it has completed. Counts what comes out. */
export const awaited =
  <A, B>(operator: OperatorFunction<A, B>, values: readonly A[]): Runner =>
  () => {
    let count = 0;
    const counted = from(values).pipe(
      operator,
      map((value) => {
        do_not_optimize(value);
        return ++count;
      }),
    );
    return () => {
      count = 0;
      return lastValueFrom(counted);
    };
  };
