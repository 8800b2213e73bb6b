import { existsSync, readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import { ConfigError } from './errors.ts';
import { findJsonFault, positionAt } from './json-syntax.ts';

/** Where the configuration is looked for when nobody names a file. */
export const DEFAULT_CONFIG_FILE = 'config/dev.json';

/**
 * Reads a document of settings: YAML when the name ends in .yaml or .yml, else JSON.
 *
 * @returns undefined when the file is not there
 * @throws ConfigError `config-file` it cannot be read; `config-syntax` with line and column
 */
export function readConfigFile(file: string): unknown {
  if (!existsSync(file)) return undefined;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw fault('config-file', `the configuration file ${file} cannot be read: ${reason}`, cause);
  }
  return parseConfigText(file, text);
}

/** YAML when the name ends in .yaml or .yml, JSON when in .json, else what is said. */
export function parseConfigText(name: string, source: string, otherwise: 'json' | 'yaml' = 'json'): unknown {
  const text = source.replace(/^\uFEFF/, '');
  const ending = /\.(?<ending>ya?ml|json)$/i.exec(name)?.groups?.['ending']?.toLowerCase() ?? otherwise;
  return ending === 'json' ? parseJson(name, text) : parseYaml(name, text);
}

function parseJson(name: string, text: string): unknown {
  const found = findJsonFault(text);
  if (found === undefined) return JSON.parse(text) as unknown;
  const { line, column } = positionAt(text, found.offset);
  throw fault('config-syntax', `${name}, line ${line}, column ${column}: not JSON: ${found.reason}`);
}

function parseYaml(name: string, text: string): unknown {
  const lineCounter = new LineCounter();
  // Pretty errors quote the line, which may be a secret.
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const [error] = document.errors;
  if (error === undefined) return document.toJS({ maxAliasCount: 100 }) as unknown;
  const { line, col } = lineCounter.linePos(error.pos[0]);
  throw fault('config-syntax', `${name}, line ${line}, column ${col}: not YAML: ${error.code}`);
}

function fault(code: 'config-file' | 'config-syntax', message: string, cause?: unknown): ConfigError {
  return new ConfigError(code, [{ path: '', message }], cause === undefined ? undefined : { cause });
}
