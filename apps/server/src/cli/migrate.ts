import { Command } from 'commander';
import { createDatabase, migrate, planMigrations, type PlannedMigration } from '../database/index.ts';
import { createLog } from '../log/index.ts';
import { checkDatabase, openPostgres } from '../operations/postgres.ts';
import { WrongCallError } from './exit.ts';
import { readSettings, withSettings, type SettingsFlags } from './settings.ts';
import { formatTable } from './table.ts';

interface MigrateFlags extends SettingsFlags {
  embedded?: boolean;
  plan?: boolean;
  sql?: boolean;
  json?: boolean;
}

export function migrateCommand(): Command {
  return withSettings(new Command('migrate'))
    .description('Bring the database to the schema of this version.')
    .option('--plan', 'show what would be applied, and change nothing')
    .option('--sql', 'with --plan: the statements too')
    .option('--json', 'with --plan: as a JSON array')
    .option('--embedded', 'use the embedded PostgreSQL under --data-dir when no database is configured')
    .addHelpText(
      'after',
      `
Safe to run again and from several machines at once. \`dt serve\` does the same when it starts.

Examples:
  $ DATABASE_URL=postgres://dt@db/dt dt migrate
  $ dt migrate --plan
  $ dt migrate --plan --sql             to be read before a release
  $ dt migrate --embedded --data-dir data`,
    )
    .action(async (flags: MigrateFlags) => {
      if (flags.plan !== true && (flags.sql === true || flags.json === true))
        throw new WrongCallError('--sql and --json go with --plan');
      const { config } = await readSettings(flags);
      const log = createLog({ level: config.server.log_level, ...config.log });
      const postgres = await openPostgres(config.database, {
        embedded: flags.embedded === true ? 'start' : 'if-present',
        dataDir: flags.dataDir,
        log,
      });
      const database = createDatabase({ connection: postgres.connection, maxConnections: 2 });
      try {
        await checkDatabase(database, postgres);
        if (flags.plan === true) {
          process.stdout.write(planText(await planMigrations(database), flags));
          return;
        }
        const applied = await migrate(database);
        log.info({ applied }, applied.length === 0 ? 'database: schema is up to date' : 'database: migrated');
      } finally {
        await database.close();
        await postgres.close();
      }
    });
}

function planText(plan: readonly PlannedMigration[], { sql, json }: MigrateFlags): string {
  if (json === true) {
    const entries = plan.map(({ part, name, sql: text }) => ({
      part,
      name,
      ...(sql === true && { sql: text }),
    }));
    return `${JSON.stringify(entries, null, 2)}\n`;
  }
  if (plan.length === 0) return 'The schema is up to date: nothing would be applied.\n';
  if (sql === true) return plan.map(({ part, name, sql: text }) => `-- ${part}: ${name}\n${text}`).join('\n');
  const rows = plan.map(({ part, name }) => [part, name]);
  return `${formatTable(['part', 'file'], rows, [false, false])}\n`;
}
