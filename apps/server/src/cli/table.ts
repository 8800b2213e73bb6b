/** A plain text table: header, rule, rows; numbers to the right. Cells are cut neither in width nor in count. */
export function formatTable(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
  numeric: readonly boolean[] = [],
): string {
  const widths = columns.map((name, at) => Math.max(width(name), ...rows.map((row) => width(row[at] ?? ''))));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => {
        const gap = ' '.repeat(Math.max(0, (widths[at] ?? 0) - width(cell)));
        return numeric[at] === true ? gap + cell : cell + gap;
      })
      .join(' | ')
      .trimEnd();
  return [line(columns), widths.map((size) => '-'.repeat(size)).join('-+-'), ...rows.map(line)].join('\n');
}

/** Columns a terminal gives a text: CJK and full-width characters take two. */
function width(text: string): number {
  let sum = 0;
  for (const char of text)
    sum +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u.test(
        char,
      )
        ? 2
        : 1;
  return sum;
}
