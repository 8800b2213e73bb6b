import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reconcile } from '../../src/operations/reconcile.ts';
import type { PlayerRef } from '../../src/game/index.ts';
import { openTable, type Table } from './table.ts';

let table: Table;
beforeAll(async () => {
  table = await openTable();
});
afterAll(() => table.close());

const PLATFORM = 2;
const PLAYERS = 2000;
const ORDERS = 10_000;

/** Players with money by plain SQL: two thousand deposits are not what is tested here. */
async function manyPlayers(): Promise<PlayerRef[]> {
  await table.database.query(
    `WITH player AS (
       INSERT INTO players (platform_id, platform_user_id, user_name)
       SELECT ${PLATFORM}, 'many-' || n, 'Many' FROM generate_series(0, ${PLAYERS - 1}) AS n RETURNING player_id
     ), account AS (
       INSERT INTO accounts (kind, owner, currency) SELECT 'wallet', player_id, 'CNY' FROM player RETURNING account_id, owner
     )
     INSERT INTO wallets (player_id, currency, account_id, balance_minor)
     SELECT owner::bigint, 'CNY', account_id, 10000000 FROM account`,
  );
  await table.database.query(
    `INSERT INTO transfers (kind, reference, revision, from_account, to_account, amount_minor, currency, trace_id)
     SELECT 'deposit', w.player_id || '/first', 1, o.account_id, w.account_id, w.balance_minor, 'CNY', 't'
       FROM wallets w, accounts o WHERE o.kind = 'outside'`,
  );
  return Array.from({ length: PLAYERS }, (_, index) => ({
    platformId: PLATFORM,
    platformUserId: `many-${index}`,
    userName: 'Many',
  }));
}

describe('a round of 10,000 orders', () => {
  it('is bet and settled; the figures are printed', async () => {
    const players = await manyPlayers();
    const round = await table.start();
    let next = 0;
    const betUntil = async (callers: number, last: number): Promise<number> => {
      const began = performance.now();
      const count = last - next;
      const call = async (): Promise<void> => {
        while (next < last) {
          const index = next++;
          const player = players[index % PLAYERS];
          if (player === undefined) return;
          await table.bet(player, round, index % 2 === 0 ? 1 : 3, 1000n + BigInt(index % 100));
        }
      };
      await Promise.all(Array.from({ length: callers }, call));
      return Math.round((count / (performance.now() - began)) * 1000);
    };
    const few = await betUntil(16, 2000);
    const many = await betUntil(256, ORDERS);
    await table.events(round, 2, 3, 4);
    const began = performance.now();
    await table.draw(round, 'D12,T4,Rd');
    const settleMs = Math.round(performance.now() - began);
    process.stdout.write(
      `bets/s: ${few} (16 callers), ${many} (256 callers); settlement of ${ORDERS} orders: ${settleMs} ms\n`,
    );
    expect((await table.game.round(round)).drawResult?.totalOrders).toBe(ORDERS);
    expect(await reconcile(table.database)).toEqual([]);
  }, 120_000);
});
