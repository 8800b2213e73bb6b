import { setTimeout as sleep } from 'node:timers/promises';
import { type Backlog, type Box, readBacklog } from '@dt/outbox';
import { Output } from '@dt/mqadmin';
import { Command } from 'commander';
import { withDatabase } from '../database.ts';
import { interruptible } from '../interrupt.ts';
import { withNulls } from '../letters/format.ts';
import { whole } from '../options.ts';
import { type SettingsFlags, withSettings } from '../settings.ts';
import { Screen, type ScreenStream } from './screen.ts';
import { inboxView, outboxView } from './view.ts';

interface StatusFlags extends SettingsFlags {
  once?: boolean;
  json?: boolean;
  every: number;
}

const views = { outbox: outboxView, inbox: inboxView };
const descriptions = {
  outbox: 'Show what waits to be sent, how old it is, and which relays send it.',
  inbox: 'Show what waits to be applied, by consumer group.',
};

export function statusCommand(box: Box): Command {
  return withSettings(new Command('status'))
    .description(`${descriptions[box]} On a terminal it is kept up to date until Ctrl-C.`)
    .option('--once', 'print it once and end, as where the output is no terminal')
    .option('--json', 'print it once, as one JSON document')
    .addOption(whole('--every <seconds>', 'time between two looks', 1, 1, 3600))
    .addHelpText(
      'after',
      `
Examples:
  $ dt ${box} status
  $ dt ${box} status --once
  $ dt ${box} status --json`,
    )
    .action(async (flags: StatusFlags) => {
      await withDatabase(flags, async (database) => {
        const look = (): Promise<Backlog> => readBacklog(database);
        if (flags.json === true) {
          const backlog = await look();
          const { inbox, ...sending } = backlog;
          new Output(process, true).document(withNulls(box === 'outbox' ? sending : { inbox }));
        } else if (flags.once === true || !process.stdout.isTTY) {
          process.stdout.write(`${views[box](await look())}\n`);
        } else {
          await interruptible((signal) =>
            watch({ look, view: views[box], stream: process.stdout, everyMs: flags.every * 1000, signal }),
          );
        }
      });
    });
}

export interface WatchOptions {
  readonly look: () => Promise<Backlog>;
  readonly view: (backlog: Backlog) => string;
  readonly stream: ScreenStream;
  readonly everyMs: number;
  readonly signal: AbortSignal;
}

/** Draws what it sees in place, until it is told to stop. */
export async function watch({ look, view, stream, everyMs, signal }: WatchOptions): Promise<void> {
  const screen = new Screen(stream);
  while (!signal.aborted) {
    const backlog = await look();
    const time = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    screen.draw(`${view(backlog)}\n\n${time}, Ctrl-C ends`);
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
}
