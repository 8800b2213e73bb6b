import type { LetterFilter, LetterStatus } from '@dt/outbox';
import { Option, type Command } from 'commander';
import { WrongCallError } from '../exit.ts';
import { text, time } from '../options.ts';
import { withSettings, type SettingsFlags } from '../settings.ts';
import type { BoxWords } from './box.ts';

/** The flags by which messages are picked. */
export interface FilterFlags extends SettingsFlags {
  topic?: string;
  tag?: string;
  key?: string;
  keyPrefix?: string;
  shardingKey?: string;
  error?: string;
  createdFrom?: Date;
  createdBefore?: Date;
  failedFrom?: Date;
  failedBefore?: Date;
  group?: string;
}

export function withFilter(command: Command, words: BoxWords): Command {
  withSettings(command)
    .addOption(text('--topic <topic>', 'only of this topic'))
    .addOption(text('--tag <tag>', 'only with this tag'))
    .addOption(text('--key <key>', 'only with this message key'))
    .addOption(text('--key-prefix <text>', 'only with message keys that begin so'))
    .addOption(text('--sharding-key <key>', 'only with this sharding key'))
    .addOption(text('--error <text>', 'only with this in the last error, in upper or lower case'))
    .addOption(time('--created-from <time>', 'only created at or after: a date and time, or an age as 2h'))
    .addOption(time('--created-before <time>', 'only created before'))
    .addOption(time('--failed-from <time>', 'only dead since then or later'))
    .addOption(time('--failed-before <time>', 'only dead before then'));
  return words.box === 'inbox' ? withGroup(command, 'only of this consumer group') : command;
}

export function withGroup(command: Command, description: string): Command {
  return command.addOption(text('--group <name>', description));
}

export function withStatus(command: Command, words: BoxWords): Command {
  return command.addOption(
    new Option('--status <status>', 'those that wait, are through, or were given up')
      .choices(['pending', words.done, 'dead'])
      .default('dead'),
  );
}

export function statusOf(flags: FilterFlags & { status: string }): LetterStatus {
  const status = flags.status === 'dead' || flags.status === 'pending' ? flags.status : 'done';
  if (status !== 'dead' && (flags.failedFrom ?? flags.failedBefore) !== undefined) {
    throw new WrongCallError(
      `--failed-from and --failed-before ask for dead messages, not for ${flags.status} ones`,
    );
  }
  return status;
}

export function filterOf(flags: FilterFlags): LetterFilter {
  return {
    ...(flags.topic !== undefined && { topic: flags.topic }),
    ...(flags.tag !== undefined && { tag: flags.tag }),
    ...(flags.key !== undefined && { messageKey: flags.key }),
    ...(flags.keyPrefix !== undefined && { messageKeyPrefix: flags.keyPrefix }),
    ...(flags.shardingKey !== undefined && { shardingKey: flags.shardingKey }),
    ...(flags.error !== undefined && { errorPart: flags.error }),
    ...(flags.createdFrom !== undefined && { createdFrom: flags.createdFrom }),
    ...(flags.createdBefore !== undefined && { createdBefore: flags.createdBefore }),
    ...(flags.failedFrom !== undefined && { failedFrom: flags.failedFrom }),
    ...(flags.failedBefore !== undefined && { failedBefore: flags.failedBefore }),
    ...(flags.group !== undefined && { consumerGroup: flags.group }),
  };
}
