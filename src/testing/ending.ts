import * as E from 'fp-ts/lib/Either.js';
import type { Outcome } from '../server/outcome.js';

/** What an error is called: its `_tag`, its name, or how it looks as text. */
export const errorName = (error: unknown): string => {
  const { _tag, name } = (error ?? {}) as { readonly _tag?: unknown; readonly name?: unknown };
  if (typeof _tag === 'string') return _tag;
  return typeof name === 'string' ? name : String(error);
};

/**
 * How a connection ended, as one word for a test: `finished`, or what its error is called.
 *
 *     assert.equal((await server.stop()).map(ending), ['TruncatedFrame', 'finished']);
 */
export const ending = (outcome: Outcome): string => (E.isLeft(outcome) ? errorName(outcome.left.error) : 'finished');
