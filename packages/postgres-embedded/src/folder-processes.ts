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

/** Kills what is left of a server or an initdb whose leader is dead; where the system shows it (Linux). */
export async function killProgramsIn(folder: string): Promise<void> {
  if (process.platform !== 'linux') return;
  for (const name of await fs.readdir('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || !(await isPostgresProgram(pid)) || (await worksIn(pid, folder)) !== true)
      continue;
    const stray = await identify(pid);
    if (!stray) continue;
    signalProcess(pid, 'SIGKILL');
    await waitGone(stray, KILL_TIMEOUT_MS);
  }
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
