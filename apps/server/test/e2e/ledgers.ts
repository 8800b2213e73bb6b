import { setTimeout as pause } from 'node:timers/promises';
import { type Database, enqueue, fromPgPool, migrate, type Queryable, type Relay } from '@dt/outbox';
import { createTestDatabase, type TestDatabase } from '@dt/testkit';
import { expect } from 'vitest';
import pg from 'pg';

const PLAYERS = Array.from({ length: 7 }, (_, n) => `p${n}`);

/** The source, with a balance each player, and the projection that follows it by messages alone. */
export class Ledgers implements AsyncDisposable {
  readonly database: Database;
  readonly #pool: pg.Pool;
  readonly #test: TestDatabase;

  static async create(): Promise<Ledgers> {
    const ledgers = new Ledgers(await createTestDatabase());
    await migrate(ledgers.database);
    await ledgers.#pool.query(`
      CREATE TABLE balances (player text PRIMARY KEY, amount bigint NOT NULL DEFAULT 0);
      CREATE TABLE projected (player text PRIMARY KEY, amount bigint NOT NULL DEFAULT 0);
      CREATE TABLE effects (id bigserial PRIMARY KEY, message_key text NOT NULL);`);
    for (const table of ['balances', 'projected'])
      await ledgers.#pool.query(`INSERT INTO ${table} (player) SELECT unnest($1::text[])`, [PLAYERS]);
    return ledgers;
  }

  private constructor(test: TestDatabase) {
    this.#test = test;
    this.#pool = new pg.Pool({ ...test.connection, max: 12 });
    this.#pool.on('error', () => {});
    this.database = fromPgPool(this.#pool);
  }

  /** Resolves to the message keys in the order of their commits, `<player>.<number>.<place>`. */
  async write(topic: string, relay: Relay, signal: AbortSignal): Promise<readonly string[]> {
    const written: string[] = [];
    for (let number = 0; !signal.aborted; number++) {
      // Two each for four of the players.
      const entries = Array.from({ length: 8 }, (_, place) => {
        const player = PLAYERS[(number + (place >> 1)) % PLAYERS.length] ?? '';
        return {
          player,
          messageKey: `${player}.${number}.${place}`,
          amount: ((number * 31) % 97) - 40 * place,
        };
      });
      await this.database.transaction(async (tx) => {
        await tx.query(
          `UPDATE balances SET amount = amount + change FROM (
             SELECT player, sum(amount) AS change FROM unnest($1::text[], $2::int[]) AS entry (player, amount)
             GROUP BY player) AS changes WHERE changes.player = balances.player`,
          [entries.map(({ player }) => player), entries.map(({ amount }) => amount)],
        );
        await enqueue(
          tx,
          entries.map(({ player, messageKey, amount }) => ({
            topic,
            messageKey,
            shardingKey: player,
            payload: { amount },
          })),
        );
      });
      written.push(...entries.map(({ messageKey }) => messageKey));
      relay.kick();
      await pause(20);
    }
    return written;
  }

  async apply(tx: Queryable, messageKey: string, player: string, amount: number): Promise<void> {
    await tx.query(
      `WITH effect AS (INSERT INTO effects (message_key) VALUES ($1))
       UPDATE projected SET amount = amount + $3 WHERE player = $2`,
      [messageKey, player, amount],
    );
  }

  async applied(): Promise<number> {
    const { rows } = await this.#pool.query<{ applied: number }>(
      'SELECT count(*)::int AS applied FROM effects',
    );
    return rows[0]?.applied ?? 0;
  }

  /** Whether every row is sent, and applied once. */
  async settled(written: number): Promise<boolean> {
    const { rows } = await this.#pool.query(
      `SELECT (SELECT count(*) FROM outbox WHERE status = 1)::int AS sent,
              (SELECT count(*) FROM outbox WHERE status <> 1)::int AS "notSent",
              (SELECT count(*) FROM inbox WHERE status = 1)::int AS done,
              (SELECT count(*) FROM effects)::int AS effects`,
    );
    expect(rows).toEqual([{ sent: written, notSent: 0, done: written, effects: written }]);
    return true;
  }

  async effects(): Promise<string[]> {
    const { rows } = await this.#pool.query<{ message_key: string }>(
      'SELECT message_key FROM effects ORDER BY id',
    );
    return rows.map(({ message_key }) => message_key);
  }

  async differences(): Promise<unknown[]> {
    const { rows } = await this.#pool.query(
      `SELECT player, source.amount AS source, projected.amount AS projected
       FROM balances AS source JOIN projected USING (player) WHERE source.amount <> projected.amount`,
    );
    return rows as unknown[];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.end();
    await this.#test.drop();
  }
}
