import { Output } from '@dt/mqadmin';
import { Command } from 'commander';
import { createDatabase, type Database } from '../database/index.ts';
import { createLog } from '../log/index.ts';
import { examine, type Point } from '../operations/doctor/index.ts';
import { checkDatabase, openPostgres } from '../operations/postgres.ts';
import { exitCodes } from './exit.ts';
import { whole } from './options.ts';
import { readSettings, withSettings, type SettingsFlags } from './settings.ts';

interface DoctorFlags extends SettingsFlags {
  fix?: boolean;
  production?: boolean;
  maxLag: number;
  json?: boolean;
}

export function doctorCommand(): Command {
  return withSettings(new Command('doctor'))
    .description('Look at the eight points between a settled bet and its inbox row, and say what to do.')
    .option('--fix', 'create a topic or a consumer group that is missing; changes nothing else')
    .option('--production', 'what is fine for a try-out fails its point as well')
    .addOption(whole('--max-lag <number>', 'messages that may wait for the consumer group', 10_000, 0))
    .option('--json', 'print {"ok", "points": [{"point", "name", "state", "lookedAt", "found", "faults"}]}')
    .addHelpText(
      'after',
      `
Reads only, but for --fix; sends no message; takes less than 15 s whatever does not answer. What each case means:
docs/guide/troubleshooting.md.

Exit codes: 0 no point fails, 1 a point fails, 2 the call was wrong.

Examples:
  $ dt doctor --config config/docker.json
  $ dt doctor --fix
  $ dt doctor --production --json | jq '.points[].faults[]'`,
    )
    .action(async (flags: DoctorFlags) => {
      const { config, originOf } = await readSettings(flags);
      const opened: { close(): Promise<void> }[] = [];
      const openDatabase = async (): Promise<Database> => {
        const postgres = await openPostgres(config.database, {
          embedded: 'if-present',
          dataDir: flags.dataDir,
          log: createLog({ level: 'silent' }),
        });
        opened.push(postgres);
        const database = createDatabase({
          connection: postgres.connection,
          maxConnections: 3,
          applicationName: 'dt doctor',
          connectTimeoutMs: 3000,
          statementTimeoutMs: 4000,
          closeTimeoutMs: 1000,
        });
        opened.push(database);
        await checkDatabase(database, postgres);
        return database;
      };
      let points: Point[];
      try {
        points = await examine({
          config,
          originOf,
          database: openDatabase,
          fix: flags.fix === true,
          production: flags.production === true,
          maxLag: flags.maxLag,
        });
      } finally {
        for (const part of opened.reverse()) await part.close();
      }
      const ok = points.every(({ state }) => state !== 'failed');
      if (!ok) process.exitCode = exitCodes.fault;
      const out = new Output(process, flags.json === true);
      if (out.json) out.document({ ok, points });
      else for (const line of report(points)) out.line(line);
    });
}

const MARKS: Readonly<Record<Point['state'], string>> = { ok: '✔', warning: '!', failed: '✖', skipped: '-' };
const NAME_WIDTH = 13;
const CASE_INDENT = ' '.repeat(4);

/** Marks and words, no colours: it reads the same in a terminal, a pipe and a ticket. */
export function report(points: readonly Point[]): string[] {
  const lines = points.flatMap(({ point, name, state, lookedAt, found, skipped, faults }) => [
    `${MARKS[state]} ${point} ${name.padEnd(NAME_WIDTH)} ${lookedAt}: ${skipped === undefined ? found || 'see below' : `not looked at, ${skipped}`}`,
    ...faults.flatMap(({ case: name, severity, evidence, fix, fixed }) => [
      `${CASE_INDENT}${fixed === undefined ? (severity === 'fault' ? '✖' : '!') : '✔'} ${name}: ${evidence}`,
      `${CASE_INDENT}  ${fixed === undefined ? `fix: ${fix}` : `fixed: ${fixed}`}`,
    ]),
  ]);
  const failing = points.filter(({ state }) => state === 'failed').length;
  return [...lines, failing === 0 ? 'no point fails' : `${failing} of ${points.length} points fail`];
}
