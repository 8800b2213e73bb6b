import { enqueue, Inbox } from '@dt/outbox';
import type { Database } from '../../../src/database/index.ts';

/**
 * Empties both tables and puts in: outbox B1 and B2 dead and B3 sent, of one sharding key, and B4 pending; inbox I1 and
 * I2 dead and I3 applied, of one sharding key and the group that the configuration has by default, and one that is
 * unreadable.
 */
export async function putDeadRows(database: Database): Promise<void> {
  await database.query('TRUNCATE outbox, inbox, outbox_replays RESTART IDENTITY');
  const message = (n: number, tag: string) => ({
    topic: 'dt_settle',
    tag,
    messageKey: `B${n}:1:${tag}`,
    shardingKey: n === 4 ? 'p:2' : 'p:1',
    payload: { n },
    headers: { traceparent: `00-${n}` },
  });
  await database.transaction((tx) =>
    enqueue(tx, [
      message(1, 'order_settled'),
      message(2, 'bet_placed'),
      message(3, 'bet_placed'),
      message(4, 'bet_placed'),
    ]),
  );
  await database.query(
    `UPDATE outbox SET status = CASE id WHEN 3 THEN 1 ELSE 2 END, attempts = 3, last_error = 'too large: ' || id,
            died_at = CASE WHEN id < 3 THEN now() END, payload = '{"big":12345678901234567890}' WHERE id < 4`,
  );
  const inbox = new Inbox({
    database,
    consumerGroup: 'game-consumer',
    maxAttempts: 1,
    handlers: { bad: () => Promise.reject(new Error('no\u001b[2J account')), good: () => Promise.resolve() },
  });
  await inbox.receive([
    { topic: 'dt_settle', tag: 'bad', messageKey: 'I1', shardingKey: 'p:1', body: '{"n":1}' },
    { topic: 'dt_settle', tag: 'bad', messageKey: 'I2', shardingKey: 'p:1', body: '{"n":2}' },
    { topic: 'dt_settle', tag: 'good', messageKey: 'I3', shardingKey: 'p:1', body: '{"n":3}' },
    { topic: 'dt_settle', tag: 'good', messageKey: 'torn', shardingKey: 'p:1', body: 'torn{' },
  ]);
  await inbox.close();
}
