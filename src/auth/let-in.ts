import type { MaybeKnown } from './gate.js';

/** @internal Who is let in: what says no in any of the ways in which programs say it lets nobody in. */
export const letIn = <Id>(verdict: MaybeKnown<Id>): Id | undefined =>
  verdict === null || verdict === false ? undefined : verdict;
