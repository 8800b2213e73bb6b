import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';

type Screen = Writable & { readonly isTTY?: boolean; readonly columns?: number };

export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Screen;
  readonly stderr: Screen;
}

const REDRAW_EVERY_MS = 100;

/** What a command says: results to stdout, everything about the work to stderr. */
export class Output {
  /** Whether the result is wanted as JSON. */
  readonly json: boolean;
  readonly #terminal: Terminal;
  #drawnAt = 0;
  #isDrawn = false;

  constructor(terminal: Terminal, json: boolean) {
    this.#terminal = terminal;
    this.json = json;
  }

  line(line = ''): void {
    this.#clearProgress();
    this.#terminal.stdout.write(`${line}\n`);
  }

  /** A whole result. */
  document(value: unknown): void {
    this.line(JSON.stringify(value, null, 2));
  }

  /** One of many results, on a line of its own. */
  record(value: unknown): void {
    this.line(JSON.stringify(value));
  }

  note(line: string): void {
    this.#clearProgress();
    this.#terminal.stderr.write(`${line}\n`);
  }

  /** How far the work is, on one line that is drawn again; only for people. */
  progress(line: string): void {
    const now = performance.now();
    if (!this.#terminal.stderr.isTTY || (this.#isDrawn && now - this.#drawnAt < REDRAW_EVERY_MS)) return;
    this.#drawnAt = now;
    this.#isDrawn = true;
    this.#terminal.stderr.write(`\r\u001b[K${line}`);
  }

  /** Waits until the reader of the results has kept up: many of them must not pile up in memory. */
  async drained(signal: AbortSignal): Promise<void> {
    if (this.#terminal.stdout.writableNeedDrain) await once(this.#terminal.stdout, 'drain', { signal });
  }

  /** Whether there is somebody who can be asked. */
  get canAsk(): boolean {
    return this.#terminal.stdin.isTTY === true && this.#terminal.stderr.isTTY === true;
  }

  /** True only for a clear yes. */
  async confirm(question: string, signal: AbortSignal): Promise<boolean> {
    this.#clearProgress();
    const lines = createInterface({ input: this.#terminal.stdin, output: this.#terminal.stderr });
    try {
      // Ctrl-C means the whole command, not the question alone.
      lines.once('SIGINT', () => process.emit('SIGINT'));
      const answer = await lines.question(`${question} [y/N] `, { signal }).catch((error: unknown) => {
        if (signal.aborted) throw error;
        // Ctrl-D: the end of all answers.
        return '';
      });
      return /^y(es)?$/i.test(answer.trim());
    } finally {
      lines.close();
    }
  }

  close(): void {
    this.#clearProgress();
  }

  #clearProgress(): void {
    if (!this.#isDrawn) return;
    this.#isDrawn = false;
    this.#terminal.stderr.write('\r\u001b[K');
  }
}
