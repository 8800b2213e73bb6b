import { startPostgres } from '../../src/index.ts';
import { isGone, postmastersIn, query, until } from './observe.ts';
import { UserProcess } from './user-process.ts';

export interface KillLoopOptions {
  program: string;
  dataDir: string;
  rounds: number;
  /** Longest time that a round writes before the kill. @default 250 */
  writeMs?: number;
}

/**
 * Round after round: a process starts the server and writes rows, then it or the server (or both) is killed at a random
 * moment. At the end every row whose commit was acknowledged must be there.
 */
export async function killLoop(options: KillLoopOptions): Promise<{ rounds: number; acknowledged: number }> {
  const { program, dataDir, rounds, writeMs = 250 } = options;
  const acknowledged = new Set<number>();
  let round = 0;
  for (; round < rounds; round += 1) {
    // Half of the servers outlive their parent, so the next start finds them.
    const writer = new UserProcess(program, 'write', { dataDir, stopWhenOrphaned: round % 2 === 0 });
    const { pid, attached } = await writer.ready();
    if (attached) throw new Error(`round ${round}: joined a server whose only user had been killed`);
    const running = await postmastersIn(dataDir);
    if (running.length !== 1 || running[0] !== pid)
      throw new Error(`round ${round}: servers ${running.join()}, not ${pid}`);
    await writer.line('acknowledged');
    await new Promise((resolve) => setTimeout(resolve, Math.random() * writeMs));
    const victim = round % 3;
    if (victim !== 0) process.kill(pid, 'SIGKILL');
    if (victim !== 1) await writer.kill();
    await writer.ended;
    for (const number of writer.acknowledged()) acknowledged.add(number);
  }
  const server = await startPostgres({ dataDir });
  try {
    const rows = await query<{ number: string }>(server.connectionString, 'SELECT number FROM written');
    const present = new Set(rows.map((row) => Number(row.number)));
    const lost = [...acknowledged].filter((number) => !present.has(number));
    if (lost.length > 0)
      throw new Error(`acknowledged and lost: ${lost.slice(0, 10).join()} (${lost.length} rows)`);
  } finally {
    await server.stop();
  }
  await until('the server is gone', () => isGone(server.pid));
  return { rounds: round, acknowledged: acknowledged.size };
}
