import { OutboxError } from '../errors.ts';
import { integerOption } from '../options.ts';
import { type Box, type LetterStatus } from './letter.ts';

/** All that is given must hold. Times are half open: from the first, before the second. */
export interface LetterFilter {
  readonly id?: number;
  readonly topic?: string;
  readonly tag?: string;
  readonly messageKey?: string;
  readonly messageKeyPrefix?: string;
  readonly shardingKey?: string;
  /** Part of the last error, in upper or lower case. */
  readonly errorPart?: string;
  readonly createdFrom?: Date;
  readonly createdBefore?: Date;
  /** When it died. Rows that died under a version which did not note it match no time. */
  readonly failedFrom?: Date;
  readonly failedBefore?: Date;
  /** Of the inbox alone. */
  readonly consumerGroup?: string;
}

const TEXTS = [
  'topic',
  'tag',
  'messageKey',
  'messageKeyPrefix',
  'shardingKey',
  'errorPart',
  'consumerGroup',
] as const;
const TIMES = ['createdFrom', 'createdBefore', 'failedFrom', 'failedBefore'] as const;

/**
 * The values of `filterSql`'s parameters, in their order.
 * @throws OutboxError `invalid-option`
 */
export function filterValues(box: Box, status: LetterStatus, filter: LetterFilter): unknown[] {
  const refused = (name: string, why: string): OutboxError =>
    new OutboxError('invalid-option', `DeadLetters: ${name} ${why}`);
  for (const name of TEXTS) {
    const value: unknown = filter[name];
    if (value !== undefined && (typeof value !== 'string' || value === '' || value.includes('\0')))
      throw refused(name, `is ${JSON.stringify(value)}, allowed is a text that is not empty, without U+0000`);
  }
  for (const name of TIMES) {
    const value: unknown = filter[name];
    if (value !== undefined && (!(value instanceof Date) || Number.isNaN(value.getTime())))
      throw refused(
        name,
        `is ${value instanceof Date ? 'an invalid Date' : JSON.stringify(value)}, allowed is a valid Date`,
      );
    if (value !== undefined && name.startsWith('failed') && status !== 'dead')
      throw refused(
        name,
        `cannot be asked of ${status} messages: only dead ones have the time of their death`,
      );
  }
  if (filter.consumerGroup !== undefined && box === 'outbox')
    throw refused('consumerGroup', 'cannot be asked of the outbox: only the inbox has consumer groups');
  if (filter.id !== undefined) integerOption('DeadLetters', 'id', filter.id, 0, 1);
  return [
    filter.id ?? null,
    ...TEXTS.map((name) => filter[name] ?? null),
    ...TIMES.map((name) => filter[name]?.toISOString() ?? null),
  ];
}
