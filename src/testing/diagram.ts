/**
 * Diagrams of a story: one character a millisecond, spaces for alignment, and
 *
 * | sign | in what a client does | in what is expected |
 * | --- | --- | --- |
 * | `-` | nothing, for 1 ms | nothing, for 1 ms |
 * | a letter or digit | sends the value of that name | that value |
 * | `(ab)` | all in the same millisecond, in order; takes 1 ms | the same |
 * | `10s`, `250ms`, `2m`, `24h` between spaces | nothing, for so long | the same |
 * | `^` | connects (without it, at the start) | a connection opens |
 * | `\|` | ends its side: FIN | the end: FIN |
 * | `#` | cuts the connection off: RST | a reset |
 * | `<` and `>` | stops reading, and reads again | |
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

const mistake = (diagram: string, at: number, what: string): SyntaxError =>
  new SyntaxError(`${what}\n  ${diagram}\n  ${' '.repeat(at)}^`);

/** Reads a diagram. Throws a `SyntaxError` that shows the place where it makes no sense. */
export const readDiagram = (diagram: string, values: Values = {}): Row => {
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
      const value = sign === 'value' ? (Object.hasOwn(values, symbol) ? values[symbol] : symbol) : undefined;
      marks.push({ at, sign, symbol, value });
      if (!group) at++;
    }
  }
  if (group) throw mistake(diagram, diagram.length, 'a group does not end');
  return { marks, length: at };
};

/** A time as it is written in a diagram: `10s`, `250ms`. */
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
