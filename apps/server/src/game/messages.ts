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
  return ofOrder(context, round, order, 'bet_placed', { bet_time: order.betTimeMs });
}

export function orderSettled(
  context: MessageContext,
  round: MessageRound,
  order: MessageOrder & { payoutMinor: bigint; result: Result },
): OutboxMessage {
  return ofOrder(context, round, order, 'order_settled', {
    payout: formatAmount(order.payoutMinor),
    result: order.result,
  });
}

function ofRound(context: MessageContext, round: MessageRound, event: string, body: Body): OutboxMessage {
  return message(context, round, event, keyText(round.roundId), `r:${keyText(round.roundId)}`, body);
}

function ofOrder(
  context: MessageContext,
  round: MessageRound,
  order: MessageOrder,
  event: string,
  body: Body,
): OutboxMessage {
  // Messages of one player are sent in order: the statement that is built of them reads as the player lived it.
  const shardingKey = `p:${order.platformId}:${keyText(order.platformUserId)}`;
  return message(context, round, event, order.billNo, shardingKey, {
    ...body,
    bet_amount: formatAmount(order.stakeMinor),
    bill_no: order.billNo,
    currency: order.currency,
    platform_id: order.platformId,
    platform_user_id: order.platformUserId,
    play_type: betOf(order.playType).name,
    user_id: Number(order.playerId),
  });
}

function message(
  { topic, traceId, traceparent }: MessageContext,
  round: MessageRound,
  event: string,
  subject: string,
  shardingKey: string,
  body: Body,
): OutboxMessage {
  const payload = sorted({
    ...body,
    event,
    game_id: round.gameId,
    game_round_id: round.roundId,
    revision: round.revision,
    room_id: round.roomId,
    trace_id: traceId,
    version: MESSAGE_VERSION,
  });
  return {
    topic,
    tag: event,
    messageKey: `${subject}:${round.revision}:${event}`,
    shardingKey,
    payload,
    ...(traceparent !== undefined && { headers: { traceparent } }),
  };
}

/** Old readers compare bodies as text: keys go in alphabetical order. */
function sorted(body: Body): Body {
  const keys = Object.keys(body).sort();
  return Object.fromEntries(keys.map((key) => [key, body[key] as string | number]));
}

/** Ids are free text, keys of messages have no blanks or control characters: those (and %) are written as %XX. */
function keyText(id: string): string {
  return id.replaceAll(/[\s\p{Cc}%]/gu, (character) => encodeURIComponent(character));
}
