/** One record as pino writes it. */
export type LogRecord = Record<string, unknown> & { level: string; msg?: string; time?: string };

/** Characters that would make `key=value` ambiguous for a reader who splits at blanks. */
const needsQuotes = /[\s"=]|^$/;

/**
 * The text form of a record: `[LEVEL] message key=value …`, with the ISO time in front when the record has one.
 * Keys keep the order of the call. Line breaks are escaped, so a record is always one line.
 */
export function formatText(record: LogRecord): string {
  const { level, msg, time, ...fields } = record;
  let line = `${time === undefined ? '' : `${time} `}[${level.toUpperCase()}] ${escapeBreaks(msg ?? '')}`;
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) line += ` ${key}=${formatValue(value)}`;
  }
  return line;
}

function formatValue(value: unknown): string {
  if (typeof value === 'string') return needsQuotes.test(value) ? JSON.stringify(value) : value;
  if (Array.isArray(value)) return `[${value.map(formatValue).join(' ')}]`;
  if (typeof value === 'object' && value !== null) return JSON.stringify(value);
  return String(value);
}

function escapeBreaks(text: string): string {
  return text.replaceAll('\r', '\\r').replaceAll('\n', '\\n');
}
