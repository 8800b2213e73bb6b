import { Output } from '@dt/mqadmin';
import { Command } from 'commander';
import { whole } from '../options.ts';
import type { BoxWords } from './box.ts';
import { filterOf, type FilterFlags, statusOf, withFilter, withStatus } from './filter-flags.ts';
import { letterTable, messages, withNulls } from './format.ts';
import { withLetters } from './open.ts';

interface ListFlags extends FilterFlags {
  status: string;
  oldest?: boolean;
  limit: number;
  after?: number;
  json?: boolean;
}

export function listCommand(words: BoxWords): Command {
  return withStatus(withFilter(new Command('list'), words), words)
    .description('Show the dead messages, the newest first; with --status others.')
    .option('--oldest', 'the oldest first')
    .addOption(whole('--limit <number>', 'most messages of a page', 50, 1, 1000))
    .addOption(whole('--after <id>', 'the next page: behind this id', undefined, 0))
    .option('--json', 'print {"messages": [...], "next": id or null}')
    .addHelpText(
      'after',
      `
Examples:
  $ dt ${words.box} list
  $ dt ${words.box} list --tag order_settled --error timeout --failed-from 2h
  $ dt ${words.box} list --status pending --oldest --limit 10`,
    )
    .action(async (flags: ListFlags) => {
      const status = statusOf(flags);
      const out = new Output(process, flags.json === true);
      const { letters, next } = await withLetters(words, flags, (all) =>
        all.list({
          ...filterOf(flags),
          status,
          order: flags.oldest === true ? 'oldest' : 'newest',
          limit: flags.limit,
          ...(flags.after !== undefined && { after: flags.after }),
        }),
      );
      if (out.json) {
        out.document(withNulls({ messages: letters, next }));
        return;
      }
      out.line(letterTable(words, letters, status));
      out.line(`(${messages(letters.length)}${next === undefined ? '' : `; more with --after ${next}`})`);
    });
}
