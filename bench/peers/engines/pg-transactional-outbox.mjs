// pg-transactional-outbox: its polling listener, a segment for each sharding key. Its own strategy asks for one message
// whenever one is done; this one lets 200 run and asks for more when half of them are done.
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import outbox from 'pg-transactional-outbox';
import { peer, stopwatch } from '../lib/harness.mjs';
import { jobs, settle } from './jobs.mjs';

const place = { schema: 'public', table: 'peer_outbox', nextMessagesName: 'next_peer_messages' };

const BATCH = 200;

async function batchSizeStrategy(running) {
  if (running <= BATCH / 2) return BATCH;
  await pause(1);
  return running;
}

await peer({
  async drain({ connection, rows, watched }) {
    const pool = new pg.Pool({ ...connection, max: 1 });
    const setup = {
      outboxOrInbox: 'outbox',
      database: connection.database,
      listenerRole: connection.user,
      ...place,
    };
    await pool.query(outbox.DatabaseSetupExporter.createPollingScript(setup, true));
    for (const batch of jobs(rows, 1_000)) {
      await pool.query(
        `INSERT INTO peer_outbox (id, aggregate_type, aggregate_id, message_type, segment, payload)
         SELECT gen_random_uuid(), 'bench', j->>'user_id', 'bench', j->>'user_id', j FROM jsonb_array_elements($1) AS j`,
        [JSON.stringify(batch)],
      );
    }
    await settle(connection);
    let done = 0;
    let finish;
    const all = new Promise((resolve) => (finish = resolve));
    const handler = {
      async handle() {
        done += 1;
        if (done === rows) finish();
      },
    };
    const stop = stopwatch(watched);
    const [shutdown] = outbox.initializePollingMessageListener(
      {
        outboxOrInbox: 'outbox',
        dbListenerConfig: connection,
        settings: {
          dbSchema: place.schema,
          dbTable: place.table,
          nextMessagesFunctionName: place.nextMessagesName,
          nextMessagesBatchSize: BATCH,
          nextMessagesPollingIntervalInMs: 10,
          enableMaxAttemptsProtection: false,
          enablePoisonousMessageProtection: false,
        },
      },
      handler,
      outbox.getDisabledLogger(),
      { batchSizeStrategy },
    );
    await all;
    const figures = stop(done);
    await shutdown();
    await pool.end();
    return figures;
  },
});
