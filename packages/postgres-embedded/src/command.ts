import { spawn, type StdioOptions } from 'node:child_process';
import type { Account } from './account.ts';

export interface CommandResult {
  /** Exit status; null when a signal ended it. */
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** More than any of the tools prints; a runaway is cut, not collected. */
const OUTPUT_LIMIT_CHARS = 64 * 1024;

export interface CommandOptions {
  account?: Account | undefined;
  cwd?: string | undefined;
  /** A file descriptor to read standard input from. */
  stdin?: number | undefined;
  timeoutMs: number;
  /** `ignore` for a program that leaves another one running, which would hold the pipes open. @default 'collect' */
  output?: 'collect' | 'ignore';
  signal?: AbortSignal | undefined;
}

/**
 * Runs a program to its end, which a time-out or an abort brings about by force. Rejects when it cannot be started (a
 * system error).
 */
export function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const output = options.output === 'ignore' ? 'ignore' : 'pipe';
    const stdio: StdioOptions = [options.stdin ?? 'ignore', output, output];
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: toolEnvironment(),
      stdio,
      windowsHide: true,
      ...options.account,
    });
    // Not spawn's own time-out: that goes on, and holds the process, when the program could not be started.
    const kill = (): void => void child.kill('SIGKILL');
    const timer = setTimeout(kill, options.timeoutMs);
    // Nor its own abort, which does not wait for the end.
    options.signal?.addEventListener('abort', kill);
    const settle = (): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', kill);
    };
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout = (stdout + text).slice(-OUTPUT_LIMIT_CHARS);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-OUTPUT_LIMIT_CHARS);
    });
    child.on('error', (error) => {
      settle();
      reject(error);
    });
    child.on('close', (status, signal) => {
      settle();
      resolve({ status, signal, stdout, stderr });
    });
  });
}

/**
 * The environment of PostgreSQL's programs: not the caller's, whose PG* variables, locale and library path would
 * change what they do, and whose secrets are not for the account that they run as.
 */
export function toolEnvironment(): NodeJS.ProcessEnv {
  const fixed = { LC_ALL: 'C', LANG: 'C', TZ: 'UTC' };
  if (process.platform !== 'win32') return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', ...fixed };
  const kept = Object.entries(process.env).filter(([name]) => !/^(PG|LC_|LANG)/i.test(name));
  return { ...Object.fromEntries(kept), ...fixed };
}
