import fs from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemErrorCode } from './errors.ts';
import { identify, livenessOf, type ProcessIdentity } from './process-identity.ts';

const POLL_MS = 10;
const KILL_TIMEOUT_MS = 3000;
const PROGRAMS = new Set(['postgres', 'initdb']);

/** Whether a process is one of PostgreSQL's programs, by the name that everybody may read. Linux only. */
export async function isPostgresProgram(pid: number): Promise<boolean> {
  const name = await fs.readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  return PROGRAMS.has(name.trim());
}

/** Whether a process has a folder for its working directory, as PostgreSQL's have their data directory. Linux only. */
export async function worksIn(pid: number, folder: string): Promise<boolean | 'hidden'> {
  try {
    const [its, wanted] = await Promise.all([fs.stat(`/proc/${pid}/cwd`), fs.stat(folder)]);
    return its.ino === wanted.ino && its.dev === wanted.dev;
  } catch (error) {
    return systemErrorCode(error) === 'ENOENT' ? false : 'hidden';
  }
}

/**
 * Kills what is left of a server or an initdb whose leader is dead (Linux). Root in a container may be forbidden to see
 * where another user's processes work; there the title tells.
 */
export async function killProgramsIn(folder: string, title?: string): Promise<void> {
  if (process.platform !== 'linux') return;
  for (const name of await fs.readdir('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || !(await isPostgresProgram(pid))) continue;
    const here = await worksIn(pid, folder);
    const ours = here === 'hidden' ? title !== undefined && (await hasTitle(pid, title)) : here;
    const stray = ours ? await identify(pid) : undefined;
    if (!stray) continue;
    signalProcess(pid, 'SIGKILL');
    await waitGone(stray, KILL_TIMEOUT_MS);
  }
}

async function hasTitle(pid: number, title: string): Promise<boolean> {
  const command = await fs.readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return command.startsWith(title);
}

export async function waitGone(ending: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while ((await livenessOf(ending)) === 'running') {
    if (Date.now() >= deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/** Where it is gone already, all is well. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (systemErrorCode(error) !== 'ESRCH') throw error;
  }
}
