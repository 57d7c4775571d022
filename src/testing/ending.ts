import * as E from 'fp-ts/lib/Either.js';
import { errorName } from '../error-name.js';
import type { Outcome } from '../server/outcome.js';

/**
 * How a connection ended, as one word for a test: `finished`, or what its error is called.
 *
 *     assert.equal((await server.stop()).map(ending), ['TruncatedFrame', 'finished']);
 */
export const ending = (outcome: Outcome): string => (E.isLeft(outcome) ? errorName(outcome.left.error) : 'finished');
