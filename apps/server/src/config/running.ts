import { describeError, type Log } from '../log/index.ts';
import { compareConfigs } from './changes.ts';
import { composeConfig, readSources, type ConfigSources } from './load.ts';
import { watchNacos } from './nacos/index.ts';
import { keepCopy, type OpenConfig } from './open.ts';
import type { Config } from './schema.ts';

/**
 * What became of a change.
 * - `applied`: it holds now.
 * - `unchanged`: it makes no difference, since something stronger says otherwise or nothing changed.
 * - `refused`: it is good, but holds settings that need a restart; nothing of it was taken.
 * - `invalid`: it is wrong; nothing of it was taken.
 */
export const changeOutcomes = ['applied', 'unchanged', 'refused', 'invalid'] as const;
export type ChangeOutcome = (typeof changeOutcomes)[number];

export interface RunningConfigOptions {
  readonly opened: OpenConfig;
  /** Takes the settings that are `live`. Must not throw: the configuration is checked. */
  readonly apply: (config: Config) => void;
  readonly log: Log;
  readonly onChange?: (outcome: ChangeOutcome) => void;
  readonly onNacosReachable?: (reachable: boolean) => void;
}

/** The configuration of a server that runs: a change is taken as a whole or not at all. */
export class RunningConfig {
  readonly #options: RunningConfigOptions;
  readonly #watch: { close(): Promise<void> } | undefined;
  /** As read last, taken or not: the next change stands beside what was said since. */
  #sources: ConfigSources;
  #config: Config;
  #copies: Promise<unknown> = Promise.resolve();

  constructor(options: RunningConfigOptions) {
    this.#options = options;
    const { opened, log, onNacosReachable = () => undefined } = options;
    const { nacos } = opened;
    this.#sources = opened.sources;
    this.#config = opened.config;
    onNacosReachable(nacos !== undefined && nacos.md5 !== '');
    if (nacos === undefined) return;
    const { client, md5, name } = nacos;
    this.#watch = watchNacos({
      client,
      md5,
      name,
      log,
      onText: (text) => this.#takeNacos(text),
      onReachable: onNacosReachable,
    });
  }

  get config(): Config {
    return this.#config;
  }

  /** Reads the file and the secret files anew. Nacos is followed anyway. */
  reload(): ChangeOutcome {
    return this.#judge('configuration', () => {
      const { nacos } = this.#sources;
      return { ...readSources(this.#options.opened.options), ...(nacos !== undefined && { nacos }) };
    });
  }

  async close(): Promise<void> {
    await this.#watch?.close();
    await this.#copies;
  }

  #takeNacos(text: string): void {
    const { nacos } = this.#options.opened;
    if (nacos === undefined) return;
    const { name, parse, snapshot } = nacos;
    const outcome = this.#judge(name, () => ({ ...this.#sources, nacos: { name, content: parse(text) } }));
    // A document that needs a restart is good: it is what the restart should find.
    if (outcome === 'invalid') return;
    this.#copies = this.#copies.then(async () => {
      for (const warning of await keepCopy(snapshot, text)) this.#options.log.warn(warning);
    });
  }

  #judge(document: string, read: () => ConfigSources): ChangeOutcome {
    const outcome = this.#take(document, read);
    this.#options.onChange?.(outcome);
    return outcome;
  }

  #take(document: string, read: () => ConfigSources): ChangeOutcome {
    const { log, apply } = this.#options;
    let after: Config;
    try {
      const sources = read();
      after = composeConfig(sources).config;
      this.#sources = sources;
    } catch (error) {
      log.error(
        { document, err: describeError(error) },
        'config: change refused, it is wrong; everything stays',
      );
      return 'invalid';
    }
    const { live, fixed } = compareConfigs(this.#config, after);
    if (fixed.length > 0) {
      log.error({ document, restart: fixed }, 'config: change refused, it needs a restart; everything stays');
      return 'refused';
    }
    if (live.length === 0) {
      log.info({ document }, 'config: read anew, nothing changes');
      return 'unchanged';
    }
    this.#config = after;
    apply(after);
    log.info({ document, settings: live }, 'config: changed');
    return 'applied';
  }
}
