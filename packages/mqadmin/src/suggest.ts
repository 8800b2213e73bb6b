import type { Flag } from './flags.ts';

/**
 * Commander names the nearest command and the nearest long flag; a short flag has none that is near but itself in the
 * other case, so that all are named instead.
 */
export function withNearestFlag(text: string, flags: readonly Flag<unknown>[]): string {
  const wrong = /unknown option '-([A-Za-z])'/.exec(text)?.[1];
  if (wrong === undefined) return text;
  const known = flags.flatMap(({ spelling }) => /^-([A-Za-z])/.exec(spelling)?.[1] ?? []);
  const swapped = known.find((letter) => letter.toLowerCase() === wrong.toLowerCase());
  const hint =
    swapped === undefined
      ? `(Allowed are ${known.map((letter) => `-${letter}`).join(', ')} and -h)`
      : `(Did you mean -${swapped}?)`;
  return `${text.trimEnd()}\n${hint}\n`;
}

/** In front of the command there are no flags but the one for help. */
export function withPlaceOfFlags(text: string, program: string): string {
  const [, flag] = /unknown option '(-[^']*)'/.exec(text) ?? [];
  if (flag === undefined) return text;
  const [message] = text.split('\n');
  return `${message}\n(Flags go behind the command: ${program} COMMAND ${flag})\n`;
}
