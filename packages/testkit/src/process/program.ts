import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { TestkitError } from '../errors.ts';
import { guardAgainstOrphan } from './guard.ts';
import { type FoundLine, LineLog } from './line-log.ts';

export interface ProgramOptions {
  command: string;
  args?: readonly string[];
  /** The whole environment. @default this process's */
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** For error messages. @default the command */
  name?: string;
  /** How much of its output is kept (the newest). @default 262144 */
  outputLimitBytes?: number;
}

export interface ProgramExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface WaitForLineOptions {
  /** @default 30000 */
  timeoutMs?: number;
  /** Only lines with a larger index count; an earlier answer's `index` goes on from there. @default -1 */
  after?: number;
}

/** A child process whose output is kept within bounds and which does not outlive this process. */
export class Program implements AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** Fulfilled when the process has ended and its output is read; never rejected. */
  readonly exited: Promise<ProgramExit>;
  readonly #child: ChildProcess;
  readonly #log: LineLog;
  #exit: ProgramExit | undefined;

  /** Starts the program; rejects when the operating system cannot (`cause` is its error, e.g. ENOENT). */
  static async start(options: ProgramOptions): Promise<Program> {
    const child = spawn(options.command, options.args ?? [], {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.env && { env: options.env }),
      ...(options.cwd !== undefined && { cwd: options.cwd }),
    });
    const name = options.name ?? options.command;
    try {
      await once(child, 'spawn');
    } catch (error) {
      throw new TestkitError('start-failed', `${name} could not be started: ${(error as Error).message}`, {
        cause: error,
      });
    }
    return new Program(child, name, options.outputLimitBytes ?? 262_144);
  }

  private constructor(child: ChildProcess, name: string, outputLimitBytes: number) {
    this.name = name;
    this.pid = child.pid as number;
    this.#child = child;
    this.#log = new LineLog(outputLimitBytes);
    const release = guardAgainstOrphan(this.pid);
    child.on('error', () => undefined);
    child.stdout?.on('data', this.#log.source());
    child.stderr?.on('data', this.#log.source());
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        release();
        this.#exit = { code, signal };
        // Output may still be in the pipes; but a grandchild that holds them open must not hold us.
        const done = (): void => {
          clearTimeout(timer);
          this.#log.end(new TestkitError('program-exited', this.#describeExit()));
          resolve({ code, signal });
        };
        const timer = setTimeout(done, 500);
        child.once('close', done);
      });
    });
  }

  get running(): boolean {
    return this.#exit === undefined;
  }

  /** The newest part of its output. */
  output(): string {
    return this.#log.text();
  }

  /** The first line that fits, printed already or still to come; rejects at the time-out or at the exit. */
  async waitForLine(pattern: RegExp, options: WaitForLineOptions = {}): Promise<FoundLine> {
    const { timeoutMs = 30_000, after = -1 } = options;
    return this.#log.find(
      pattern,
      after,
      timeoutMs,
      () =>
        new TestkitError(
          'timeout',
          `${this.name} printed no line like ${String(pattern)} within ${timeoutMs} ms; its output ends:\n${this.output()}`,
        ),
    );
  }

  /** SIGKILL, at once; fulfilled when the process is gone. */
  async kill(): Promise<ProgramExit> {
    if (this.running) this.#child.kill('SIGKILL');
    return this.exited;
  }

  /** Asks it to end, and kills it when it has not done so in time. */
  async stop(options: { signal?: NodeJS.Signals; timeoutMs?: number } = {}): Promise<ProgramExit> {
    const { signal = 'SIGTERM', timeoutMs = 20_000 } = options;
    if (!this.running) return this.exited;
    this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), timeoutMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #describeExit(): string {
    const { code, signal } = this.#exit ?? { code: null, signal: null };
    const how = signal === null ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`;
    return `${this.name} has ended with ${how}; its output ends:\n${this.output()}`;
  }
}

export interface NodeProgramOptions extends Omit<ProgramOptions, 'command' | 'args'> {
  /** A JavaScript file. */
  script: string | URL;
  args?: readonly string[];
  /** Flags of node itself, before the script. */
  nodeArgs?: readonly string[];
  /** When given, the start is over only when such a line was printed. */
  readyLine?: RegExp;
  /** How long to wait for that line; then the program is killed. @default 30000 */
  readyTimeoutMs?: number;
}

/** Starts a Node program of its own, so that it can be crashed for real. */
export async function spawnNode(options: NodeProgramOptions): Promise<Program> {
  const { script, args = [], nodeArgs = [], readyLine, readyTimeoutMs = 30_000, ...rest } = options;
  const file = script instanceof URL ? fileURLToPath(script) : script;
  const program = await Program.start({
    name: file,
    ...rest,
    command: process.execPath,
    args: [...nodeArgs, file, ...args],
  });
  if (readyLine) {
    try {
      await program.waitForLine(readyLine, { timeoutMs: readyTimeoutMs });
    } catch (error) {
      await program.kill();
      throw error;
    }
  }
  return program;
}
