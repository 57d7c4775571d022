import { type OperatorFunction, map } from 'rxjs';

/**
 * Copies each chunk or frame, so that it can be kept.
 *
 *     frames  --a---b--|    views of a chunk
 *             copy()
 *     frames  --a---b--|    the same bytes, in memory of their own
 *
 * For frames that are kept for long, since a view keeps its whole chunk in memory; and, with a `readBuffer` that is
 * shared, for all that is used after the call in which it came: collected, delayed, handled by a promise.
 */
export const copy = (): OperatorFunction<Uint8Array, Uint8Array> => map((bytes) => new Uint8Array(bytes));
