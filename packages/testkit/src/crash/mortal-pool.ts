import type pg from 'pg';
import { DeadError, type Incarnation } from './incarnation.ts';

/** What is used of a pool of `pg`. */
export interface MortalPool {
  query(text: string, values?: unknown[]): Promise<pg.QueryResult>;
  connect(callback: (error: Error | undefined, client: MortalClient | undefined) => void): void;
}

export interface MortalClient {
  query(text: string, values?: unknown[]): Promise<pg.QueryResult>;
  release(destroy?: Error | boolean): void;
  on: pg.PoolClient['on'];
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
}

export interface MortalPoolOptions<Step extends string> {
  /** Shared by all incarnations: a connection is an incarnation's own only as long as it has it on loan. */
  readonly pool: pg.Pool;
  readonly incarnation: Incarnation<Step>;
  /** The step that a statement is; statements that are none are carried out without more ado. */
  readonly stepOf: (text: string) => Step | undefined;
  /** A connection was cut; its server process may go on for a while. */
  readonly onCut: (connection: pg.PoolClient) => void;
}

/** Connections that die with an incarnation: those in its hands are cut, and no statement is carried out any more. */
export function mortalPool<Step extends string>(options: MortalPoolOptions<Step>): MortalPool {
  const { pool, incarnation } = options;
  const connect: MortalPool['connect'] = (callback) => {
    pool.connect((error, client) => {
      if (client !== undefined && !incarnation.dead) {
        callback(undefined, mortalClient(client, options));
        return;
      }
      client?.release();
      callback(error ?? new DeadError('this incarnation is dead'), undefined);
    });
  };
  const query: MortalPool['query'] = async (text, values) => {
    const client = await new Promise<MortalClient>((resolve, reject) => {
      connect((error, granted) => {
        if (granted === undefined) reject(error ?? new Error('no connection'));
        else resolve(granted);
      });
    });
    try {
      return await client.query(text, values);
    } finally {
      client.release();
    }
  };
  return { connect, query };
}

function mortalClient<Step extends string>(
  client: pg.PoolClient,
  { incarnation, stepOf, onCut }: MortalPoolOptions<Step>,
): MortalClient {
  const ignore = (): void => {};
  client.on('error', ignore);
  let mine = true;
  const giveBack = (destroy?: Error | boolean): void => {
    if (!mine) return;
    mine = false;
    forget();
    client.removeListener('error', ignore);
    client.release(destroy);
  };
  const forget = incarnation.onDeath(() => {
    onCut(client);
    giveBack(true);
  });
  return {
    query: (text, values) => {
      const run = (): Promise<pg.QueryResult> =>
        values === undefined ? client.query(text) : client.query({ name: nameOf(text), text, values });
      const step = stepOf(text);
      return step === undefined ? incarnation.orDeath(run()) : incarnation.step(step, run);
    },
    release: giveBack,
    on: client.on.bind(client),
    removeListener: (event, listener) => client.removeListener(event, listener),
  };
}

const names = new Map<string, string>();

/** Statements are prepared under a name: short lives send the same few again and again, and planning is most of a small one. */
function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = `s${names.size}`;
    names.set(text, name);
  }
  return name;
}
