import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTable, type Table } from '../game/table.ts';
import { dt, type DtRun } from './dt.ts';

let table: Table;
let billNo: string;
beforeAll(async () => {
  table = await openTable();
  const player = await table.player(100_000n);
  const round = await table.start();
  ({ billNo } = await table.bet(player, round, 1, 1000n));
  await table.events(round, 2, 3, 4);
  await table.draw(round, 'D12,T4,Rd');
  await table.event(round, 5);
});
afterAll(() => table.close());

const run = (...args: string[]): Promise<DtRun> =>
  dt('reconcile', '--set', `database.url=${table.connectionString}`, ...args);

describe('dt reconcile', () => {
  it('exits 0 where every check holds, and says how many that were', async () => {
    expect(await run()).toEqual({ code: 0, stdout: 'all 12 checks hold\n', stderr: '' });
    const { code, stdout } = await run('--json');
    expect(code).toBe(0);
    const { checks, ...rest } = JSON.parse(stdout) as { checks: string[] };
    expect(rest).toEqual({ ok: true, findings: [] });
    expect(checks).toHaveLength(12);
    expect(checks).toContain('order-has-outbox-rows');
  });

  it('exits 1 with the rows that are wrong, in a table and in JSON', async () => {
    // Nothing was sent, so nothing has been applied.
    const { code, stdout } = await run('--projections');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^check +\| row +\| what is wrong\n-+\+-/);
    expect(stdout).toMatch(
      new RegExp(`\nstatement-equals-ledger \\| ${billNo} \\| the statement has 0 entries`),
    );
    expect(stdout).toMatch(/\n\(2 rows are wrong\)\n$/);

    const json = await run('--projections', '--json', '--limit', '1');
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      ok: false,
      findings: [{ check: 'statement-equals-ledger', subject: billNo }, { check: 'report-equals-ledger' }],
    });
  });

  it('looks for the inbox rows of the configured group, or of the one that is given', async () => {
    await table.database.query(
      `UPDATE outbox SET status = 1, sent_at = clock_timestamp() WHERE message_key = $1`,
      [`${billNo}:1:bet_placed`],
    );
    const group = async (...args: string[]): Promise<unknown> => {
      const { findings } = JSON.parse((await run('--projections', '--json', ...args)).stdout) as {
        findings: { check: string; detail: string }[];
      };
      return findings.find(({ check }) => check === 'sent-row-is-applied')?.detail;
    };
    expect(await group()).toMatch(/is sent, the inbox row of game-consumer is missing$/);
    expect(await group('--group', 'other')).toMatch(/the inbox row of other is missing$/);
  });

  it('exits 2 for a wrong call, 1 where there is no database', async () => {
    expect((await run('--limit', '0')).code).toBe(2);
    const away = await dt('reconcile', '--set', 'database.url=postgres://nobody@127.0.0.1:1/none');
    expect(away.code).toBe(1);
    expect(away.stderr).toMatch(/^dt: /);
  });

  it('has examples in its help', async () => {
    expect((await run('--help')).stdout).toContain('$ dt reconcile --projections');
  });
});
