import { type DetailsRow, type GroupRow, type LetterRow, type PastLifeRow } from './dead-letters.sql.ts';
import { type Letter, type LetterDetails, type PastLife } from './letter.ts';

/** Messages of equal topic, tag and error. */
export interface LetterGroup {
  /** Of the inbox alone. */
  readonly consumerGroup: string | undefined;
  readonly topic: string;
  readonly tag: string | undefined;
  /** The first 200 characters. */
  readonly error: string | undefined;
  readonly messages: number;
  /** When the first and the last of them were enqueued or received. */
  readonly oldestAt: Date;
  readonly newestAt: Date;
}

export function toLetter(row: LetterRow): Letter {
  return {
    id: Number(row.id),
    consumerGroup: row.consumer_group ?? undefined,
    topic: row.topic,
    tag: row.tag ?? undefined,
    messageKey: row.message_key,
    shardingKey: row.sharding_key,
    status: row.status === 0 ? 'pending' : row.status === 1 ? 'done' : 'dead',
    attempts: row.attempts,
    crashes: row.crashes,
    lastError: row.last_error ?? undefined,
    messageId: row.message_id ?? undefined,
    queueOffset: row.queue_offset ?? undefined,
    createdAt: new Date(row.created_ms),
    nextAttemptAt: toDate(row.next_attempt_ms),
    doneAt: toDate(row.done_ms),
    diedAt: toDate(row.died_ms),
    replays: row.replays,
    replayable: row.replayable,
    holdsKey: row.holds_key,
  };
}

export function toDetails(row: DetailsRow, pastLives: readonly PastLifeRow[]): LetterDetails {
  return {
    ...toLetter(row),
    payload: row.payload ?? undefined,
    body: row.body === null ? undefined : Buffer.from(row.body, 'hex'),
    headers: row.headers === null ? {} : (JSON.parse(row.headers) as Record<string, string>),
    pastLives: pastLives.map(toPastLife),
  };
}

function toPastLife(row: PastLifeRow): PastLife {
  return {
    diedAt: toDate(row.died_ms),
    attempts: row.attempts,
    crashes: row.crashes,
    lastError: row.last_error ?? undefined,
    replayedAt: new Date(row.replayed_ms),
    replayedBy: row.replayed_by,
  };
}

export function toGroup(row: GroupRow): LetterGroup {
  return {
    consumerGroup: row.consumer_group ?? undefined,
    topic: row.topic,
    tag: row.tag ?? undefined,
    error: row.error ?? undefined,
    messages: row.messages,
    oldestAt: new Date(row.oldest_ms),
    newestAt: new Date(row.newest_ms),
  };
}

function toDate(ms: number | null): Date | undefined {
  return ms === null ? undefined : new Date(ms);
}
