import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  brokerTargetFromEnvironment,
  createTestDatabase,
  eventually,
  findFreePort,
  type Program,
  type RunningBroker,
  spawnNode,
  uniqueName,
} from '@dt/testkit';
import { createDatabase, type Database, migrate } from '../../src/database/index.ts';

/** Which RocketMQ the end-to-end suites run on; the real one is asked for by `npm run test:real`. */
export const target = brokerTargetFromEnvironment();

/** Built by `npm run build`: these tests run the program as a user does, in processes that can be killed. */
const dt = new URL('../../bin/dt.js', import.meta.url);

export interface World {
  readonly database: Database;
  readonly url: string;
  readonly topic: string;
  readonly consumerGroup: string;
  readonly configFile: string;
  /** Starts `dt` with this world's configuration, and waits for a line where one is given. */
  run(args: readonly string[], readyLine?: RegExp): Promise<Program>;
  /** Starts `dt serve` and waits until it listens. */
  serve(...args: string[]): Promise<Program>;
  /** Starts `dt play` against that server. */
  play(...args: string[]): Promise<Program>;
  /** Any other command with this world's configuration. */
  dt(command: string, ...args: string[]): Promise<Program>;
  close(): Promise<void>;
}

export interface WorldOptions {
  /** Where messages go; without one there is no endpoint. */
  broker?: RunningBroker;
  /** Changes to the block `rocketmq`. */
  rocketmq?: Readonly<Record<string, string>>;
  /** Variables beside those of this process. */
  env?: Readonly<Record<string, string>>;
}

/** A database and a configuration of its own, and every process started with them. */
export async function createWorld({ broker, rocketmq, env }: WorldOptions = {}): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'dt-e2e-'));
  const configFile = join(folder, 'config.json');
  const testDatabase = await createTestDatabase();
  const database = createDatabase({ connection: testDatabase.connection, maxConnections: 4 });
  await migrate(database);
  const port = await findFreePort();
  const url = `http://localhost:${port}`;
  const topic = uniqueName('settle');
  const consumerGroup = uniqueName('consumer');
  const config = {
    server: { host: 'localhost', port },
    database: { url: testDatabase.connectionString },
    rocketmq: {
      name_server: broker?.nameServer ?? '',
      producer_group: uniqueName('producer'),
      consumer_group: consumerGroup,
      topic_settle: topic,
      access_key: 'rocketmq',
      secret_key: 'rocketmq123',
      ...rocketmq,
    },
    auth: { demo_mode: true, admin: { enabled: true, token: 'end-to-end-token' } },
  };
  await writeFile(configFile, JSON.stringify(config, null, 2));

  const programs: Program[] = [];
  const run = async ([command = '', ...args]: readonly string[], readyLine?: RegExp): Promise<Program> => {
    const program = await spawnNode({
      script: dt,
      args: [command, '--config', configFile, ...args],
      name: `dt ${command}`,
      env: { ...process.env, ...env },
      // A machine that several games load takes its time.
      ...(readyLine === undefined ? {} : { readyLine, readyTimeoutMs: 180_000 }),
    });
    programs.push(program);
    return program;
  };
  return {
    database,
    url,
    topic,
    consumerGroup,
    configFile,
    run,
    serve: (...args) => run(['serve', ...args], /http: listening/),
    play: (...args) => run(['play', '--url', url, ...args]),
    dt: (command, ...args) => run([command, ...args]),
    async close() {
      for (const program of programs) await program.kill();
      await database.close();
      await testDatabase.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The lines of a program's output. */
export function linesOf(program: Program): string[] {
  return program
    .output()
    .split('\n')
    .filter((line) => line !== '');
}

/** Waits until every outbox row is sent, and its message applied: the last ones of a game are still on their way. */
export async function delivered({
  database,
  consumerGroup,
}: Pick<World, 'database' | 'consumerGroup'>): Promise<void> {
  await eventually(
    async () => {
      const { rows } = await database.query<{ left: number }>(
        `SELECT count(*)::int AS left FROM outbox o
          WHERE o.status <> 1 OR NOT EXISTS (
            SELECT FROM inbox i WHERE i.consumer_group = $1 AND i.message_key = o.message_key AND i.status = 1)`,
        [consumerGroup],
      );
      return rows[0]?.left === 0;
    },
    { timeoutMs: 30_000, intervalMs: 200, what: 'the delivery of every message' },
  );
}

/** How many outbox rows have each status. */
export async function outboxCounts(
  database: Database,
): Promise<{ pending: number; sent: number; dead: number }> {
  const { rows } = await database.query<{ pending: number; sent: number; dead: number }>(
    `SELECT (count(*) FILTER (WHERE status = 0))::int AS pending, (count(*) FILTER (WHERE status = 1))::int AS sent,
            (count(*) FILTER (WHERE status = 2))::int AS dead FROM outbox`,
  );
  return rows[0] as { pending: number; sent: number; dead: number };
}
