import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { createTestDatabase } from '@dt/testkit';
import {
  createDatabase,
  migrate,
  readMigrations,
  type Database,
  type DatabaseOptions,
} from '../../src/database/index.ts';

export const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url));

export interface OpenedDatabase {
  readonly database: Database;
  readonly connectionString: string;
  readonly close: () => Promise<void>;
}

/** A migrated database of its own. Clones of one template, which is made again when a migration changes. */
export async function openDatabase(options: Partial<DatabaseOptions> = {}): Promise<OpenedDatabase> {
  const migrations = await readMigrations(MIGRATIONS);
  const checksums = createHash('sha256')
    .update(migrations.map(({ checksum }) => checksum).join())
    .digest('hex');
  const created = await createTestDatabase({
    templateKey: `server ${checksums}`,
    prepare: async (url) => {
      const database = createDatabase({ connectionString: url, maxConnections: 1 });
      await migrate(database);
      await database.close();
    },
  });
  const { connectionString } = created;
  const database = createDatabase({ connectionString, maxConnections: 20, ...options });
  return {
    database,
    connectionString,
    close: async () => {
      await database.close();
      await created.drop();
    },
  };
}
