import type { LetterDetails } from '@dt/outbox';
import { Output } from '@dt/mqadmin';
import { Command } from 'commander';
import { type SettingsFlags, withSettings } from '../settings.ts';
import type { BoxWords } from './box.ts';
import { withGroup } from './filter-flags.ts';
import { formatTime, printable, withNulls } from './format.ts';
import { withLetters } from './open.ts';

interface ShowFlags extends SettingsFlags {
  group?: string;
  json?: boolean;
}

export function showCommand(words: BoxWords): Command {
  const command = withSettings(new Command('show'))
    .description('Show one message with its payload, its headers and what became of it.')
    .argument(`<${words.argument}>`, words.argumentHelp, words.parseArgument)
    .option('--json', 'print one JSON document, the payload as it lies in the row')
    .addHelpText(
      'after',
      `\nExamples:\n  $ dt ${words.box} show ${words.box === 'outbox' ? '42' : 'B1:1:bet_placed'}`,
    )
    .action(async (argument: string | number, flags: ShowFlags) => {
      const letter = await withLetters(words, flags, (letters, config) =>
        letters.show(words.nameOf(argument, flags.group, config)),
      );
      const out = new Output(process, flags.json === true);
      out.line(out.json ? toJson(letter) : toText(letter, words).join('\n'));
    });
  return words.box === 'inbox'
    ? withGroup(command, 'its consumer group (default: the configured one)')
    : command;
}

function toText(letter: LetterDetails, words: BoxWords): string[] {
  const line = (name: string, value: string | number | undefined): string[] =>
    value === undefined || value === '' ? [] : [`${name.padEnd(14)}${printable(String(value))}`];
  const { payload, body } = letter;
  return [
    ...words.nameColumns.flatMap((name, at) => line(name, words.nameCells(letter)[at])),
    ...line('status', letter.status === 'done' ? words.done : letter.status),
    ...line('attempts', letter.attempts),
    ...line('crashes', letter.crashes === 0 ? undefined : letter.crashes),
    ...line('next attempt', formatTime(letter.nextAttemptAt)),
    ...line('message id', letter.messageId),
    ...line('queue offset', letter.queueOffset),
    ...Object.entries(letter.headers).flatMap(([name, value]) => line('header', `${name}: ${value}`)),
    ...line('payload', payload),
    ...(body === undefined ? [] : line('body', `${body.length} bytes: ${new TextDecoder().decode(body)}`)),
    '',
    ...history(letter, words).map(([at, what]) => `${formatTime(at).padEnd(22)}${printable(what)}`),
  ];
}

/** What became of it, oldest first. */
function history(letter: LetterDetails, words: BoxWords): [at: Date | undefined, what: string][] {
  const events: [Date | undefined, string][] = [
    [letter.createdAt, words.box === 'outbox' ? 'enqueued' : 'received'],
  ];
  for (const life of letter.pastLives) {
    events.push([life.diedAt, death(life)], [life.replayedAt, `replayed by ${life.replayedBy}`]);
  }
  if (letter.status === 'dead') events.push([letter.diedAt, death(letter)]);
  else if (letter.status === 'done') events.push([letter.doneAt, words.done]);
  else if (letter.lastError !== undefined)
    events.push([undefined, `waits after ${attempts(letter.attempts)}: ${letter.lastError}`]);
  else events.push([undefined, 'waits']);
  return events;
}

function death(life: Pick<LetterDetails, 'attempts' | 'crashes' | 'lastError'>): string {
  const crashes = life.crashes === 0 ? '' : `, ${life.crashes} of them ended by a crash`;
  return `dead after ${attempts(life.attempts)}${crashes}: ${life.lastError ?? 'no reason was noted'}`;
}

function attempts(count: number): string {
  return `${count} ${count === 1 ? 'attempt' : 'attempts'}`;
}

/** The payload goes in as the text it is: numbers beyond 2^53 would not survive being read. */
function toJson({ payload, body, ...letter }: LetterDetails): string {
  const rest = JSON.stringify(
    withNulls({ ...letter, bodyBase64: body === undefined ? null : Buffer.from(body).toString('base64') }),
  );
  return `${rest.slice(0, -1)},"payload":${payload ?? 'null'}}`;
}
