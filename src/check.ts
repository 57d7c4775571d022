import type { SchedulerLike } from 'rxjs';

/**
 * Checks of options, made when they are given and not when they are first needed.
 * Each returns the value, or throws an error that names the option, the value and what is allowed.
 */

const shown = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value));

/** The longest wait that an option may ask for: a hundred years, in milliseconds. Longer ones are mistakes. */
const LONGEST = 100 * 365 * 24 * 3_600_000;

const number = (name: string, value: unknown): number => {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, got ${shown(value)}`);
  return value;
};

/** A whole number from `least` to `most`, both included. */
export const checkInteger = (
  name: string,
  value: unknown,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): number => {
  const given = number(name, value);
  if (Number.isInteger(given) && given >= least && given <= most) return given;
  throw new RangeError(`${name} must be a whole number from ${least} to ${most}, got ${given}`);
};

/** A whole number, `least` or more; or `Infinity`, for no limit. */
export const checkIntegerOrNone = (name: string, value: unknown, least: number): number =>
  value === Infinity ? value : checkInteger(name, value, least);

/** A number from `least` to `most`, both included; fractions are fine. */
export const checkNumber = (name: string, value: unknown, least: number, most: number): number => {
  const given = number(name, value);
  if (given >= least && given <= most) return given;
  throw new RangeError(`${name} must be a number from ${least} to ${most}, got ${given}`);
};

/** A time in milliseconds, `least` or more; fractions are fine, `NaN` and `Infinity` are not. */
export const checkTime = (name: string, value: unknown, least = 1): number => {
  const given = number(name, value);
  if (given >= least && given <= LONGEST) return given;
  throw new RangeError(`${name} must be a time from ${least} to ${LONGEST} ms, got ${given}`);
};

/** True or false. */
export const checkBoolean = (name: string, value: unknown): boolean => {
  if (typeof value === 'boolean') return value;
  throw new TypeError(`${name} must be true or false, got ${shown(value)}`);
};

/** One of the values named. */
export const checkOneOf = <A extends string>(name: string, value: unknown, allowed: readonly A[]): A => {
  if (allowed.includes(value as A)) return value as A;
  throw new TypeError(`${name} must be one of ${allowed.map(shown).join(', ')}, got ${shown(value)}`);
};

/** A function. */
export const checkFunction = <A extends (...args: never[]) => unknown>(name: string, value: A): A => {
  if (typeof value === 'function') return value;
  throw new TypeError(`${name} must be a function, got ${shown(value)}`);
};

/** A function to be told of something, or nothing. */
export const checkHook = <A extends (...args: never[]) => unknown>(name: string, value: A | undefined): A | undefined =>
  value === undefined ? undefined : checkFunction(name, value);

/** An object of options. */
export const checkObject = <A extends object>(name: string, value: A): A => {
  if (typeof value === 'object' && value !== null) return value;
  throw new TypeError(`${name} must be an object, got ${shown(value)}`);
};

/** What tells the time and waits: a scheduler of RxJS. */
export const checkScheduler = (name: string, value: SchedulerLike): SchedulerLike => {
  if (typeof value?.now === 'function' && typeof value.schedule === 'function') return value;
  throw new TypeError(`${name} must be a scheduler of RxJS, got ${shown(value)}`);
};

/** A text that is not empty. */
export const checkText = (name: string, value: unknown): string => {
  if (typeof value === 'string' && value !== '') return value;
  throw new TypeError(`${name} must be a text that is not empty, got ${shown(value)}`);
};
