import {
  AUTO_CREATE_TOPIC,
  JsonReader,
  Permission,
  topicConfigFromJson,
  topicConfigOf,
  topicConfigToJson,
  type JsonObject,
  type JsonValue,
  type TopicConfig,
} from '@dt/rocketmq-protocol';
import { noRoom } from '../server/index.ts';
import type { JsonFile } from '../store/index.ts';
import { firstVersion, nextVersion, versionFrom, type DataVersion } from './data-version.ts';
import { reservedTopics, SYSTEM_TOPIC_PREFIX, systemTopics } from './system-topics.ts';

export interface TopicTableOptions {
  file: JsonFile;
  clusterName: string;
  brokerName: string;
  autoCreateTopics: boolean;
  /** Topics there may be. */
  max: number;
  /** Tells the NameServer; called when the change is on disk, before anyone is answered. */
  onChange: (changed: TopicConfig) => void;
}

/** The topics of the broker, kept in a file. A change is on disk before the call returns. */
export class TopicTable {
  readonly #options: TopicTableOptions;
  readonly #topics = new Map<string, TopicConfig>();
  readonly #reserved: ReadonlySet<string>;
  #version: DataVersion = firstVersion();

  constructor(options: TopicTableOptions) {
    this.#options = options;
    const { clusterName, brokerName, autoCreateTopics } = options;
    this.#reserved = reservedTopics(clusterName, brokerName);
    for (const topic of systemTopics(clusterName, brokerName, autoCreateTopics))
      this.#topics.set(topic.topicName, topic);
    const document = options.file.load();
    if (document === undefined) return;
    const reader = new JsonReader(document as JsonValue, options.file.path);
    const table = reader.object('topicConfigTable');
    for (const name of table.keys) {
      // A switch of the option takes effect on old data, too.
      if (name !== AUTO_CREATE_TOPIC || autoCreateTopics)
        this.#topics.set(name, topicConfigFromJson(table.object(name)));
    }
    this.#version = versionFrom((document as JsonObject)['dataVersion']);
  }

  get(name: string): TopicConfig | undefined {
    return this.#topics.get(name);
  }

  has(name: string): boolean {
    return this.#topics.has(name);
  }

  all(): IterableIterator<TopicConfig> {
    return this.#topics.values();
  }

  isReserved(name: string): boolean {
    return this.#reserved.has(name) || name.startsWith(SYSTEM_TOPIC_PREFIX);
  }

  get dataVersion(): DataVersion {
    return this.#version;
  }

  get reservedNames(): string[] {
    return [...this.#reserved];
  }

  /** Creates or changes; nothing is written when nothing changes. */
  put(config: TopicConfig): void {
    const old = this.#topics.get(config.topicName);
    if (old !== undefined && sameConfig(old, config)) return;
    if (old === undefined) this.checkRoom();
    this.#store(config);
  }

  /** Throws the refusal of one more topic when there is no room for it. */
  checkRoom(): void {
    if (this.#topics.size >= this.#options.max) throw noRoom('topics', this.#options.max);
  }

  /** A topic for messages that are stored already: there is always room for it. */
  createOwn(name: string, queues: number): void {
    if (this.#topics.has(name)) return;
    this.#store(topicConfigOf(name, { readQueueNums: queues, writeQueueNums: queues, topicSysFlag: 0 }));
  }

  #store(config: TopicConfig): void {
    this.#topics.set(config.topicName, config);
    this.#saved();
    this.#options.onChange(config);
  }

  /**
   * A topic a producer names for the first time: queues and permission of the template, if that lets its permission
   * be inherited. Undefined when it does not, or when there is no such template.
   */
  createFromTemplate(
    name: string,
    template: string,
    queues: number,
    topicSysFlag: number,
  ): TopicConfig | undefined {
    const from = this.#topics.get(template);
    if (from === undefined || (from.perm & Permission.INHERIT) === 0) return undefined;
    const count = Math.max(0, Math.min(queues, from.writeQueueNums));
    const config = topicConfigOf(name, {
      readQueueNums: count,
      writeQueueNums: count,
      perm: from.perm & ~Permission.INHERIT,
      topicFilterType: from.topicFilterType,
      topicSysFlag,
    });
    this.put(config);
    return config;
  }

  /** A retry or dead letter topic. */
  createForGroup(name: string, queues: number, topicSysFlag = 0): TopicConfig {
    const old = this.#topics.get(name);
    if (old !== undefined) return old;
    const config = topicConfigOf(name, { readQueueNums: queues, writeQueueNums: queues, topicSysFlag });
    this.put(config);
    return config;
  }

  /** After the loss of the file: topics that have messages are there again, with the queues those are in. */
  restore(queues: ReadonlyMap<string, number>): void {
    if (!this.#options.file.isLost) return;
    for (const [name, count] of queues) this.createOwn(name, count);
  }

  delete(name: string): void {
    if (this.#topics.delete(name)) this.#saved();
  }

  /** As GET_ALL_TOPIC_CONFIG hands it out, and as it lies on disk. */
  toJson(): { dataVersion: DataVersion; topicConfigTable: JsonObject } {
    return {
      dataVersion: this.#version,
      topicConfigTable: Object.fromEntries(
        [...this.#topics].map(([name, topic]) => [name, topicConfigToJson(topic)]),
      ),
    };
  }

  #saved(): void {
    this.#version = nextVersion(this.#version);
    this.#options.file.saveNow(this.toJson());
  }
}

function sameConfig(a: TopicConfig, b: TopicConfig): boolean {
  return JSON.stringify(topicConfigToJson(a)) === JSON.stringify(topicConfigToJson(b));
}
