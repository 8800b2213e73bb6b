import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, type Program, spawnNode } from '@dt/testkit';
import { expect } from 'vitest';
import { type Compiled } from './compile.ts';
import { enqueue } from '../../src/index.ts';
import { type TestSchema } from './database.ts';

export async function createBrokerLog(schema: TestSchema): Promise<void> {
  await schema.pool.query(
    `CREATE TABLE IF NOT EXISTS broker_log (id bigserial PRIMARY KEY, message_key text, sharding_key text)`,
  );
  await schema.pool.query('TRUNCATE broker_log');
}

export type StartRelay = (env?: Record<string, string>) => Promise<Program>;

/** Starts `relay-process.ts` on a database. */
export function relayStarter(compiled: Compiled, schema: TestSchema): StartRelay {
  return (env = {}) =>
    spawnNode({
      script: compiled.script('test/support/relay-process.ts'),
      env: { ...process.env, NODE_OPTIONS: '', DATABASE: schema.connectionString, ...env },
      readyLine: /relay started/,
    });
}

/** Writes without pause, kills relays at random times, and checks in the end that nothing is lost or out of order. */
export async function killLoop(
  schema: TestSchema,
  start: StartRelay,
  kills: number,
): Promise<{ written: number; doubles: number }> {
  await createBrokerLog(schema);
  let written = 0;
  let stop = false;
  const writer = async (key: string): Promise<void> => {
    while (!stop) {
      const from = written;
      written += 5;
      await schema.database.transaction((tx) =>
        enqueue(
          tx,
          Array.from({ length: 5 }, (_, i) => ({
            topic: 't',
            messageKey: `${key}-${from + i}`,
            shardingKey: key,
            payload: {},
          })),
        ),
      );
      await sleep(Math.random() * 20);
    }
  };
  const writers = Array.from({ length: 8 }, (_, i) => writer(`key-${i}`));
  const env = { LEASE_MS: '1200', DELAY_MS: '8' };
  const running = await Promise.all([start(env), start(env)]);
  try {
    for (let i = 0; i < kills; i++) {
      await sleep(50 + Math.random() * 400);
      const victim = running.shift();
      await victim?.kill();
      running.push(await start(env));
    }
    stop = true;
    await Promise.all(writers);
    await eventually(
      async () => {
        const { rows } = await schema.pool.query<{ status: number; count: number }>(
          'SELECT status, count(*)::int AS count FROM outbox GROUP BY 1',
        );
        expect(rows).toEqual([{ status: 1, count: written }]);
        return true;
      },
      { timeoutMs: 30_000 },
    );
  } finally {
    stop = true;
    await Promise.allSettled([...writers, ...running.map((program) => program.kill())]);
  }
  const { rows } = await schema.pool.query<{ lost: number; inverted: number; doubles: number }>(
    `WITH first AS (SELECT message_key, min(id) AS arrival FROM broker_log GROUP BY 1),
     ordered AS (
       SELECT f.arrival, lag(f.arrival) OVER (PARTITION BY o.sharding_key ORDER BY o.id) AS before
       FROM outbox o LEFT JOIN first f USING (message_key)
     )
     SELECT count(*) FILTER (WHERE arrival IS NULL)::int AS lost,
            count(*) FILTER (WHERE arrival < before)::int AS inverted,
            (SELECT count(*) - count(DISTINCT message_key) FROM broker_log)::int AS doubles
     FROM ordered`,
  );
  const [found] = rows;
  expect(found).toMatchObject({ lost: 0, inverted: 0 });
  return { written, doubles: found?.doubles ?? 0 };
}
