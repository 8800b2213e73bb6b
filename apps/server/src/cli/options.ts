import { InvalidArgumentError, Option } from 'commander';

/** A whole number within bounds, the default when the flag is not given. */
export function whole(
  flags: string,
  description: string,
  value: number | undefined,
  minimum: number,
  maximum: number = Number.MAX_SAFE_INTEGER,
): Option {
  return new Option(flags, description)
    .default(value)
    .argParser((text) => parseWhole(text, minimum, maximum));
}

/** For arguments, which take the same. */
export function parseWhole(text: string, minimum: number, maximum: number = Number.MAX_SAFE_INTEGER): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < minimum || number > maximum) {
    const upper = maximum === Number.MAX_SAFE_INTEGER ? '' : ` to ${maximum}`;
    throw new InvalidArgumentError(`Allowed: a whole number from ${minimum}${upper}.`);
  }
  return number;
}

/** A text that is not empty: an empty one comes from a variable of the shell that is not set. */
export function text(flags: string, description: string): Option {
  return new Option(flags, description).argParser(parseText);
}

export function parseText(value: string): string {
  if (value === '') throw new InvalidArgumentError('Allowed: a text that is not empty.');
  return value;
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A moment: a date, a date with a time (local unless it says otherwise), or how long ago, as `2h`. */
export function time(flags: string, description: string): Option {
  return new Option(flags, description).argParser((value) => {
    const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(value) ?? [];
    if (count !== undefined) return new Date(Date.now() - Number(count) * (UNIT_MS[unit] ?? 0));
    const [, date = '', clock = '00:00', zone = ''] =
      /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(value) ?? [];
    // JavaScript takes the 31st of February for a day in March.
    const day = new Date(`${date}T00:00Z`);
    const at = new Date(`${date}T${clock}${zone}`);
    if (Number.isNaN(at.getTime()) || day.getUTCDate() !== Number(date.slice(8))) {
      throw new InvalidArgumentError(
        'Allowed: a date (2026-01-31), a date and time (2026-01-31T18:00, local time; or 2026-01-31T18:00Z), or how long ago (90s, 30m, 2h, 7d).',
      );
    }
    return at;
  });
}
