import type { Logger } from './logger.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LEVELS)[number];

export function isLogLevel(text: string): text is LogLevel {
  return (LEVELS as readonly string[]).includes(text);
}

/** `[INFO] message key=value` on standard error, which leaves standard output to whoever reads the ready line. */
export function consoleLogger(
  level: LogLevel,
  write: (line: string) => void = (line) => process.stderr.write(line),
): Logger {
  const lowest = LEVELS.indexOf(level);
  const log =
    (own: LogLevel) =>
    (fields: object, message: string): void => {
      if (LEVELS.indexOf(own) < lowest) return;
      const parts = Object.entries(fields).map(([key, value]) => `${key}=${textOf(value)}`);
      write(`[${own.toUpperCase()}] ${[message, ...parts].join(' ')}\n`);
    };
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}

function textOf(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message);
  if (typeof value === 'string') return /[\s="]/.test(value) ? JSON.stringify(value) : value;
  return JSON.stringify(value) ?? String(value);
}
