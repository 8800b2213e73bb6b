import { betOf, type Result } from '@dt/dragon-tiger';
import { type OutboxMessage } from '@dt/outbox';
import { formatAmount } from '../wallet/index.ts';
import type { GameStarted } from './types.ts';

/** Raised when a body changes in a way that a reader must know. */
export const MESSAGE_VERSION = 1;

/** What all messages of one request share. */
export interface MessageContext {
  readonly topic: string;
  readonly traceId: string;
  readonly traceparent: string | undefined;
}

/** What all messages of one round share. */
export interface MessageRound {
  readonly roundId: string;
  readonly gameId: string;
  readonly roomId: string;
  readonly revision: number;
}

export interface MessageOrder {
  readonly billNo: string;
  readonly playerId: string;
  readonly platformId: number;
  readonly platformUserId: string;
  readonly playType: number;
  readonly stakeMinor: bigint;
  readonly currency: string;
}

type Body = Readonly<Record<string, string | number>>;

export function gameStarted(
  context: MessageContext,
  round: MessageRound,
  started: GameStarted,
): OutboxMessage {
  return ofRound(context, round, 'game_started', {
    bet_start_time: started.betStartTimeMs,
    bet_stop_time: started.betStopTimeMs,
  });
}

export function gameDrawReady(context: MessageContext, round: MessageRound): OutboxMessage {
  return ofRound(context, round, 'game_draw_ready', {});
}

export function gameDrawn(
  context: MessageContext,
  round: MessageRound,
  drawn: { cardList: string; result: Result; rounding: string },
): OutboxMessage {
  return ofRound(context, round, 'game_drawn', {
    card_list: drawn.cardList,
    result: drawn.result,
    rounding: drawn.rounding,
  });
}

export function gameEnded(context: MessageContext, round: MessageRound): OutboxMessage {
  return ofRound(context, round, 'game_ended', {});
}

export function betPlaced(
  context: MessageContext,
  round: MessageRound,
  order: MessageOrder & { betTimeMs: number },
): OutboxMessage {
  return ofOrder(context, round, order, 'bet_placed', { betTimeMs: order.betTimeMs });
}

export function orderSettled(
  context: MessageContext,
  round: MessageRound,
  order: MessageOrder & { payoutMinor: bigint; result: Result },
): OutboxMessage {
  return ofOrder(context, round, order, 'order_settled', {
    payoutMinor: order.payoutMinor,
    result: order.result,
  });
}

function ofRound(context: MessageContext, round: MessageRound, event: string, body: Body): OutboxMessage {
  const payload = {
    ...body,
    event,
    game_id: round.gameId,
    game_round_id: round.roundId,
    revision: round.revision,
    room_id: round.roomId,
    trace_id: context.traceId,
    version: MESSAGE_VERSION,
  };
  const subject = keyText(round.roundId);
  return message(context, event, `${subject}:${round.revision}:${event}`, `r:${subject}`, sorted(payload));
}

/** Old readers compare bodies as text: keys go in alphabetical order. */
function sorted(body: Body): Body {
  return Object.fromEntries(Object.entries(body).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What differs between the events of an order, by the place where the alphabet puts it. */
interface OrderFields {
  readonly betTimeMs?: number;
  readonly payoutMinor?: bigint;
  readonly result?: Result;
}

// Written out in alphabetical order: sorting ten thousand of them would take longer than the rest of their making.
function ofOrder(
  context: MessageContext,
  round: MessageRound,
  order: MessageOrder,
  event: string,
  { betTimeMs, payoutMinor, result }: OrderFields,
): OutboxMessage {
  const payload = {
    bet_amount: formatAmount(order.stakeMinor),
    bet_time: betTimeMs,
    bill_no: order.billNo,
    currency: order.currency,
    event,
    game_id: round.gameId,
    game_round_id: round.roundId,
    payout: payoutMinor === undefined ? undefined : formatAmount(payoutMinor),
    platform_id: order.platformId,
    platform_user_id: order.platformUserId,
    play_type: betOf(order.playType).name,
    result,
    revision: round.revision,
    room_id: round.roomId,
    trace_id: context.traceId,
    user_id: Number(order.playerId),
    version: MESSAGE_VERSION,
  };
  // Messages of one player are sent in order: the statement that is built of them reads as the player lived it.
  const shardingKey = `p:${order.platformId}:${keyText(order.platformUserId)}`;
  return message(context, event, `${order.billNo}:${round.revision}:${event}`, shardingKey, payload);
}

function message(
  { topic, traceparent }: MessageContext,
  tag: string,
  messageKey: string,
  shardingKey: string,
  payload: object,
): OutboxMessage {
  const headers = traceparent === undefined ? undefined : { traceparent };
  return { topic, tag, messageKey, shardingKey, payload, headers };
}

/** Ids are free text, keys of messages have no blanks or control characters: those (and %) are written as %XX. */
function keyText(id: string): string {
  return id.replaceAll(/[\s\p{Cc}%]/gu, (character) => encodeURIComponent(character));
}
