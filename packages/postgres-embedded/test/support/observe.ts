import fs from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { readPostmasterPid } from '../../src/postmaster-pid.ts';
import { identify } from '../../src/process-identity.ts';

/** Waits for what must come true. */
export async function until(
  what: string,
  condition: () => Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export async function isRunning(pid: number): Promise<boolean> {
  return (await identify(pid)) !== undefined;
}

export async function isGone(pid: number): Promise<boolean> {
  return !(await isRunning(pid));
}

/** The pid in the lock file of a data folder's server. */
export async function postmasterOf(dataDir: string): Promise<number | undefined> {
  return (await readPostmasterPid(path.join(dataDir, 'cluster', 'postmaster.pid')))?.pid;
}

/**
 * All postmasters that work in this data folder, by the system's own list. A backend that was forked a moment ago still
 * has its parent's command line, so children do not count.
 */
export async function postmastersIn(dataDir: string): Promise<number[]> {
  const cluster = await fs.realpath(path.join(dataDir, 'cluster'));
  const parents = new Map<number, number>();
  for (const name of await fs.readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const cwd = await fs.readlink(`/proc/${name}/cwd`).catch(() => '');
    const command = await fs.readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    const status = await fs.readFile(`/proc/${name}/status`, 'utf8').catch(() => '');
    if (cwd !== cluster || !/bin\/postgres\0-D\0/.test(command)) continue;
    parents.set(Number(name), Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]));
  }
  return [...parents.keys()].filter((pid) => !parents.has(parents.get(pid) ?? 0));
}

export async function query<Row extends pg.QueryResultRow>(
  connectionString: string,
  text: string,
): Promise<Row[]> {
  const client = new pg.Client({ connectionString });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}
