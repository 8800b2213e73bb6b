/**
 * A process that uses PostgreSQL, to be killed, interrupted and run as somebody else.
 *
 *     node user-main.mjs <how> <options of startPostgres as JSON>
 *
 * how: `hold` until the end of standard input, then stop; `idle` without ever stopping; `write` numbered rows and print
 * each number when its commit is acknowledged; `leave` by process.exit without a stop; `interrupt` close a pool, then
 * stop, on SIGINT.
 */
import { once } from 'node:events';
import pg from 'pg';
import { startPostgres, PostgresError, type PostgresOptions } from '../../src/index.ts';

const [, , how = 'hold', json = '{}'] = process.argv;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function write(connectionString: string): Promise<never> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query('CREATE TABLE IF NOT EXISTS written (number bigserial PRIMARY KEY, filler text)');
  for (;;) {
    const { rows } = await client.query<{ number: string }>(
      `INSERT INTO written (filler) VALUES (repeat('x', 200)) RETURNING number`,
    );
    say(`acknowledged ${rows[0]?.number ?? ''}`);
  }
}

try {
  const begun = performance.now();
  const server = await startPostgres(JSON.parse(json) as PostgresOptions);
  const { pid, attached, connectionString } = server;
  const startMs = Math.round(performance.now() - begun);
  say(`ready ${JSON.stringify({ pid, attached, connectionString, startMs })}`);
  switch (how) {
    case 'write':
      await write(connectionString);
      break;
    case 'idle':
      setInterval(() => {}, 60_000);
      break;
    case 'leave':
      process.exit(7);
      break;
    case 'interrupt': {
      const pool = new pg.Pool({ connectionString });
      await pool.query('SELECT 1');
      const interrupted = once(process, 'SIGINT');
      say('handles');
      await interrupted;
      const { rows } = await pool.query<{ answer: number }>('SELECT 42 AS answer');
      say(`still answers ${rows[0]?.answer ?? ''}`);
      await pool.end();
      await server.stop();
      say('stopped');
      break;
    }
    default:
      await once(process.stdin.resume(), 'end');
      await server.stop();
      say('stopped');
  }
} catch (error) {
  const code = error instanceof PostgresError ? error.code : 'no PostgresError';
  say(`failed ${JSON.stringify({ code, message: String(error) })}`);
  process.exitCode = 1;
}
