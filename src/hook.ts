import { UnsubscriptionError } from 'rxjs';

/** The code of the warning that something of the program threw where nobody could be told. */
const THREW = 'SLUICE_THREW';

/**
 * Tells a hook of the program (`onState`, `onEvent`, ...) something. What it throws, or rejects, is a warning that names
 * it, and ends nothing: to be told is no part of the work.
 */
export const tell = <A>(name: string, hook: ((told: A) => unknown) | undefined, told: A): void => {
  if (hook === undefined) return;
  try {
    Promise.resolve(hook(told)).catch((error: unknown) => warnThrown(name, error));
  } catch (error) {
    warnThrown(name, error);
  }
};

/** Warns, through the process, that `name` threw `error`. */
export const warnThrown = (name: string, error: unknown): void => {
  process.emitWarning(`${name} threw ${shown(error)}`, { type: 'SluiceWarning', code: THREW });
};

/** What was thrown: of what teardowns throw, RxJS makes an error of its own around the first. */
export const thrownIn = (error: unknown): unknown => (error instanceof UnsubscriptionError ? error.errors[0] : error);

/** Anything can be thrown, also what cannot be shown. */
const shown = (error: unknown): string => {
  try {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  } catch {
    return 'something that cannot be shown';
  }
};
