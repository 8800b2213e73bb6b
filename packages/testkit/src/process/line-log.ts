export interface FoundLine {
  line: string;
  match: RegExpMatchArray;
  /** Lines are counted from the start of the program, standard output and error together. */
  index: number;
}

interface Waiter {
  pattern: RegExp;
  after: number;
  settle(found: FoundLine | Error): void;
}

/** The newest lines of a program's output, within a limit, with searches that wait. */
export class LineLog {
  readonly #limitBytes: number;
  readonly #lines: string[] = [];
  readonly #waiters = new Set<Waiter>();
  readonly #partial = new Set<{ text: string }>();
  #sizeBytes = 0;
  #dropped = 0;
  #ended: Error | undefined;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** A consumer of one stream's chunks; two streams never mix within a line. */
  source(): (chunk: Buffer) => void {
    const decoder = new TextDecoder();
    const rest = { text: '' };
    this.#partial.add(rest);
    return (chunk) => {
      const parts = (rest.text + decoder.decode(chunk, { stream: true })).split('\n');
      rest.text = parts.pop() ?? '';
      for (const line of parts) this.#add(line.replace(/\r$/, ''));
      // A line without an end must not grow for ever.
      if (rest.text.length > this.#limitBytes) rest.text = rest.text.slice(-this.#limitBytes);
    };
  }

  text(): string {
    return [
      ...this.#lines,
      ...[...this.#partial].map((rest) => rest.text).filter((text) => text !== ''),
    ].join('\n');
  }

  /** No more output will come: what still waits fails with `reason`. */
  end(reason: Error): void {
    for (const rest of this.#partial) if (rest.text !== '') this.#add(rest.text);
    this.#partial.clear();
    this.#ended = reason;
    for (const waiter of this.#waiters) waiter.settle(reason);
  }

  find(pattern: RegExp, after: number, timeoutMs: number, timeoutError: () => Error): Promise<FoundLine> {
    for (const [position, line] of this.#lines.entries()) {
      const index = this.#dropped + position;
      const match = index > after ? line.match(pattern) : null;
      if (match) return Promise.resolve({ line, match, index });
    }
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        pattern,
        after,
        settle: (found) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          if (found instanceof Error) reject(found);
          else resolve(found);
        },
      };
      const timer = setTimeout(() => waiter.settle(timeoutError()), timeoutMs);
      this.#waiters.add(waiter);
    });
  }

  #add(line: string): void {
    const index = this.#dropped + this.#lines.length;
    this.#lines.push(line);
    this.#sizeBytes += line.length + 1;
    while (this.#sizeBytes > this.#limitBytes && this.#lines.length > 1) {
      this.#sizeBytes -= (this.#lines.shift() ?? '').length + 1;
      this.#dropped++;
    }
    for (const waiter of this.#waiters) {
      const match = index > waiter.after ? line.match(waiter.pattern) : null;
      if (match) waiter.settle({ line, match, index });
    }
  }
}
