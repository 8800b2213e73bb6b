import { betOf as betNamed, findPaytable, parseCardList, RoundSettler } from '@dt/dragon-tiger';
import { eventually } from '@dt/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGame, type PlayerRef } from '../../src/game/index.ts';
import { reconcile } from '../../src/operations/reconcile.ts';
import { codeOf, openTable, RULES, TOPIC, type Table } from './table.ts';

let table: Table;
beforeAll(async () => {
  table = await openTable();
});
afterAll(() => table.close());

async function drawn(...bets: [PlayerRef, number, bigint][]): Promise<string> {
  const round = await table.start();
  await Promise.all(bets.map(([player, playType, amount]) => table.bet(player, round, playType, amount)));
  await table.events(round, 2, 3, 4);
  return round;
}

const refusalsOf = async (roundId: string) =>
  (
    await table.database.query<{ payload: { why: string; card_list: string }; actor: string }>(
      `SELECT payload, actor FROM round_audit WHERE round_id = $1 AND action = 'result_refused' ORDER BY audit_id`,
      [roundId],
    )
  ).rows;

describe('settlement', () => {
  it.each([
    ['D12,T4,Rd', 1, 3000n, 5910n],
    ['D6,T6,Rtie', 3, 2550n, 22_950n],
    ['D6,T6,R', 1, 1234n, 1234n],
    ['T7,D2,R', 1, 1000n, 0n],
    ['d2,t7,r', 2, 101n, 199n],
  ])('of %s returns to play %i with %i: %i', async (cards, playType, stake, gross) => {
    const player = await table.player(100_000n);
    const round = await drawn([player, playType, stake]);
    await table.draw(round, cards);
    expect(await table.balance(player)).toBe(100_000n - stake + gross);
    const { rows } = await table.database.query(
      `SELECT amount_minor FROM transfers WHERE kind = 'payout' AND round_id = $1`,
      [round],
    );
    expect(rows).toEqual(gross === 0n ? [] : [{ amount_minor: gross.toString() }]);
  });

  it('of a round without bets writes its result and its message', async () => {
    const round = await drawn();
    await table.draw(round, 'D1,T1,R');
    expect((await table.game.round(round)).drawResult).toMatchObject({
      result: 'tie',
      resultCode: 3,
      totalOrders: 0,
    });
    const { rows } = await table.database.query(`SELECT FROM transfers WHERE round_id = $1`, [round]);
    expect(rows).toHaveLength(0);
  });

  it('moves the net of the round to the house in one transfer, and from it when the players won', async () => {
    const [winner, loser] = [await table.player(), await table.player()];
    const won = await drawn([winner, 1, 1000n], [loser, 2, 5000n]);
    await table.draw(won, 'D12,T4,Rd');
    const lost = await drawn([winner, 1, 1000n]);
    await table.draw(lost, 'D12,T4,Rd');
    const { rows } = await table.database.query(
      `SELECT t.round_id, f.kind AS "from", d.kind AS "to", amount_minor FROM transfers t
         JOIN accounts f ON f.account_id = from_account JOIN accounts d ON d.account_id = to_account
        WHERE t.kind = 'house_net' AND t.round_id = ANY($1) ORDER BY transfer_id`,
      [[won, lost]],
    );
    expect(rows).toEqual([
      { round_id: won, from: 'escrow', to: 'house', amount_minor: '4030' },
      { round_id: lost, from: 'house', to: 'escrow', amount_minor: '970' },
    ]);
  });

  it('shows what rounding gave away', async () => {
    const round = await drawn([await table.player(), 1, 101n], [await table.player(), 1, 150n]);
    await table.draw(round, 'D12,T4,Rd');
    // 1.01 returns 1.9897, paid 1.99; 1.50 returns 2.955, paid 2.96.
    const { rows } = await table.database.query(
      'SELECT rounding_minor FROM settlements WHERE round_id = $1',
      [round],
    );
    expect(rows).toEqual([{ rounding_minor: '0.530000' }]);
  });

  it('is not done before the round is drawn', async () => {
    const round = await table.start();
    expect(await codeOf(table.draw(round, 'D1,T2,R'))).toBe(2008);
    for (const event of [2, 3] as const) {
      await table.event(round, event);
      expect(await codeOf(table.draw(round, 'D1,T2,R'))).toBe(2008);
    }
    expect(await codeOf(table.draw('no-such-round', 'D1,T2,R'))).toBe(4004);
  });

  it.each([
    ['D5,T3', 'invalid card_list'],
    ['', 'invalid card_list'],
    ['D14,T2,Rd', 'invalid card list format: unable to determine result'],
    ['Dragon', 'invalid card list format: unable to determine result'],
    ['D1,T2,R\0', undefined],
    [`D1,T2,R${'x'.repeat(300)}`, 'invalid request'],
  ])('of %j is refused before the round is looked at, or states nothing', async (cards, message) => {
    const refusal = table.draw('no-such-round', cards);
    if (message === undefined) await expect(refusal).rejects.toMatchObject({ code: 4004 });
    else await expect(refusal).rejects.toMatchObject({ code: 1000, httpStatus: 400, message });
  });

  it('is refused and audited when the stated result is not what the cards say; nothing else changes', async () => {
    const player = await table.player(10_000n);
    const round = await drawn([player, 1, 1000n]);
    await expect(table.draw(round, 'D12,T4,Rt')).rejects.toMatchObject({ code: 2008, httpStatus: 409 });
    expect(await table.balance(player)).toBe(9_000n);
    expect((await table.game.round(round)).roundInfo.state).toBe('drawn');
    expect(await refusalsOf(round)).toEqual([
      { actor: 'dealer-1', payload: { why: 'stated-result', card_list: 'D12,T4,Rt', settled_with: null } },
    ]);
    await table.draw(round, 'D12,T4,Rd');
  });

  it('repeated with the same cards does nothing, with others is refused and audited', async () => {
    const player = await table.player(10_000n);
    const round = await drawn([player, 1, 1000n]);
    await table.draw(round, 'D12,T4,Rd');
    const balance = await table.balance(player);
    await table.draw(round, ' t4 , dQ, Rdragon');
    await table.event(round, 5);
    await table.draw(round, 'D12,T4,R');
    expect(await codeOf(table.draw(round, 'D11,T4,R\0\ud83d'))).toBe(2008);
    expect(await table.balance(player)).toBe(balance);
    expect((await refusalsOf(round)).map(({ payload }) => payload.why)).toEqual(['other-cards']);
  });

  it('has one effect when it is asked for many times at once, at two instances', async () => {
    const players = await Promise.all(Array.from({ length: 20 }, () => table.player(10_000n)));
    const round = await drawn(...players.map((player): [PlayerRef, number, bigint] => [player, 1, 1000n]));
    const second = createGame({ database: table.database, config: { default: RULES }, topic: TOPIC });
    await Promise.all(
      Array.from({ length: 16 }, (_, index) =>
        (index % 2 === 0 ? table.game : second).drawResult({
          roundId: round,
          cardList: 'D12,T4,Rd',
          actor: `dealer-${index}`,
          traceId: 't',
        }),
      ),
    );
    expect(await Promise.all(players.map((player) => table.balance(player)))).toEqual(
      players.map(() => 10_970n),
    );
    const { rows } = await table.database.query(
      `SELECT tag, count(*)::integer FROM outbox WHERE payload->>'game_round_id' = $1 GROUP BY tag ORDER BY tag`,
      [round],
    );
    expect(rows).toEqual([
      { tag: 'bet_placed', count: 20 },
      { tag: 'game_draw_ready', count: 1 },
      { tag: 'game_drawn', count: 1 },
      { tag: 'game_started', count: 1 },
      { tag: 'order_settled', count: 20 },
    ]);
  });

  it('needs suits only for bets on suits', async () => {
    const full = await openTable({ paytable: 'full' });
    try {
      const player = await full.player();
      const red = betNamed('dragon_red').playType;
      const round = await full.start();
      await full.bet(player, round, red, 1000n);
      await full.events(round, 2, 3, 4);
      await expect(full.draw(round, 'D12,T4,Rd')).rejects.toMatchObject({ code: 1000 });
      expect((await full.game.round(round)).roundInfo.state).toBe('drawn');
      await full.draw(round, 'D12h,T4s,Rd');
      expect(await full.balance(player)).toBe(101_000n);
      const plain = await full.start();
      await full.bet(player, plain, 1, 1000n);
      await full.events(plain, 2, 3, 4);
      await full.draw(plain, 'D4,T4,R');
      expect(await full.balance(player)).toBe(100_500n);
      expect(await reconcile(full.database)).toEqual([]);
    } finally {
      await full.close();
    }
  });

  it('interrupted in its middle leaves nothing, and is done whole by the next try', async () => {
    const players = await Promise.all(Array.from({ length: 30 }, () => table.player(10_000n)));
    const round = await drawn(...players.map((player): [PlayerRef, number, bigint] => [player, 1, 1000n]));
    // Another transaction holds what the settlement writes last but its messages: it stands in its middle.
    const blocker = await table.database.pool.connect();
    try {
      for (const lock of [
        'LOCK TABLE settlements IN EXCLUSIVE MODE',
        'LOCK TABLE outbox IN EXCLUSIVE MODE',
        `SELECT FROM wallets JOIN players USING (player_id) WHERE platform_user_id = '${players[29]?.platformUserId}' FOR UPDATE OF wallets`,
      ]) {
        await blocker.query('BEGIN');
        await blocker.query(lock);
        const settling = table.draw(round, 'D12,T4,Rd').then(
          () => 'done',
          () => 'failed',
        );
        const { rows } = await eventually(async () => {
          const ended = await table.database.query(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE datname = current_database() AND wait_event_type = 'Lock'`,
          );
          return ended.rows.length > 0 && ended;
        });
        expect(rows).toHaveLength(1);
        expect(await settling).toBe('failed');
        await blocker.query('ROLLBACK');
        expect((await table.game.round(round)).roundInfo.state).toBe('drawn');
        expect(await Promise.all(players.map((player) => table.balance(player)))).toEqual(
          players.map(() => 9_000n),
        );
        expect(await reconcile(table.database)).toEqual([]);
      }
    } finally {
      blocker.release();
    }
    await table.draw(round, 'D12,T4,Rd');
    expect(await Promise.all(players.map((player) => table.balance(player)))).toEqual(
      players.map(() => 10_970n),
    );
    expect(await reconcile(table.database)).toEqual([]);
  });

  it('locks wallets in one order with bets in other rooms: nobody waits for ever', async () => {
    const players = await Promise.all(Array.from({ length: 12 }, () => table.player(1_000_000n)));
    const rounds = await Promise.all(
      Array.from({ length: 4 }, () =>
        drawn(...players.map((player): [PlayerRef, number, bigint] => [player, 1, 1000n])),
      ),
    );
    const open = await table.start();
    await Promise.all([
      ...rounds.map((round) => table.draw(round, 'D12,T4,Rd')),
      ...Array.from({ length: 200 }, (_, index) => {
        const player = players[(index * 7) % 12];
        return player && table.bet(player, open, 3, 100n);
      }),
    ]);
    expect(await reconcile(table.database)).toEqual([]);
  });
});

describe('bets and the seal', () => {
  it('commits no bet after the seal', async () => {
    for (let time = 0; time < 5; time += 1) {
      const players = await Promise.all(Array.from({ length: 8 }, () => table.player()));
      const round = await table.start();
      const second = createGame({ database: table.database, config: { default: RULES }, topic: TOPIC });
      const bets = players.flatMap((player, index) =>
        Array.from({ length: 6 }, (_, bet) =>
          (bet % 2 === 0 ? table.game : second).placeBet({
            player,
            gameId: round,
            roomId: round,
            roundId: round,
            playType: 1,
            amountMinor: 100n,
            idempotencyKey: `${time}-${index}-${bet}`,
            traceId: 't',
          }),
        ),
      );
      const [outcomes, seenAtSeal] = await Promise.all([
        Promise.allSettled(bets),
        table
          .event(round, 2)
          .then(
            async () =>
              (await table.database.query('SELECT FROM orders WHERE round_id = $1', [round])).rows.length,
          ),
      ]);
      const { rows } = await table.database.query('SELECT FROM orders WHERE round_id = $1', [round]);
      expect(rows.length).toBe(seenAtSeal);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 2003 });
      }
    }
  });
});

describe('conservation', () => {
  it('of money holds over random rounds of random bets, and each order returns what its paytable says', async () => {
    const classic = findPaytable('classic');
    if (classic === undefined) throw new Error('classic');
    const bet = fc.record({
      player: fc.integer({ min: 0, max: 5 }),
      playType: fc.constantFrom(1, 2, 3),
      amountMinor: fc.bigInt({ min: 100n, max: 30_000n }),
    });
    const card = fc.integer({ min: 1, max: 13 });
    await fc.assert(
      fc.asyncProperty(fc.array(bet, { maxLength: 25 }), card, card, async (bets, dragon, tiger) => {
        const players = await Promise.all(Array.from({ length: 6 }, () => table.player(60_000n)));
        const round = await table.start();
        const outcomes = await Promise.allSettled(
          bets.map(({ player, playType, amountMinor }) =>
            table.bet(players[player] as PlayerRef, round, playType, amountMinor),
          ),
        );
        await table.events(round, 2, 3, 4);
        const cards = `D${dragon},T${tiger},R`;
        await table.draw(round, cards);
        const settler = new RoundSettler(classic, parseCardList(cards));
        const expected = players.map(() => 60_000n);
        for (const [index, { player, playType, amountMinor }] of bets.entries()) {
          const outcome = outcomes[index];
          if (outcome?.status === 'rejected') {
            const { code } = outcome.reason as { code: number };
            expect([2006, 2007]).toContain(code);
            continue;
          }
          expected[player] =
            (expected[player] ?? 0n) - amountMinor + settler.settle(playType, amountMinor).grossMinor;
        }
        expect(await Promise.all(players.map((player) => table.balance(player)))).toEqual(expected);
      }),
      { numRuns: 15 },
    );
    expect(await reconcile(table.database)).toEqual([]);
  }, 60_000);
});
