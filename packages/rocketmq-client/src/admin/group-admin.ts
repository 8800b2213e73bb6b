import {
  type ClientConnection,
  commands,
  compareMessageQueues,
  type MessageRequestMode,
  ResponseCode,
  retryTopic,
  type SubscriptionGroupConfig,
  subscriptionGroupConfigOf,
} from '@dt/rocketmq-protocol';
import type { RequestOptions } from '../client/index.ts';
import { asRocketMQError } from '../errors.ts';
import { groupName, integer, oneOf } from '../options.ts';
import {
  type AskedBrokers,
  type BrokerChoice,
  isRefusalSaying,
  mastersOf,
  requireText,
} from './admin-base.ts';
import { TopicAdmin } from './topic-admin.ts';

export type ConsumerConnections = commands.ConsumerConnections;
export type QueueConsumeStats = commands.QueueConsumeStats;

export interface CreateSubscriptionGroupOptions
  extends Partial<Omit<SubscriptionGroupConfig, 'groupName'>>, BrokerChoice {
  group: string;
}

export interface DeleteSubscriptionGroupOptions extends BrokerChoice, RequestOptions {
  /** Forget the offsets of the group, too: one of the same name then starts anew. @default false */
  cleanOffset?: boolean;
}

export interface CloneOffsetsOptions extends BrokerChoice, RequestOptions {
  /** @default all topics of the source group */
  topic?: string;
  /** Also topics that the members of the source group, if any are online, have left. @default false */
  offline?: boolean;
}

export interface SetMessageRequestModeOptions extends BrokerChoice, RequestOptions {
  /** With POP: members that share the queues of one; -1 for all. @default -1 */
  popShareQueueNum?: number;
}

export interface QueryAssignmentOptions extends RequestOptions {
  /** @default 'AVG' */
  strategy?: 'AVG' | 'AVG_BY_CIRCLE';
}

export type QueueAssignment = commands.QueueAssignment;

export type QueueTimeSpan = commands.QueueTimeSpan;

export interface GroupConsumeStats {
  consumeTps: number;
  queues: QueueConsumeStats[];
}

/** Consumer and producer groups: who is in them, and how far they are. */
export abstract class GroupAdmin extends TopicAdmin {
  /** How far a group is, on all brokers of its topics. Fails with `topic-not-found` for a group that never lived. */
  async consumeStats(group: string, topic?: string, options: AskedBrokers = {}): Promise<GroupConsumeStats> {
    const request = {
      consumerGroup: this.names.onWire(group),
      topic: topic === undefined ? undefined : this.names.onWire(topic),
    };
    const stats = await this.ofEveryMaster(
      topic ?? retryTopic(group),
      (address) => this.client.request(address, commands.getConsumeStats, request, options),
      options,
    );
    return {
      consumeTps: stats.reduce((sum, part) => sum + part.consumeTps, 0),
      queues: this.names
        .queuesWithin(stats.flatMap((part) => part.queues))
        .sort((a, b) => compareMessageQueues(a.queue, b.queue)),
    };
  }

  /** How far behind in time a group is, queue by queue. Fails with `topic-not-found`. */
  async consumeTimeSpan(
    group: string,
    topic: string,
    options: RequestOptions = {},
  ): Promise<QueueTimeSpan[]> {
    const request = {
      topic: this.names.onWire(topic),
      group: this.names.onWire(requireText('group', group)),
    };
    const parts = await this.ofEveryMaster(topic, (address) =>
      this.client.request(address, commands.queryConsumeTimeSpan, request, options),
    );
    return this.names
      .queuesWithin(parts.flatMap((part) => part.queues))
      .sort((a, b) => compareMessageQueues(a.queue, b.queue));
  }

  /** Gives a group, on every master that is meant, the offsets of another one. */
  async cloneGroupOffset(
    sourceGroup: string,
    targetGroup: string,
    options: CloneOffsetsOptions = {},
  ): Promise<void> {
    const { clusterName, brokerAddress, topic, offline = false } = options;
    const request = {
      srcGroup: this.names.onWire(requireText('sourceGroup', sourceGroup)),
      destGroup: groupName(targetGroup, this.names.namespace),
      topic: topic === undefined ? undefined : this.names.onWire(topic),
      offline,
    };
    for (const address of await this.masters({ clusterName, brokerAddress }, options)) {
      await this.client.request(address, commands.cloneGroupOffset, request, options);
    }
  }

  /**
   * Sets, on every master that is meant, how clients of a group whose queues the brokers share out (Java's with
   * `clientRebalance=false`) get the messages of a topic. A `PopConsumer` pops whatever is set.
   */
  async setMessageRequestMode(
    group: string,
    topic: string,
    mode: MessageRequestMode,
    options: SetMessageRequestModeOptions = {},
  ): Promise<void> {
    const { clusterName, brokerAddress } = options;
    const request = {
      topic: this.names.onWire(requireText('topic', topic)),
      consumerGroup: groupName(group, this.names.namespace),
      mode: oneOf('mode', mode, mode, ['PULL', 'POP']),
      popShareQueueNum: integer('popShareQueueNum', options.popShareQueueNum, -1, -1, 0x7fffffff),
    };
    for (const address of await this.masters({ clusterName, brokerAddress }, options)) {
      await this.client.request(address, commands.setMessageRequestMode, request, options);
    }
  }

