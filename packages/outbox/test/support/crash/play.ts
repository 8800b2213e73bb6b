import { inspect } from 'node:util';
import pg from 'pg';
import { createTestDatabase } from '@dt/testkit';
import { History, type HistoryReport } from './history.ts';
import { planOf } from './plan.ts';
import { type Rewrite, World } from './world.ts';

export interface Played {
  readonly histories: number;
  readonly messages: number;
  /** Messages that the broker got more than once. */
  readonly doubles: number;
  /** How often a process died at each fail point. */
  readonly deaths: ReadonlyMap<string, number>;
  /** What broke a rule, with the seed that plays it again, and its plan; no more histories were begun then. */
  readonly failures: readonly string[];
}

export interface PlayOptions {
  readonly rewrite?: Rewrite;
  /** What has not come through by then is lost. @default 120000, far more than it takes on a busy machine */
  readonly quietTimeoutMs?: number;
}

/** They mostly wait; more at once than this only take each other's time. */
const AT_ONCE = 12;
const CONNECTIONS_A_HISTORY = 12;

/** Plays the histories of the seeds, several at once, each in a schema of its own of one database. */
export async function playHistories(
  seeds: readonly number[],
  { rewrite = (text) => text, quietTimeoutMs = 120_000 }: PlayOptions = {},
): Promise<Played> {
  const database = await createTestDatabase();
  const played = {
    histories: 0,
    messages: 0,
    doubles: 0,
    deaths: new Map<string, number>(),
    failures: [] as string[],
  };
  const waiting = [...seeds];
  const play = async (slot: number): Promise<void> => {
    // A pool a slot: a server process that has seen the tables of all slots has read the catalog for each of them.
    const pool = new pg.Pool({
      ...database.connection,
      max: CONNECTIONS_A_HISTORY,
      options: '-c plan_cache_mode=force_generic_plan',
    });
    // Connections are cut all the time.
    pool.on('error', () => {});
    try {
      const world = await World.create(pool, `history_${slot}`, rewrite);
      for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
        try {
          add(played, await new History(planOf(seed), world, quietTimeoutMs).run());
        } catch (error) {
          waiting.length = 0;
          played.failures.push(`SEED=${seed}: ${describe(error)}\nplan: ${JSON.stringify(planOf(seed))}`);
        }
      }
    } finally {
      await pool.end();
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, seeds.length) }, (_, slot) => play(slot)));
  } finally {
    await database.drop();
  }
  return played;
}

function add(
  played: { histories: number; messages: number; doubles: number; deaths: Map<string, number> },
  { messages, doubles, deaths }: HistoryReport,
): void {
  played.histories += 1;
  played.messages += messages;
  played.doubles += doubles;
  for (const death of deaths) played.deaths.set(death, (played.deaths.get(death) ?? 0) + 1);
}

/** An assertion inside of a helper tells only its names: what it compared is what one needs. */
function describe(error: unknown): string {
  const { stack, actual, expected } = error as { stack?: string; actual?: unknown; expected?: unknown };
  const compared = actual === undefined ? '' : `\n${inspect({ actual, expected }, { depth: 4 })}`;
  return `${stack ?? String(error)}${compared}`;
}
