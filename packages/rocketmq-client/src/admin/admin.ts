import {
  AUTO_CREATE_TOPIC,
  type BrokerData,
  commands,
  compareMessageQueues,
  isValidName,
  MASTER_ID,
  MAX_TOPIC_LENGTH,
  type MessageQueue,
  ResponseCode,
  retryTopic,
  type SubscriptionGroupConfig,
  subscriptionGroupConfigOf,
  topicConfigOf,
} from '@dt/rocketmq-protocol';
import { ClientInstance, type RequestOptions } from '../client/index.ts';
import { asRocketMQError, RocketMQError } from '../errors.ts';
import { type ClientOptions, checkClientOptions, groupName, integer, invalidOption } from '../options.ts';
import type { TopicRoute } from '../routes/index.ts';

type ClusterInfo = commands.ClusterInfo;
type ConsumerConnections = commands.ConsumerConnections;
type QueueConsumeStats = commands.QueueConsumeStats;
type QueueStats = commands.QueueStats;

export type AdminOptions = ClientOptions;

export interface CreateTopicOptions {
  topic: string;
  /** @default 8 */
  readQueueNums?: number;
  /** @default 8 */
  writeQueueNums?: number;
  /** 2 writable, 4 readable. @default 6 */
  perm?: number;
  /** Only the brokers of this cluster. @default all */
  clusterName?: string;
}

export interface CreateSubscriptionGroupOptions extends Partial<Omit<SubscriptionGroupConfig, 'groupName'>> {
  group: string;
  /** Only the brokers of this cluster. @default all */
  clusterName?: string;
}

export interface GroupConsumeStats {
  consumeTps: number;
  queues: QueueConsumeStats[];
}

/** Looks at a cluster and changes its topics and groups. */
export class Admin {
  readonly #client: ClientInstance;
  readonly #requestTimeoutMs: number;

  constructor(options: AdminOptions) {
    const checked = checkClientOptions(options);
    this.#requestTimeoutMs = checked.requestTimeoutMs;
    this.#client = new ClientInstance(checked);
  }

  /** Fails with `name-server-unreachable` when no NameServer answers. */
  start(): Promise<void> {
    return this.#client.start();
  }

  close(): Promise<void> {
    return this.#client.close(this.#requestTimeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** All topics, system topics among them. */
  async topicList(options: RequestOptions = {}): Promise<string[]> {
    return (await this.#client.requestNameServer(commands.getAllTopicList, {}, options)).topics;
  }

  /** Looked up now. Fails with `topic-not-found`. */
  topicRoute(topic: string): Promise<TopicRoute> {
    return this.#client.routes.refresh(topic);
  }

  clusterInfo(options: RequestOptions = {}): Promise<ClusterInfo> {
    return this.#client.requestNameServer(commands.getBrokerClusterInfo, {}, options);
  }

  /** Creates or changes the topic on every master; resolves when routes of it can be found. */
  async createTopic(topic: CreateTopicOptions, options: RequestOptions = {}): Promise<void> {
    if (!isValidName(topic.topic, MAX_TOPIC_LENGTH))
      throw invalidOption('topic', topic.topic, 'expected a topic name');
    const defaults = topicConfigOf(topic.topic);
    const request = {
      topic: topic.topic,
      defaultTopic: AUTO_CREATE_TOPIC,
      readQueueNums: integer('readQueueNums', topic.readQueueNums, defaults.readQueueNums, 1, 65_536),
      writeQueueNums: integer('writeQueueNums', topic.writeQueueNums, defaults.writeQueueNums, 1, 65_536),
      perm: integer('perm', topic.perm, defaults.perm, 0, 15),
      topicFilterType: defaults.topicFilterType,
      topicSysFlag: 0,
      order: false,
    };
    for (const address of await this.#masters(topic.clusterName, options)) {
      await this.#client.request(address, commands.updateAndCreateTopic, request, options);
    }
  }

  /** Removes the topic from every master and from all NameServers, with its messages. Also for an unknown topic. */
  async deleteTopic(topic: string, options: RequestOptions = {}): Promise<void> {
    for (const address of await this.#masters(undefined, options)) {
      await this.#client.request(address, commands.deleteTopicInBroker, { topic }, options);
    }
    for (const address of this.#client.nameServers.addresses) {
      await this.#client.request(address, commands.deleteTopicInNameServer, { topic }, options);
    }
  }

  /** Offsets of every queue, in order. */
  async topicStats(topic: string, options: RequestOptions = {}): Promise<QueueStats[]> {
    const stats = await this.#ofEveryMaster(topic, (address) =>
      this.#client.request(address, commands.getTopicStatsInfo, { topic }, options),
    );
    return stats.flatMap((part) => part.queues).sort(byQueue);
  }

  /** How far a group is, on all brokers of its topics. Fails with `topic-not-found` for a group that never lived. */
  async consumeStats(
    group: string,
    topic?: string,
    options: RequestOptions = {},
  ): Promise<GroupConsumeStats> {
    const request = { consumerGroup: group, topic };
    const stats = await this.#ofEveryMaster(topic ?? retryTopic(group), (address) =>
      this.#client.request(address, commands.getConsumeStats, request, options),
    );
    return {
      consumeTps: stats.reduce((sum, part) => sum + part.consumeTps, 0),
      queues: stats.flatMap((part) => part.queues).sort(byQueue),
    };
  }

