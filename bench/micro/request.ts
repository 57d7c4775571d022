import { parseArgs } from 'node:util';

/** What the person at the command line wants. */
export interface Request {
  /** Names of groups, or parts of them; none: all. */
  readonly groups: readonly string[];
  /** A part of the names of the contests; empty: all. */
  readonly only: string;
  readonly json: boolean;
  readonly help: boolean;
  /** How often each figure is taken, in turns; the middle one counts. */
  readonly rounds: number;
  /** Milliseconds of measuring for each. */
  readonly budget: number;
}

const wholeNumber = (name: string, text: string): number => {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new RangeError(`--${name} must be a whole number from 1, got ${JSON.stringify(text)}`);
};

export const readRequest = (args: readonly string[]): Request => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      rounds: { type: 'string' },
    },
  });
  const { help, json, quick, only, rounds = quick ? '1' : '3' } = values;
  return { groups: positionals, only, json, help, rounds: wholeNumber('rounds', rounds), budget: quick ? 60 : 250 };
};

/** The groups asked for, in their own order. A word that fits none is an error: nobody measures nothing by mistake. */
export const chosen = (groups: readonly string[], words: readonly string[]): readonly string[] => {
  for (const word of words) {
    if (!groups.some((group) => group.includes(word)))
      throw new RangeError(`there is no group ${JSON.stringify(word)}: there are ${groups.join(', ')}`);
  }
  return groups.filter((group) => words.length === 0 || words.some((word) => group.includes(word)));
};
