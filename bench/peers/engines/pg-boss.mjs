// pg-boss: batches of 1,000 fetched and completed over two loops, which its workers do with a pause between batches.
import PgBoss from 'pg-boss';
import { peer, stopwatch } from '../lib/harness.mjs';
import { jobs, settle } from './jobs.mjs';

await peer({
  async drain({ connection, rows, watched }) {
    const boss = new PgBoss({ ...connection, max: 4, supervise: false, schedule: false });
    await boss.start();
    await boss.createQueue('bench');
    for (const data of jobs(rows, 1_000)) await boss.insert(data.map((data) => ({ name: 'bench', data })));
    await settle(connection);
    const stop = stopwatch(watched);
    let done = 0;
    const loop = async () => {
      for (;;) {
        const batch = await boss.fetch('bench', { batchSize: 1_000 });
        if (batch.length === 0) return;
        await boss.complete(
          'bench',
          batch.map(({ id }) => id),
        );
        done += batch.length;
      }
    };
    await Promise.all([loop(), loop()]);
    return stop(done);
  },
});
