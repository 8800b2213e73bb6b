import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import type { PostgresOptions } from '../../src/index.ts';

export const isRoot = process.getuid?.() === 0;
/** Some user that is not root: `nobody` where the tests run as root, else whoever runs them. */
export const ordinaryUser: { uid?: number; gid?: number } = isRoot ? { uid: 65_534, gid: 65_534 } : {};

const here = path.dirname(fileURLToPath(import.meta.url));
export const modules = path.resolve(here, '../../../../node_modules');

/** A folder that every user may pass through, removed with everything in it when the test file is over. */
export async function temporaryFolder(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'dt-pe-'));
  await fs.chmod(folder, 0o755);
  return { folder, remove: () => fs.rm(folder, { recursive: true, force: true, maxRetries: 5 }) };
}

/** Makes user-main.ts a program in `folder`, with the packages of this repository around it. @returns its path */
export async function buildProgram(folder: string): Promise<string> {
  await build({
    configFile: false,
    root: here,
    logLevel: 'error',
    build: {
      ssr: path.join(here, 'user-main.ts'),
      outDir: folder,
      emptyOutDir: false,
      target: 'node20',
      rollupOptions: { output: { entryFileNames: 'user-main.mjs' } },
    },
  });
  await fs.symlink(modules, path.join(folder, 'node_modules')).catch(() => {});
  return path.join(folder, 'user-main.mjs');
}

export interface Ready {
  pid: number;
  attached: boolean;
  connectionString: string;
  startMs: number;
}

export interface UserProcessOptions {
  uid?: number;
  gid?: number;
  env?: NodeJS.ProcessEnv;
  /** Makes it the leader of a process group, as a terminal's foreground job is. */
  detached?: boolean;
}

/** user-main.ts in a process of its own. */
export class UserProcess {
  readonly child: ChildProcess;
  readonly lines: string[] = [];
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  #errors = '';
  #wake: () => void = () => {};

  constructor(program: string, how: string, options: PostgresOptions, how2: UserProcessOptions = {}) {
    const { env, ...spawnOptions } = how2;
    this.child = spawn(process.execPath, [program, how, JSON.stringify(options)], {
      ...spawnOptions,
      cwd: '/',
      env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let rest = '';
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      this.lines.push(...parts);
      this.#wake();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
    this.child.stdin?.on('error', () => {});
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      this.#wake();
      return { code: code as number | null, signal: signal as NodeJS.Signals | null };
    });
  }

  /** The rest of the first line that begins so. */
  async line(start: string, timeoutMs = 60_000): Promise<string> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = this.lines.find((line) => line.startsWith(start));
      if (found !== undefined) return found.slice(start.length).trim();
      const over = this.child.exitCode !== null || this.child.signalCode !== null;
      if (over || Date.now() > deadline) {
        throw new Error(`no line "${start}"; it said:\n${this.lines.slice(-5).join('\n')}\n${this.#errors}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 200);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async ready(): Promise<Ready> {
    return JSON.parse(await this.line('ready')) as Ready;
  }

  async failure(): Promise<{ code: string; message: string }> {
    return JSON.parse(await this.line('failed')) as { code: string; message: string };
  }

  /** Lets a `hold` go on to its stop. */
  async finish(): Promise<void> {
    this.child.stdin?.end();
    await this.line('stopped');
    await this.ended;
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  acknowledged(): number[] {
    return this.lines
      .filter((line) => line.startsWith('acknowledged '))
      .map((line) => Number(line.slice(13)));
  }
}
