/**
 * What a peer sent, fit to stand in a message to somebody else: ASCII that can be printed, on one line, and not long.
 *
 * Line ends, terminal escapes, direction marks and the like come out as `\u{a}`, so no peer can forge a line of a log
 * or of a reply. `most` counts characters, which are bytes here; a text that is cut ends in `...`.
 */
export const printable = (text: string, most: number): string => {
  let line = '';
  for (const character of text) {
    const next = character >= ' ' && character <= '~' ? character : `\\u{${character.codePointAt(0)?.toString(16)}}`;
    if (line.length + next.length > most) return `${line}...`;
    line += next;
  }
  return line;
};

/** A value in a few words: a text in quotes, a number as it is, anything larger by its kind and size. */
export const shown = (value: unknown, most = 40): string => {
  if (typeof value === 'string') return `"${printable(value, most)}"`;
  if (typeof value === 'bigint') return printable(`${value}n`, most);
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return Array.isArray(value) ? `an array of ${value.length}` : 'an object';
};
