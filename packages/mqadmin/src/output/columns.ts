export interface Column {
  readonly title: string;
  /** Longer values are not cut: the row grows instead. @default as wide as the value */
  readonly width?: number;
  /** @default 'left' */
  readonly align?: 'left' | 'right';
  /** Blanks in front. @default 2, before the first column 0 */
  readonly gap?: number;
}

/** Lines of a table whose widths are known before its rows are, so that each can be shown when it is known. */
export class Columns {
  readonly #columns: readonly Column[];

  constructor(columns: readonly Column[]) {
    this.#columns = columns;
  }

  header(): string {
    return this.row(this.#columns.map(({ title }) => title));
  }

  row(values: readonly (string | number | boolean)[]): string {
    return this.#columns
      .map(({ width = 0, align, gap = 2 }, at) => {
        const value = String(values[at] ?? '');
        const cell = align === 'right' ? value.padStart(width) : value.padEnd(width);
        return at === 0 ? cell : ' '.repeat(gap) + cell;
      })
      .join('')
      .trimEnd();
  }
}
