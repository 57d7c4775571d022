/**
 * The diagrams of a story: a line for each row, one character a millisecond.
 *
 * | sign | in what a client does | in what it must receive | in what is reported |
 * | --- | --- | --- | --- |
 * | a space | nothing: it takes no time, and is there to align rows | the same | the same |
 * | `-` | nothing, for 1 ms | nothing, for 1 ms | nothing, for 1 ms |
 * | a letter or a digit | sends the value of that name | that value comes | that value |
 * | `(ab)` | all in one millisecond, in order; it takes 1 ms | the same | the same |
 * | `10s`, `250ms`, `2m`, `24h` between spaces | nothing, for so long | nothing, for so long | nothing, for so long |
 * | `^` | connects; without it, at the start | | |
 * | `\|` | ends its side (FIN) and goes on reading; without it, when the server has ended | the server's end | |
 * | `#` | resets the connection (RST) | a reset | |
 * | `<` and `>` | stops reading, and reads again | | |
 *
 * A value is bytes, or a text that stands for its UTF-8; a letter without a value stands for itself. What is reported is
 * how connections ended, or were opened. Observables have RxJS's own diagrams, which agree with these.
 */

/** What stands at one place of a diagram. */
export type Sign = 'value' | 'open' | 'end' | 'reset' | 'pause' | 'resume';

/** One thing that happens, or has happened, in a row. */
export interface Mark {
  /** When, in milliseconds from the start of the story. */
  readonly at: number;
  readonly sign: Sign;
  /** The character it is drawn as. */
  readonly symbol: string;
  /** What it stands for, where it is a value. */
  readonly value: unknown;
}

/** A diagram, read. */
export interface Row {
  readonly marks: readonly Mark[];
  /** How long it is, in milliseconds. */
  readonly length: number;
}

const SIGNS: Readonly<Record<string, Sign>> = { '^': 'open', '|': 'end', '#': 'reset', '<': 'pause', '>': 'resume' };

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** What the letters of a diagram stand for. A letter that is not named stands for itself. */
export type Values = Readonly<Record<string, unknown>>;

/** Which signs a row may have: by what stands in it. */
export const SIGNS_OF = {
  'what a client does': ['value', 'open', 'end', 'reset', 'pause', 'resume'],
  'what a client receives': ['value', 'end', 'reset'],
  'what is reported': ['value'],
  'a time': [],
} as const satisfies Readonly<Record<string, readonly Sign[]>>;

/** What stands in a row. */
export type RowKind = keyof typeof SIGNS_OF;

const mistake = (diagram: string, at: number, what: string): SyntaxError =>
  new SyntaxError(`${what}\n  ${diagram}\n  ${' '.repeat(at)}^`);

/** Reads a diagram. Throws a `SyntaxError` that shows the place where it makes no sense. */
export const readDiagram = (kind: RowKind, diagram: string, values: Values = {}): Row => {
  const allowed: readonly Sign[] = SIGNS_OF[kind];
  const marks: Mark[] = [];
  let at = 0;
  let group = false;
  for (let index = 0; index < diagram.length; index++) {
    const symbol = diagram[index] as string;
    const wait = /^(\d+(?:\.\d+)?)(ms|s|m|h)(?= |$)/.exec(diagram.slice(index));
    if (wait !== null && (index === 0 || diagram[index - 1] === ' ')) {
      if (group) throw mistake(diagram, index, 'time does not pass inside a group');
      const ms = Number(wait[1]) * (UNITS[wait[2] as string] as number);
      if (!Number.isInteger(ms)) throw mistake(diagram, index, `${wait[0]} is not a whole number of milliseconds`);
      at += ms;
      index += wait[0].length - 1;
    } else if (symbol === '(') {
      if (group) throw mistake(diagram, index, 'a group stands inside a group');
      group = true;
    } else if (symbol === ')') {
      if (!group) throw mistake(diagram, index, 'a group ends that has not begun');
      group = false;
      at++;
    } else if (symbol === '-') {
      if (group) throw mistake(diagram, index, 'time does not pass inside a group');
      at++;
    } else if (symbol !== ' ') {
      const sign = SIGNS[symbol] ?? 'value';
      if (sign === 'value' && !/[\p{L}\p{N}]/u.test(symbol)) {
        throw mistake(diagram, index, `${JSON.stringify(symbol)} has no meaning in a diagram`);
      }
      if (!allowed.includes(sign)) throw mistake(diagram, index, `${symbol} has no meaning in ${kind}`);
      const value = sign === 'value' ? (Object.hasOwn(values, symbol) ? values[symbol] : symbol) : undefined;
      marks.push({ at, sign, symbol, value });
      if (!group) at++;
    }
  }
  if (group) throw mistake(diagram, diagram.length, 'a group does not end');
  return { marks, length: at };
};

/** A time as it is written in a diagram: `10s`, `250ms`, `0ms`. */
export const shownTime = (ms: number): string => {
  for (const unit of ['h', 'm', 's'] as const) {
    const size = UNITS[unit] as number;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
};

/** More idle milliseconds than this are written as a time. */
const LONGEST_DASHES = 12;

const idle = (ms: number): string => (ms > LONGEST_DASHES ? ` ${shownTime(ms)} ` : '-'.repeat(ms));

/** The marks of each moment, as text: `a`, `(ab)`. */
const cells = (marks: readonly Mark[]): Map<number, string> => {
  const texts = new Map<number, string>();
  for (const { at, symbol } of marks) texts.set(at, (texts.get(at) ?? '') + symbol);
  for (const [at, text] of texts) if (text.length > 1) texts.set(at, `(${text})`);
  return texts;
};

/** Draws rows under each other, so that the same moment stands in the same column. Also tells where each moment stands. */
export const drawRows = (rows: readonly (readonly Mark[])[]): { lines: string[]; columns: Map<number, number> } => {
  const drawn = rows.map(cells);
  const moments = [...new Set(rows.flat().map(({ at }) => at))].toSorted((a, b) => a - b);
  const lines = rows.map(() => '');
  const columns = new Map<number, number>();
  let now = 0;
  for (const moment of moments) {
    const gap = idle(moment - now);
    const width = Math.max(...drawn.map((row) => row.get(moment)?.length ?? 0));
    columns.set(moment, (lines[0]?.length ?? 0) + gap.length);
    for (const [index, row] of drawn.entries()) {
      const text = row.get(moment);
      lines[index] += gap + (text === undefined ? '-'.padEnd(width) : text.padEnd(width));
    }
    now = moment + 1;
  }
  return { lines: lines.map((line) => line.trimEnd()), columns };
};
