import { Command } from 'commander';
import { openPostgres } from '../operations/postgres.ts';
import { checkQuestion, readOnlyQuery, type QueryTable } from '../operations/read-only-query.ts';
import { createLog } from '../log/index.ts';
import { readSettings, withSettings, type SettingsFlags } from './settings.ts';
import { formatTable } from './table.ts';

export function sqlCommand(): Command {
  return withSettings(new Command('sql'))
    .description('Ask the database; nothing can be written.')
    .argument('<statement>', 'one statement: SELECT, WITH, TABLE, VALUES, SHOW or EXPLAIN')
    .option('--json', 'print the rows as a JSON array of objects')
    .addHelpText(
      'after',
      `
The database is the configured one (DATABASE_URL or database.url), else the embedded one under --data-dir,
whether a server is running on it or not.

Examples:
  $ dt sql "SELECT status, count(*) FROM outbox GROUP BY 1"
  $ dt sql "SELECT * FROM outbox WHERE status = 0 ORDER BY created_at DESC LIMIT 10"
  $ dt sql --json "TABLE round_report"`,
    )
    .action(async (statement: string, flags: SettingsFlags & { json?: boolean }) => {
      checkQuestion(statement);
      const { config } = await readSettings(flags);
      const postgres = await openPostgres(config.database, {
        embedded: 'if-present',
        dataDir: flags.dataDir,
        log: createLog({ level: 'silent' }),
      });
      try {
        const table = await readOnlyQuery(postgres.connection, statement);
        process.stdout.write(flags.json === true ? `${toJson(table)}\n` : `${toText(table)}\n`);
      } finally {
        await postgres.close();
      }
    });
}

function toText({ columns, rows }: QueryTable): string {
  const body = formatTable(
    columns.map(({ name }) => name),
    rows.map((row) => row.map((value) => value ?? '')),
    columns.map(({ numeric }) => numeric),
  );
  return `${body}\n(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`;
}

/** Values as PostgreSQL writes them: numbers too stay text, since a bigint does not fit a JSON number. */
function toJson({ columns, rows }: QueryTable): string {
  return JSON.stringify(
    rows.map((row) => Object.fromEntries(columns.map(({ name }, at) => [name, row[at] ?? null]))),
    null,
    2,
  );
}
