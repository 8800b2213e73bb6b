import { Output } from '@dt/mqadmin';
import { Command } from 'commander';
import { reconcile, reconciledChecks } from '../operations/reconcile.ts';
import { withDatabase } from './database.ts';
import { exitCodes } from './exit.ts';
import { text, whole } from './options.ts';
import { withSettings, type SettingsFlags } from './settings.ts';
import { formatTable } from './table.ts';

interface ReconcileFlags extends SettingsFlags {
  projections?: boolean;
  group?: string;
  limit: number;
  json?: boolean;
}

export function reconcileCommand(): Command {
  return withSettings(new Command('reconcile'))
    .description('Hold money, orders and messages against each other, and name every row that is wrong.')
    .option('--projections', 'also inbox rows, statements and reports: for when all messages have arrived')
    .addOption(
      text('--group <name>', 'whose inbox rows --projections looks for (default: rocketmq.consumer_group)'),
    )
    .addOption(whole('--limit <number>', 'most rows of one check', 100, 1, 10_000))
    .option('--json', 'print {"ok", "checks": [names], "findings": [{"check", "subject", "detail"}]}')
    .addHelpText(
      'after',
      `
Reads only, and may run beside a server that works: each check sees one moment of the database.

Exit codes: 0 every check holds, 1 a row is wrong, 2 the call was wrong.

Examples:
  $ dt reconcile                        the ledger, the orders, and an outbox row for each event of an order
  $ dt reconcile --projections          and on: each sent row is applied, statements and reports agree
  $ dt reconcile --json | jq .findings`,
    )
    .action(async (flags: ReconcileFlags) => {
      const out = new Output(process, flags.json === true);
      const { checks, findings } = await withDatabase(flags, async (database, config) => {
        const options = {
          projections: flags.projections === true,
          consumerGroup: flags.group ?? config.rocketmq.consumer_group,
          limit: flags.limit,
        };
        return { checks: reconciledChecks(options), findings: await reconcile(database, options) };
      });
      const ok = findings.length === 0;
      if (!ok) process.exitCode = exitCodes.fault;
      if (out.json) {
        out.document({ ok, checks, findings });
        return;
      }
      if (ok) {
        out.line(`all ${checks.length} checks hold`);
        return;
      }
      out.line(
        formatTable(
          ['check', 'row', 'what is wrong'],
          findings.map(({ check, subject, detail }) => [check, subject, detail]),
        ),
      );
      out.line(`(${findings.length} ${findings.length === 1 ? 'row is' : 'rows are'} wrong)`);
    });
}
