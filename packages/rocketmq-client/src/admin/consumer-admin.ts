import {
  commands,
  compareMessageQueues,
  decodeOffsetMessageId,
  EMPTY_BODY,
  type MessageQueue,
  type QueueOffset,
  ResponseCode,
  retryTopic,
} from '@dt/rocketmq-protocol';
import type { RequestOptions } from '../client/index.ts';
import { asRocketMQError, RocketMQError } from '../errors.ts';
import { integer, invalidOption } from '../options.ts';
import { checkQueue, mastersOf, requireText } from './admin-base.ts';
import { BrokerAdmin } from './broker-admin.ts';
import type { Names } from './names.ts';

/** Where a group is to go on: at its first messages, behind its last ones, at a time, or in one queue at an offset. */
export type ResetTarget = 'first' | 'last' | { timestamp: number } | { queue: MessageQueue; offset: number };

export interface ResetOffsetOptions {
  group: string;
  topic: string;
  to: ResetTarget;
  /**
   * Whether the group may also be set forward, over messages it has not had. Brokers of 5.3 do that in any case, but
   * for `offline`. @default true
   */
  force?: boolean;
  /**
   * Only changes what is stored: for a group without members, which would overwrite it. Otherwise brokers have
   * running members go on at the new offsets. @default false
   */
  offline?: boolean;
}

export type ConsumerRunningInfo = commands.ConsumerRunningInfo;

/** How a member took a message: `CR_SUCCESS`, `CR_LATER` when it is to come again, `CR_THROW_EXCEPTION`, ... */
export type DirectConsumption = commands.ConsumeMessageDirectlyResponse;

export interface ConsumerRunningInfoOptions extends RequestOptions {
  /** @default false */
  stack?: boolean;
  /** The broker that asks the member. @default one of the group */
  brokerAddress?: string;
}

/** Queues and the offsets one member has in them. */
export interface ConsumerProgress {
  clientId: string;
  offsets: QueueOffset[];
}

/** A broker waits 10 s for the answer of a member. */
const RELAY_TIMEOUT_MS = 15_000;
const FIRST_TIMESTAMP = 0;
/** Brokers take a negative time for the end. */
const LAST_TIMESTAMP = -1;

/** What members of a group do while they run, and where they are sent. */
export abstract class ConsumerAdmin extends BrokerAdmin {
  /**
   * Sets a group to other offsets, and gives the new ones. Members that run drop what they hold and go on there; a
   * member that waits for messages learns of it with its next pull, some seconds later. Brokers that need members
   * for that, and have none, get the offsets stored.
   */
  async resetOffset(reset: ResetOffsetOptions, options: RequestOptions = {}): Promise<QueueOffset[]> {
    const { group, topic, to, force = true, offline = false } = this.#onWire(checkReset(reset, this.names));
    const brokers = [...(await this.topicRoute(topic)).brokers.values()];
    const wanted = typeof to === 'object' && 'queue' in to ? to.queue.brokerName : undefined;
    const parts = await Promise.all(
      brokers
        .filter(({ brokerName }) => wanted === undefined || brokerName === wanted)
        .flatMap((broker) =>
          mastersOf([broker]).map((address) => ({ address, brokerName: broker.brokerName })),
        )
        .map(({ address, brokerName }) =>
          offline
            ? this.#storeOffsets({ address, brokerName, group, topic, to, force }, options)
            : this.#resetAt({ address, brokerName, group, topic, to, force }, options),
        ),
    );
    if (wanted !== undefined && parts.length === 0)
      throw new RocketMQError('broker-not-found', `topic ${topic} has no broker ${wanted}`, {
        retryable: true,
      });
    return this.names.queuesWithin(parts.flat()).sort((a, b) => compareMessageQueues(a.queue, b.queue));
  }

  /** Has a group pass by everything that is stored in a topic now. */
  skipAccumulated(group: string, topic: string, options: RequestOptions = {}): Promise<QueueOffset[]> {
    return this.resetOffset({ group, topic, to: 'last' }, options);
  }

  /** How far the members of a group are in their queues of a topic, as they say themselves; all or one of them. */
  async consumerStatus(
    group: string,
    topic: string,
    clientId?: string,
    options: RequestOptions = {},
  ): Promise<ConsumerProgress[]> {
    const request = {
      group: this.names.onWire(requireText('group', group)),
      topic: this.names.onWire(topic),
      clientAddr: clientId,
    };
    const parts = await this.ofEveryMaster(topic, (address) =>
      this.client.request(address, commands.invokeBrokerToGetConsumerStatus, request, {
        timeoutMs: RELAY_TIMEOUT_MS,
        ...options,
      }),
    );
    const byId = new Map<string, ConsumerProgress>();
    // Each broker asks every member for all its queues.
    for (const client of parts.flatMap(({ clients }) => clients))
      byId.set(client.clientId, { ...client, offsets: this.names.queuesWithin(client.offsets) });
    return [...byId.values()].sort((a, b) => (a.clientId < b.clientId ? -1 : 1));
  }

  /**
   * What a member of a group is doing, as it says itself; with `stack` also what each of its queues does, or the stacks
   * of its threads if it is a Java client. Fails with `broker-error`, responseCode 1 when it is not online, 207 when
   * it does not answer within 10 s.
   */
  async consumerRunningInfo(
    group: string,
    clientId: string,
    options: ConsumerRunningInfoOptions = {},
  ): Promise<ConsumerRunningInfo> {
    const { stack = false, brokerAddress, ...rest } = options;
    const request = {
      consumerGroup: this.names.onWire(requireText('group', group)),
      clientId: requireText('clientId', clientId),
      jstackEnable: stack,
    };
    // Every member is connected to every broker of its retry topic.
    const [address] =
      brokerAddress === undefined
        ? mastersOf([...(await this.topicRoute(retryTopic(group))).brokers.values()])
        : [brokerAddress];
    if (address === undefined)
      throw new RocketMQError('broker-not-found', `group ${group} has no broker`, { retryable: true });
    const relayed = { timeoutMs: RELAY_TIMEOUT_MS, ...rest };
    const info = await this.client.request(address, commands.getConsumerRunningInfo, request, relayed);
    return {
      ...info,
      subscriptions: this.names.topicsWithin(info.subscriptions),
      queues: this.names.queuesWithin(info.queues),
      topics: this.names.topicsWithin(info.topics),
    };
  }

