import { Output } from '@dt/mqadmin';
import { Command } from 'commander';
import { whole } from '../options.ts';
import { formatTable } from '../table.ts';
import type { BoxWords } from './box.ts';
import { filterOf, type FilterFlags, statusOf, withFilter, withStatus } from './filter-flags.ts';
import { formatTime, messages, printable, withNulls } from './format.ts';
import { withLetters } from './open.ts';

interface SummaryFlags extends FilterFlags {
  status: string;
  limit: number;
  json?: boolean;
}

export function summaryCommand(words: BoxWords): Command {
  return withStatus(withFilter(new Command('summary'), words), words)
    .description('Count the dead messages by topic, tag and error; with --status others.')
    .addOption(whole('--limit <number>', 'most lines, the largest first', 20, 1, 1000))
    .option('--json', 'print the counts as one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  $ dt ${words.box} summary
  $ dt ${words.box} summary --failed-from 24h --json`,
    )
    .action(async (flags: SummaryFlags) => {
      const status = statusOf(flags);
      const out = new Output(process, flags.json === true);
      const summary = await withLetters(words, flags, (letters) =>
        letters.summary({ ...filterOf(flags), status, limit: flags.limit }),
      );
      if (out.json) {
        out.document(withNulls(summary));
        return;
      }
      const { groups, allGroups } = summary;
      const inGroups = words.box === 'inbox';
      out.line(
        formatTable(
          ['messages', ...(inGroups ? ['group'] : []), 'topic', 'tag', 'oldest', 'newest', 'error'],
          groups.map((group) => [
            String(group.messages),
            ...(inGroups ? [group.consumerGroup ?? ''] : []),
            group.topic,
            group.tag ?? '',
            formatTime(group.oldestAt),
            formatTime(group.newestAt),
            printable(group.error ?? ''),
          ]),
          [true],
        ),
      );
      const more = allGroups > groups.length ? ` in ${allGroups} lines; more with --limit` : '';
      out.line(`(${messages(summary.messages)}${more})`);
    });
}
