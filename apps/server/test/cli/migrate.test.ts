import { createTestDatabase, type TestDatabase } from '@dt/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dt, type DtRun } from './dt.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const run = (...args: string[]): Promise<DtRun> =>
  dt('migrate', '--set', `database.url=${test.connectionString}`, ...args);

it('shows what it would apply and applies nothing, then that nothing is left', async () => {
  const plan = await run('--plan');
  expect(plan.code).toBe(0);
  expect(plan.stdout).toMatch(/^part +\| file *\n/);
  expect(plan.stdout).toMatch(/outbox +\| 0001_outbox\.sql/);
  expect(plan.stdout).toMatch(/server +\| 0001_players_and_money\.sql/);
  expect(await run('--plan')).toEqual(plan);

  const { stdout } = await run('--plan', '--json', '--sql');
  const files = JSON.parse(stdout) as { part: string; name: string; sql: string }[];
  expect(files[0]).toMatchObject({ part: 'outbox', name: '0001_outbox.sql' });
  expect(files[0]?.sql).toContain('CREATE TABLE outbox (');

  expect((await run()).code).toBe(0);
  expect((await run('--plan')).stdout).toBe('The schema is up to date: nothing would be applied.\n');
  expect((await run('--plan', '--json')).stdout).toBe('[]\n');
});

it('refuses flags that mean nothing without a plan', async () => {
  expect(await run('--sql')).toMatchObject({ code: 2, stderr: 'dt: --sql and --json go with --plan\n' });
});
