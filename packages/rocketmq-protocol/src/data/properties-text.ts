/**
 * Configuration as `name=value` lines, the text form of Java's Properties. What servers hand out has no escapes; what
 * they are given is read with them.
 */
export type Configuration = Record<string, string>;

const LINE = /^\s*([^#!=:\s][^=:\s]*)\s*[=:]?\s*(.*)$/;

/** Lines without a name, and comments, are passed over; of two with one name the last counts. */
export function decodeConfiguration(body: Buffer): Configuration {
  const entries: [string, string][] = [];
  for (const line of body.toString().split(/\r\n|\r|\n/)) {
    const equals = line.indexOf('=');
    const name = line.slice(0, equals).trim();
    if (equals > 0 && name !== '' && !/^[#!]/.test(name)) entries.push([name, line.slice(equals + 1)]);
  }
  return Object.fromEntries(entries);
}

/** The lines as a server hands them out: sorted, values as they are. */
export function encodeConfiguration(configuration: Configuration): Buffer {
  const lines = Object.entries(configuration).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Buffer.from(lines.map(([name, value]) => `${name}=${value}\n`).join(''));
}

/** The lines of a change: what would be read as an escape, a blank in front or the end of the line is escaped. */
export function encodeConfigurationChange(configuration: Configuration): Buffer {
  const lines = Object.entries(configuration).map(([name, value]) => `${name}=${escaped(value)}\n`);
  return Buffer.from(lines.join(''));
}

/** Reads a change as Java's Properties do, escapes included. */
export function decodeConfigurationChange(body: Buffer): Configuration {
  // A backslash at the end of a line goes on with the next one; two are one that was escaped.
  const text = body.toString().replace(/(?<!\\)((?:\\\\)*)\\(?:\r\n|\r|\n)[ \t\f]*/g, '$1');
  const entries: [string, string][] = [];
  for (const line of text.split(/\r\n|\r|\n/)) {
    const match = LINE.exec(line);
    if (match !== null) entries.push([unescaped(match[1] ?? ''), unescaped(match[2] ?? '')]);
  }
  return Object.fromEntries(entries);
}

function escaped(value: string): string {
  return value
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replace(/^ /, '\\ ')
    .replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t', f: '\f' };

function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (_, code: string | undefined, letter: string) =>
    code === undefined ? (ESCAPES[letter] ?? letter) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}
