import * as E from 'fp-ts/lib/Either.js';
import { type KindName, isKind, kinds } from './kinds.js';
import { type Open, expectedOf, nextOf, walk } from './parse.js';
import type { Row } from './row.js';
import { wordsOf } from './words.js';

/** Asks for what there is of a kind, given what the line says so far: the servers by name, the clients of one. */
export type Names = (
  kind: KindName,
  begun: string,
  given: Readonly<Record<string, unknown>>,
) => Promise<readonly string[]>;

/** What Tab makes of a line: the words that may stand where it ends, and what is there of one already. */
export interface Completion {
  readonly words: readonly string[];
  readonly begun: string;
}

/** A line cut in two: whole words, and the one that is being typed, which is empty after a space. */
const cut = (line: string): { readonly before: string; readonly begun: string } => {
  const last = wordsOf(line).at(-1);
  const at = last === undefined || line.endsWith(' ') ? line.length : last.at;
  return { before: line.slice(0, at), begun: line.slice(at) };
};

/** What may stand at the end of a line. A directory is no whole word yet: no space follows it. */
export const complete = async (
  rows: readonly Row[],
  context: readonly string[],
  line: string,
  names: Names,
): Promise<Completion> => {
  const { before, begun } = cut(line);
  const walked = walk(rows, context, before, wordsOf(before));
  if (E.isLeft(walked) || walked.right.inText) return { words: [], begun };
  const { open } = walked.right;
  const words = new Set<string>();
  for (const next of expectedOf(open)) {
    if (!isKind(next)) words.add(next);
    else {
      const given = open.find((one) => nextOf(one) === next)?.given ?? {};
      for (const name of await names(next, begun, given)) if (!/[\s"]/.test(name)) words.add(name);
    }
  }
  const fitting = [...words].filter((word) => word.startsWith(begun)).toSorted();
  const [only, ...others] = fitting;
  const whole = only !== undefined && others.length === 0 && !only.endsWith('/');
  return { words: whole ? [`${only} `] : fitting, begun };
};

/** What keywords are about that several commands go on from. */
const TOPICS: Readonly<Record<string, string>> = {
  config: 'makes servers and changes them',
  show: 'shows what there is',
  run: 'has a server do something',
  no: 'takes something back',
  wait: 'waits for a time, or until so many clients are there',
  protocol: 'says what the server speaks',
  client: 'does something to one of its clients',
  clients: 'the clients that it has',
  'tcp-server': 'a server, by its name',
};

/** What a keyword is for, which all of `open` go on with. */
const helpOf = (keyword: string, open: readonly Open[]): string => {
  const ending = open.find(({ row, done }) => row.words.length === done + 1);
  const [only, ...others] = open;
  return (others.length === 0 ? only : ending)?.row.help ?? TOPICS[keyword] ?? '';
};

/** Whether what is typed next is part of a text, where `?` is a sign like any other. */
export const inText = (rows: readonly Row[], context: readonly string[], line: string): boolean => {
  const walked = walk(rows, context, line, wordsOf(line));
  const quoting = line.split('"').length % 2 === 0;
  return quoting || (E.isRight(walked) && walked.right.inText);
};

/** What `?` answers: all that may follow, each with what it is for. */
export const explain = (rows: readonly Row[], context: readonly string[], line: string): readonly string[] => {
  const { before, begun } = cut(line);
  const walked = walk(rows, context, before, wordsOf(before));
  if (E.isLeft(walked)) return [walked.left.reason];
  const { open } = walked.right;
  const fitting = expectedOf(open).filter((next) => isKind(next) || next.startsWith(begun));
  const told = fitting.map((next): readonly [string, string] => [
    next,
    isKind(next)
      ? kinds[next].is
      : helpOf(
          next,
          open.filter((one) => nextOf(one) === next),
        ),
  ]);
  const whole = begun === '' ? open.filter((one) => nextOf(one) === undefined) : [];
  const all = [...told, ...whole.map(({ row }) => ['<enter>', row.help] as const)];
  if (all.length === 0) return [`nothing begins with ${JSON.stringify(begun)} here`];
  const width = Math.max(...all.map(([word]) => word.length));
  return all.map(([word, help]) => `  ${word.padEnd(width)}  ${help}`);
};
