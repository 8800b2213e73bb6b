import { setTimeout as pause } from 'node:timers/promises';
import { DeadError, Incarnation } from '@dt/testkit';
import { enqueue, type OutboxMessage, type Queryable } from '../../../src/index.ts';
import { type History } from './history.ts';
import { type PlannedMessage, type PlannedTransaction } from './plan.ts';

/** What the handlers read of a message. */
export interface Payload {
  readonly number: number;
  readonly amount: number;
  readonly handlerFailures: number;
}

class RolledBack extends Error {}

/** Changes accounts and enqueues what it did, transaction after transaction; whether one committed, the rows tell. */
export async function write(history: History, transactions: readonly PlannedTransaction[]): Promise<void> {
  for (const transaction of transactions) {
    await pause(transaction.pauseMs);
    const incarnation = new Incarnation(transaction.fate);
    const { world } = history;
    const database = world.database('writer', incarnation);
    try {
      await database.transaction(async (tx) => {
        await enqueue(tx, await changeAccounts(tx, world.schema, transaction.messages), {
          schema: world.schema,
        });
        await pause(transaction.holdMs);
        if (transaction.rollback) throw new RolledBack();
      });
    } catch (error) {
      if (!(error instanceof RolledBack) && !(error instanceof DeadError)) throw error;
    }
    history.noteDeath('writer', incarnation);
    history.kickRelays();
  }
}

async function changeAccounts(
  tx: Queryable,
  schema: string,
  messages: readonly PlannedMessage[],
): Promise<OutboxMessage[]> {
  const keys = [...new Set(messages.map((message) => message.shardingKey))];
  const { rows } = await tx.query(
    `SELECT key, number FROM ${schema}.accounts WHERE key = ANY ($1) ORDER BY key FOR UPDATE`,
    [keys],
  );
  const numbers = new Map(
    (rows as { key: string; number: string }[]).map((row) => [row.key, Number(row.number)]),
  );
  const sums = new Map<string, number>();
  const enqueued = messages.map(({ messageKey, shardingKey, amount, handlerFailures }) => {
    const number = (numbers.get(shardingKey) ?? 0) + 1;
    numbers.set(shardingKey, number);
    sums.set(shardingKey, (sums.get(shardingKey) ?? 0) + amount);
    const payload: Payload = { number, amount, handlerFailures };
    return { topic: 't', tag: 'moved', messageKey, shardingKey, payload };
  });
  await tx.query(
    `UPDATE ${schema}.accounts a SET balance = a.balance + u.amount, number = u.number
     FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS u(key, amount, number) WHERE a.key = u.key`,
    [keys, keys.map((key) => sums.get(key)), keys.map((key) => numbers.get(key))],
  );
  return enqueued;
}
