import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '@dt/testkit';
import { type Database, enqueue, Relay } from '../../src/index.ts';
import { renewSql } from '../../src/relay/leases.sql.ts';
import { claimSql } from '../../src/relay/relay.sql.ts';
import { tablesOf } from '../../src/schema/tables.ts';
import { RecordingBroker } from '../../src/testing/index.ts';
import { createTestSchema, type TestSchema } from '../support/database.ts';

const LEASE_MS = 1200;
/** What the relay itself relies on. */
const TRUSTED_MS = LEASE_MS * 0.85;

let schema: TestSchema;

beforeAll(async () => {
  schema = await createTestSchema();
});
afterAll(() => schema.drop());

/** Holds answers back, once told to, until both a walk and a renewal wait for theirs. */
class LateAnswers {
  readonly #claim = claimSql(tablesOf());
  readonly #renew = renewSql(tablesOf());
  readonly #held = new Map<string, () => void>();
  #holding = false;
  #renewedAtMs = 0;
  #bothHeld: () => void = () => {};
  readonly bothHeld = new Promise<void>((resolve) => {
    this.#bothHeld = resolve;
  });

  hold(): void {
    this.#holding = true;
  }

  database(inner: Database): Database {
    return {
      ...inner,
      query: async (text, values) => {
        const isRenewal = text === this.#renew;
        if (isRenewal && !this.#holding) this.#renewedAtMs = performance.now();
        const result = await inner.query(text, values);
        if (this.#holding && (isRenewal || text === this.#claim)) {
          await new Promise<void>((resolve) => {
            this.#held.set(text, resolve);
            if (this.#held.size === 2) this.#bothHeld();
          });
        }
        return result;
      },
    };
  }

  /** Blocks this thread until the old lease is over, then lets the walk's answer go before the renewal's. */
  async letGo(): Promise<void> {
    this.#holding = false;
    while (performance.now() < this.#renewedAtMs + TRUSTED_MS + 20);
    this.#held.get(this.#claim)?.();
    // All that follows from it and needs no timer.
    for (let i = 0; i < 1000; i++) await Promise.resolve();
    this.#held.get(this.#renew)?.();
  }
}

it('goes on polling when a walk ends after the lease and just before its late renewal', async () => {
  const answers = new LateAnswers();
  const broker = new RecordingBroker();
  const troubles: string[] = [];
  const relay = new Relay({
    database: answers.database(schema.database),
    publisher: broker.publisher(),
    leaseMs: LEASE_MS,
    pollMs: 20,
    onError: (error) => troubles.push(String(error)),
  });
  await relay.start();
  try {
    await eventually(() => relay.stats().lanes === 64);
    answers.hold();
    await answers.bothHeld;
    await answers.letGo();
    await schema.database.transaction((tx) =>
      enqueue(tx, [{ topic: 't', messageKey: 'm', shardingKey: 'k', payload: {} }]),
    );
    // Nobody kicks it.
    await eventually(() => broker.log.length === 1, { timeoutMs: 5000 });
    expect(troubles).toEqual([]);
    expect(relay.stats().lanes).toBe(64);
  } finally {
    await relay.close();
  }
});
