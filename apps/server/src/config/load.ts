import { checkSettings } from './check.ts';
import { ConfigError } from './errors.ts';
import { DEFAULT_CONFIG_FILE, readConfigFile } from './file.ts';
import {
  environmentLayers,
  fileLayer,
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

export interface LoadedConfig {
  readonly config: Config;
  /** Lines for the start-up log, at level warn. */
  readonly warnings: readonly string[];
  /** The file that was read; absent when there was none. */
  readonly file?: string;
}

/**
 * Puts the configuration together: flags > environment > file > defaults, merged setting by setting.
 *
 * @throws ConfigError `config-file` a named file is missing or cannot be read; `config-syntax`; `config-invalid`
 * with every wrong setting at once
 */
export function loadConfig(options: LoadConfigOptions): LoadedConfig {
  const root = configSchema as SchemaNode;
  const notes: Notes = { warnings: [], unused: [] };
  const { file, document } = readDocument(options);
  const layers: Layer[] = [
    ...(file === undefined ? [] : [fileLayer(root, file, document, notes)]),
    ...environmentLayers(root, options.env, notes),
  ];
  for (const { path, value, origin = '--set' } of options.overrides ?? []) {
    const layer = valueLayer(root, origin, path, value, notes);
    if (layer !== undefined) layers.push(layer);
  }

  const { settings, sourceOf } = mergeLayers(layers);
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
    ...(file === undefined ? {} : { file }),
  };
}

function readDocument({ file, env }: LoadConfigOptions): { file?: string; document?: unknown } {
  const named = file ?? (env['CONFIG_FILE'] || undefined);
  const path = named ?? DEFAULT_CONFIG_FILE;
  const document = readConfigFile(path);
  if (document !== undefined) return { file: path, document };
  if (named === undefined) return {};
  const message = `the configuration file ${named} does not exist (named by ${file === undefined ? 'CONFIG_FILE' : '--config'})`;
  throw new ConfigError('config-file', [{ path: '', message }]);
}

/** One tree of all layers, the later over the earlier, and who said what. */
function mergeLayers(layers: readonly Layer[]): { settings: Tree; sourceOf: (path: string) => string } {
  const settings: Tree = {};
  const sources = new Map<string, string>();
  for (const layer of layers) {
    mergeInto(settings, layer.settings, (path) => sources.set(path.join('.'), layer.source));
  }
  const sourceOf = (path: string): string => {
    // A value inside a list, or one that is missing, was said where the thing around it was said.
    for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('.')))) {
      const source = sources.get(at);
      if (source !== undefined) return source;
    }
    return 'default';
  };
  return { settings, sourceOf };
}
