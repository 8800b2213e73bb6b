import type { Box, Letter, LetterName } from '@dt/outbox';
import type { Config } from '../../config/index.ts';
import { parseText, parseWhole } from '../options.ts';

/** What differs between `dt outbox` and `dt inbox`. */
export interface BoxWords {
  readonly box: Box;
  /** What a message is that is through, and what a replay does. */
  readonly done: 'sent' | 'applied';
  /** How one message is named on the command line. */
  readonly argument: string;
  readonly argumentHelp: string;
  readonly parseArgument: (text: string) => string | number;
  readonly nameOf: (argument: string | number, group: string | undefined, config: Config) => LetterName;
  /** The columns of a table that tell which message it is. */
  readonly nameColumns: readonly string[];
  readonly nameCells: (letter: Letter) => string[];
}

export const outboxWords: BoxWords = {
  box: 'outbox',
  done: 'sent',
  argument: 'id',
  argumentHelp: 'id of the message, as the list shows it',
  parseArgument: (text) => parseWhole(text, 1),
  nameOf: (argument) => ({ id: Number(argument) }),
  nameColumns: ['id', 'topic', 'tag', 'key', 'sharding key'],
  nameCells: (letter) => [
    String(letter.id),
    letter.topic,
    letter.tag ?? '',
    letter.messageKey,
    letter.shardingKey,
  ],
};

export const inboxWords: BoxWords = {
  box: 'inbox',
  done: 'applied',
  argument: 'key',
  argumentHelp: 'key of the message, as the list shows it',
  parseArgument: parseText,
  nameOf: (argument, group, config) => ({
    consumerGroup: group ?? config.rocketmq.consumer_group,
    messageKey: String(argument),
  }),
  nameColumns: ['id', 'group', 'topic', 'tag', 'key', 'sharding key'],
  nameCells: (letter) => [
    String(letter.id),
    letter.consumerGroup ?? '',
    letter.topic,
    letter.tag ?? '',
    letter.messageKey,
    letter.shardingKey,
  ],
};
