import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BetRecord, PlayerRef } from '../../src/game/index.ts';
import { codeOf, openTable, type Table } from './table.ts';

let table: Table;
let player: PlayerRef;
let rounds: string[];
beforeAll(async () => {
  table = await openTable();
  player = await table.player(1_000_000n);
  const other = await table.player(1_000_000n);
  rounds = [await table.start(), await table.start()];
  for (let index = 0; index < 25; index += 1) {
    for (const who of [player, other])
      await table.bet(who, rounds[index % 2] ?? '', 3, 1000n + BigInt(index));
  }
});
afterAll(() => table.close());

const amounts = (list: readonly BetRecord[]): number[] =>
  list.map(({ betAmountMinor }) => Number(betAmountMinor) - 1000);

describe('the list of bets', () => {
  it("has the caller's bets alone, newest first, by page", async () => {
    const first = await table.game.bets(player, { page: 1, pageSize: 10 });
    expect(amounts(first.list)).toEqual([24, 23, 22, 21, 20, 19, 18, 17, 16, 15]);
    expect(first).toMatchObject({ page: 1, pageSize: 10, total: 25 });
    const third = await table.game.bets(player, { page: 3, pageSize: 10 });
    expect(amounts(third.list)).toEqual([4, 3, 2, 1, 0]);
    expect(third.nextCursor).toBeUndefined();
    expect((await table.game.bets(player, { page: 4, pageSize: 10 })).list).toEqual([]);
  });

  it('goes on behind a cursor, which new bets do not shift', async () => {
    const seen: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await table.game.bets(player, {
        page: 1,
        pageSize: 7,
        ...(cursor !== undefined && { cursor }),
      });
      seen.push(...amounts(page.list).filter((amount) => amount < 25));
      cursor = page.nextCursor;
      await table.bet(player, rounds[0] ?? '', 3, 5000n);
    } while (cursor !== undefined);
    expect(seen).toEqual(Array.from({ length: 25 }, (_, index) => 24 - index));
  });

  it('can be of one round', async () => {
    const page = await table.game.bets(player, { page: 1, pageSize: 100, roundId: rounds[1] ?? '' });
    expect(page.total).toBe(12);
    expect(new Set(page.list.map(({ roundId }) => roundId))).toEqual(new Set([rounds[1]]));
    expect((await table.game.bets(player, { page: 1, pageSize: 10, roundId: 'none' })).list).toEqual([]);
  });

  it('of somebody nobody has seen is empty', async () => {
    const nobody = { platformId: 1, platformUserId: 'nobody', userName: '' };
    expect(await table.game.bets(nobody, { page: 1, pageSize: 10 })).toEqual({
      list: [],
      page: 1,
      pageSize: 10,
      total: 0,
    });
  });

  it.each([
    { page: 0, pageSize: 10 },
    { page: 1.5, pageSize: 10 },
    { page: 1, pageSize: 0 },
    { page: 1, pageSize: 101 },
    { page: 100_000, pageSize: 100 },
    { page: 1, pageSize: 10, cursor: 'x' },
    { page: 1, pageSize: 10, cursor: Buffer.from('o99999999999999999999').toString('base64url') },
  ])('refuses %j', async (query) => {
    expect(await codeOf(table.game.bets(player, query))).toBe(1000);
  });
});

describe('the view of a round', () => {
  it('has no result before there is one', async () => {
    const view = await table.game.round(rounds[0] ?? '');
    expect(view).not.toHaveProperty('drawResult');
    expect(view.roundInfo).toMatchObject({
      roundId: rounds[0],
      state: 'betting',
      statusCode: 2,
      drawTimeMs: 0,
      paytable: 'classic',
      paytableVersion: 1,
      revision: 1,
      isSettled: false,
    });
  });
});
