import {
  AUTO_CREATE_TOPIC,
  commands,
  compareMessageQueues,
  isValidName,
  MAX_TOPIC_LENGTH,
  type MessageQueue,
  ResponseCode,
  type TopicConfig,
  topicConfigOf,
} from '@dt/rocketmq-protocol';
import type { RequestOptions } from '../client/index.ts';
import { asRocketMQError } from '../errors.ts';
import { integer, invalidOption } from '../options.ts';
import { type AskedBrokers, type BrokerChoice, checkQueue, requireText } from './admin-base.ts';
import { NameServerAdmin } from './name-server-admin.ts';

export type QueueStats = commands.QueueStats;

export interface CreateTopicOptions extends BrokerChoice {
  topic: string;
  /** @default 8 */
  readQueueNums?: number;
  /** @default 8 */
  writeQueueNums?: number;
  /** 2 writable, 4 readable. @default 6 */
  perm?: number;
  /** Messages of a sharding key keep their order also while a broker is away. @default false */
  order?: boolean;
  /** Bits for units of a deployment: 1 the topic has units, 2 they subscribe. @default 0 */
  topicSysFlag?: number;
  /**
   * What to change of the attributes: `'+name': 'value'` sets one, `'-name': ''` removes one.
   * @default nothing
   */
  attributes?: Readonly<Record<string, string>>;
}

export type DeleteTopicOptions = Pick<BrokerChoice, 'clusterName'> & RequestOptions;

export interface OffsetByTimeOptions extends RequestOptions {
  /**
   * `LOWER`: the first message stored at `time` or later, behind the last when there is none. `UPPER`: the last
   * message stored at `time` or earlier.
   * @default 'LOWER'
   */
  boundary?: 'LOWER' | 'UPPER';
}

/** Topics, and the offsets of their queues. */
export abstract class TopicAdmin extends NameServerAdmin {
  /** All topics, system topics among them. */
  async topicList(options: RequestOptions = {}): Promise<string[]> {
    return (await this.client.requestNameServer(commands.getAllTopicList, {}, options)).topics;
  }

  /** The topics on the brokers of a cluster; none for an unknown cluster. */
  async topicsByCluster(cluster: string, options: RequestOptions = {}): Promise<string[]> {
    const request = { cluster: requireText('cluster', cluster) };
    return (await this.client.requestNameServer(commands.getTopicsByCluster, request, options)).topics;
  }

  /** The topics that RocketMQ keeps for itself: names of clusters and brokers, and those its brokers reserve. */
  async systemTopics(options: RequestOptions = {}): Promise<string[]> {
    const { topics, brokerAddr } = await this.client.requestNameServer(
      commands.getSystemTopicListFromNameServer,
      {},
      options,
    );
    if (brokerAddr === undefined || brokerAddr === '') return topics;
    const reserved = await this.client.request(
      brokerAddr,
      commands.getSystemTopicListFromBroker,
      {},
      options,
    );
    return [...new Set([...topics, ...reserved.topics])];
  }

  /** A topic as one broker has it; `undefined` when the broker has no such topic. */
  async topicConfig(
    brokerAddress: string,
    topic: string,
    options: RequestOptions = {},
  ): Promise<TopicConfig | undefined> {
    try {
      return await this.client.request(brokerAddress, commands.getTopicConfig, { topic }, options);
    } catch (error) {
      if (asRocketMQError(error).responseCode === ResponseCode.TOPIC_NOT_EXIST) return undefined;
      throw error;
    }
  }

  /** All topics as one broker has them. */
  async allTopicConfigs(brokerAddress: string, options: RequestOptions = {}): Promise<TopicConfig[]> {
    return (await this.client.request(brokerAddress, commands.getAllTopicConfig, {}, options)).topics;
  }

