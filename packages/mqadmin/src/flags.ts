import { InvalidArgumentError } from 'commander';
import { parseTime } from './output/time.ts';

/** One flag of a command: how it is written, what it says in the help, and the value its text stands for. */
export interface Flag<T> {
  /** As commander writes them: `-t, --topic <topic>`; a flag without `<...>` takes no value. */
  readonly spelling: string;
  readonly description: string;
  readonly required: boolean;
  /** The value when the flag is not given. */
  readonly absent: T;
  readonly parse: (text: string) => T;
}

export type Flags = Readonly<Record<string, Flag<unknown>>>;

export type FlagValues<F extends Flags> = {
  readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never;
};

/** Blanks around a value mean nothing. */
export function text(spelling: string, description: string): Flag<string | undefined> {
  return optional(spelling, description, (value) => {
    if (value === '') throw new InvalidArgumentError('Allowed: a text that is not empty.');
    return value;
  });
}

export function integer(
  spelling: string,
  description: string,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {},
): Flag<number | undefined> {
  return optional(spelling, description, (value) => {
    const number = Number(value);
    if (!/^-?\d+$/.test(value) || !Number.isSafeInteger(number) || number < min || number > max) {
      const range =
        max === Number.MAX_SAFE_INTEGER
          ? `a whole number from ${min}`
          : `a whole number from ${min} to ${max}`;
      throw new InvalidArgumentError(`Allowed: ${range}.`);
    }
    return number;
  });
}

export function trueOrFalse(spelling: string, description: string): Flag<boolean | undefined> {
  return optional(spelling, description, (value) => {
    const known = { true: true, false: false }[value.toLowerCase()];
    if (known === undefined) throw new InvalidArgumentError('Allowed: true or false.');
    return known;
  });
}

/** Milliseconds since 1970, or `yyyy-MM-dd#HH:mm:ss:SSS` in local time; where it makes sense also `now`. */
export function time(
  spelling: string,
  description: string,
  { now = false }: { now?: boolean } = {},
): Flag<number | undefined> {
  return optional(spelling, description, (value) => {
    const timestamp = now && value === 'now' ? Date.now() : parseTime(value);
    // Of a time in seconds all that is meant lies in the first months of 1970.
    if (/^\d{10}$/.test(value))
      throw new InvalidArgumentError(`These look like seconds; in milliseconds they are ${value}000.`);
    if (timestamp === undefined) {
      const words = now ? 'now, ' : '';
      throw new InvalidArgumentError(
        `Allowed: ${words}milliseconds since 1970, or yyyy-MM-dd#HH:mm:ss:SSS, for example 2026-01-31#18:00:00:000.`,
      );
    }
    return timestamp;
  });
}

/** Where a broker listens. */
export function address(spelling: string, description: string): Flag<string | undefined> {
  return optional(spelling, description, (value) => {
    const port = Number(/^(?:\[[\da-f:.]+\]|[^\s:[\]]+):(\d{1,5})$/i.exec(value)?.[1]);
    if (!(port >= 1 && port <= 65_535))
      throw new InvalidArgumentError('Allowed: host:port, for example 127.0.0.1:10911.');
    return value;
  });
}

export function charset(spelling: string, description: string): Flag<string | undefined> {
  return optional(spelling, description, (value) => {
    try {
      return new TextDecoder(value).encoding;
    } catch {
      throw new InvalidArgumentError('Allowed: the name of a character set, for example UTF-8 or GBK.');
    }
  });
}

/** A flag that is there or not. */
export function toggle(spelling: string, description: string): Flag<boolean> {
  return { spelling, description, required: false, absent: false, parse: () => true };
}

export function required<T>(flag: Flag<T | undefined>): Flag<T> {
  // The value for "not given" is never asked for: commander refuses the call.
  return { ...(flag as Flag<T>), required: true };
}

export function orElse<T>(flag: Flag<T | undefined>, absent: T): Flag<T> {
  return {
    ...flag,
    absent,
    description: `${flag.description} (default: ${String(absent)})`,
    parse: (value) => flag.parse(value) ?? absent,
  };
}

/** The long name, as in `--topic`. */
export function longName(flag: Flag<unknown>): string {
  return /--([A-Za-z0-9]+)/.exec(flag.spelling)?.[1] ?? flag.spelling;
}

/** How the flag is called in a sentence: `-t, --topic`. */
export function shownName(flag: Flag<unknown>): string {
  return flag.spelling.replace(/ <.*$/, '');
}

function optional<T>(
  spelling: string,
  description: string,
  parse: (value: string) => T,
): Flag<T | undefined> {
  return { spelling, description, required: false, absent: undefined, parse: (value) => parse(value.trim()) };
}
