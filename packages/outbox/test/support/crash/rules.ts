import { eventually } from '@dt/testkit';
import { expect } from 'vitest';
import { type History } from './history.ts';
import { INBOX_ATTEMPTS } from './plan.ts';

/** Whether everything has come through: nothing waits in the outbox, at the broker or in the inbox, in this order. */
export async function isQuiet({ world: { pool, schema }, late, log }: History): Promise<boolean> {
  const waits = async (table: string): Promise<boolean> =>
    (await pool.query(`SELECT 1 FROM ${schema}.${table} WHERE status = 0 LIMIT 1`)).rows.length > 0;
  // What the log tells costs no statement.
  if (!log.consumed || (await waits('outbox'))) return false;
  await Promise.all(late);
  return log.consumed && !(await waits('inbox'));
}

/** What does not come through, for the error. */
export async function whatWaits({ world: { pool, schema }, log, relays }: History): Promise<string> {
  const { rows: outbox } = await pool.query(
    `SELECT id, lane, sharding_key, attempts, crashes, last_error FROM ${schema}.outbox WHERE status = 0`,
  );
  const { rows: inbox } = await pool.query(
    `SELECT id, sharding_key, attempts, last_error FROM ${schema}.inbox WHERE status = 0`,
  );
  const stats = [...relays].map((relay) => relay.stats());
  return JSON.stringify({ outbox, inbox, consumed: log.consumed, relays: stats });
}

/** Rule: no lane without an owner while a relay lives. */
export async function checkLanes({ world, relays }: History): Promise<void> {
  await eventually(
    async () => {
      const { rows } = await world.pool.query<{ owned: number }>(
        `SELECT count(*)::int AS owned FROM ${world.schema}.outbox_lanes l
         JOIN ${world.schema}.outbox_relays r ON r.session_id = l.owner AND r.expires_at > clock_timestamp()`,
      );
      const held = [...relays].reduce((sum, relay) => sum + relay.stats().lanes, 0);
      expect({ owned: rows[0]?.owned, held }).toEqual({ owned: 64, held: 64 });
      return true;
    },
    { what: 'no lane without an owner', timeoutMs: 60_000 },
  );
}

/** Rule: a graceful end leaves no lane to a session that counts as alive. */
export async function checkLeftNothing({ world: { pool, schema } }: History): Promise<void> {
  const { rows } = await pool.query(
    `SELECT l.lane FROM ${schema}.outbox_lanes l
     JOIN ${schema}.outbox_relays r ON r.session_id = l.owner AND r.expires_at > clock_timestamp()`,
  );
  expect(rows, 'a graceful end leaves nothing behind').toEqual([]);
}

interface Row {
  readonly message_key: string;
  readonly sharding_key: string;
  readonly amount: number;
  readonly failures: number;
  readonly status: number;
  readonly crashes: number;
  readonly inbox_rows: number;
  readonly inbox_status: number | null;
  readonly effects: number;
}

/** The rules about messages, once all is quiet. */
export async function checkRows(history: History): Promise<{ messages: number; doubles: number }> {
  const { world, log } = history;
  const { pool, schema } = world;
  const { rows } = await pool.query<Row>(
    `SELECT o.message_key, o.sharding_key, (o.payload ->> 'amount')::int AS amount,
            (o.payload ->> 'handlerFailures')::int AS failures, o.status, o.crashes,
            (SELECT count(*) FROM ${schema}.inbox i WHERE i.message_key = o.message_key)::int AS inbox_rows,
            (SELECT min(status) FROM ${schema}.inbox i WHERE i.message_key = o.message_key) AS inbox_status,
            (SELECT count(*) FROM ${schema}.effects e WHERE e.message_key = o.message_key)::int AS effects
     FROM ${schema}.outbox o ORDER BY o.id`,
  );

  expect(
    rows.map((row) => ({
      key: row.message_key,
      sent: row.status,
      inbox: row.inbox_status,
      rows: row.inbox_rows,
      effects: row.effects,
    })),
    'nothing lost, one effect per key',
  ).toEqual(
    rows.map((row) => {
      const key = row.message_key;
      if (history.isRejected(key)) return { key, sent: 2, inbox: null, rows: 0, effects: 0 };
      if (row.failures >= INBOX_ATTEMPTS) return { key, sent: 1, inbox: 2, rows: 1, effects: 0 };
      return { key, sent: 1, inbox: 1, rows: 1, effects: 1 };
    }),
  );

  const arrived = new Map<string, string[]>();
  const seen = new Set<string>();
  let doubles = 0;
  for (const { messageKey, shardingKey } of log.entries) {
    if (seen.has(messageKey)) doubles += 1;
    else arrived.set(shardingKey, [...(arrived.get(shardingKey) ?? []), messageKey]);
    seen.add(messageKey);
  }
  const written = new Map<string, string[]>();
  for (const row of rows) {
    if (row.status !== 1) continue;
    written.set(row.sharding_key, [...(written.get(row.sharding_key) ?? []), row.message_key]);
  }
  expect(arrived, 'order per key at the broker').toEqual(written);

  const balances = await pool.query<{ key: string; source: string; projected: string; inversions: number }>(
    `SELECT a.key, a.balance AS source, p.balance AS projected, p.inversions
     FROM ${schema}.accounts a JOIN ${schema}.projection p USING (key) ORDER BY key`,
  );
  const sum = (key: string, which: (row: Row) => boolean): string =>
    String(rows.reduce((total, row) => total + (row.sharding_key === key && which(row) ? row.amount : 0), 0));
  expect(balances.rows, 'order per key of the effects, balances equal the source').toEqual(
    balances.rows.map(({ key }) => ({
      key,
      source: sum(key, () => true),
      projected: sum(key, (row) => row.effects > 0),
      inversions: 0,
    })),
  );

  expect(history.fence.broken, 'an old epoch changes nothing').toEqual([]);
  if (!history.mayDouble) expect(doubles, 'nothing is sent twice without a cause').toBe(0);
  if (!history.leaseLost) {
    expect(
      rows.filter((row) => row.crashes > 0),
      'an attempt is called a crash without one',
    ).toEqual([]);
  }
  return { messages: rows.length, doubles };
}
