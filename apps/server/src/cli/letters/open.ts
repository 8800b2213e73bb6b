import { DeadLetters } from '@dt/outbox';
import type { Config } from '../../config/index.ts';
import { withDatabase } from '../database.ts';
import type { SettingsFlags } from '../settings.ts';
import type { BoxWords } from './box.ts';

export function withLetters<T>(
  words: BoxWords,
  flags: SettingsFlags,
  work: (letters: DeadLetters, config: Config) => Promise<T>,
): Promise<T> {
  return withDatabase(flags, (database, config) =>
    work(new DeadLetters({ database, box: words.box }), config),
  );
}
