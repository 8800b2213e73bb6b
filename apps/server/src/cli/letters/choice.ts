import { hostname, userInfo } from 'node:os';
import type { LetterFilter } from '@dt/outbox';
import { WrongCallError } from '../exit.ts';
import type { BoxWords } from './box.ts';

/** Nobody changes everything by leaving something out. @param done what is done to the messages */
export function checkChoice(
  words: BoxWords,
  done: 'replayed' | 'skipped',
  argument: string | number | undefined,
  all: boolean | undefined,
  filter: LetterFilter,
): void {
  const named = argument !== undefined;
  // With a name, the group belongs to it.
  const filters = Object.keys(filter).filter((name) => !named || name !== 'consumerGroup');
  const ways = [named, filters.length > 0, all === true].filter(Boolean).length;
  if (ways !== 1) {
    throw new WrongCallError(
      `what is to be ${done}? Give the ${words.argument} of one message, or filters, or --all: one of the three`,
    );
  }
}

/** Who asks for it, where `--by` does not say. */
export function whoAsks(by: string | undefined): string {
  return by ?? `${userInfo().username}@${hostname()}`;
}
