import { Command } from 'commander';
import { createDatabase, migrate } from '../database/index.ts';
import { createLog } from '../log/index.ts';
import { checkDatabase, openPostgres } from '../operations/postgres.ts';
import { readSettings, withSettings, type SettingsFlags } from './settings.ts';

export function migrateCommand(): Command {
  return withSettings(new Command('migrate'))
    .description('Bring the database to the schema of this version.')
    .option('--embedded', 'use the embedded PostgreSQL under --data-dir when no database is configured')
    .addHelpText(
      'after',
      `
Safe to run again and from several machines at once. \`dt serve\` does the same when it starts.

Examples:
  $ DATABASE_URL=postgres://dt@db/dt dt migrate
  $ dt migrate --embedded --data-dir data`,
    )
    .action(async (flags: SettingsFlags & { embedded?: boolean }) => {
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
        const applied = await migrate(database);
        log.info({ applied }, applied.length === 0 ? 'database: schema is up to date' : 'database: migrated');
      } finally {
        await database.close();
        await postgres.close();
      }
    });
}
