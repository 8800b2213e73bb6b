/** The part of a terminal that is used. */
export interface ScreenStream {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** Draws a text over the last one, where it stands. */
export class Screen {
  readonly #stream: ScreenStream;
  #lines = 0;

  constructor(stream: ScreenStream) {
    this.#stream = stream;
  }

  draw(text: string): void {
    const { columns = 80, rows = 24 } = this.#stream;
    // A line that wraps, or one above the upper edge, could not be drawn over.
    const lines = text
      .split('\n')
      .slice(0, Math.max(1, rows - 1))
      .map((line) => line.slice(0, columns - 1));
    const back = this.#lines === 0 ? '' : `\x1b[${this.#lines}A\r\x1b[J`;
    this.#stream.write(`${back}${lines.join('\n')}\n`);
    this.#lines = lines.length;
  }
}
