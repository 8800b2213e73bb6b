import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually, type Program } from '@dt/testkit';
import { enqueue, Relay } from '../../src/index.ts';
import { createTestSchema, type TestSchema } from '../support/database.ts';
import { compile, type Compiled } from '../support/compile.ts';
import { createBrokerLog, killLoop, relayStarter, type StartRelay } from '../support/kill-loop.ts';
import { RecordingBroker } from '../../src/testing/index.ts';

let schema: TestSchema;
let compiled: Compiled;
let start: StartRelay;

beforeAll(async () => {
  [schema, compiled] = await Promise.all([createTestSchema(), compile()]);
  start = relayStarter(compiled, schema);
});
afterAll(async () => {
  await Promise.all([schema.drop(), compiled.remove()]);
});
beforeEach(async () => {
  await schema.reset();
  await createBrokerLog(schema);
});

describe('Relay killed with SIGKILL', () => {
  it('loses nothing and keeps the order of each key, kill after kill', async () => {
    const { written } = await killLoop(schema, start, 6);
    expect(written).toBeGreaterThan(100);
  }, 90_000);

  it('is replaced within ten seconds by default', async () => {
    const program = await start();
    const broker = new RecordingBroker();
    const relay = new Relay({ database: schema.database, publisher: broker.publisher() });
    await relay.start();
    try {
      await eventually(() => relay.stats().lanes === 32);
      await program.kill();
      const killedMs = performance.now();
      await schema.database.transaction((tx) =>
        enqueue(
          tx,
          Array.from({ length: 200 }, (_, i) => ({
            topic: 't',
            messageKey: `m-${i}`,
            shardingKey: `k-${i}`,
            payload: {},
          })),
        ),
      );
      await eventually(() => broker.log.length === 200, { timeoutMs: 12_000 });
      expect(performance.now() - killedMs).toBeLessThan(10_000);
    } finally {
      await relay.close();
      await program.kill();
    }
  }, 40_000);

  it('sets aside the message that kills the process, and no other', async () => {
    await schema.database.transaction((tx) =>
      enqueue(
        tx,
        Array.from({ length: 100 }, (_, i) => ({
          topic: 't',
          messageKey: `m-${i}`,
          shardingKey: `k-${i % 10}`,
          payload: {},
        })),
      ),
    );
    const env = { LEASE_MS: '600', MAX_CRASHES: '3', POISON: 'm-42' };
    const programs: Program[] = [];
    try {
      await eventually(
        async () => {
          const { rows } = await schema.pool.query('SELECT 1 FROM outbox WHERE status = 0 LIMIT 1');
          if (rows.length === 0) return true;
          const program = programs.at(-1);
          if (program === undefined || !program.running) programs.push(await start(env));
          return false;
        },
        { timeoutMs: 40_000, intervalMs: 50 },
      );
    } finally {
      await Promise.all(programs.map((program) => program.kill()));
    }
    const { rows } = await schema.pool.query(
      'SELECT message_key, crashes, last_error FROM outbox WHERE status = 2',
    );
    expect(rows).toEqual([
      { message_key: 'm-42', crashes: 3, last_error: 'the sending process died during 3 attempt(s)' },
    ]);
  }, 60_000);
});
