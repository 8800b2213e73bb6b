import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGame, type PlaceBetRequest } from '../../src/game/index.ts';
import { reconcile } from '../../src/operations/reconcile.ts';
import { betOf, codeOf, openTable, RULES, TOPIC, type Table } from './table.ts';

let table: Table;
beforeAll(async () => {
  table = await openTable();
});
afterAll(() => table.close());

const countOf = async (sql: string, values: unknown[] = []): Promise<number> =>
  Number((await table.database.query<{ count: string }>(`SELECT count(*) ${sql}`, values)).rows[0]?.count);

/** Bets refused by different rules leave no trace. */
async function leavesNothing(bet: PlaceBetRequest, code: number): Promise<void> {
  const traces = (): Promise<number[]> =>
    Promise.all(['orders', 'transfers', 'outbox', 'players'].map((name) => countOf(`FROM ${name}`)));
  const before = await traces();
  expect(await codeOf(table.game.placeBet(bet))).toBe(code);
  expect(await traces()).toEqual(before);
}

describe('a bet', () => {
  it('takes the stake, freezes paytable and odds, and writes one message', async () => {
    const player = await table.player(100_000n);
    const round = await table.start();
    const { billNo, remainMinor, replayed } = await table.bet(player, round, 3, 2550n, 'key-1');
    expect({ remainMinor, replayed }).toEqual({ remainMinor: 97_450n, replayed: false });
    const { rows } = await table.database.query('SELECT * FROM orders WHERE bill_no = $1', [billNo]);
    expect(rows[0]).toMatchObject({
      round_id: round,
      play_type: 3,
      stake_minor: '2550',
      paytable: 'classic',
      paytable_version: 1,
      odds: '8',
      bet_status: 2,
      bill_status: 1,
      balance_after_minor: '97450',
      idempotency_key: 'key-1',
    });
    const message = await table.database.query<{
      payload: string;
      headers: unknown;
      sharding_key: string;
      message_key: string;
    }>(`SELECT payload::text, headers, sharding_key, message_key FROM outbox WHERE message_key LIKE $1`, [
      `${billNo}%`,
    ]);
    expect(message.rows).toHaveLength(1);
    expect(message.rows[0]).toMatchObject({
      message_key: `${billNo}:1:bet_placed`,
      sharding_key: `p:1:${player.platformUserId}`,
      headers: null,
    });
    const keys = Object.keys(JSON.parse(message.rows[0]?.payload ?? '') as object);
    expect(keys).toEqual([...keys].sort());
  });

  it('carries the trace context of its request in the headers of its message', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const round = await table.start();
    const { billNo } = await table.game.placeBet({
      ...betOf(await table.player(), round, 1, 1000n, 'key-1'),
      traceparent,
    });
    const { rows } = await table.database.query('SELECT headers FROM outbox WHERE message_key LIKE $1', [
      `${billNo}%`,
    ]);
    expect(rows).toEqual([{ headers: { traceparent } }]);
  });

  it('is refused when the first of the broken rules says so, and leaves nothing', async () => {
    const player = await table.player(10_000n);
    const round = await table.start();
    const bet = betOf(player, round, 1, 1000n, randomUUID());
    await leavesNothing({ ...bet, roundId: 'no-such-round', amountMinor: 10n ** 15n }, 4004);
    await leavesNothing({ ...bet, gameId: 'another' }, 1000);
    await leavesNothing({ ...bet, roomId: 'another' }, 1000);
    await leavesNothing({ ...bet, playType: 4 }, 1000);
    await leavesNothing({ ...bet, amountMinor: 99n }, 1000);
    await leavesNothing({ ...bet, amountMinor: 100_000_001n }, 1000);
    await leavesNothing({ ...bet, amountMinor: 0n }, 1000);
    await leavesNothing({ ...bet, amountMinor: -1000n }, 1000);
    await leavesNothing({ ...bet, amountMinor: 10_001n }, 2007);
    await leavesNothing({ ...bet, player: { ...player, platformUserId: 'unseen' } }, 2007);
    await leavesNothing({ ...bet, player: { ...player, platformId: 7 } }, 2007);
    await leavesNothing({ ...bet, idempotencyKey: '' }, 1000);
    await leavesNothing({ ...bet, idempotencyKey: 'a\0b' }, 1000);
    await leavesNothing({ ...bet, idempotencyKey: 'x'.repeat(65) }, 1000);
    await table.event(round, 2);
    await leavesNothing({ ...bet, gameId: 'another', amountMinor: 10_001n }, 2003);
  });

  it('of a disabled player is refused', async () => {
    const player = await table.player();
    const round = await table.start();
    await table.database.query('UPDATE players SET status = 2 WHERE platform_user_id = $1', [
      player.platformUserId,
    ]);
    await expect(table.bet(player, round, 1, 1000n)).rejects.toMatchObject({
      code: 1000,
      message: '用户状态异常',
    });
  });

  it('on dragon and one on tiger do not go together; tie goes with either, and one side again', async () => {
    const player = await table.player();
    const other = await table.player();
    const round = await table.start();
    await table.bet(player, round, 1, 1000n);
    expect(await codeOf(table.bet(player, round, 2, 1000n))).toBe(2006);
    await table.bet(player, round, 3, 1000n);
    await table.bet(player, round, 1, 1000n);
    await table.bet(other, round, 2, 1000n);
    expect(await codeOf(table.bet(other, round, 1, 1000n))).toBe(2006);
    const next = await table.start();
    await table.bet(player, next, 2, 1000n);
  });

  it('on dragon and one on tiger at once: one side only, whoever is first', async () => {
    for (let time = 0; time < 5; time += 1) {
      const player = await table.player();
      const round = await table.start();
      // Two instances, so that they do not meet in one batch.
      const second = createGame({ database: table.database, config: { default: RULES }, topic: TOPIC });
      const outcomes = await Promise.allSettled(
        Array.from({ length: 12 }, (_, index) =>
          (index % 2 === 0 ? table.game : second).placeBet(
            betOf(player, round, 1 + (Math.floor(index / 2) % 2), 100n, randomUUID()),
          ),
        ),
      );
      const { rows } = await table.database.query<{ sides: string }>(
        'SELECT count(DISTINCT play_type) AS sides FROM orders WHERE round_id = $1',
        [round],
      );
      expect(rows[0]?.sides).toBe('1');
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(6);
    }
  });
});