  /** Creates or changes a consumer group on every master. */
  async createSubscriptionGroup(
    group: CreateSubscriptionGroupOptions,
    options: RequestOptions = {},
  ): Promise<void> {
    const { group: name, clusterName, ...overrides } = group;
    const config = subscriptionGroupConfigOf(groupName(name), overrides);
    for (const address of await this.#masters(clusterName, options)) {
      await this.#client.request(address, commands.updateAndCreateSubscriptionGroup, config, options);
    }
  }

  /** The members of a group that are online, as one of its brokers sees them; `undefined` when there are none. */
  async consumerConnections(
    group: string,
    options: RequestOptions = {},
  ): Promise<ConsumerConnections | undefined> {
    const [address] = this.#mastersOf([...(await this.topicRoute(retryTopic(group))).brokers.values()]);
    if (address === undefined) return undefined;
    try {
      return await this.#client.request(
        address,
        commands.getConsumerConnectionList,
        { consumerGroup: group },
        options,
      );
    } catch (error) {
      if (asRocketMQError(error).responseCode === ResponseCode.CONSUMER_NOT_ONLINE) return undefined;
      throw error;
    }
  }

  /** Figures of one broker; all values are texts. */
  async brokerRuntimeInfo(
    brokerAddress: string,
    options: RequestOptions = {},
  ): Promise<Record<string, string>> {
    return (await this.#client.request(brokerAddress, commands.getBrokerRuntimeInfo, {}, options)).table;
  }

  async #ofEveryMaster<T>(topic: string, request: (address: string) => Promise<T>): Promise<T[]> {
    const addresses = this.#mastersOf([...(await this.topicRoute(topic)).brokers.values()]);
    return Promise.all(addresses.map(request));
  }

  async #masters(clusterName: string | undefined, options: RequestOptions): Promise<string[]> {
    const { brokers, clusters } = await this.clusterInfo(options);
    const names = clusterName === undefined ? Object.keys(brokers) : (clusters[clusterName] ?? []);
    const addresses = this.#mastersOf(names.flatMap((name) => brokers[name] ?? []));
    if (addresses.length > 0) return addresses;
    const where = clusterName === undefined ? 'the cluster' : `cluster ${clusterName}`;
    throw new RocketMQError('broker-not-found', `${where} has no master broker`, { retryable: true });
  }

  #mastersOf(brokers: readonly BrokerData[]): string[] {
    return brokers.flatMap((broker) => broker.brokerAddrs[MASTER_ID] ?? []);
  }
}

function byQueue(a: { queue: MessageQueue }, b: { queue: MessageQueue }): number {
  return compareMessageQueues(a.queue, b.queue);
}
