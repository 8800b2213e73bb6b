import { type Queryable } from '../database/database.ts';
import { OutboxError } from '../errors.ts';
import { integerOption, requireMethod } from '../options.ts';
import { tablesOf } from '../schema/tables.ts';
import { enqueueOneSql, enqueueSql, lockKeysSql } from './enqueue.sql.ts';
import { encodeMessage, type OutboxMessage } from './validate.ts';

/** Most messages of one call. */
export const MAX_MESSAGES_PER_CALL = 100_000;

export interface EnqueueOptions {
  /** @default 'public' */
  readonly schema?: string;
  /**
   * Lets concurrent transactions that enqueue for the same sharding key wait for each other, to the end of the
   * transaction. Needed for order only where the business change does not already hold a lock of that key (the row of
   * the account, say): ids taken by two open transactions may commit in the other order.
   * @default false
   */
  readonly lockKeys?: boolean;
  /** Largest payload as JSON, bytes of UTF-8. @default 1048576 */
  readonly maxPayloadBytes?: number;
  /** Largest headers as JSON, bytes of UTF-8. @default 16384 */
  readonly maxHeadersBytes?: number;
  /**
   * Headers for the messages of the call that have no `traceparent` of their own: see `openTelemetryContext`.
   * @default none
   */
  readonly traceContext?: () => Readonly<Record<string, string>> | undefined;
}

/**
 * Writes messages to the outbox inside the caller's transaction: they exist if and only if it commits. All messages
 * are checked before any SQL, so a refused one leaves the transaction usable. After the commit, `relay.kick()` saves
 * the wait for the next poll.
 * @throws OutboxError `invalid-message`
 */
export async function enqueue(
  tx: Queryable,
  messages: readonly OutboxMessage[],
  options: EnqueueOptions = {},
): Promise<void> {
  requireMethod('enqueue', 'tx', tx, 'query');
  const tables = tablesOf(options.schema);
  const limits = {
    maxPayloadBytes: integerOption('enqueue', 'maxPayloadBytes', options.maxPayloadBytes, 1024 * 1024, 2),
    maxHeadersBytes: integerOption('enqueue', 'maxHeadersBytes', options.maxHeadersBytes, 16 * 1024, 2),
  };
  if (messages.length > MAX_MESSAGES_PER_CALL) {
    throw new OutboxError(
      'invalid-message',
      `enqueue: ${messages.length} messages in one call, allowed are at most ${MAX_MESSAGES_PER_CALL}`,
    );
  }
  if (messages.length === 0) return;
  const trace = options.traceContext?.();
  const payloads: string[] = [];
  const headers: (string | null)[] = [];
  for (const [index, message] of messages.entries()) {
    const encoded = encodeMessage(traced(message, trace), index, limits);
    payloads.push(encoded.payload);
    headers.push(encoded.headers);
  }
  const shardingKeys = messages.map((message) => message.shardingKey);
  if (options.lockKeys === true) await tx.query(lockKeysSql(tables), [[...new Set(shardingKeys)]]);
  const columns = [
    messages.map((message) => message.topic),
    messages.map((message) => message.tag ?? null),
    messages.map((message) => message.messageKey),
    shardingKeys,
    payloads,
    headers,
  ];
  if (messages.length === 1)
    await tx.query(
      enqueueOneSql(tables),
      columns.map(([value]) => value),
    );
  else await tx.query(enqueueSql(tables), columns);
}

function traced(message: OutboxMessage, trace: Readonly<Record<string, string>> | undefined): OutboxMessage {
  const { headers } = message;
  if (trace === undefined || headers?.['traceparent'] !== undefined) return message;
  return { ...message, headers: { ...trace, ...headers } };
}
