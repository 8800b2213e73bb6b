import {
  contradicts,
  DragonTigerError,
  formatCardList,
  parseCardList,
  RESULT_CODES,
  resultOf,
  RoundSettler,
  sameCards,
  type CardList,
} from '@dt/dragon-tiger';
import { enqueue, prepared } from '@dt/outbox';
import { type Database, type Queryable } from '../database/index.ts';
import { accountId, checkText, CURRENCY, storableText } from '../wallet/index.ts';
import { paytableOf } from './bet-rules.ts';
import { badParameter, drawRefused, roundNotFound, type BusinessError } from './errors.ts';
import { gameDrawn, orderSettled } from './messages.ts';
import { RoundingSum } from './rounding-sum.ts';
import { messageRound } from './rounds.ts';
import { AUDIT, LOCK_ROUND, type RoundRow } from './rounds.sql.ts';
import { LOCK_ORDERS, SETTLE, type OrderRow } from './settle.sql.ts';
import type { DrawResultRequest } from './types.ts';

interface SettledOrder {
  readonly row: OrderRow;
  readonly stakeMinor: bigint;
  readonly payoutMinor: bigint;
}

// A round of ten thousand orders takes a while on a slow disk; nothing else may, hence the lower limit elsewhere.
const SETTLE_SETTINGS = { statement_timeout: '60s' };

/**
 * Settles a round: results, payouts, balances, messages, all in one transaction, or nothing of it.
 *
 * @throws BusinessError as the contract orders the questions: cards that cannot be read (1000), no such round (4004),
 *   a stated result that the cards do not give (2008, audited), a settled round with other cards (2008, audited), a
 *   round that is not drawn (2008)
 */
export async function drawResult(
  database: Database,
  topic: string,
  request: DrawResultRequest,
): Promise<void> {
  checkText('game_round_id', request.roundId);
  const cards = readCards(request.cardList);
  const refused = await database.transaction(
    async (tx): Promise<BusinessError | undefined> => {
      const round = (await tx.query<RoundRow>(LOCK_ROUND, [request.roundId])).rows[0];
      if (round === undefined) return roundNotFound({ roundId: request.roundId });
      if (contradicts(cards)) return refuse(tx, request, round, 'stated-result');
      if (round.card_list !== null) {
        if (sameCards(parseCardList(round.card_list), cards)) return undefined;
        return refuse(tx, request, round, 'other-cards');
      }
      if (round.state !== 'drawn') return drawRefused({ roundId: request.roundId, state: round.state });
      await settle(tx, topic, request, round, cards);
      return undefined;
    },
    { settings: SETTLE_SETTINGS },
  );
  // Thrown after the commit, so that the audit of a refusal stays.
  if (refused !== undefined) throw refused;
}

function readCards(cardList: string): CardList {
  if (Buffer.byteLength(cardList) > 256) throw badParameter('invalid request', { field: 'card_list' });
  try {
    return parseCardList(cardList);
  } catch (error) {
    if (!(error instanceof DragonTigerError)) throw error;
    const incomplete = error.code === 'card-list-incomplete';
    throw badParameter(
      incomplete ? 'invalid card_list' : 'invalid card list format: unable to determine result',
      { why: error.message },
    );
  }
}

async function refuse(
  tx: Queryable,
  request: DrawResultRequest,
  round: RoundRow,
  why: 'stated-result' | 'other-cards',
): Promise<BusinessError> {
  const payload = JSON.stringify({
    why,
    card_list: storableText(request.cardList),
    settled_with: round.card_list,
  });
  const { roundId, actor, traceId } = request;
  await tx.query(AUDIT, [
    roundId,
    'result_refused',
    null,
    round.state,
    round.state,
    actor,
    'api',
    payload,
    traceId,
  ]);
  return drawRefused({ roundId, state: round.state, why });
}

async function settle(
  tx: Queryable,
  topic: string,
  request: DrawResultRequest,
  round: RoundRow,
  cards: CardList,
): Promise<void> {
  const { roundId, traceId, traceparent, actor } = request;
  const house = await accountId(tx, 'house', '', CURRENCY);
  const { rows } = await tx.query<OrderRow>(LOCK_ORDERS, [roundId]);
  const rounding = new RoundingSum();
  const orders = settleOrders(rows, cards, rounding);
  let stakeMinor = 0n;
  let payoutMinor = 0n;
  for (const order of orders) {
    stakeMinor += order.stakeMinor;
    payoutMinor += order.payoutMinor;
  }
  const result = resultOf(cards);
  const cardList = formatCardList(cards);
  const written = await tx.query<{ closed: number }>(SETTLE, [
    roundId,
    round.revision,
    RESULT_CODES[result],
    cardList,
    CURRENCY,
    round.escrow_account,
    house,
    traceId,
    orders.map(({ row }) => row.order_id),
    orders.map(({ row }) => row.player_id),
    orders.map(({ row }) => row.bill_no),
    orders.map((order) => order.payoutMinor.toString()),
    (stakeMinor - payoutMinor).toString(),
    stakeMinor.toString(),
    rounding.toString(),
    actor,
  ]);
  const closed = written.rows[0]?.closed;
  if (closed !== orders.length) {
    throw new Error(
      `round ${roundId}: ${closed} orders were closed instead of ${orders.length}; nothing is settled`,
    );
  }
  const context = { topic, traceId, traceparent };
  const about = messageRound(round);
  const messages = orders.map(({ row, ...amounts }) =>
    orderSettled(context, about, {
      billNo: row.bill_no,
      playerId: row.player_id,
      platformId: row.platform_id,
      platformUserId: row.platform_user_id,
      playType: row.play_type,
      currency: row.currency,
      result,
      ...amounts,
    }),
  );
  const drawn = gameDrawn(context, about, { cardList, result, rounding: rounding.toString() });
  const payload = JSON.stringify({ card_list: cardList, result });
  await Promise.all([
    tx.query(AUDIT, [roundId, 'transition', 4, 'drawn', 'settled', actor, 'api', payload, traceId]),
    enqueue(prepared(tx), [drawn, ...messages]),
  ]);
}

/** Each order under the paytable that is frozen on it. */
function settleOrders(rows: readonly OrderRow[], cards: CardList, rounding: RoundingSum): SettledOrder[] {
  const settlers = new Map<string, RoundSettler>();
  return rows.map((row) => {
    const key = `${row.paytable}/${row.paytable_version}`;
    const settler = settlers.get(key) ?? new RoundSettler(paytableOf(row), cards);
    settlers.set(key, settler);
    const stakeMinor = BigInt(row.stake_minor);
    try {
      const { grossMinor, roundingMinor } = settler.settle(row.play_type, stakeMinor);
      rounding.add(roundingMinor);
      return { row, stakeMinor, payoutMinor: grossMinor };
    } catch (error) {
      if (!(error instanceof DragonTigerError && error.code === 'suits-missing')) throw error;
      throw badParameter('card_list needs suits: this round has bets on them', { billNo: row.bill_no });
    }
  });
}
