import type { SkipPlan } from '@dt/outbox';
import { Output, type Terminal } from '@dt/mqadmin';
import { Command } from 'commander';
import { WrongCallError } from '../exit.ts';
import { interruptible } from '../interrupt.ts';
import { text } from '../options.ts';
import { outboxWords } from './box.ts';
import { checkChoice, whoAsks } from './choice.ts';
import { filterOf, type FilterFlags, withFilter } from './filter-flags.ts';
import { messages } from './format.ts';
import { withLetters } from './open.ts';

interface SkipFlags extends FilterFlags {
  all?: boolean;
  dryRun?: boolean;
  yes?: boolean;
  by?: string;
  json?: boolean;
}

/** Of the outbox alone: in the inbox a dead message holds nobody. */
export function skipCommand(terminal: Terminal = process): Command {
  const { argument, argumentHelp, parseArgument } = outboxWords;
  return withFilter(new Command('skip'), outboxWords)
    .description("Let sharding keys go on that wait behind dead messages, of relays with onDead: 'hold'.")
    .argument(`[${argument}]`, argumentHelp, parseArgument)
    .option('--all', 'all dead messages that hold their key')
    .option('--dry-run', 'only tell how many and which')
    .option('-y, --yes', 'do not ask')
    .addOption(text('--by <name>', 'who asks for it, for the error of the message (default: user@machine)'))
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
The messages stay dead, with who skipped them in their error; relays send what waits behind them within about a
second. The relay of this server lets keys go on by itself: only one of your own may hold them.

Examples:
  $ dt outbox skip 42
  $ dt outbox skip --sharding-key p:99:9999 --dry-run
  $ dt outbox skip --error "size is illegal" --yes`,
    )
    .action((id: string | number | undefined, flags: SkipFlags) =>
      interruptible((signal) => skip(id, flags, new Output(terminal, flags.json === true), signal)),
    );
}

async function skip(
  id: string | number | undefined,
  flags: SkipFlags,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const filters = filterOf(flags);
  checkChoice(outboxWords, 'skipped', id, flags.all, filters);
  try {
    await withLetters(outboxWords, flags, async (letters) => {
      const filter = id === undefined ? filters : { id: Number(id) };
      const plan = await letters.planSkip(filter);
      if (id !== undefined && plan.messages === 0) {
        await letters.show({ id: Number(id) });
        throw new Error(`the outbox message with the id ${id} holds no sharding key: nothing was skipped`);
      }
      if (flags.dryRun === true) {
        if (out.json) out.document({ dryRun: true, ...plan });
        else out.line(describe(plan));
        return;
      }
      if (flags.yes !== true && plan.messages > 1) await agree(plan, out, signal);
      const skipped = await letters.skip(filter, { by: whoAsks(flags.by) });
      if (out.json) out.document({ skipped });
      else out.line(`skipped ${messages(skipped)}`);
    });
  } finally {
    out.close();
  }
}

function describe({ messages: count, keys, waiting, first }: SkipPlan): string {
  const which = count === 0 ? '' : ` (${first.join(', ')}${count > first.length ? ', …' : ''})`;
  const behind = `${messages(waiting)} behind ${count === 1 ? 'it' : 'them'} would go on`;
  return `${messages(count)}${which} of ${keys} sharding ${keys === 1 ? 'key' : 'keys'} would be skipped; ${behind}`;
}

async function agree(plan: SkipPlan, out: Output, signal: AbortSignal): Promise<void> {
  if (!out.canAsk)
    throw new WrongCallError(
      `${describe(plan)}: nothing was done. Give --yes to skip them, --dry-run to see them.`,
    );
  if (!(await out.confirm(`${describe(plan)}. Skip?`, signal))) throw new Error('nothing was skipped');
}