describe('idempotency of bets', () => {
  it('answers the same request as the first time, even when the round has moved on', async () => {
    const player = await table.player();
    const round = await table.start();
    const first = await table.bet(player, round, 1, 1000n, 'key-a');
    await table.bet(player, round, 1, 500n, 'key-b');
    const replay = { ...first, replayed: true };
    expect(await table.bet(player, round, 1, 1000n, 'key-a')).toEqual(replay);
    await table.event(round, 2);
    expect(await table.bet(player, round, 1, 1000n, 'key-a')).toEqual(replay);
    await table.events(round, 3, 4);
    await table.draw(round, 'D12,T4,Rd');
    await table.event(round, 5);
    // The trace of the first answer, not of this request.
    const later = await table.game.placeBet({
      ...betOf(player, round, 1, 1000n, 'key-a'),
      traceId: 'another',
    });
    expect(later).toEqual(replay);
    expect(await countOf('FROM orders WHERE round_id = $1', [round])).toBe(2);
  });

  it('refuses the same key with another body', async () => {
    const player = await table.player();
    const round = await table.start();
    const bet = betOf(player, round, 1, 1000n, 'key-a');
    await table.game.placeBet(bet);
    for (const other of [
      { amountMinor: 1001n },
      { playType: 3 },
      { roundId: 'other' },
      { gameId: 'other' },
      { roomId: 'other' },
    ]) {
      expect(await codeOf(table.game.placeBet({ ...bet, ...other }))).toBe(2002);
    }
    expect(await countOf('FROM orders WHERE round_id = $1', [round])).toBe(1);
  });

  it('keeps keys of players, and of platforms, apart', async () => {
    const player = await table.player();
    const sameName = { ...player, platformId: 2 };
    await table.wallet.deposit({
      player: sameName,
      transactionId: 'first',
      amountMinor: 5000n,
      traceId: 't',
    });
    const other = await table.player();
    const round = await table.start();
    const bets = [player, sameName, other].map((who) => table.bet(who, round, 1, 1000n, 'shared'));
    const placed = await Promise.all(bets);
    expect(new Set(placed.map(({ billNo }) => billNo)).size).toBe(3);
    expect(placed.every(({ replayed }) => !replayed)).toBe(true);
  });

  it('leaves the key of a refused bet free', async () => {
    const player = await table.player(500n);
    const round = await table.start();
    expect(await codeOf(table.bet(player, round, 1, 1000n, 'again'))).toBe(2007);
    await table.wallet.deposit({ player, transactionId: 'more', amountMinor: 500n, traceId: 't' });
    expect(await table.bet(player, round, 1, 1000n, 'again')).toMatchObject({
      remainMinor: 0n,
      replayed: false,
    });
  });

  it('does one bet once when it comes 50 times at once, to two instances', async () => {
    const player = await table.player();
    const round = await table.start();
    const second = createGame({ database: table.database, config: { default: RULES }, topic: TOPIC });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        (index % 2 === 0 ? table.game : second).placeBet(betOf(player, round, 1, 1000n, 'fifty')),
      ),
    );
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(
      new Set(
        answers.map(({ billNo, remainMinor, traceId, answeredAtMs }) =>
          JSON.stringify([billNo, remainMinor.toString(), traceId, answeredAtMs]),
        ),
      ).size,
    ).toBe(1);
    expect(await table.balance(player)).toBe(99_000n);
  });
});

