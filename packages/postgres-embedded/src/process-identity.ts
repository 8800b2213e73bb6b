import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import { promisify } from 'node:util';
import { systemErrorCode } from './errors.ts';

/**
 * A process, told apart from a later one that got the same number. What a system cannot say is null, and then the
 * number alone has to do.
 */
export interface ProcessIdentity {
  pid: number;
  /** When it began, in the words of the system; only good to be compared. */
  startedAt: string | null;
  /** Numbers start again at every boot. */
  bootId: string | null;
  /** Numbers mean nothing in another container. */
  namespace: string | null;
}

/** `elsewhere`: recorded in another container, so this one cannot tell. */
export type Liveness = 'running' | 'gone' | 'elsewhere';

/** Undefined when there is no such process; one that is dead and not yet reaped is none. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  if (!existsProcess(pid)) return undefined;
  const [startedAt, bootId, namespace] = await Promise.all([startOf(pid), bootIdentity(), pidNamespace()]);
  if (startedAt === undefined) return undefined;
  return { pid, startedAt, bootId, namespace };
}

export async function livenessOf(recorded: ProcessIdentity): Promise<Liveness> {
  if (recorded.bootId !== (await bootIdentity())) return 'gone';
  if (recorded.namespace !== (await pidNamespace())) return 'elsewhere';
  const now = await identify(recorded.pid);
  if (now === undefined) return 'gone';
  if (recorded.startedAt === null || now.startedAt === null) return 'running';
  return recorded.startedAt === now.startedAt ? 'running' : 'gone';
}

/** True also for a process of another user, and for a dead one that is not yet reaped. */
export function existsProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) === 'EPERM';
  }
}

export function isProcessIdentity(value: unknown): value is ProcessIdentity {
  if (typeof value !== 'object' || value === null) return false;
  const { pid, startedAt, bootId, namespace } = value as Record<string, unknown>;
  const textOrNull = (field: unknown): boolean => field === null || typeof field === 'string';
  return Number.isInteger(pid) && textOrNull(startedAt) && textOrNull(bootId) && textOrNull(namespace);
}

/** Undefined for a process that is dead and not yet reaped; null when the system does not say. */
async function startOf(pid: number): Promise<string | null | undefined> {
  switch (process.platform) {
    case 'linux': {
      const stat = await fs.readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
      return stat === null ? null : startInProcStat(stat);
    }
    case 'darwin':
    case 'freebsd':
    case 'openbsd': {
      const run = promisify(execFile);
      const line = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)]).then(
        ({ stdout }) => stdout.trim(),
        () => '',
      );
      return line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '') || null;
    }
    default:
      return null;
  }
}

/** Field 22 of proc(5)'s stat: clock ticks since boot. The name in field 2 may hold spaces and brackets. */
export function startInProcStat(stat: string): string | null | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return fields[19] ?? null;
}

async function bootIdentity(): Promise<string | null> {
  if (process.platform !== 'linux') return null;
  return fs.readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (text) => text.trim(),
    () => null,
  );
}

async function pidNamespace(): Promise<string | null> {
  if (process.platform !== 'linux') return null;
  return fs.readlink('/proc/self/ns/pid').catch(() => null);
}
