import { eventually, type Incarnation, mortalPool } from '@dt/testkit';
import { type PoolClient } from 'pg';
import type pg from 'pg';
import { type Database, fromPgPool, migrate } from '../../../src/index.ts';
import { SHARDING_KEYS } from './plan.ts';
import { type Role, type StepOf, stepsOf } from './steps.ts';

/** Puts another statement in the place of one of the engine's: to see that the rules notice. */
export type Rewrite = (text: string) => string;

/**
 * The database of one history at a time: the tables of the engine in a schema of their own, accounts as the source of
 * the messages, and the projection that their effects build up.
 */
export class World {
  readonly pool: pg.Pool;
  readonly schema: string;
  readonly #cutBackends = new Set<number>();
  readonly #rewrite: Rewrite;

  private constructor(pool: pg.Pool, schema: string, rewrite: Rewrite) {
    this.pool = pool;
    this.schema = schema;
    this.#rewrite = rewrite;
  }

  static async create(pool: pg.Pool, schema: string, rewrite: Rewrite): Promise<World> {
    await migrate(fromPgPool(pool), { schema });
    await pool.query(`
      CREATE TABLE ${schema}.accounts (key text PRIMARY KEY, balance bigint NOT NULL, number bigint NOT NULL);
      CREATE TABLE ${schema}.projection (
        key text PRIMARY KEY, balance bigint NOT NULL, last_number bigint NOT NULL, inversions int NOT NULL);
      CREATE TABLE ${schema}.effects (message_key text NOT NULL);
      INSERT INTO ${schema}.accounts SELECT 'key-' || i, 0, 0 FROM generate_series(0, ${SHARDING_KEYS - 1}) AS i;
      INSERT INTO ${schema}.projection SELECT 'key-' || i, 0, 0, 0 FROM generate_series(0, ${SHARDING_KEYS - 1}) AS i;`);
    return new World(pool, schema, rewrite);
  }

  /** The database as a process sees it that may die at each of its statements. */
  database<R extends Role>(role: R, incarnation: Incarnation<StepOf<R>>): Database {
    const pool = mortalPool({
      pool: this.pool,
      incarnation,
      stepOf: stepsOf(role, this.schema),
      onCut: (client) => this.#noteCut(client),
    });
    const database = fromPgPool(pool);
    return { ...database, query: (text, values) => database.query(this.#rewrite(text), values) };
  }

  /** Waits until no server process is at work for a dead client any more. */
  async settled(): Promise<void> {
    if (this.#cutBackends.size === 0) return;
    const pids = [...this.#cutBackends];
    await eventually(
      async () => {
        const { rows } = await this.pool.query('SELECT 1 FROM pg_stat_activity WHERE pid = ANY ($1)', [pids]);
        return rows.length === 0;
      },
      { what: 'the end of the cut connections', timeoutMs: 60_000 },
    );
    for (const pid of pids) this.#cutBackends.delete(pid);
  }

  /** Lets the time pass in which nothing happens but that the lease of a dead relay runs out. */
  async endLease(instanceId: string): Promise<void> {
    await this.pool.query(
      `UPDATE ${this.schema}.outbox_relays SET expires_at = clock_timestamp() WHERE instance_id = $1`,
      [instanceId],
    );
  }

  /** A server process whose client died; it may still be at work. */
  #noteCut(client: PoolClient): void {
    const { processID } = client as PoolClient & { readonly processID?: number | null };
    if (typeof processID === 'number') this.#cutBackends.add(processID);
  }

  async reset(): Promise<void> {
    const { schema } = this;
    await this.pool.query(`
      DELETE FROM ${schema}.outbox; DELETE FROM ${schema}.inbox; DELETE FROM ${schema}.effects;
      DELETE FROM ${schema}.outbox_relays; DELETE FROM ${schema}.outbox_flights;
      UPDATE ${schema}.outbox_lanes SET owner = NULL, floor = 0, epoch = epoch + 1;
      UPDATE ${schema}.accounts SET balance = 0, number = 0;
      UPDATE ${schema}.projection SET balance = 0, last_number = 0, inversions = 0;`);
  }
}