  /**
   * The queues of a topic that the brokers give to a member of a group; queue -1 stands for all queues of its broker.
   * `undefined` when a broker cannot tell, as for a group without members. Fails with `topic-not-found`.
   */
  async queryAssignment(
    group: string,
    topic: string,
    clientId: string,
    options: QueryAssignmentOptions = {},
  ): Promise<QueueAssignment[] | undefined> {
    const request = {
      topic: this.names.onWire(requireText('topic', topic)),
      consumerGroup: this.names.onWire(requireText('group', group)),
      clientId: requireText('clientId', clientId),
      messageModel: 'CLUSTERING' as const,
      strategyName: oneOf('strategy', options.strategy, 'AVG', ['AVG', 'AVG_BY_CIRCLE']),
    };
    // Each broker shares out the queues of all brokers: any one can tell.
    const [address] = mastersOf([...(await this.topicRoute(topic)).brokers.values()]);
    if (address === undefined) return undefined;
    const { assignments } = await this.client.request(address, commands.queryAssignment, request, options);
    return assignments && this.names.queuesWithin(assignments);
  }

  /** Creates or changes a consumer group on every master that is meant. */
  async createSubscriptionGroup(
    group: CreateSubscriptionGroupOptions,
    options: RequestOptions = {},
  ): Promise<void> {
    const { group: name, clusterName, brokerAddress, ...overrides } = group;
    const config = subscriptionGroupConfigOf(groupName(name, this.names.namespace), overrides);
    for (const address of await this.masters({ clusterName, brokerAddress }, options)) {
      await this.client.request(address, commands.updateAndCreateSubscriptionGroup, config, options);
    }
  }

  /** A consumer group as one broker has it; `undefined` when the broker has no such group. */
  async subscriptionGroup(
    brokerAddress: string,
    group: string,
    options: RequestOptions = {},
  ): Promise<SubscriptionGroupConfig | undefined> {
    try {
      const request = { group: this.names.onWire(group) };
      return this.#within(
        await this.client.request(brokerAddress, commands.getSubscriptionGroupConfig, request, options),
      );
    } catch (error) {
      if (isRefusalSaying(error, 'No group in this broker')) return undefined;
      throw error;
    }
  }

  /** All consumer groups as one broker has them. */
  async subscriptionGroups(
    brokerAddress: string,
    options: RequestOptions = {},
  ): Promise<SubscriptionGroupConfig[]> {
    const { groups } = await this.client.request(
      brokerAddress,
      commands.getAllSubscriptionGroupConfig,
      {},
      options,
    );
    return groups
      .filter(({ groupName: name }) => this.names.isOwn(name))
      .map((config) => this.#within(config));
  }

  /** Removes a consumer group from every master that is meant, also one that is not there. */
  async deleteSubscriptionGroup(group: string, options: DeleteSubscriptionGroupOptions = {}): Promise<void> {
    const { clusterName, brokerAddress, cleanOffset = false } = options;
    const request = { groupName: this.names.onWire(requireText('group', group)), cleanOffset };
    for (const address of await this.masters({ clusterName, brokerAddress }, options)) {
      await this.client.request(address, commands.deleteSubscriptionGroup, request, options);
    }
  }

  /** The topics in which a group has offsets, on all its brokers. Fails with `topic-not-found` for an unknown group. */
  async topicsOfGroup(group: string, options: RequestOptions = {}): Promise<string[]> {
    const request = { group: this.names.onWire(group) };
    const parts = await this.ofEveryMaster(retryTopic(group), (address) =>
      this.client.request(address, commands.queryTopicsByConsumer, request, options),
    );
    return [...new Set(parts.flatMap((part) => part.topics))].map((topic) => this.names.within(topic)).sort();
  }

  /**
   * The members of a group that are online, as one of its brokers sees them, or the one at `brokerAddress`;
   * `undefined` when there are none.
   */
  async consumerConnections(
    group: string,
    options: RequestOptions & Pick<BrokerChoice, 'brokerAddress'> = {},
  ): Promise<ConsumerConnections | undefined> {
    const address =
      options.brokerAddress ?? mastersOf([...(await this.topicRoute(retryTopic(group))).brokers.values()])[0];
    if (address === undefined) return undefined;
    try {
      const request = { consumerGroup: this.names.onWire(group) };
      const members = await this.client.request(
        address,
        commands.getConsumerConnectionList,
        request,
        options,
      );
      return { ...members, subscriptions: this.names.topicsWithin(members.subscriptions) };
    } catch (error) {
      if (asRocketMQError(error).responseCode === ResponseCode.CONSUMER_NOT_ONLINE) return undefined;
      throw error;
    }
  }

  /** The clients of a producer group that are connected to the brokers of a topic; empty when there are none. */
  async producerConnections(
    group: string,
    topic: string,
    options: RequestOptions = {},
  ): Promise<ClientConnection[]> {
    const parts = await this.ofEveryMaster(topic, (address) => this.#producersAt(address, group, options));
    const byId = new Map(parts.flat().map((connection) => [connection.clientId, connection]));
    return [...byId.values()];
  }

  #within(config: SubscriptionGroupConfig): SubscriptionGroupConfig {
    return { ...config, groupName: this.names.within(config.groupName) };
  }

  async #producersAt(address: string, group: string, options: RequestOptions): Promise<ClientConnection[]> {
    try {
      const request = { producerGroup: this.names.onWire(group) };
      return (await this.client.request(address, commands.getProducerConnectionList, request, options))
        .connections;
    } catch (error) {
      if (isRefusalSaying(error, 'not exist')) return [];
      throw error;
    }
  }
}
