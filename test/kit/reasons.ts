import * as E from 'fp-ts/lib/Either.js';
import type { Outcome } from '../../src/index.js';

/** Why each connection ended: `finished`, or the tag (or message) of its error. */
export const reasons = (outcomes: readonly Outcome[]): string[] =>
  outcomes.map(
    E.match(
      ({ error }) => {
        const { _tag, message } = error as { readonly _tag?: string; readonly message?: string };
        return _tag ?? message ?? String(error);
      },
      () => 'finished',
    ),
  );
