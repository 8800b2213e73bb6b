import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { startPostgres } from '@dt/postgres-embedded';
import type { TestProject } from 'vitest/node';

/** What the workers need to know of the run's server: an administrator's connection string. */
export interface ProvidedPostgres {
  connectionString: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    postgres: ProvidedPostgres;
  }
}

/**
 * One PostgreSQL for the run, in a temporary folder. `TEST_DATABASE_URL` names a server to use instead (its user must
 * be allowed to create databases); `TEST_POSTGRES_FSYNC=on` keeps the writes durable, which unit tests do not need.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given) {
    project.provide('postgres', { connectionString: given });
    return async () => {};
  }
  const durable = process.env['TEST_POSTGRES_FSYNC'] === 'on';
  const dataDir = await fs.mkdtemp(path.join(os.tmpdir(), 'dt-test-pg-'));
  const remove = (): Promise<void> => fs.rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  try {
    const server = await startPostgres({
      dataDir,
      database: 'postgres',
      parameters: {
        max_connections: '200',
        ...(!durable && { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
      },
    });
    project.provide('postgres', { connectionString: server.connectionString });
    return async () => {
      await server.stop();
      await remove();
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
