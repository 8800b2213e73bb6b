import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTable, type Table } from './table.ts';

let table: Table;
beforeAll(async () => {
  table = await openTable();
});
afterAll(() => table.close());

describe('a whole round', () => {
  it('pays 29.10 more on 30.00 on dragon', async () => {
    const player = await table.player(100_000n);
    const round = await table.start();
    const bet = await table.bet(player, round, 1, 3000n);
    expect(bet.remainMinor).toBe(97_000n);
    expect(bet.billNo).toMatch(/^DT\d{18}[0-9A-F]{3}$/);
    await table.events(round, 2, 3, 4);
    await table.draw(round, 'D12,T4,Rd');
    await table.event(round, 5);
    expect(await table.balance(player)).toBe(102_910n);
    const view = await table.game.round(round);
    expect(view.roundInfo).toMatchObject({ state: 'ended', statusCode: 7, isSettled: true });
    expect(view.drawResult).toMatchObject({
      cardList: 'D12,T4,Rdragon',
      result: 'dragon',
      resultCode: 1,
      totalOrders: 1,
      totalStakeMinor: 3000n,
      totalPayoutMinor: 5910n,
    });
    const bets = await table.game.bets(player, { page: 1, pageSize: 10 });
    expect(bets).toMatchObject({ total: 1, page: 1 });
    expect(bets.list[0]).toMatchObject({
      billNo: bet.billNo,
      betStatus: 2,
      billStatus: 2,
      gameResult: 1,
      betAmountMinor: 3000n,
      winAmountMinor: 5910n,
      betOdds: '0.97',
    });
    const { rows } = await table.database.query(
      'SELECT tag, message_key, sharding_key, payload FROM outbox ORDER BY id',
    );
    expect(rows).toMatchInlineSnapshot(`
      [
        {
          "message_key": "round-2:1:game_started",
          "payload": {
            "bet_start_time": 1795390101019,
            "bet_stop_time": 1795390146019,
            "event": "game_started",
            "game_id": "round-2",
            "game_round_id": "round-2",
            "revision": 1,
            "room_id": "round-2",
            "trace_id": "t-event",
            "version": 1,
          },
          "sharding_key": "r:round-2",
          "tag": "game_started",
        },
        {
          "message_key": "DT202611222328210000540:1:bet_placed",
          "payload": {
            "bet_amount": "30.00",
            "bet_time": 1795390101036,
            "bill_no": "DT202611222328210000540",
            "currency": "CNY",
            "event": "bet_placed",
            "game_id": "round-2",
            "game_round_id": "round-2",
            "platform_id": 1,
            "platform_user_id": "player-1",
            "play_type": "dragon",
            "revision": 1,
            "room_id": "round-2",
            "trace_id": "t-86baf361-5e8a-4193-8a0e-a788b6af731c",
            "user_id": 10000,
            "version": 1,
          },
          "sharding_key": "p:1:player-1",
          "tag": "bet_placed",
        },
        {
          "message_key": "round-2:1:game_draw_ready",
          "payload": {
            "event": "game_draw_ready",
            "game_id": "round-2",
            "game_round_id": "round-2",
            "revision": 1,
            "room_id": "round-2",
            "trace_id": "t-event",
            "version": 1,
          },
          "sharding_key": "r:round-2",
          "tag": "game_draw_ready",
        },
        {
          "message_key": "round-2:1:game_drawn",
          "payload": {
            "card_list": "D12,T4,Rdragon",
            "event": "game_drawn",
            "game_id": "round-2",
            "game_round_id": "round-2",
            "result": "dragon",
            "revision": 1,
            "room_id": "round-2",
            "rounding": "0.000000",
            "trace_id": "t-draw",
            "version": 1,
          },
          "sharding_key": "r:round-2",
          "tag": "game_drawn",
        },
        {
          "message_key": "DT202611222328210000540:1:order_settled",
          "payload": {
            "bet_amount": "30.00",
            "bill_no": "DT202611222328210000540",
            "currency": "CNY",
            "event": "order_settled",
            "game_id": "round-2",
            "game_round_id": "round-2",
            "payout": "59.10",
            "platform_id": 1,
            "platform_user_id": "player-1",
            "play_type": "dragon",
            "result": "dragon",
            "revision": 1,
            "room_id": "round-2",
            "trace_id": "t-draw",
            "user_id": 10000,
            "version": 1,
          },
          "sharding_key": "p:1:player-1",
          "tag": "order_settled",
        },
        {
          "message_key": "round-2:1:game_ended",
          "payload": {
            "event": "game_ended",
            "game_id": "round-2",
            "game_round_id": "round-2",
            "revision": 1,
            "room_id": "round-2",
            "trace_id": "t-event",
            "version": 1,
          },
          "sharding_key": "r:round-2",
          "tag": "game_ended",
        },
      ]
    `);
  });
});
