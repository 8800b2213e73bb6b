import { InvalidArgumentError } from 'commander';
import { type Flag, text } from './flags.ts';

/** `+a=b,+c=d,-e`: the keys keep their sign, which tells the broker what to do. */
export function attributes(spelling: string): Flag<Record<string, string> | undefined> {
  const raw = text(
    spelling,
    'change attributes: +name=value sets one, -name removes one, with commas between them',
  );
  return {
    ...raw,
    absent: undefined,
    parse: (value) => Object.fromEntries((raw.parse(value) ?? '').split(',').map(parseOne)),
  };
}

function parseOne(part: string): [string, string] {
  const match = /^(?:(\+[^=\s]+)=(.*)|(-[^=\s]+))$/.exec(part.trim());
  if (match === null)
    throw new InvalidArgumentError('Allowed: +name=value or -name, for example +message.type=FIFO.');
  return [match[1] ?? match[3] ?? '', match[2] ?? ''];
}

/** As Java shows a map. */
export function shownMap(map: Readonly<Record<string, string>>): string {
  return `{${Object.entries(map)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ')}}`;
}
