import { type InboxMessage, type Queryable } from '@dt/outbox';
import { Body } from './body.ts';
import { ADD_ENTRIES } from './projections.sql.ts';

/** One line of a player's statement: what an event of an order took or gave. */
export interface Entry {
  readonly messageKey: string;
  readonly event: 'bet_placed' | 'order_settled';
  readonly platformId: number;
  readonly platformUserId: string;
  readonly playerId: number;
  readonly roundId: string;
  readonly gameId: string;
  readonly roomId: string;
  readonly billNo: string;
  readonly revision: number;
  readonly playType: string;
  /** Below zero when taken. */
  readonly amountMinor: bigint;
  readonly currency: string;
}

/** @throws MessageBodyError */
export function entryOf(message: InboxMessage, event: Entry['event']): Entry {
  const body = new Body(message);
  return {
    messageKey: message.messageKey,
    event,
    platformId: body.integer('platform_id'),
    platformUserId: body.text('platform_user_id'),
    playerId: body.integer('user_id'),
    roundId: body.text('game_round_id'),
    gameId: body.text('game_id'),
    roomId: body.text('room_id'),
    billNo: body.text('bill_no'),
    revision: body.integer('revision'),
    playType: body.text('play_type'),
    amountMinor: event === 'bet_placed' ? -body.amount('bet_amount') : body.amount('payout'),
    currency: body.text('currency'),
  };
}

/** Writes entries in their order and gives back those that were not there yet. */
export async function addEntries(tx: Queryable, entries: readonly Entry[]): Promise<readonly Entry[]> {
  if (entries.length === 0) return [];
  const { rows } = await tx.query(ADD_ENTRIES, [
    entries.map((entry) => entry.messageKey),
    entries.map((entry) => entry.platformId),
    entries.map((entry) => entry.platformUserId),
    entries.map((entry) => entry.playerId),
    entries.map((entry) => entry.roundId),
    entries.map((entry) => entry.billNo),
    entries.map((entry) => entry.revision),
    entries.map((entry) => entry.event),
    entries.map((entry) => entry.playType),
    entries.map((entry) => entry.amountMinor.toString()),
    entries.map((entry) => entry.currency),
  ]);
  if (rows.length === entries.length) return entries;
  // A key that stands twice in one batch is inserted once: its first entry counts.
  const added = new Set(rows.map((row) => (row as { message_key: string }).message_key));
  return entries.filter((entry) => added.delete(entry.messageKey));
}
