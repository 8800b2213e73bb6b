import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reconcile } from '../../src/operations/reconcile.ts';
import { openTable, type Table } from './table.ts';
import type { PlayerRef } from '../../src/game/index.ts';

let table: Table;
beforeAll(async () => {
  table = await openTable();
});
afterAll(() => table.close());

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Players with money by plain SQL: ten thousand deposits are not what is tested here. */
async function manyPlayers(count: number): Promise<PlayerRef[]> {
  const players = Array.from({ length: count }, (_, index) => ({
    platformId: 2,
    platformUserId: `many-${index}`,
    userName: 'Many',
  }));
  for (let at = 0; at < count; at += 50) {
    await Promise.all(
      players
        .slice(at, at + 50)
        .map((player) =>
          table.wallet.deposit({ player, transactionId: 'first', amountMinor: 10_000_000n, traceId: 't' }),
        ),
    );
  }
  return players;
}

describe('speed', () => {
  it('settles 10,000 orders well under a second, and takes bets in batches', async () => {
    const players = await manyPlayers(2000);
    const round = await table.start();
    let next = 0;
    const orders = 10_000;
    const began = performance.now();
    const caller = async (): Promise<void> => {
      while (next < orders) {
        const index = next++;
        const player = players[index % players.length];
        if (player === undefined) return;
        await table.bet(
          player,
          round,
          (index % players.length) % 2 === 0 ? 1 : 3,
          1000n + BigInt(index % 100),
        );
      }
    };
    await Promise.all(Array.from({ length: 16 }, caller));
    const betsMs = performance.now() - began;
    say(`bets, 16 callers: ${Math.round((orders / betsMs) * 1000)} bets/s`);

    await table.events(round, 2, 3, 4);
    const settling = performance.now();
    await table.draw(round, 'D12,T4,Rd');
    const settleMs = performance.now() - settling;
    say(`settlement of ${orders} orders: ${Math.round(settleMs)} ms`);
    expect((await table.game.round(round)).drawResult?.totalOrders).toBe(orders);
    expect(settleMs).toBeLessThan(5000);
    expect(await reconcile(table.database)).toEqual([]);
  }, 120_000);
});
