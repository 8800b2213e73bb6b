// graphile-worker with its local queue and its batched completion, as its chapter on performance says; jobs without a
// queue name, so without an order.
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import { peer, stopwatch } from '../lib/harness.mjs';
import { jobs, settle } from './jobs.mjs';

const logger = new Logger(() => () => undefined);

await peer({
  async drain({ connection, rows, watched }) {
    const pgPool = new pg.Pool({ ...connection, max: 8 });
    const utils = await makeWorkerUtils({ pgPool, logger });
    await utils.migrate();
    for (const batch of jobs(rows, 1_000))
      await utils.addJobs(batch.map((payload) => ({ identifier: 'bench', payload })));
    await settle(connection);
    let done = 0;
    let finish;
    const all = new Promise((resolve) => (finish = resolve));
    const stop = stopwatch(watched);
    const runner = await run({
      pgPool,
      logger,
      noHandleSignals: true,
      crontab: '',
      taskList: {
        bench: async () => {
          done += 1;
          if (done === rows) finish();
        },
      },
      preset: {
        worker: {
          concurrentJobs: 24,
          maxPoolSize: 8,
          pollInterval: 100,
          localQueue: { size: 1_000 },
          completeJobBatchDelay: 0,
          failJobBatchDelay: 0,
        },
      },
    });
    await all;
    // Until the last of them are completed in the database.
    for (let left = 1; left > 0;) {
      const { rows } = await pgPool.query('SELECT count(*)::int AS n FROM graphile_worker.jobs');
      left = rows[0].n;
    }
    const figures = stop(done);
    await runner.stop();
    return figures;
  },
});
