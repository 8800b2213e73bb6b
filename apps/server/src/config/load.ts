import { checkSettings } from './check.ts';
import { ConfigError } from './errors.ts';
import { DEFAULT_CONFIG_FILE, readConfigFile } from './file.ts';
import { readEnvironment, type Environment } from './environment.ts';
import {
  documentLayer,
  environmentLayers,
  valueLayer,
  type ConfigOverride,
  type Layer,
  type Notes,
} from './layers.ts';
import { checkTogether } from './safety.ts';
import { configSchema, type Config } from './schema.ts';
import { deepFreeze, mergeInto, type SchemaNode, type Tree } from './tree.ts';

export interface LoadConfigOptions {
  /** A file somebody named. @default CONFIG_FILE of the environment, else config/dev.json where there is one */
  readonly file?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** From flags; the last of the same path wins. @default [] */
  readonly overrides?: readonly ConfigOverride[];
}

/** A document of settings as it was read, with the name it has in messages. */
export interface NamedDocument {
  readonly name: string;
  readonly content: unknown;
}

/** Everything that settings come from, read but not yet judged. */
export interface ConfigSources {
  readonly overrides: readonly ConfigOverride[];
  readonly env: Environment;
  readonly nacos?: NamedDocument;
  readonly file?: NamedDocument;
}

export interface LoadedConfig {
  readonly config: Config;
  /** Lines for the start-up log, at level warn. */
  readonly warnings: readonly string[];
  /** The file that was read; absent when there was none. */
  readonly file?: string;
  /** Where the value at a dotted path came from: `--set`, a variable, `nacos:…`, a file, or `default`. */
  readonly originOf: (path: string) => string;
}

/**
 * Puts the configuration together: flags > environment > file > defaults, merged setting by setting.
 *
 * @throws ConfigError `config-file` a named file is missing or cannot be read; `config-syntax`; `config-invalid`
 * with every wrong setting at once
 */
export function loadConfig(options: LoadConfigOptions): LoadedConfig {
  return composeConfig(readSources(options));
}

/** @throws ConfigError as `loadConfig`, but for wrong values */
export function readSources({ file, env, overrides = [] }: LoadConfigOptions): ConfigSources {
  const document = readDocument(file, env['CONFIG_FILE'] || undefined);
  return {
    overrides,
    env: readEnvironment(configSchema as SchemaNode, env),
    ...(document !== undefined && { file: document }),
  };
}

/** @throws ConfigError `config-invalid` with every wrong setting at once */
export function composeConfig({ overrides, env, nacos, file }: ConfigSources): LoadedConfig {
  const root = configSchema as SchemaNode;
  const notes: Notes = { warnings: [], unused: [] };
  const documents = [file, nacos].filter((document) => document !== undefined);
  const layers: Layer[] = [
    ...documents.map(({ name, content }) => documentLayer(root, name, content, notes)),
    ...environmentLayers(root, env, notes),
  ];
  for (const { path, value, origin = '--set' } of overrides) {
    const layer = valueLayer(root, origin, path, value, notes);
    if (layer !== undefined) layers.push(layer);
  }

  const { settings, sourceOf, originOf } = mergeLayers(layers);
  const faults = checkSettings(settings, sourceOf);
  if (faults.length > 0) throw new ConfigError('config-invalid', faults);
  const config = deepFreeze(settings as unknown as Config);
  const together = checkTogether(config, sourceOf);
  if (together.faults.length > 0) throw new ConfigError('config-invalid', together.faults);

  const unused =
    notes.unused.length === 0
      ? []
      : [`settings of the earlier server are not used: ${notes.unused.join(', ')}`];
  return {
    config,
    warnings: [...notes.warnings, ...unused, ...together.warnings],
    originOf,
    ...(file === undefined ? {} : { file: file.name }),
  };
}

function readDocument(byFlag: string | undefined, byVariable: string | undefined): NamedDocument | undefined {
  const named = byFlag ?? byVariable;
  const name = named ?? DEFAULT_CONFIG_FILE;
  const content = readConfigFile(name);
  if (content !== undefined) return { name, content };
  if (named === undefined) return undefined;
  const message = `the configuration file ${named} does not exist (named by ${byFlag === undefined ? 'CONFIG_FILE' : '--config'})`;
  throw new ConfigError('config-file', [{ path: '', message }]);
}

interface Merged {
  readonly settings: Tree;
  /** For messages: what is missing was left out where the block around it was said. */
  readonly sourceOf: (path: string) => string;
  /** What set this very value: a block that does not mention it leaves the default. */
  readonly originOf: (path: string) => string;
}

/** One tree of all layers, the later over the earlier, and who said what. */
function mergeLayers(layers: readonly Layer[]): Merged {
  const settings: Tree = {};
  const sources = new Map<string, string>();
  const blocks = new Set<string>();
  for (const layer of layers) {
    mergeInto(settings, layer.settings, (path, isBlock) => {
      const name = path.join('.');
      sources.set(name, layer.source);
      if (isBlock) blocks.add(name);
    });
  }
  // A value inside a list was said where the list was said.
  const find = (path: string, counts: (at: string) => boolean): string => {
    for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('.')))) {
      const source = sources.get(at);
      if (source !== undefined && counts(at)) return source;
    }
    return 'default';
  };
  return {
    settings,
    sourceOf: (path) => find(path, () => true),
    originOf: (path) => find(path, (at) => !blocks.has(at)),
  };
}
