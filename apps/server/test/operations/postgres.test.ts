import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from '@dt/testkit';
import { Client } from 'pg';
import { expect, it } from 'vitest';
import { createLog } from '../../src/log/index.ts';
import { checkDatabase, openPostgres } from '../../src/operations/postgres.ts';
import { readOnlyQuery } from '../../src/operations/read-only-query.ts';

const log = createLog({ level: 'silent' });

it('takes the configured database, and leaves it alone when closed', async () => {
  const postgres = await openPostgres(
    { url: 'postgres://a:b@db.example/dt', max_connections: 1 },
    { embedded: 'start', dataDir: '/nowhere', log },
  );
  expect(postgres.connection).toEqual({ connectionString: 'postgres://a:b@db.example/dt' });
  await postgres.close();
});

it.each([
  ['never', 'or run an embedded one with --embedded'],
  ['if-present', 'an embedded one has no data at'],
] as const)('without a database says what to do (%s)', async (embedded, advice) => {
  const opening = openPostgres({ max_connections: 1 }, { embedded, dataDir: '/nowhere', log });
  await expect(opening).rejects.toMatchObject({ code: 'no-database' });
  await expect(opening).rejects.toThrow(advice);
  await expect(opening).rejects.toThrow('DATABASE_URL');
});

it('starts the embedded server under the data folder, finds it again, and stops it with its last user', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'dt-data-'));
  const first = await openPostgres({ max_connections: 1 }, { embedded: 'start', dataDir, log });
  const second = await openPostgres({ max_connections: 1 }, { embedded: 'if-present', dataDir, log });
  await first.close();
  expect((await readOnlyQuery(second.connection, 'SELECT 1 AS one')).rows).toEqual([['1']]);
  await second.close();
  const client = new Client(second.connection);
  await expect(client.connect()).rejects.toThrow();
  await rm(dataDir, { recursive: true, force: true });
});

it('names the place of a database that is away, without its password', async () => {
  const port = await findFreePort();
  const connection = { connectionString: `postgres://someone:hush@127.0.0.1:${port}/dt?sslmode=disable` };
  const asked = readOnlyQuery(connection, 'SELECT 1');
  await expect(asked).rejects.toMatchObject({ code: 'database-away' });
  await expect(asked).rejects.toThrow(`the database at 127.0.0.1:${port}/dt does not let us in`);
  await expect(asked).rejects.not.toThrow('hush');
  const away = { query: () => Promise.reject(new Error('gone')) };
  await expect(checkDatabase(away, { connection, close: async () => undefined })).rejects.toThrow('gone');
});
