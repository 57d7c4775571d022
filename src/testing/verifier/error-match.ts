import { same } from './same.js';

/**
 * The error that a decoder must fail with: its class; its `_tag`, `name` or `code`; or a function that says whether it
 * is the one.
 */
export type ErrorMatch = string | (abstract new (...args: never[]) => Error) | ((error: unknown) => boolean);

type Class = abstract new (...args: never[]) => Error;

const isClass = (match: Exclude<ErrorMatch, string>): match is Class =>
  match === Error || (match as Class).prototype instanceof Error;

const field = (error: unknown, name: string): unknown => (error as Readonly<Record<string, unknown>> | null)?.[name];

/** What an error is called: its tag, else its code, else its name. */
export const nameOf = (error: unknown): string | undefined =>
  ['_tag', 'code', 'name'].map((name) => field(error, name)).find((name) => typeof name === 'string');

/** Whether an error is the one that was expected. */
export const matches = (match: ErrorMatch, error: unknown): boolean => {
  if (typeof match === 'string') return ['_tag', 'code', 'name'].some((name) => field(error, name) === match);
  return isClass(match) ? error instanceof match : match(error);
};

/** All that tells an error from another, but the guess of what the bytes look like: it may depend on how they came. */
const traits = (error: unknown): unknown => {
  if (!(error instanceof Error)) return error;
  const fields = Object.entries(error).filter(([name]) => name !== 'guess');
  return [error.name, 'guess' in error ? undefined : error.message, Object.fromEntries(fields)];
};

/** Whether two errors say the same. */
export const sameError = (one: unknown, other: unknown): boolean => same(traits(one), traits(other));

/** The name of an error that a decoder must fail with, for people. */
export const shownMatch = (match: ErrorMatch): string => {
  if (typeof match === 'string') return match;
  return isClass(match) ? match.name : 'an error';
};
