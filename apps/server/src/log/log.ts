import pino, { type Logger } from 'pino';
import { redact, redactText } from './redact.ts';
import { formatText, type LogRecord } from './text.ts';

export type Log = Logger;

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

export interface LogOptions {
  /** @default 'info' */
  level?: LogLevel;
  /** `text` is `[LEVEL] message key=value`, `json` one object a line. @default 'text' */
  format?: 'text' | 'json';
  /** An ISO time in front of each text line; JSON lines always have one. @default false */
  timestamps?: boolean;
  /** Where lines go. @default process.stdout */
  destination?: { write(line: string): unknown };
}

/** The server's log. Pino underneath: `log.info({ key: value }, 'message')`; the level can be set while running. */
export function createLog(options: LogOptions = {}): Log {
  const { level = 'info', format = 'text', timestamps = false, destination = process.stdout } = options;
  const text = format === 'text';
  return pino(
    {
      level,
      base: null,
      timestamp: !text || timestamps ? pino.stdTimeFunctions.isoTime : false,
      formatters: { level: (label) => ({ level: label }), log: redact },
      serializers: { err: text ? describeError : serializeError },
    },
    text
      ? { write: (line: string) => destination.write(`${formatText(JSON.parse(line) as LogRecord)}\n`) }
      : { write: (line: string) => destination.write(line) },
  );
}

/** An error and what caused it, in one line: `message (CODE): cause`. */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at !== undefined && at !== null && parts.length < 5;) {
    if (!(at instanceof Error)) {
      parts.push(typeof at === 'string' ? at : JSON.stringify(at));
      break;
    }
    const code = (at as { code?: unknown }).code;
    const shown = at.message || at.name;
    const text = typeof code === 'string' && !shown.includes(code) ? `${shown} (${code})` : shown;
    if (parts.at(-1) !== text) parts.push(text);
    at = at instanceof AggregateError && at.cause === undefined ? at.errors[0] : at.cause;
  }
  return redactText(parts.join(': '));
}

/** For JSON lines: with stack, causes and the error's own fields, which may hold anything. */
function serializeError(error: unknown): unknown {
  return error instanceof Error ? redact(pino.stdSerializers.err(error)) : error;
}
