import type { DrawResult, RoundInfo } from '../../game/index.ts';
import { formatAmount } from '../../wallet/index.ts';
import { sendData } from '../envelope.ts';
import { storableText } from '../fields.ts';
import type { Door } from '../parts.ts';

/** What anybody may see of a round. */
export function roundRoute({ app, game }: Door): void {
  app.get<{ Params: { roundId: string } }>('/api/round/:roundId', async (request, reply) => {
    const { roundInfo, drawResult } = await game.round(storableText('round_id', request.params.roundId));
    return sendData(reply, {
      round_info: viewInfo(roundInfo),
      draw_result: drawResult && viewResult(drawResult),
    });
  });
}

function viewInfo(info: RoundInfo): object {
  return {
    game_round_id: info.roundId,
    game_id: info.gameId,
    room_id: info.roomId,
    game_status: info.statusCode,
    state: info.state,
    bet_start_time: info.betStartTimeMs,
    bet_stop_time: info.betStopTimeMs,
    game_draw_time: info.drawTimeMs,
    paytable: info.paytable,
    paytable_version: info.paytableVersion,
    revision: info.revision,
    is_settled: info.isSettled,
    trace_id: info.traceId,
    created_at: info.createdAtMs,
    updated_at: info.updatedAtMs,
  };
}

function viewResult(result: DrawResult): object {
  return {
    card_list: result.cardList,
    game_result: result.resultCode,
    game_result_str: result.result,
    game_draw_time: result.drawTimeMs,
    total_orders: result.totalOrders,
    total_stake: formatAmount(result.totalStakeMinor),
    total_payout: formatAmount(result.totalPayoutMinor),
  };
}
