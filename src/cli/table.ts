/** A column of a table: its heading, and which side its cells keep to. */
export interface Column {
  readonly title: string;
  readonly right?: boolean;
}

/** What a peer sent may stand in a table: a terminal obeys control characters, so nobody gets any from here. */
export const plain = (text: string): string =>
  text.replaceAll(/[\p{C}\u2028\u2029]/gu, (sign) => `\\u{${sign.codePointAt(0)?.toString(16)}}`);

/** The lines of a table: the headings, then a line for each row. */
export const tableOf = (columns: readonly Column[], rows: readonly (readonly string[])[]): readonly string[] => {
  const lines = [columns.map(({ title }) => title), ...rows.map((cells) => cells.map(plain))];
  const widths = columns.map((_, index) => Math.max(...lines.map((cells) => cells[index]?.length ?? 0)));
  return lines.map((cells) =>
    cells
      .map((cell, index) => {
        const width = widths[index] as number;
        return columns[index]?.right === true ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
};

const UNITS = ['', 'k', 'M', 'G', 'T', 'P'];

/** A number in at most five signs: `0`, `999`, `1.2k`, `12M`. */
export const short = (value: number): string => {
  let [rest, unit] = [value, 0];
  while (rest >= 999.5 && unit < UNITS.length - 1) {
    rest /= 1000;
    unit++;
  }
  const digits = rest < 9.95 && (unit > 0 || !Number.isInteger(rest)) ? rest.toFixed(1) : Math.round(rest).toString();
  return `${digits}${UNITS[unit]}`;
};

/** How long something has lasted: `59s`, `12m`, `3h20m`, `5d4h`. */
export const lasting = (ms: number): string => {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [minutes, hours, days] = [Math.floor(seconds / 60), Math.floor(seconds / 3600), Math.floor(seconds / 86_400)];
  if (seconds < 60) return `${seconds}s`;
  if (minutes < 60) return `${minutes}m${seconds % 60}s`;
  return hours < 24 ? `${hours}h${minutes % 60}m` : `${days}d${hours % 24}h`;
};
