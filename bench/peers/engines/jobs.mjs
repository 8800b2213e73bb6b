// What every engine gets to do.
import pg from 'pg';

const USERS = 1_000;

/** Settlements as JSON of 1 KB, in batches. */
export function* jobs(rows, batchSize) {
  for (let first = 1; first <= rows; first += batchSize) {
    yield Array.from({ length: Math.min(batchSize, rows - first + 1) }, (_, n) => {
      const number = first + n;
      const job = { version: 1, bill_no: `DT${number}`, user_id: number % USERS, amount: 250, note: '' };
      return { ...job, note: 'x'.repeat(1024 - JSON.stringify(job).length) };
    });
  }
}

/** Leaves the database with nothing to catch up on. */
export async function settle(connection) {
  const client = new pg.Client(connection);
  await client.connect();
  await client.query('VACUUM ANALYZE');
  await client.query('CHECKPOINT');
  await client.end();
}
