import fs from 'node:fs/promises';
import { systemErrorCode } from './errors.ts';

/** The lock file of a running server (its lines are fixed by PostgreSQL's pidfile.h). */
export interface PostmasterPid {
  pid: number;
  /** Seconds since 1970. */
  startedAt: number;
  port: number;
  /** As the server was told: relative to the cluster when not absolute; empty without a socket. */
  socketDir: string;
  ready: boolean;
}

/** Undefined when there is no such file, or it is being written. */
export async function readPostmasterPid(file: string): Promise<PostmasterPid | undefined> {
  let text: string;
  try {
    text = await fs.readFile(file, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  return parsePostmasterPid(text);
}

export function parsePostmasterPid(text: string): PostmasterPid | undefined {
  const [pid, , startedAt, port, socketDir, , , status] = text.split('\n');
  // A negative pid is that of a single-user backend.
  if (!/^-?\d+$/.test(pid ?? '')) return undefined;
  return {
    pid: Math.abs(Number(pid)),
    startedAt: Number(startedAt ?? 0) || 0,
    port: Number(port ?? 0) || 0,
    socketDir: socketDir ?? '',
    ready: status?.trim() === 'ready',
  };
}
