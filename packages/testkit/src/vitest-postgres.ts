import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { startPostgres } from '@dt/postgres-embedded';
import pg from 'pg';
import type { TestProject } from 'vitest/node';

/** What the workers need to know of the run's server. */
export interface ProvidedPostgres {
  /** For a user that may create databases. */
  connectionString: string;
  /** Templates are of one run: the next one may have another schema under the same key. */
  templatePrefix: string;
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
  const run = `template_${crypto.randomBytes(4).toString('hex')}`;
  const { connectionString, end } = await serverOfTheRun(run);
  let reruns = 0;
  const provide = (): void => {
    project.provide('postgres', { connectionString, templatePrefix: `${run}_${reruns}_` });
  };
  provide();
  // In watch mode the code that prepares a template may have changed.
  project.onTestsRerun(() => {
    reruns += 1;
    provide();
  });
  return end;
}

interface RunServer {
  connectionString: string;
  end: () => Promise<void>;
}

async function serverOfTheRun(templatePrefix: string): Promise<RunServer> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given) return { connectionString: given, end: () => dropTemplates(given, templatePrefix) };
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
    const end = async (): Promise<void> => {
      await server.stop();
      await remove();
    };
    return { connectionString: server.connectionString, end };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Leaves a server that is not ours as it was. */
async function dropTemplates(connectionString: string, prefix: string): Promise<void> {
  const admin = new pg.Client({ connectionString });
  await admin.connect();
  try {
    const { rows } = await admin.query<{ datname: string }>(
      'SELECT datname FROM pg_database WHERE starts_with(datname, $1)',
      [prefix],
    );
    for (const { datname } of rows) await admin.query(`DROP DATABASE IF EXISTS ${datname} WITH (FORCE)`);
  } finally {
    await admin.end();
  }
}
