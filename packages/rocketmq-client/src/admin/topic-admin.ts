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
import { type AskedBrokers, type BrokerChoice, checkQueue, mastersOf, requireText } from './admin-base.ts';
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
  /**
   * Globally ordered: NameServers are given the queues that producers shall use, also while a broker is away. They hand
   * that out only when configured with `orderMessageEnable=true`.
   * @default false
   */
  order?: boolean;
  /** 1: for units; 2: with consumers of units. @default 0 */
  topicSysFlag?: number;
  /**
   * `+name` with a value sets an attribute, `-name` with an empty value removes it. Known to 5.3.0:
   * `message.type` (NORMAL, FIFO, DELAY, TRANSACTION), `cleanup.policy`, `queue.type`.
   * @default no change
   */
  attributes?: Readonly<Record<string, string>>;
}

/** Where NameServers keep the queues of ordered topics. */
const ORDER_NAMESPACE = 'ORDER_TOPIC_CONFIG';

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
  /** All topics, system topics among them; of a namespace only its own. */
  async topicList(options: RequestOptions = {}): Promise<string[]> {
    const { topics } = await this.client.requestNameServer(commands.getAllTopicList, {}, options);
    return this.names.own(topics);
  }

  /** The topics on the brokers of a cluster; none for an unknown cluster. */
  async topicsByCluster(cluster: string, options: RequestOptions = {}): Promise<string[]> {
    const request = { cluster: requireText('cluster', cluster) };
    const { topics } = await this.client.requestNameServer(commands.getTopicsByCluster, request, options);
    return this.names.own(topics);
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
      const request = { topic: this.names.onWire(topic) };
      return this.#within(
        await this.client.request(brokerAddress, commands.getTopicConfig, request, options),
      );
    } catch (error) {
      if (asRocketMQError(error).responseCode === ResponseCode.TOPIC_NOT_EXIST) return undefined;
      throw error;
    }
  }

  /** All topics as one broker has them. */
  async allTopicConfigs(brokerAddress: string, options: RequestOptions = {}): Promise<TopicConfig[]> {
    const { topics } = await this.client.request(brokerAddress, commands.getAllTopicConfig, {}, options);
    return topics
      .filter(({ topicName }) => this.names.isOwn(topicName))
      .map((config) => this.#within(config));
  }

  /** Creates or changes the topic on every master that is meant; resolves when routes of it can be found. */
  async createTopic(topic: CreateTopicOptions, options: RequestOptions = {}): Promise<void> {
    const name = this.#checkedName('topic', topic.topic);
    const defaults = topicConfigOf(name);
    const order = topic.order ?? false;
    const attributes = attributesText(topic.attributes ?? {});
    const request = {
      topic: name,
      defaultTopic: AUTO_CREATE_TOPIC,
      readQueueNums: integer('readQueueNums', topic.readQueueNums, defaults.readQueueNums, 1, 65_536),
      writeQueueNums: integer('writeQueueNums', topic.writeQueueNums, defaults.writeQueueNums, 1, 65_536),
      perm: integer('perm', topic.perm, defaults.perm, 0, 15),
      topicFilterType: defaults.topicFilterType,
      topicSysFlag: integer('topicSysFlag', topic.topicSysFlag, 0, 0, 3),
      order,
      ...(attributes !== '' && { attributes }),
    };
    for (const address of await this.masters(topic, options)) {
      await this.client.request(address, commands.updateAndCreateTopic, request, options);
    }
    if (order) await this.#putOrder({ ...topic, topic: name }, request.writeQueueNums, options);
  }

  /** Several topics on one broker; nothing is done when one of them is not allowed. */
  async createTopics(
    brokerAddress: string,
    topics: readonly TopicConfig[],
    options: RequestOptions = {},
  ): Promise<void> {
    const request = {
      topics: topics.map((config) => ({
        ...config,
        topicName: this.#checkedName('topicName', config.topicName),
      })),
    };
    await this.client.request(brokerAddress, commands.updateAndCreateTopicList, request, options);
  }

  /**
   * Removes the topic with its messages from every master, or from those of one cluster, and from all NameServers.
   * Also for an unknown topic.
   */
  async deleteTopic(topic: string, options: DeleteTopicOptions = {}): Promise<void> {
    const { clusterName } = options;
    const request = { topic: this.names.onWire(topic), clusterName };
    for (const address of await this.masters({ clusterName }, options)) {
      await this.client.request(address, commands.deleteTopicInBroker, request, options);
    }
    for (const address of this.client.nameServers.addresses) {
      await this.client.request(address, commands.deleteTopicInNameServer, request, options);
    }
  }

  /** Offsets of every queue, in order. */
  async topicStats(topic: string, options: AskedBrokers = {}): Promise<QueueStats[]> {
    const request = { topic: this.names.onWire(topic) };
    const stats = await this.ofEveryMaster(
      topic,
      (address) => this.client.request(address, commands.getTopicStatsInfo, request, options),
      options,
    );
    return this.names.queuesWithin(stats.flatMap((part) => part.queues)).sort(byQueue);
  }

  /** The groups that consume a topic: those online, and those with offsets in it. Fails with `topic-not-found`. */
  async groupsOfTopic(topic: string, options: RequestOptions = {}): Promise<string[]> {
    const request = { topic: this.names.onWire(topic) };
    const parts = await this.ofEveryMaster(topic, (address) =>
      this.client.request(address, commands.queryTopicConsumeByWho, request, options),
    );
    return [...new Set(parts.flatMap((part) => part.groups))].map((group) => this.names.within(group)).sort();
  }

  /** Offset of the oldest message that is still stored. */
  async minOffset(queue: MessageQueue, options: RequestOptions = {}): Promise<number> {
    const address = await this.#addressOf(queue);
    return (await this.client.request(address, commands.getMinOffset, this.#named(queue), options)).offset;
  }

  /** Offset behind the newest message. */
  async maxOffset(queue: MessageQueue, options: RequestOptions = {}): Promise<number> {
    const address = await this.#addressOf(queue);
    return (await this.client.request(address, commands.getMaxOffset, this.#named(queue), options)).offset;
  }

  /** The offset that belongs to a time, milliseconds since 1970 by the broker's clock; 0 in an empty queue. */
  async offsetByTime(queue: MessageQueue, time: number, options: OffsetByTimeOptions = {}): Promise<number> {
    const { boundary = 'LOWER' } = options;
    if (boundary !== 'LOWER' && boundary !== 'UPPER')
      throw invalidOption('boundary', boundary, 'expected LOWER or UPPER');
    const timestamp = integer('time', time, 0, 0, Number.MAX_SAFE_INTEGER);
    const address = await this.#addressOf(queue);
    const request = { ...this.#named(queue), timestamp, boundaryType: boundary };
    return (await this.client.request(address, commands.searchOffsetByTimestamp, request, options)).offset;
  }

  /** When the oldest message of a queue was stored, milliseconds since 1970; `undefined` for an empty queue. */
  async earliestStoreTime(queue: MessageQueue, options: RequestOptions = {}): Promise<number | undefined> {
    const address = await this.#addressOf(queue);
    const request = this.#named(queue);
    const { timestamp } = await this.client.request(
      address,
      commands.getEarliestMessageStoreTime,
      request,
      options,
    );
    return timestamp < 0 ? undefined : timestamp;
  }

  /** One broker's share is put to those of the others; a whole cluster's replaces them. */
  async #putOrder(topic: CreateTopicOptions, writeQueueNums: number, options: RequestOptions): Promise<void> {
    const entry = (brokerName: string): [string, string] => [brokerName, `${brokerName}:${writeQueueNums}`];
    const brokers = await this.masterBrokers(topic.clusterName, options);
    const chosen = brokers.filter(
      (broker) => topic.brokerAddress === undefined || mastersOf([broker]).includes(topic.brokerAddress),
    );
    const known =
      topic.brokerAddress === undefined
        ? undefined
        : await this.kvConfig(ORDER_NAMESPACE, topic.topic, options);
    const entries = new Map([
      ...(known ?? '')
        .split(';')
        .filter((text) => text !== '')
        .map((text): [string, string] => [text.split(':')[0] ?? '', text]),
      ...chosen.map((broker) => entry(broker.brokerName)),
    ]);
    await this.putKvConfig(ORDER_NAMESPACE, topic.topic, [...entries.values()].join(';'), options);
  }

  async #addressOf(queue: MessageQueue): Promise<string> {
    checkQueue(queue);
    return this.client.masterOf(this.names.onWire(queue.topic), queue.brokerName);
  }

  #named({ topic, queueId }: MessageQueue): { topic: string; queueId: number } {
    return { topic: this.names.onWire(topic), queueId };
  }

  #within(config: TopicConfig): TopicConfig {
    return { ...config, topicName: this.names.within(config.topicName) };
  }

  /** As brokers know it. */
  #checkedName(field: string, topic: string): string {
    const name = typeof topic === 'string' ? this.names.onWire(topic) : '';
    if (isValidName(topic, MAX_TOPIC_LENGTH) && name.length <= MAX_TOPIC_LENGTH) return name;
    throw invalidOption(field, topic, 'expected a topic name');
  }
}

function byQueue(a: { queue: MessageQueue }, b: { queue: MessageQueue }): number {
  return compareMessageQueues(a.queue, b.queue);
}

/** `+message.type=FIFO,-other`, as requests carry changes of attributes. */
function attributesText(attributes: Readonly<Record<string, string>>): string {
  return Object.entries(attributes)
    .map(([name, value]) => {
      if (!/^[+-][^+\-,=]+$/.test(name))
        throw invalidOption('attributes', name, 'expected + or - and the name of an attribute');
      if (name.startsWith('+') === (value === '') || /[,=]/.test(value))
        throw invalidOption(
          `attributes.${name}`,
          value,
          'expected a value behind +, none behind -, without , and =',
        );
      return value === '' ? name : `${name}=${value}`;
    })
    .join(',');
}