  /** Creates or changes the topic on every master that is meant; resolves when routes of it can be found. */
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
      topicSysFlag: integer('topicSysFlag', topic.topicSysFlag, 0, 0, 3),
      order: topic.order ?? false,
      ...(topic.attributes && { attributes: attributesText(topic.attributes) }),
    };
    for (const address of await this.masters(topic, options)) {
      await this.client.request(address, commands.updateAndCreateTopic, request, options);
    }
  }

  /**
   * Removes the topic with its messages from every master, or from those of one cluster, and from all NameServers.
   * Also for an unknown topic.
   */
  async deleteTopic(topic: string, options: DeleteTopicOptions = {}): Promise<void> {
    const { clusterName } = options;
    for (const address of await this.masters({ clusterName }, options)) {
      await this.client.request(address, commands.deleteTopicInBroker, { topic }, options);
    }
    for (const address of this.client.nameServers.addresses) {
      await this.client.request(address, commands.deleteTopicInNameServer, { topic, clusterName }, options);
    }
  }

  /** Offsets of every queue, in order. */
  async topicStats(topic: string, options: AskedBrokers = {}): Promise<QueueStats[]> {
    const stats = await this.ofEveryMaster(
      topic,
      (address) => this.client.request(address, commands.getTopicStatsInfo, { topic }, options),
      options,
    );
    return stats.flatMap((part) => part.queues).sort(byQueue);
  }

  /** The groups that consume a topic: those online, and those with offsets in it. Fails with `topic-not-found`. */
  async groupsOfTopic(topic: string, options: RequestOptions = {}): Promise<string[]> {
    const parts = await this.ofEveryMaster(topic, (address) =>
      this.client.request(address, commands.queryTopicConsumeByWho, { topic }, options),
    );
    return [...new Set(parts.flatMap((part) => part.groups))].sort();
  }

  /** Offset of the oldest message that is still stored. */
  async minOffset(queue: MessageQueue, options: RequestOptions = {}): Promise<number> {
    const address = await this.#addressOf(queue);
    return (await this.client.request(address, commands.getMinOffset, named(queue), options)).offset;
  }

  /** Offset behind the newest message. */
  async maxOffset(queue: MessageQueue, options: RequestOptions = {}): Promise<number> {
    const address = await this.#addressOf(queue);
    return (await this.client.request(address, commands.getMaxOffset, named(queue), options)).offset;
  }

  /** The offset that belongs to a time, milliseconds since 1970 by the broker's clock; 0 in an empty queue. */
  async offsetByTime(queue: MessageQueue, time: number, options: OffsetByTimeOptions = {}): Promise<number> {
    const { boundary = 'LOWER' } = options;
    if (boundary !== 'LOWER' && boundary !== 'UPPER')
      throw invalidOption('boundary', boundary, 'expected LOWER or UPPER');
    const timestamp = integer('time', time, 0, 0, Number.MAX_SAFE_INTEGER);
    const address = await this.#addressOf(queue);
    const request = { ...named(queue), timestamp, boundaryType: boundary };
    return (await this.client.request(address, commands.searchOffsetByTimestamp, request, options)).offset;
  }

  /** When the oldest message of a queue was stored, milliseconds since 1970; `undefined` for an empty queue. */
  async earliestStoreTime(queue: MessageQueue, options: RequestOptions = {}): Promise<number | undefined> {
    const address = await this.#addressOf(queue);
    const request = named(queue);
    const { timestamp } = await this.client.request(
      address,
      commands.getEarliestMessageStoreTime,
      request,
      options,
    );
    return timestamp < 0 ? undefined : timestamp;
  }

  async #addressOf(queue: MessageQueue): Promise<string> {
    checkQueue(queue);
    return this.client.masterOf(queue.topic, queue.brokerName);
  }
}

/** `+name=value,-name` */
function attributesText(attributes: Readonly<Record<string, string>>): string {
  return Object.entries(attributes)
    .map(([key, value]) => {
      if (!/^[+-][^=,\s]+$/.test(key))
        throw invalidOption('attributes', key, 'expected + or - in front of the name of an attribute');
      return key.startsWith('+') ? `${key}=${value}` : key;
    })
    .join(',');
}

function named({ topic, queueId }: MessageQueue): { topic: string; queueId: number } {
  return { topic, queueId };
}

function byQueue(a: { queue: MessageQueue }, b: { queue: MessageQueue }): number {
  return compareMessageQueues(a.queue, b.queue);
}
