/** Rows of cells as lines of text. The first column is words, and begins at the left; `-` stands for no figure. */
export const table = (rows: readonly (readonly string[])[]): string => {
  const widths: number[] = [];
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  const line = (row: readonly string[]): string =>
    widths.map((width, at) => (at === 0 ? (row[at] ?? '').padEnd(width) : (row[at] ?? '-').padStart(width))).join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
};
