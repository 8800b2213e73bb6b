import { parseConfigText } from './file.ts';
import {
  composeConfig,
  readSources,
  type ConfigSources,
  type LoadConfigOptions,
  type LoadedConfig,
} from './load.ts';
import {
  documentName,
  NacosClient,
  NacosError,
  nacosSettings,
  Snapshot,
  type NacosSettings,
} from './nacos/index.ts';

/** Where the document in Nacos is followed, for a server that runs. */
export interface OpenNacos {
  readonly client: NacosClient;
  readonly name: string;
  /** Of the document that was taken; empty when it came from a copy, so that the real one is news. */
  readonly md5: string;
  readonly snapshot?: Snapshot;
  /** @throws ConfigError `config-syntax` */
  readonly parse: (text: string) => unknown;
}

/** A configuration, and what is needed to take changes of it later. */
export interface OpenConfig extends LoadedConfig {
  readonly options: LoadConfigOptions;
  readonly sources: ConfigSources;
  readonly nacos?: OpenNacos;
}

/**
 * As `loadConfig`, with Nacos between environment and file where `NACOS_SERVER_ADDR` names one.
 *
 * @throws ConfigError; NacosError when the document cannot be had, and no copy of it either
 */
export async function openConfig(options: LoadConfigOptions): Promise<OpenConfig> {
  const sources = readSources(options);
  const settings = nacosSettings(sources.env);
  if (settings === undefined) return { ...composeConfig(sources), options, sources };

  const client = new NacosClient(settings);
  const snapshot =
    settings.snapshotFolder === undefined ? undefined : new Snapshot(settings.snapshotFolder, settings);
  const name = documentName(settings);
  const parse = (text: string): unknown => parseConfigText(name, text, 'yaml');
  const { text, md5, origin, warnings } = await readNacos(client, settings, snapshot);
  const withNacos = { ...sources, nacos: { name: origin, content: parse(text) } };
  const loaded = composeConfig(withNacos);
  const writeWarnings = md5 === '' ? [] : await keepCopy(snapshot, text);
  return {
    ...loaded,
    warnings: [...warnings, ...writeWarnings, ...loaded.warnings],
    options,
    sources: withNacos,
    nacos: { client, name, md5, parse, ...(snapshot !== undefined && { snapshot }) },
  };
}

/** Keeps a document that is known to be good. @returns a warning when the copy cannot be written */
export async function keepCopy(snapshot: Snapshot | undefined, text: string): Promise<string[]> {
  try {
    await snapshot?.write(text);
    return [];
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    return [
      `NACOS_SNAPSHOT: the copy ${snapshot?.file} cannot be written (${code}): a start while Nacos is away fails`,
    ];
  }
}

interface ReadNacos {
  readonly text: string;
  readonly md5: string;
  readonly origin: string;
  readonly warnings: readonly string[];
}

async function readNacos(
  client: NacosClient,
  settings: NacosSettings,
  snapshot: Snapshot | undefined,
): Promise<ReadNacos> {
  const name = documentName(settings);
  try {
    const document = await client.read();
    if (document !== undefined) return { ...document, origin: name, warnings: [] };
    throw new NacosError(
      'nacos-missing',
      `Nacos has no document ${name}: publish it, or check NACOS_DATA_ID, NACOS_GROUP and NACOS_NAMESPACE (the id of the namespace, not its title)`,
    );
  } catch (error) {
    if (!(error instanceof NacosError) || !error.retryable) throw error;
    const copy = await snapshot?.read();
    if (snapshot !== undefined && copy !== undefined) {
      const warning = `${error.message}: settings are those of the copy ${snapshot.file}, ${age(copy.ageMs)} old`;
      return { text: copy.text, md5: '', origin: snapshot.file, warnings: [warning] };
    }
    const copies =
      snapshot === undefined
        ? 'set NACOS_SNAPSHOT to a folder, and the last good copy is used while Nacos is away'
        : `there is no copy ${snapshot.file} yet`;
    throw new NacosError(
      'nacos-away',
      `${error.message}: start it, check NACOS_SERVER_ADDR, or unset it to do without; ${copies}`,
      { cause: error },
    );
  }
}

function age(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return `${Math.floor(ms / 1000)} s`;
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}
