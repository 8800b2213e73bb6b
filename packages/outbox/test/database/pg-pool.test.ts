import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestSchema, type TestSchema } from '../support/database.ts';

let schema: TestSchema;

beforeAll(async () => {
  schema = await createTestSchema(2);
  await schema.pool.query('CREATE TABLE notes (n int)');
});
afterAll(() => schema.drop());

describe('fromPgPool', () => {
  it('commits what returns and rolls back what throws', async () => {
    await schema.database.transaction((tx) => tx.query('INSERT INTO notes VALUES ($1)', [1]));
    const failing = schema.database.transaction(async (tx) => {
      await tx.query('INSERT INTO notes VALUES ($1)', [2]);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect((await schema.database.query('SELECT n FROM notes')).rows).toEqual([{ n: 1 }]);
  });

  it('does not take for committed what PostgreSQL rolled back', async () => {
    const quiet = schema.database.transaction(async (tx) => {
      await tx.query('INSERT INTO notes VALUES ($1)', [3]);
      await tx.query('SELECT 1 / 0').catch(() => {});
    });
    await expect(quiet).rejects.toMatchObject({ code: 'rolled-back' });
  });

  it('survives a connection that is cut between two statements, and does not use it again', async () => {
    for (let i = 0; i < 4; i++) {
      const cut = schema.database.transaction(async (tx) => {
        const { rows } = await tx.query('SELECT pg_backend_pid() AS pid');
        await schema.pool.query('SELECT pg_terminate_backend($1)', [(rows[0] as { pid: number }).pid]);
        await tx.query('INSERT INTO notes VALUES (4)');
      });
      await expect(cut).rejects.toThrow();
    }
    expect((await schema.database.query('SELECT count(*)::int AS count FROM notes')).rows).toEqual([
      { count: 1 },
    ]);
  });
});
