import { finalize } from 'rxjs';
import { checkFunction } from '../../src/check.js';
import type { Connection } from '../../src/connection/connection.js';
import type { Outcome } from '../../src/server/outcome.js';
import { fromAsyncIterable } from '../../src/source/from-async-iterable.js';
import { type ServeOptions, serve as pushServe } from '../serve.js';
import { toAsyncIterable } from './to-async-iterable.js';

/** What to answer to a peer's bytes, pulled: an async generator that takes bytes and yields bytes. */
export type Handler = (bytes: AsyncIterable<Uint8Array>, connection: Connection) => AsyncIterable<Uint8Array>;

/**
 * The pull twin of `serve`: connections in, outcomes out, and a handler that reads like a dialogue.
 *
 *     for await (const outcome of serve(interview)(toAsyncIterable()(listen({ port: 7000 })))) console.log(outcome);
 *
 * The handler is pulled while the peer takes what it yields, and the peer is read from while the handler pulls. What
 * the handler has not read when it returns is not waited for.
 */
export const serve = (
  handler: Handler,
  options?: ServeOptions,
): ((connections: AsyncIterable<Connection>) => AsyncIterable<Outcome>) => {
  checkFunction('handler', handler);
  const serving = pushServe((reads, connection) => {
    const bytes = toAsyncIterable()(reads)[Symbol.asyncIterator]();
    return fromAsyncIterable(handler({ [Symbol.asyncIterator]: () => bytes }, connection)).pipe(
      finalize(() => void bytes.return?.()),
    );
  }, options);
  return (connections) => toAsyncIterable()(fromAsyncIterable(connections).pipe(serving));
};
