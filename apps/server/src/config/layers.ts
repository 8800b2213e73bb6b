import { pathOfVariable, type Environment } from './environment.ts';
import { ConfigError } from './errors.ts';
import { flatNames, isUnusedLegacy } from './legacy.ts';
import { nearestName } from '@dt/mqadmin';
import { logLevels } from './schema.ts';
import { isTree, memberSchema, schemaAt, treeOf, type SchemaNode, type Tree } from './tree.ts';

/** Settings from one place, before they are checked. */
export interface Layer {
  /** How the place is named in messages: `config/dev.json`, `DT_SERVER__PORT`, `--port`. */
  readonly source: string;
  readonly settings: Tree;
}

/** One value given by path, from a flag. */
export interface ConfigOverride {
  /** Dotted: `server.port`. */
  readonly path: string;
  /** As typed; read by the type that the setting has. */
  readonly value: string;
  /** The flag it was given by, for messages. @default '--set' */
  readonly origin?: string;
}

/** Things that are worth a word but do not stop the start. */
export interface Notes {
  readonly warnings: string[];
  /** Settings of the earlier server that were passed by. */
  readonly unused: string[];
}

/** A document as it was read, with old names translated and unknown ones taken out. */
export function documentLayer(root: SchemaNode, source: string, document: unknown, notes: Notes): Layer {
  if (document === undefined || document === null) return { source, settings: {} };
  if (!isTree(document)) {
    const message = `${source}: allowed: an object of settings, at the top`;
    throw new ConfigError('config-invalid', [{ path: '', message }]);
  }
  return { source, settings: keepKnown(root, translateFlat(document), source, [], notes) };
}

function translateFlat(document: Tree): Tree {
  const result: Tree = { ...document };
  const block: Tree = isTree(document['rocketmq']) ? { ...document['rocketmq'] } : {};
  let found = false;
  for (const [flat, path] of flatNames) {
    if (!Object.hasOwn(result, flat)) continue;
    const key = path.slice(path.indexOf('.') + 1);
    if (!Object.hasOwn(block, key)) block[key] = result[flat];
    delete result[flat];
    found = true;
  }
  if (found) result['rocketmq'] = block;
  return result;
}

function keepKnown(
  schema: SchemaNode,
  tree: Tree,
  source: string,
  path: readonly string[],
  notes: Notes,
): Tree {
  const kept: Tree = {};
  for (const [key, value] of Object.entries(tree)) {
    const here = [...path, key];
    const name = here.join('.');
    const member = memberSchema(schema, key);
    // Tells editors where the JSON Schema is.
    if (name === '$schema') continue;
    if (member === undefined) {
      if (isUnusedLegacy(name)) notes.unused.push(name);
      else notes.warnings.push(unknownSetting(source, schema, path, key));
    } else if (Array.isArray(value)) {
      const { items } = member;
      kept[key] = value.map((item: unknown, index) =>
        items !== undefined && isTree(item)
          ? keepKnown(items, item, source, [...here, String(index)], notes)
          : item,
      );
    } else if (isTree(value)) {
      kept[key] = keepKnown(member, value, source, here, notes);
    } else if (value !== null) {
      // A block that is written but empty (null in YAML) says nothing.
      kept[key] = value;
    }
  }
  return kept;
}

function unknownSetting(
  source: string,
  schema: SchemaNode | undefined,
  path: readonly string[],
  key: string,
): string {
  const nearest = nearestName(key, Object.keys(schema?.properties ?? {}));
  const hint = nearest === undefined ? '' : `; did you mean ${[...path, nearest].join('.')}?`;
  return `${source}: unknown setting ${[...path, key].join('.')}${hint}`;
}

/** `DT_SERVER__PORT` is `server.port`; `DATABASE_URL` and `LOG_LEVEL` are known as they are. */
export function environmentLayers(
  root: SchemaNode,
  { values: env, origins }: Environment,
  notes: Notes,
): Layer[] {
  const layers: Layer[] = [];
  const add = (name: string, path: string, value: string | undefined): void => {
    if (value === undefined) return;
    const layer = valueLayer(root, origins.get(name) ?? name, path, value, notes);
    if (layer !== undefined) layers.push(layer);
  };
  // These two are not ours alone: empty ones say nothing, and LOG_LEVEL may be meant for another program.
  const logLevel = env['LOG_LEVEL']?.toLowerCase();
  if (logLevel && !logLevels.includes(logLevel)) {
    notes.warnings.push(`LOG_LEVEL: ${logLevel} is not taken; allowed: one of ${logLevels.join(', ')}`);
  } else {
    add('LOG_LEVEL', 'server.log_level', logLevel || undefined);
  }
  add('DATABASE_URL', 'database.url', env['DATABASE_URL'] || undefined);
  for (const name of Object.keys(env).sort()) {
    if (name.startsWith('DT_')) add(name, pathOfVariable(name), env[name]);
  }
  return layers;
}

/** @returns undefined when there is no such setting; then a warning says so */
export function valueLayer(
  root: SchemaNode,
  source: string,
  path: string,
  value: string,
  notes: Notes,
): Layer | undefined {
  const keys = path.split('.');
  const schema = schemaAt(root, keys);
  const list = keys.findIndex((_, index) => schemaAt(root, keys.slice(0, index))?.items !== undefined);
  if (list !== -1) {
    const name = keys.slice(0, list).join('.');
    notes.warnings.push(`${source}: ${path} is not taken: ${name} is a list, given as a whole (in JSON)`);
    return undefined;
  }
  if (schema === undefined) {
    const at = keys.findIndex((_, index) => schemaAt(root, keys.slice(0, index + 1)) === undefined);
    const above = keys.slice(0, at);
    notes.warnings.push(unknownSetting(source, schemaAt(root, above), above, keys.slice(at).join('.')));
    return undefined;
  }
  const read = readText(schema, value);
  const settings = treeOf(keys, read);
  return { source, settings: isTree(read) ? keepKnown(root, settings, source, [], notes) : settings };
}

/** Text by the type that is expected; what cannot be read stays text, for the check to refuse. */
function readText(schema: SchemaNode, text: string): unknown {
  for (const { type, items } of schema.anyOf ?? [schema]) {
    if (type === 'string') return text;
    if (type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
    if ((type === 'integer' || type === 'number') && /^-?[0-9]+(\.[0-9]+)?$/.test(text)) return Number(text);
    if (type === 'array' || type === 'object') {
      const json = readJson(text);
      if (json !== undefined) return json;
      if (type === 'array' && items?.type === 'string') {
        return text.trim() === '' ? [] : text.split(',').map((part) => part.trim());
      }
    }
  }
  return text;
}

function readJson(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
