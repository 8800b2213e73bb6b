import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { TestkitError } from '../errors.ts';
import { classPathOf, javaCommand, requireJava } from './java.ts';

export interface JavaCommandResult {
  output: string;
  /** Why it failed; empty when it went well. */
  failure: string;
}

const source = fileURLToPath(new URL('../../maven/tools/Mqadmin.java', import.meta.url));
const javaOptions = ['-Xms32m', '-Xmx192m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
const CALL_TIMEOUT_MS = 60_000;

interface Waiting {
  readonly resolve: (answer: string) => void;
  readonly reject: (error: Error) => void;
}

/** RocketMQ's own mqadmin (5.3.1) in one JVM that runs command after command. */
export class JavaMqadmin implements AsyncDisposable {
  readonly #java: ChildProcessWithoutNullStreams;
  readonly #home: string;
  readonly #waiting = new Map<string, Waiting>();
  #errors = '';
  #calls = 0;

  /** Its commands ask this NameServer, `host:port`. Needs a JDK: the small program around it is compiled. */
  static async start(nameServer: string): Promise<JavaMqadmin> {
    await requireJava();
    const classPath = await classPathOf('tools');
    const home = await mkdtemp(join(tmpdir(), 'dt-mqadmin-'));
    const args = [
      ...javaOptions,
      `-Duser.home=${home}`,
      `-Drocketmq.home.dir=${home}`,
      `-Drocketmq.namesrv.addr=${nameServer}`,
      '-cp',
      classPath,
      source,
    ];
    // Some commands write files where they are.
    const java = spawn(javaCommand, args, { cwd: home });
    await once(java, 'spawn');
    return new JavaMqadmin(java, home);
  }

  private constructor(java: ChildProcessWithoutNullStreams, home: string) {
    this.#java = java;
    this.#home = home;
    // It ends by itself when its standard input does, also when this process is killed.
    java.stdin.on('error', () => undefined);
    java.stderr.on(
      'data',
      (chunk: Buffer) => (this.#errors = (this.#errors + chunk.toString()).slice(-4_000)),
    );
    createInterface({ input: java.stdout }).on('line', (line) => {
      const number = line.slice(0, line.indexOf('\t'));
      this.#waiting.get(number)?.resolve(line);
      this.#waiting.delete(number);
    });
    java.once('close', () => {
      for (const { reject } of this.#waiting.values()) reject(this.#failure('the JVM has ended'));
    });
  }

  /** Several may be asked for at once. */
  async run(args: readonly string[]): Promise<JavaCommandResult> {
    const result = await this.#runOnce(args);
    // Two clients that were made in the same millisecond have one name; the later one has then done nothing.
    return /group\[admin_ext_group\] has created/.test(result.failure) ? this.run(args) : result;
  }

  /** Of a command, each as `short long takesValue`; `null` for a short name that it does not have. */
  async flags(command: string): Promise<string[]> {
    const { output } = await this.#runOnce(['flags', command]);
    return output.trim().split(/\r?\n/);
  }

  async #runOnce(args: readonly string[]): Promise<JavaCommandResult> {
    if (this.#java.exitCode !== null) throw this.#failure('the JVM has ended');
    const number = String(++this.#calls);
    const answer = new Promise<string>((resolve, reject) => this.#waiting.set(number, { resolve, reject }));
    const what = `mqadmin ${args.join(' ')}: no answer within ${CALL_TIMEOUT_MS} ms`;
    const timer = setTimeout(() => this.#waiting.get(number)?.reject(this.#failure(what)), CALL_TIMEOUT_MS);
    this.#java.stdin.write(`${[number, ...args].join('\t')}\n`);
    try {
      const parts = (await answer).split('\t').slice(1);
      const [output = '', failure = ''] = parts.map((part) => Buffer.from(part, 'base64').toString());
      return { output, failure };
    } finally {
      clearTimeout(timer);
    }
  }

  #failure(what: string): TestkitError {
    return new TestkitError('program-exited', `${what}\n${this.#errors}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#java.exitCode === null && this.#java.signalCode === null) {
      const exited = once(this.#java, 'exit');
      this.#java.kill('SIGKILL');
      await exited;
    }
    await rm(this.#home, { recursive: true, force: true });
  }
}
