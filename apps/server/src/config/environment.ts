import { readFileSync } from 'node:fs';
import { ConfigError, type ConfigFault } from './errors.ts';
import { schemaAt, type SchemaNode } from './tree.ts';

/** The variables of a process, with the contents of secret files in the place of their paths. */
export interface Environment {
  readonly values: Readonly<Record<string, string | undefined>>;
  /** What a variable was really given by, where it was a file: `DATABASE_URL` by `DATABASE_URL_FILE`. */
  readonly origins: ReadonlyMap<string, string>;
}

const suffix = '_FILE';
const others: readonly string[] = ['DATABASE_URL', 'NACOS_USERNAME', 'NACOS_PASSWORD'];

/** `DT_SERVER__PORT` is `server.port`. */
export function pathOfVariable(name: string): string {
  return name.slice('DT_'.length).toLowerCase().replaceAll('__', '.');
}

/** `server.port` is `DT_SERVER__PORT`; undefined where the path has capitals, which a variable cannot tell. */
export function variableOfPath(path: string): string | undefined {
  const name = `DT_${path.toUpperCase().replaceAll('.', '__')}`;
  return pathOfVariable(name) === path ? name : undefined;
}

/**
 * Reads the files that `*_FILE` variables name, as containers are given secrets. One line break at the end is not part
 * of the value: editors put it there.
 *
 * @throws ConfigError `config-invalid` for every file that cannot be read, is empty, or stands beside the value itself
 */
export function readEnvironment(
  root: SchemaNode,
  env: Readonly<Record<string, string | undefined>>,
): Environment {
  const values = { ...env };
  const origins = new Map<string, string>();
  const faults: ConfigFault[] = [];
  for (const [variable, file] of Object.entries(env)) {
    if (!file || !isSecretFile(root, variable)) continue;
    const name = variable.slice(0, -suffix.length);
    const given = env[name];
    const isGiven = name.startsWith('DT_') ? given !== undefined : Boolean(given);
    const read = isGiven ? { wrong: `is given beside ${name}; allowed: one of the two` } : readSecret(file);
    if ('wrong' in read) faults.push({ path: '', message: `${variable}: ${read.wrong}` });
    else {
      values[name] = read.text;
      origins.set(name, variable);
    }
    delete values[variable];
  }
  if (faults.length > 0) throw new ConfigError('config-invalid', faults);
  return { values, origins };
}

/** A setting whose own name ends in `_file` is not taken for a secret file. */
function isSecretFile(root: SchemaNode, variable: string): boolean {
  if (!variable.endsWith(suffix)) return false;
  const name = variable.slice(0, -suffix.length);
  if (!name.startsWith('DT_')) return others.includes(name);
  const known = (of: string): boolean => schemaAt(root, pathOfVariable(of).split('.')) !== undefined;
  return known(name) && !known(variable);
}

function readSecret(file: string): { text: string } | { wrong: string } {
  try {
    const text = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    return text === '' ? { wrong: `${file} is empty` } : { text };
  } catch (error) {
    return { wrong: `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})` };
  }
}
