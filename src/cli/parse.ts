import * as E from 'fp-ts/lib/Either.js';
import { type KindName, isKind, kinds } from './kinds.js';
import type { Row } from './row.js';
import { type Word, restOf, wordsOf } from './words.js';

/** A command that the words so far may become: it has had `done` words, and `given` is what they gave it. */
export interface Open {
  readonly row: Row;
  readonly done: number;
  readonly given: Readonly<Record<string, unknown>>;
}

/** Why a line is no command. */
export interface Misunderstood {
  /** What was expected, and what came. */
  readonly reason: string;
  /** Where in the line. */
  readonly at: number;
}

/** A line that is a command. */
export interface Understood {
  readonly row: Row;
  readonly given: Readonly<Record<string, unknown>>;
}

/** The word that comes next in a command; undefined where it is complete. */
export const nextOf = ({ row, done }: Open): string | undefined => row.words[done];

const distinct = <A>(values: readonly A[]): readonly A[] => [...new Set(values)];

/** What may come next: keywords, and kinds of what is given. */
export const expectedOf = (open: readonly Open[]): readonly string[] =>
  distinct(open.map(nextOf).filter((word) => word !== undefined));

/** The same for people: `start, stop or PORT`; `the end of the line` where a command is complete. */
const listOf = (open: readonly Open[]): string => {
  const complete = open.some((one) => nextOf(one) === undefined);
  const words = [...expectedOf(open), ...(complete ? ['the end of the line'] : [])];
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
};

const shown = (word: string): string => JSON.stringify(word);

const advanced = (one: Open, given: Readonly<Record<string, unknown>> = {}): Open => ({
  row: one.row,
  done: one.done + 1,
  given: { ...one.given, ...given },
});

/** What was wrong with a word that could only have been one thing. */
const whyNot = (open: readonly Open[], word: string): string => {
  const [only, ...others] = expectedOf(open);
  if (only !== undefined && others.length === 0 && isKind(only))
    return `${only} is ${kinds[only].is}, got ${shown(word)}`;
  return `expected ${listOf(open)}, got ${shown(word)}`;
};

const valueOf = (kind: KindName, line: string, word: Word): unknown =>
  kinds[kind].read(kind === 'TEXT' ? restOf(line, word.at) : word.text);

const abbreviates = (word: string, keyword: string): boolean => word !== '' && keyword.startsWith(word);

/** The commands that go on with this word. A whole keyword goes before its being the beginning of others. */
const step = (open: readonly Open[], line: string, word: Word): E.Either<Misunderstood, readonly Open[]> => {
  const keywords = expectedOf(open).filter((next) => !isKind(next));
  const meant = keywords.includes(word.text) ? [word.text] : keywords.filter((next) => abbreviates(word.text, next));
  if (meant.length > 1) return E.left({ reason: `${shown(word.text)} may be ${meant.join(' or ')}`, at: word.at });
  if (meant.length === 1) return E.right(open.filter((one) => nextOf(one) === meant[0]).map((one) => advanced(one)));
  const taken = open.flatMap((one) => {
    const next = nextOf(one);
    const value = next === undefined || !isKind(next) ? undefined : valueOf(next, line, word);
    return value === undefined ? [] : [advanced(one, { [next as string]: value })];
  });
  return taken.length > 0 ? E.right(taken) : E.left({ reason: whyNot(open, word.text), at: word.at });
};

/** Whether the next word is the rest of the line. */
const takesRest = (open: readonly Open[]): boolean => expectedOf(open).includes('TEXT');

/** What the first words of a line leave open. */
export interface Walked {
  readonly open: readonly Open[];
  /** The text that a line ends in, where its last word takes all of the rest. */
  readonly inText: boolean;
}

/**
 * Goes through words, and gives the commands that they may become. In a context, which is words too, a line may also be
 * what goes on from there.
 */
export const walk = (
  rows: readonly Row[],
  context: readonly string[],
  line: string,
  words: readonly Word[],
): E.Either<Misunderstood, Walked> => {
  const all = rows.map((row): Open => ({ row, done: 0, given: {} }));
  let within = context.length === 0 ? [] : all;
  for (const text of context) {
    const next = step(within, text, { text, at: 0 });
    within = E.isRight(next) ? [...next.right] : [];
  }
  // The context itself is no command: it is where one begins.
  let open: readonly Open[] = [...all, ...within.filter((one) => nextOf(one) !== undefined)];
  for (const word of words) {
    const inText = takesRest(open);
    const next = step(open, line, word);
    if (E.isLeft(next)) return next;
    open = next.right;
    if (inText) return E.right({ open, inText });
  }
  return E.right({ open, inText: false });
};

/** Reads a line as the one command that it is; keywords may be cut short where they are unique. */
export const parse = (
  rows: readonly Row[],
  context: readonly string[],
  line: string,
): E.Either<Misunderstood, Understood> => {
  const walked = walk(rows, context, line, wordsOf(line));
  if (E.isLeft(walked)) return walked;
  const { open } = walked.right;
  const complete = open.find((one) => nextOf(one) === undefined);
  if (complete !== undefined) return E.right(complete);
  return E.left({ reason: `expected ${listOf(open)} after ${shown(line.trim())}`, at: line.trimEnd().length });
};
