import type { DeadLetters, LetterFilter, ReplayPlan, ReplayProgress, ReplayReport } from '@dt/outbox';
import { Output, type Terminal } from '@dt/mqadmin';
import { Command } from 'commander';
import { bar } from '../bar.ts';
import { exitCodes, WrongCallError } from '../exit.ts';
import { interruptible } from '../interrupt.ts';
import { text, whole } from '../options.ts';
import type { BoxWords } from './box.ts';
import { checkChoice, whoAsks } from './choice.ts';
import { filterOf, type FilterFlags, withFilter } from './filter-flags.ts';
import { letterTable, messages, withNulls } from './format.ts';
import { withLetters } from './open.ts';

interface ReplayFlags extends FilterFlags {
  all?: boolean;
  dryRun?: boolean;
  yes?: boolean;
  rate?: number;
  after?: number;
  by?: string;
  json?: boolean;
}

/** Messages that a dry run names. */
const NAMED = 20;

export function replayCommand(words: BoxWords, terminal: Terminal = process): Command {
  const one = words.box === 'outbox' ? '42' : 'B1:1:bet_placed';
  return withFilter(new Command('replay'), words)
    .description(`Have dead messages ${words.done} after all: one, those that match, or all.`)
    .argument(`[${words.argument}]`, words.argumentHelp, words.parseArgument)
    .option('--all', 'all dead messages')
    .option('--dry-run', 'only tell how many and which')
    .option('-y, --yes', 'do not ask')
    .addOption(whole('--rate <number>', 'most messages a second', undefined, 1, 1_000_000))
    .addOption(whole('--after <id>', 'go on behind this id, where an earlier replay stopped', undefined, 0))
    .addOption(text('--by <name>', 'who asks for it, for the history (default: user@machine)'))
    .option('--json', 'print one JSON document at the end')
    .addHelpText(
      'after',
      `
In the order of ids, in small transactions, each message once however many replay at once; what cannot be read is
left. A message gets its full number of attempts again, and nothing is deleted: show tells its history. Its sharding
key has gone on meanwhile: it comes behind its successors.

Ctrl-C stops between two transactions and says how to go on.

Examples:
  $ dt ${words.box} replay ${one}
  $ dt ${words.box} replay --tag order_settled --error timeout --dry-run
  $ dt ${words.box} replay --failed-from 2h --rate 100 --yes`,
    )
    .action((argument: string | number | undefined, flags: ReplayFlags) =>
      interruptible((signal) =>
        replay(words, argument, flags, new Output(terminal, flags.json === true), signal),
      ),
    );
}

async function replay(
  words: BoxWords,
  argument: string | number | undefined,
  flags: ReplayFlags,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const filters = filterOf(flags);
  checkChoice(words, 'replayed', argument, flags.all, filters);
  try {
    await withLetters(words, flags, async (letters, config) => {
      const by = whoAsks(flags.by);
      if (argument !== undefined) {
        const name = words.nameOf(argument, flags.group, config);
        if (flags.dryRun === true) {
          await letters.checkReplayable(name);
          await dryRun(words, letters, name, flags, out);
        } else {
          await letters.replayOne(name, { by });
          const done = { replayed: 1, total: 1, unreadable: 0, finished: true };
          if (out.json) out.document(done);
          else out.line(`replayed ${messages(1)}`);
        }
      } else if (flags.dryRun === true) {
        await dryRun(words, letters, filters, flags, out);
      } else {
        await replayMany(words, letters, filters, { ...flags, by }, out, signal);
      }
    });
  } finally {
    out.close();
  }
}

async function dryRun(
  words: BoxWords,
  letters: DeadLetters,
  filter: LetterFilter,
  flags: ReplayFlags,
  out: Output,
): Promise<void> {
  const after = flags.after === undefined ? {} : { after: flags.after };
  const plan = await letters.plan(filter, after);
  const { letters: first } = await letters.list({ ...filter, ...after, order: 'oldest', limit: NAMED });
  if (out.json) {
    out.document(withNulls({ dryRun: true, ...plan, first }));
    return;
  }
  if (first.length > 0) {
    out.line(letterTable(words, first));
    const more = plan.messages + plan.unreadable - first.length;
    if (more > 0) out.line(`and ${more} more`);
  }
  out.line(describePlan(plan, words));
}

function describePlan(plan: ReplayPlan, words: BoxWords): string {
  const { messages: count, keys, overtakers } = plan;
  const ofKeys = keys === 1 ? 'its sharding key' : 'their sharding keys';
  return [
    `${messages(count)} of ${keys} sharding ${keys === 1 ? 'key' : 'keys'} would be replayed`,
    ...(overtakers === 0
      ? []
      : [
          `${overtakers} later ${overtakers === 1 ? 'message' : 'messages'} of ${ofKeys} ${overtakers === 1 ? 'has' : 'have'} been ${words.done}`,
        ]),
    ...unreadableNote(plan.unreadable),
  ].join('; ');
}

function unreadableNote(count: number): string[] {
  return count === 0 ? [] : [`${messages(count)} that cannot be read ${count === 1 ? 'is' : 'are'} left`];
}

async function replayMany(
  words: BoxWords,
  letters: DeadLetters,
  filter: LetterFilter,
  flags: ReplayFlags & { by: string },
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const after = flags.after === undefined ? {} : { after: flags.after };
  const asOf = flags.yes === true ? undefined : await agree(words, letters, filter, after, out, signal);
  let last: ReplayProgress | undefined;
  const report = await letters
    .replay(filter, {
      by: flags.by,
      ...after,
      ...(asOf !== undefined && { asOf }),
      ...(flags.rate !== undefined && { ratePerSecond: flags.rate }),
      signal,
      onProgress: (progress) => {
        last = progress;
        const { replayed, total } = progress;
        if (total > 0) out.progress(`${bar(replayed, total)} replayed ${replayed}/${total}`);
      },
    })
    .catch((error: unknown) => {
      if (last !== undefined) out.note(`dt: ${howFar(last)}`);
      throw error;
    });
  if (out.json) out.document(withNulls(report));
  else out.line(describeReport(report));
  if (!report.finished) {
    out.note(`dt: interrupted; ${howFar(report)}`);
    process.exitCode = exitCodes.interrupted;
  }
}

/** Asks when it is about more than one. Resolves to the moment for which was agreed: later deaths are not meant. */
async function agree(
  words: BoxWords,
  letters: DeadLetters,
  filter: LetterFilter,
  after: { after?: number },
  out: Output,
  signal: AbortSignal,
): Promise<string> {
  const plan = await letters.plan(filter, after);
  if (plan.messages > 1) {
    const sentence = describePlan(plan, words);
    if (!out.canAsk)
      throw new WrongCallError(
        `${sentence}: nothing was done. Give --yes to replay them, --dry-run to see them.`,
      );
    if (!(await out.confirm(`${sentence}. Replay?`, signal))) throw new Error('nothing was replayed');
  }
  return plan.asOf;
}

function describeReport({ replayed, unreadable }: ReplayReport): string {
  return [`replayed ${messages(replayed)}`, ...unreadableNote(unreadable)].join('; ');
}

function howFar({ replayed, total, lastId }: ReplayProgress): string {
  const goOn = lastId === undefined ? '' : `; to go on, give the same with --after ${lastId}`;
  return `${replayed} of ${messages(total)} replayed${goOn}`;
}
