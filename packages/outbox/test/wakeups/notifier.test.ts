import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '@dt/testkit';
import { Notifier } from '../../src/index.ts';
import { wakeupChannel } from '../../src/wakeups/channel.ts';
import { createTestSchema, type TestSchema } from '../support/database.ts';

let schema: TestSchema;

beforeAll(async () => {
  schema = await createTestSchema();
});
afterAll(() => schema.drop());

describe('Notifier', () => {
  it('tells many commits with few notifications, the last one after the last commit', async () => {
    const heardMs: number[] = [];
    const subscription = await schema.database.listen!(wakeupChannel('public'), () => {
      heardMs.push(performance.now());
    });
    const notifier = new Notifier({ database: schema.database, debounceMs: 50 });
    let lastMs = 0;
    const startedMs = performance.now();
    while (performance.now() - startedMs < 220) {
      for (let i = 0; i < 100; i++) notifier.committed();
      lastMs = performance.now();
      await sleep(1);
    }
    await eventually(() => (heardMs.at(-1) ?? 0) > lastMs);
    await notifier.close();
    expect(heardMs.length).toBeGreaterThan(1);
    expect(heardMs.length).toBeLessThanOrEqual(2 + (performance.now() - startedMs) / 50);
    subscription.close();
  });

  it('tells at its close what is still untold, and nothing afterwards', async () => {
    let heard = 0;
    const subscription = await schema.database.listen!(wakeupChannel('other'), () => {
      heard += 1;
    });
    const notifier = new Notifier({ database: schema.database, schema: 'other', debounceMs: 60_000 });
    notifier.committed();
    await eventually(() => heard === 1);
    notifier.committed();
    await notifier.close();
    notifier.committed();
    await eventually(() => heard === 2);
    await subscription.check();
    expect(heard).toBe(2);
    subscription.close();
  });

  it('reports a notification that failed and goes on', async () => {
    const errors: unknown[] = [];
    let fail = true;
    const notifier = new Notifier({
      database: {
        query: (text, values) =>
          fail ? Promise.reject(new Error('away')) : schema.database.query(text, values),
      },
      onError: (error) => {
        errors.push(error);
        throw new Error('a hook may fail');
      },
    });
    notifier.committed();
    await eventually(() => errors.length === 1);
    fail = false;
    let heard = 0;
    const subscription = await schema.database.listen!(wakeupChannel('public'), () => {
      heard += 1;
    });
    notifier.committed();
    await eventually(() => heard === 1);
    await notifier.close();
    subscription.close();
  });

  it('keeps to names that PostgreSQL takes, one a schema', () => {
    const long = '表'.repeat(40);
    expect(wakeupChannel('public')).toBe('outbox:public');
    expect(wakeupChannel(long)).not.toBe(wakeupChannel(`${long}x`));
    expect(Buffer.byteLength(wakeupChannel(long))).toBeLessThan(64);
  });
});