  /**
   * Has one member of a group handle one stored message now, by the id its broker gave it. Neither offsets nor other
   * members are concerned. Fails as `consumerRunningInfo`.
   */
  async consumeDirectly(
    group: string,
    clientId: string,
    topic: string,
    offsetMessageId: string,
    options: RequestOptions = {},
  ): Promise<DirectConsumption> {
    const request = {
      consumerGroup: this.names.onWire(requireText('group', group)),
      clientId: requireText('clientId', clientId),
      msgId: offsetMessageId,
      topic: this.names.onWire(requireText('topic', topic)),
      body: EMPTY_BODY,
    };
    const address = storingBrokerOf(offsetMessageId);
    const relayed = { timeoutMs: RELAY_TIMEOUT_MS, ...options };
    return this.client.request(address, commands.consumeMessageDirectly, request, relayed);
  }

  #onWire(reset: ResetOffsetOptions): ResetOffsetOptions {
    const { group, topic, to } = reset;
    return {
      ...reset,
      group: this.names.onWire(group),
      topic: this.names.onWire(topic),
      to: typeof to === 'object' && 'queue' in to ? { ...to, queue: this.names.queueOnWire(to.queue) } : to,
    };
  }

  async #resetAt(part: ResetPart, options: RequestOptions): Promise<QueueOffset[]> {
    const { address, group, topic, to, force } = part;
    const request = { topic, group, isForce: force, ...resetFields(to) };
    try {
      return (await this.client.request(address, commands.invokeBrokerToResetOffset, request, options))
        .offsets;
    } catch (error) {
      if (asRocketMQError(error).responseCode !== ResponseCode.CONSUMER_NOT_ONLINE) throw error;
      return this.#storeOffsets(part, options);
    }
  }

  async #storeOffsets(part: ResetPart, options: RequestOptions): Promise<QueueOffset[]> {
    const { brokerName, group, topic, to, force } = part;
    const { readableQueues } = await this.client.routes.get(topic);
    const queues =
      typeof to === 'object' && 'queue' in to
        ? [to.queue]
        : readableQueues.filter((queue) => queue.brokerName === brokerName);
    const present = force ? [] : (await this.consumeStats(group, topic, options)).queues;
    const reached = new Map(present.map(({ queue, consumerOffset }) => [keyOf(queue), consumerOffset]));
    return Promise.all(
      queues.map(async (queue) => {
        const offset = await this.#offsetOf(queue, to, options);
        const consumed = reached.get(keyOf(queue));
        if (consumed !== undefined && offset > consumed) return { queue, offset: consumed };
        const { queueId } = queue;
        const request = { consumerGroup: group, topic, queueId, commitOffset: offset };
        await this.client.request(part.address, commands.updateConsumerOffset, request, options);
        return { queue, offset };
      }),
    );
  }

  #offsetOf(queue: MessageQueue, to: ResetTarget, options: RequestOptions): Promise<number> {
    if (to === 'first') return this.minOffset(queue, options);
    if (to === 'last') return this.maxOffset(queue, options);
    return 'queue' in to ? Promise.resolve(to.offset) : this.offsetByTime(queue, to.timestamp, options);
  }
}

interface ResetPart {
  address: string;
  brokerName: string;
  group: string;
  topic: string;
  to: ResetTarget;
  force: boolean;
}

function resetFields(to: ResetTarget): { timestamp: number; queueId?: number; offset?: number } {
  if (to === 'first') return { timestamp: FIRST_TIMESTAMP };
  if (to === 'last') return { timestamp: LAST_TIMESTAMP };
  return 'queue' in to
    ? { timestamp: 0, queueId: to.queue.queueId, offset: to.offset }
    : { timestamp: to.timestamp };
}

function checkReset(reset: ResetOffsetOptions, names: Names): ResetOffsetOptions {
  const { group, topic, to } = reset;
  requireText('group', group);
  requireText('topic', topic);
  if (to === 'first' || to === 'last') return reset;
  if (typeof to === 'object' && 'timestamp' in to) {
    integer('to.timestamp', to.timestamp, 0, 0, Number.MAX_SAFE_INTEGER);
    return reset;
  }
  if (typeof to !== 'object' || !('queue' in to))
    throw invalidOption(
      'to',
      JSON.stringify(to),
      "expected 'first', 'last', { timestamp: milliseconds } or { queue, offset }",
    );
  checkQueue(to.queue);
  if (names.onWire(to.queue.topic) !== names.onWire(topic))
    throw invalidOption('to.queue.topic', to.queue.topic, 'expected the topic');
  integer('to.offset', to.offset, 0, 0, Number.MAX_SAFE_INTEGER);
  return reset;
}

function keyOf({ brokerName, queueId }: MessageQueue): string {
  return `${brokerName}@${queueId}`;
}

function storingBrokerOf(offsetMessageId: string): string {
  try {
    const { ip, port } = decodeOffsetMessageId(offsetMessageId).storeHost;
    return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
  } catch {
    throw invalidOption('offsetMessageId', offsetMessageId, 'expected the id a broker gave a message');
  }
}
