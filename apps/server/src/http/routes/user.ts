import type { BetRecord } from '../../game/index.ts';
import { formatAmount } from '../../wallet/index.ts';
import { sendData } from '../envelope.ts';
import { Fields, formValues, longerThan, MAX_ID_BYTES } from '../fields.ts';
import type { Door } from '../parts.ts';
import { badRequest } from '../refusal.ts';

const defaultPageSize = 10;
const maxPageSize = 100;
const maxPage = 1_000_000;
const maxCursorBytes = 256;

/** What a player asks about itself. */
export function userRoutes({ app, game, wallet, platform }: Door): void {
  const onRequest = async (request: Parameters<typeof platform.begin>[0]): Promise<void> =>
    platform.begin(request);

  app.get('/api/user/balance', { onRequest }, async (request, reply) => {
    const { balanceMinor, currency, updatedAtMs } = await wallet.balance(await platform.player(request));
    return sendData(reply, { balance: formatAmount(balanceMinor), currency, updated_at: updatedAtMs });
  });

  app.get('/api/user/bets', { onRequest }, async (request, reply) => {
    const player = await platform.player(request);
    const fields = new Fields(formValues(request, Buffer.alloc(0)), true);
    const page = fields.integer('page') ?? 1;
    const pageSize = fields.integer('page_size') ?? defaultPageSize;
    const roundId = fields.text('game_round_id');
    const cursor = fields.text('cursor');
    if (page < 1 || page > maxPage) throw badRequest(`page must be 1 to ${maxPage}`);
    if (pageSize < 1) throw badRequest('page_size must be at least 1');
    if (longerThan(roundId, MAX_ID_BYTES) || longerThan(cursor, maxCursorBytes))
      throw badRequest('invalid request');
    const found = await game.bets(player, {
      page,
      pageSize: Math.min(pageSize, maxPageSize),
      ...(roundId !== '' && { roundId }),
      ...(cursor !== '' && { cursor }),
    });
    return sendData(reply, {
      list: found.list.map(viewBet),
      page: found.page,
      page_size: found.pageSize,
      total: found.total,
      next_cursor: found.nextCursor,
    });
  });
}

function viewBet(bet: BetRecord): object {
  return {
    bill_no: bet.billNo,
    game_round_id: bet.roundId,
    play_type: bet.playType,
    bet_status: bet.betStatus,
    bill_status: bet.billStatus,
    game_result: bet.gameResult,
    bet_amount: formatAmount(bet.betAmountMinor),
    win_amount: formatAmount(bet.winAmountMinor),
    bet_odds: Number(bet.betOdds),
    bet_time: bet.betTimeMs,
    created_at: bet.createdAtMs,
    updated_at: bet.updatedAtMs,
  };
}
