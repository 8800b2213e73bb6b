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
    const { rows } = await table.database.query<{ line: string }>(
      `SELECT tag || ' ' || message_key || ' ' || sharding_key || ' ' || payload::text AS line FROM outbox ORDER BY id`,
    );
    const { betStartTimeMs } = view.roundInfo;
    const { billNo, traceId, answeredAtMs } = bet;
    const round1 = `"game_id":"${round}","game_round_id":"${round}"`;
    const room = `"revision":1,"room_id":"${round}"`;
    const order = `"platform_id":1,"platform_user_id":"player-1","play_type":"dragon"`;
    // To the letter: keys in alphabetical order, amounts as text.
    expect(rows.map(({ line }) => line)).toEqual([
      `game_started ${round}:1:game_started r:${round} {"bet_start_time":${betStartTimeMs},"bet_stop_time":${betStartTimeMs + 45_000},"event":"game_started",${round1},${room},"trace_id":"t-event","version":1}`,
      `bet_placed ${billNo}:1:bet_placed p:1:player-1 {"bet_amount":"30.00","bet_time":${answeredAtMs},"bill_no":"${billNo}","currency":"CNY","event":"bet_placed",${round1},${order},${room},"trace_id":"${traceId}","user_id":10000,"version":1}`,
      `game_draw_ready ${round}:1:game_draw_ready r:${round} {"event":"game_draw_ready",${round1},${room},"trace_id":"t-event","version":1}`,
      `game_drawn ${round}:1:game_drawn r:${round} {"card_list":"D12,T4,Rdragon","event":"game_drawn",${round1},"result":"dragon",${room},"rounding":"0.000000","trace_id":"t-draw","version":1}`,
      `order_settled ${billNo}:1:order_settled p:1:player-1 {"bet_amount":"30.00","bill_no":"${billNo}","currency":"CNY","event":"order_settled",${round1},"payout":"59.10",${order},"result":"dragon",${room},"trace_id":"t-draw","user_id":10000,"version":1}`,
      `game_ended ${round}:1:game_ended r:${round} {"event":"game_ended",${round1},${room},"trace_id":"t-event","version":1}`,
    ]);
  });
});
