/** A word of a line, and where it stands. */
export interface Word {
  /** What it says, without its quotes. */
  readonly text: string;
  /** Where it begins in the line. */
  readonly at: number;
}

const ESCAPED: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', 0: '\0' };

/** What stands between quotes: `\n`, `\r`, `\t`, `\0` and `\x1f` are what they are in most languages. */
const unquoted = (inside: string): string =>
  inside.replaceAll(/\\(x([0-9a-fA-F]{2})|.)/g, (_, sign: string, hex: string | undefined) =>
    hex === undefined ? (ESCAPED[sign] ?? sign) : String.fromCharCode(Number.parseInt(hex, 16)),
  );

/** A word as it has to be typed: in quotes, where it would not be one word without them. */
export const quoted = (word: string): string => (/[\s"]/.test(word) ? `"${word.replaceAll(/["\\]/g, '\\$&')}"` : word);

/** A quoted word, whose closing quote may not have been typed yet, or a plain one. */
const WORD = /"((?:[^"\\]|\\.)*)(?:"|\\?$)|\S+/g;

/** The words of a line. Spaces part them, except in double quotes. */
export const wordsOf = (line: string): readonly Word[] =>
  [...line.matchAll(WORD)].map(({ 0: whole, 1: inside, index }) => ({
    text: inside === undefined ? whole : unquoted(inside),
    at: index,
  }));

/** The rest of a line as one text: as it was typed, or, where all of it is in double quotes, what they hold. */
export const restOf = (line: string, at: number): string => {
  const rest = line.slice(at).trimEnd();
  const inside = /^"((?:[^"\\]|\\.)*)"$/.exec(rest)?.[1];
  return inside === undefined ? rest : unquoted(inside);
};
