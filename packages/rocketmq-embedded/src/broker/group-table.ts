import {
  isValidName,
  JsonReader,
  MAX_GROUP_LENGTH,
  subscriptionGroupConfigFromJson,
  subscriptionGroupConfigOf,
  subscriptionGroupConfigToJson,
  type JsonObject,
  type JsonValue,
  type SubscriptionGroupConfig,
} from '@dt/rocketmq-protocol';
import { noRoom } from '../server/index.ts';
import type { JsonFile } from '../store/index.ts';
import { firstVersion, nextVersion, versionFrom, type DataVersion } from './data-version.ts';

const SYSTEM_GROUPS = [
  'TOOLS_CONSUMER',
  'FILTERSRV_CONSUMER',
  'SELF_TEST_C_GROUP',
  'CID_ONS-HTTP-PROXY',
  'CID_ONSAPI_PULL',
  'CID_ONSAPI_PERMISSION',
  'CID_ONSAPI_OWNER',
  'CID_RMQ_SYS_TRANS',
];

/** The consumer groups of the broker, kept in a file. A change is on disk before the call returns. */
export class GroupTable {
  readonly #file: JsonFile;
  readonly #max: number;
  readonly #groups = new Map<string, SubscriptionGroupConfig>();
  #version: DataVersion = firstVersion();

  /** `max` groups there may be. */
  constructor(file: JsonFile, max: number) {
    this.#file = file;
    this.#max = max;
    for (const name of SYSTEM_GROUPS) this.#groups.set(name, subscriptionGroupConfigOf(name));
    const document = file.load();
    if (document === undefined) return;
    const table = new JsonReader(document as JsonValue, file.path).object('subscriptionGroupTable');
    for (const name of table.keys)
      this.#groups.set(name, subscriptionGroupConfigFromJson(table.object(name)));
    this.#version = versionFrom((document as JsonObject)['dataVersion']);
  }

  has(name: string): boolean {
    return this.#groups.has(name);
  }

  names(): string[] {
    return [...this.#groups.keys()];
  }

  get(name: string): SubscriptionGroupConfig | undefined {
    return this.#groups.get(name);
  }

  /** The group, made with defaults when it is new. Undefined for a name that is not allowed. */
  findOrCreate(name: string): SubscriptionGroupConfig | undefined {
    const old = this.#groups.get(name);
    if (old !== undefined) return old;
    if (!isValidName(name, MAX_GROUP_LENGTH)) return undefined;
    const config = subscriptionGroupConfigOf(name);
    this.put(config);
    return config;
  }

  put(config: SubscriptionGroupConfig): void {
    if (!this.#groups.has(config.groupName) && this.#groups.size >= this.#max)
      throw noRoom('consumer groups', this.#max);
    this.#groups.set(config.groupName, config);
    this.#saved();
  }

  delete(name: string): void {
    if (this.#groups.delete(name)) this.#saved();
  }

  toJson(): { dataVersion: DataVersion; forbiddenTable: JsonObject; subscriptionGroupTable: JsonObject } {
    return {
      dataVersion: this.#version,
      forbiddenTable: {},
      subscriptionGroupTable: Object.fromEntries(
        [...this.#groups].map(([name, group]) => [name, subscriptionGroupConfigToJson(group)]),
      ),
    };
  }

  #saved(): void {
    this.#version = nextVersion(this.#version);
    this.#file.saveNow(this.toJson());
  }
}