describe('limits', () => {
  it('accepts exactly one of two bets of 80 on a balance of 100', async () => {
    for (let time = 0; time < 10; time += 1) {
      const player = await table.player(10_000n);
      const rounds = [await table.start(), await table.start()] as const;
      // In one round and in two: the wallet is the same.
      const outcomes = await Promise.allSettled([
        table.bet(player, rounds[0], 1, 8_000n),
        table.bet(player, rounds[time % 2 === 0 ? 0 : 1], 1, 8_000n),
      ]);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await table.balance(player)).toBe(2_000n);
    }
  });

  it('holds the limit of a player and round, over all bets', async () => {
    const strict = await openTable({ maxPlayerRoundMinor: 3_000n });
    try {
      const player = await strict.player();
      const round = await strict.start();
      const outcomes = await Promise.allSettled(
        Array.from({ length: 10 }, (_, index) => strict.bet(player, round, index % 2 === 0 ? 1 : 3, 1_000n)),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
      await expect(strict.bet(player, round, 1, 100n)).rejects.toMatchObject({
        code: 1000,
        message: 'bets of one player in a round exceed the limit: 30.00',
      });
      await strict.bet(await strict.player(), round, 1, 3_000n);
    } finally {
      await strict.close();
    }
  });

  it('never lets a round cost more than its liability limit, whoever bets at once, and lets the other side pay', async () => {
    const strict = await openTable({ maxRoundLiabilityMinor: 9_700n });
    try {
      const round = await strict.start();
      const second = createGame({
        database: strict.database,
        config: { default: { ...RULES, maxRoundLiabilityMinor: 9_700n } },
        topic: TOPIC,
      });
      const players = await Promise.all(Array.from({ length: 30 }, () => strict.player()));
      const outcomes = await Promise.allSettled(
        players.map((player, index) =>
          (index % 2 === 0 ? strict.game : second).placeBet(betOf(player, round, 1, 1_000n, randomUUID())),
        ),
      );
      // 10 x 9.70 is the limit to the cent.
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
      const [first] = players;
      if (first === undefined) throw new Error('players');
      expect(await codeOf(strict.bet(first, round, 1, 100n))).toBe(1000);
      const tiger = await strict.player();
      await strict.bet(tiger, round, 2, 1_000n);
      await strict.bet(await strict.player(), round, 1, 1_000n);
      expect(await reconcile(strict.database)).toEqual([]);
    } finally {
      await strict.close();
    }
  });
});

describe('batches', () => {
  it("keeps one player's bets in the order in which they came", async () => {
    const player = await table.player(1_000_000n);
    const round = await table.start();
    const placed = await Promise.all(Array.from({ length: 40 }, () => table.bet(player, round, 1, 100n)));
    expect(placed.map(({ remainMinor }) => remainMinor)).toEqual(
      Array.from({ length: 40 }, (_, index) => 1_000_000n - 100n * BigInt(index + 1)),
    );
    const { rows } = await table.database.query<{ bill_no: string }>(
      `SELECT payload->>'bill_no' AS bill_no FROM outbox WHERE sharding_key = $1 AND tag = 'bet_placed' ORDER BY id`,
      [`p:1:${player.platformUserId}`],
    );
    expect(rows.map((row) => row.bill_no)).toEqual(placed.map(({ billNo }) => billNo));
  });

  it('draws bill numbers again when they meet', async () => {
    // 300 bets of one player in one second, of 4096 numbers each: they meet within a batch and across.
    const player = await table.player(10_000_000n);
    const round = await table.start();
    const second = createGame({ database: table.database, config: { default: RULES }, topic: TOPIC });
    const placed = await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        (index % 2 === 0 ? table.game : second).placeBet(betOf(player, round, 1, 100n, randomUUID())),
      ),
    );
    expect(new Set(placed.map(({ billNo }) => billNo)).size).toBe(300);
    expect(await table.balance(player)).toBe(10_000_000n - 30_000n);
  });

  it('plays many rooms at once with shared players, and every cent is where it belongs', async () => {
    const players = await Promise.all(Array.from({ length: 6 }, () => table.player(50_000n)));
    const rounds = await Promise.all(Array.from({ length: 5 }, () => table.start()));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 300 }, (_, index) => {
        const player = players[index % 6];
        const round = rounds[index % 5];
        if (player === undefined || round === undefined) throw new Error('index');
        return table.bet(player, round, [1, 3][index % 2] ?? 1, 700n + BigInt(index));
      }),
    );
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 2007 });
    }
    expect(await reconcile(table.database)).toEqual([]);
  });
});
