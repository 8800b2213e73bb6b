import { commands, type Configuration, type MessageQueue } from '@dt/rocketmq-protocol';
import type { RequestOptions } from '../client/index.ts';
import { integer, invalidOption } from '../options.ts';
import { checkQueue } from './admin-base.ts';
import { MessageAdmin } from './message-admin.ts';

export type BrokerConsumeStats = commands.BrokerConsumeStats;
export type BrokerMemberGroup = commands.BrokerMemberGroup;
export type ConsumeQueueEntry = commands.ConsumeQueueEntry;
export type GroupTopicOffsets = commands.GroupTopicOffsets;

export interface BrokerConsumeStatsOptions extends RequestOptions {
  /** Only topics that are ordered. @default false */
  orderedOnly?: boolean;
}

export interface ConsumeQueueOptions extends RequestOptions {
  /** The subscription of this group is told, too, when it is online. */
  group?: string;
}

export type ConsumeQueuePart = commands.QueryConsumeQueueResponse;

/** Brokers by their `host:port`: figures, configuration, housekeeping. */
export abstract class BrokerAdmin extends MessageAdmin {
  /** Figures of one broker; all values are texts. */
  async brokerRuntimeInfo(
    brokerAddress: string,
    options: RequestOptions = {},
  ): Promise<Record<string, string>> {
    return (await this.client.request(brokerAddress, commands.getBrokerRuntimeInfo, {}, options)).table;
  }

  /** How far all groups are in all topics of one broker; the sums are those of the whole broker. */
  async brokerConsumeStats(
    brokerAddress: string,
    options: BrokerConsumeStatsOptions = {},
  ): Promise<BrokerConsumeStats> {
    const request = { isOrder: options.orderedOnly ?? false };
    const stats = await this.client.request(brokerAddress, commands.getBrokerConsumeStats, request, options);
    const groups = stats.groups
      .filter(({ group }) => this.names.isOwn(group))
      .map(({ group, topics }) => ({
        group: this.names.within(group),
        topics: topics.map((topic) => ({ ...topic, queues: this.names.queuesWithin(topic.queues) })),
      }));
    return { ...stats, groups };
  }

  /** Everything a broker is configured with. */
  async brokerConfig(brokerAddress: string, options: RequestOptions = {}): Promise<Configuration> {
    return (await this.client.request(brokerAddress, commands.getBrokerConfig, {}, options)).configuration;
  }

  /**
   * Changes values of a broker's configuration while it runs. Names that it does not know, and values that it cannot
   * read, are passed over without a word: read the configuration again to see what came of it.
   */
  async updateBrokerConfig(
    brokerAddress: string,
    changes: Configuration,
    options: RequestOptions = {},
  ): Promise<void> {
    if (Object.keys(changes).length === 0)
      throw invalidOption('changes', JSON.stringify(changes), 'expected at least one value');
    await this.client.request(brokerAddress, commands.updateBrokerConfig, changes, options);
  }

  /** The brokers that share a name, as a NameServer knows them; no addresses for an unknown name. */
  memberGroup(
    clusterName: string,
    brokerName: string,
    options: RequestOptions = {},
  ): Promise<BrokerMemberGroup> {
    const request = { clusterName, brokerName };
    return this.client.requestNameServer(commands.getBrokerMemberGroup, request, options);
  }

  /** Removes what a broker still keeps of topics that were deleted. */
  async cleanUnusedTopics(brokerAddress: string, options: RequestOptions = {}): Promise<void> {
    await this.client.request(brokerAddress, commands.cleanUnusedTopic, {}, options);
  }

  /** Has a broker look at once for files of its log that are old enough to go. */
  async deleteExpiredCommitLog(brokerAddress: string, options: RequestOptions = {}): Promise<void> {
    await this.client.request(brokerAddress, commands.deleteExpiredCommitLog, {}, options);
  }

  /** Has a broker drop index files of messages that are gone. */
  async cleanExpiredConsumeQueue(brokerAddress: string, options: RequestOptions = {}): Promise<void> {
    await this.client.request(brokerAddress, commands.cleanExpiredConsumeQueue, {}, options);
  }

  /** The index of a queue from an offset on; `undefined` when the offset is behind its end. */
  async queryConsumeQueue(
    queue: MessageQueue,
    from: number,
    count: number,
    options: ConsumeQueueOptions = {},
  ): Promise<ConsumeQueuePart | undefined> {
    checkQueue(queue);
    const request = {
      topic: this.names.onWire(queue.topic),
      queueId: queue.queueId,
      index: integer('from', from, 0, 0, Number.MAX_SAFE_INTEGER),
      count: integer('count', count, 1, 1, 65_536),
      consumerGroup: options.group === undefined ? undefined : this.names.onWire(options.group),
    };
    const address = await this.client.masterOf(request.topic, queue.brokerName);
    const part = await this.client.request(address, commands.queryConsumeQueue, request, options);
    if (part?.subscription === undefined) return part;
    const { subscription } = part;
    return { ...part, subscription: { ...subscription, topic: this.names.within(subscription.topic) } };
  }

  /** How many delayed messages one broker has delivered, by delay level. */
  async delayOffsets(brokerAddress: string, options: RequestOptions = {}): Promise<Record<string, number>> {
    return (await this.client.request(brokerAddress, commands.getAllDelayOffset, {}, options)).delivered;
  }

  /** All offsets that groups have committed on one broker. */
  async allConsumerOffsets(
    brokerAddress: string,
    options: RequestOptions = {},
  ): Promise<GroupTopicOffsets[]> {
    const { entries } = await this.client.request(brokerAddress, commands.getAllConsumerOffset, {}, options);
    return this.names
      .topicsWithin(entries.filter(({ group }) => this.names.isOwn(group)))
      .map((entry) => ({ ...entry, group: this.names.within(entry.group) }));
  }
}
