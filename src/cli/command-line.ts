import { signals } from '../source/signals.js';
import type { Io } from './shell.js';

/** The command line is none that is understood: exit code 2. */
export class Misuse extends Error {
  override readonly name = 'Misuse';
}

/** A whole number of the command line. */
export const wholeNumber = (name: string, given: string, least: number, most: number): number => {
  const value = Number(given);
  if (/^\d{1,15}$/.test(given) && value >= least && value <= most) return value;
  throw new Misuse(`${name} must be a whole number from ${least} to ${most}, got ${JSON.stringify(given)}`);
};

/** Prints a line, or several. */
export const print = (text: string): void => void process.stdout.write(`${text}\n`);

export const complain = (text: string): void => void process.stderr.write(`${text}\n`);

/** Bytes that may wait for whoever reads the output before live output leaves out what is not taken. */
const BEHIND = 256 * 1024;

/** Where words go from a program that is not at a terminal, or is asked for one thing. */
export const outputUntil = (signal: AbortSignal): Io => ({
  print,
  full: () => process.stdout.writableLength > BEHIND,
  signal,
});

/** Ctrl-C and its like: the first asks, the next insists. */
export interface Interrupts {
  /** Aborted by the first. */
  readonly asked: AbortSignal;
  /** From now on, aborted by the next. */
  readonly insisting: () => AbortSignal;
  /** Lets them end the process again. */
  readonly close: () => void;
}

export const interrupts = (): Interrupts => {
  const asked = new AbortController();
  let next = asked;
  const listening = signals('SIGINT', 'SIGTERM', 'SIGHUP').subscribe(() => next.abort());
  return {
    asked: asked.signal,
    insisting: () => {
      next = new AbortController();
      return next.signal;
    },
    close: () => listening.unsubscribe(),
  };
};
