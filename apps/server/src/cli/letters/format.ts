import type { Letter, LetterStatus } from '@dt/outbox';
import { formatTable } from '../table.ts';
import type { BoxWords } from './box.ts';

const ERROR_WIDTH = 60;

/** As it can be given to a flag again. */
export function formatTime(at: Date | undefined): string {
  return at === undefined ? '' : at.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Text of others on one line, without what moves the cursor or turns the reading direction. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ');
}

export function shortened(text: string | undefined): string {
  const line = printable(text ?? '');
  return line.length <= ERROR_WIDTH ? line : `${line.slice(0, ERROR_WIDTH - 1)}…`;
}

/** `1 message`, `2 messages`. */
export function messages(count: number): string {
  return `${count} ${count === 1 ? 'message' : 'messages'}`;
}

export function letterTable(
  words: BoxWords,
  letters: readonly Letter[],
  status: LetterStatus = 'dead',
): string {
  const [column, time] = {
    pending: ['next attempt', 'nextAttemptAt'] as const,
    done: [words.done, 'doneAt'] as const,
    dead: ['dead since', 'diedAt'] as const,
  }[status];
  return formatTable(
    [...words.nameColumns, 'attempts', 'created', column, 'error'],
    letters.map((letter) => [
      ...words.nameCells(letter).map(printable),
      String(letter.attempts),
      formatTime(letter.createdAt),
      formatTime(letter[time]),
      shortened(letter.lastError),
    ]),
    [true, ...words.nameColumns.slice(1).map(() => false), true],
  );
}

/** For JSON: what is not there is null, so that every object has the same fields. */
export function withNulls(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_name, field: unknown) => field ?? null)) as unknown;
}
