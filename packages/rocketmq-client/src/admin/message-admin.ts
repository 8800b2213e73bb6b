import {
  commands,
  decodeOffsetMessageId,
  decodeStoredMessages,
  encodeOffsetMessageId,
  type Host,
  isIpv6,
  MessageProperty,
  type MessageQueue,
  type OffsetMessageId,
  PullSysFlag,
  ResponseCode,
  type RemotingCommand,
  type StoredMessage,
  SUBSCRIBE_ALL,
  subscriptionOf,
} from '@dt/rocketmq-protocol';
import type { RequestOptions } from '../client/index.ts';
import { type ReceivedMessage, toCachedMessage } from '../consumer/received-message.ts';
import { asRocketMQError, errorOfResponse, messageOf, RocketMQError } from '../errors.ts';
import { integer, invalidOption } from '../options.ts';
import {
  type AskedBrokers,
  checkQueue,
  isRefusalSaying,
  readableAddressOf,
  requireText,
} from './admin-base.ts';
import { GroupAdmin } from './group-admin.ts';

/** A stored message, with what tools show of it. */
export interface FoundMessage extends ReceivedMessage {
  /** Position in the commit log of its broker. */
  physicalOffset: number;
  /** `ip:port` of the producer. */
  bornHost: string;
  /** `ip:port` of the broker that stored it. */
  storeHost: string;
  sysFlag: number;
  /** CRC-32 of the body as it is stored. */
  bodyCrc: number;
  /** Where the half message of its transaction lies; 0 without one. */
  preparedTransactionOffset: number;
  /** Set by the producer. */
  flag: number;
  /** Bytes of the whole record. */
  sizeBytes: number;
  /** Why `body` is still compressed. */
  bodyError?: string;
}

export interface MessagesByKeyOptions extends AskedBrokers {
  /** Stored at this time or later, milliseconds since 1970. @default 0 */
  begin?: number;
  /** Stored at this time or earlier. @default no end */
  end?: number;
  /** Of one broker; brokers give 64 at most. @default 64 */
  max?: number;
}

export interface ReadMessagesOptions extends RequestOptions {
  /** At most; a broker may give fewer. @default 32 */
  max?: number;
  /** Only messages with one of these tags: `TagA || TagB`. @default all */
  expression?: string | undefined;
}

export interface ReadMessages {
  /**
   * `found`. `no-match`: there are messages, none of them wanted. `no-new`: the queue does not reach so far.
   * `offset-illegal`: the offset lies before the oldest or behind the newest message.
   */
  status: 'found' | 'no-match' | 'no-new' | 'offset-illegal';
  messages: FoundMessage[];
  /** Where to read on. */
  nextOffset: number;
}

/**
 * What became of a message in a group. `CONSUMED`: its offset is behind the committed one.
 * `CONSUMED_BUT_FILTERED`: so, but its tag is not subscribed. `NOT_CONSUME_YET`. `NOT_ONLINE`: nobody of the group
 * is connected. `CONSUME_BROADCASTING`: every member has offsets of its own, which brokers do not know. `PULL`: the
 * group pulls on its own account. `UNKNOWN`: see `error`.
 */
export type MessageTrackType =
  | 'CONSUMED'
  | 'CONSUMED_BUT_FILTERED'
  | 'NOT_CONSUME_YET'
  | 'NOT_ONLINE'
  | 'CONSUME_BROADCASTING'
  | 'PULL'
  | 'UNKNOWN';

export interface MessageTrack {
  group: string;
  track: MessageTrackType;
  /** Why it is unknown. */
  error?: RocketMQError;
}

/** Every broker has this group: tools read with it. */
const TOOLS_GROUP = 'TOOLS_CONSUMER';
const NO_END = Number.MAX_SAFE_INTEGER;

/** Single messages. */
export abstract class MessageAdmin extends GroupAdmin {
  /**
   * The message with the id that its broker gave it, asked for at the address inside the id; `undefined` when there
   * is none. `queue.brokerName` is empty when no broker of the cluster has that address.
   */
  async messageById(
    offsetMessageId: string,
    options: RequestOptions = {},
  ): Promise<FoundMessage | undefined> {
    const { storeHost, physicalOffset } = decodedId(offsetMessageId);
    const address = hostText(storeHost);
    try {
      const request = { offset: physicalOffset };
      const { body } = await this.client.request(address, commands.viewMessageById, request, options);
      const [stored] = decoded(body, 'VIEW_MESSAGE_BY_ID', address);
      return stored && (await this.#found(stored, await this.#brokerAt(address, options)));
    } catch (error) {
      if (isRefusalSaying(error, 'can not find message by the offset')) return undefined;
      throw error;
    }
  }

  /** The message at an offset of a queue; `undefined` when the queue does not reach so far, or no longer. */
  async messageByOffset(
    queue: MessageQueue,
    offset: number,
    options: RequestOptions = {},
  ): Promise<FoundMessage | undefined> {
    const { messages } = await this.readMessages(queue, offset, { ...options, max: 1 });
    return messages[0]?.queueOffset === offset ? messages[0] : undefined;
  }

  /**
   * The messages of a queue from an offset on, as many as the broker gives at once; read on at `nextOffset`. Never
   * waits for new ones.
   */
  async readMessages(
    queue: MessageQueue,
    offset: number,
    options: ReadMessagesOptions = {},
  ): Promise<ReadMessages> {
    checkQueue(queue);
    const queueOffset = integer('offset', offset, 0, 0, Number.MAX_SAFE_INTEGER);
    const maxMsgNums = integer('max', options.max, 32, 1, 1024);
    const topic = this.names.onWire(queue.topic);
    const { subString, tagsSet } = wantedTags(topic, options.expression);
    const address = await this.client.masterOf(topic, queue.brokerName);
    const request = commands.pullMessage.encodeRequest({
      consumerGroup: TOOLS_GROUP,
      topic,
      queueId: queue.queueId,
      queueOffset,
      maxMsgNums,
      sysFlag: PullSysFlag.SUBSCRIPTION,
      commitOffset: 0,
      suspendTimeoutMillis: 0,
      subVersion: 0,
      subscription: subString,
      expressionType: 'TAG',
    });
    const response = await this.client.invoke(
      address,
      commands.pullMessage.code,
      request,
      this.invokeOptions(options),
    );
    const status = READ_STATUS.get(response.code);
    if (status === undefined) throw errorOfResponse(response, 'PULL_MESSAGE', address);
    const nextOffset = nextOffsetOf(response, address);
    if (status !== 'found') return { status, messages: [], nextOffset };
    const stored = decoded(response.body, 'PULL_MESSAGE', address)
      // The broker compares hashes of tags only.
      .filter(
        ({ properties }) => tagsSet.length === 0 || tagsSet.includes(properties[MessageProperty.TAGS] ?? ''),
      );
    const messages = await Promise.all(stored.map((message) => this.#found(message, queue.brokerName)));
    return { status: messages.length === 0 ? 'no-match' : status, messages, nextOffset };
  }

  /** The messages with this text among their keys, oldest first, on all brokers of the topic. */
  async messagesByKey(
    topic: string,
    key: string,
    options: MessagesByKeyOptions = {},
  ): Promise<FoundMessage[]> {
    const beginTimestamp = integer('begin', options.begin, 0, 0, NO_END);
    const endTimestamp = integer('end', options.end, NO_END, beginTimestamp, NO_END);
    const maxNum = integer('max', options.max, 64, 1, 0x7fffffff);
    const request = {
      topic: this.names.onWire(topic),
      key: requireText('key', key),
      maxNum,
      beginTimestamp,
      endTimestamp,
    };
    const found = await this.#query(request, options);
    return found.filter((message) => message.keys.includes(key));
  }

  /** The message with the id that its producer gave it; of several copies the oldest. */
  async messageByUniqueKey(
    topic: string,
    uniqueKey: string,
    options: AskedBrokers = {},
  ): Promise<FoundMessage | undefined> {
    return (await this.messagesByUniqueKey(topic, uniqueKey, options))[0];
  }

  /** All copies of the message with the id that its producer gave it, oldest first; at most 32 of a broker. */
  async messagesByUniqueKey(
    topic: string,
    uniqueKey: string,
    options: AskedBrokers = {},
  ): Promise<FoundMessage[]> {
    const request = {
      topic: this.names.onWire(topic),
      key: requireText('uniqueKey', uniqueKey),
      maxNum: 32,
      beginTimestamp: 0,
      endTimestamp: NO_END,
      uniqueKeyQuery: true,
    };
    const found = await this.#query(request, options);
    return found.filter((message) => message.properties[MessageProperty.UNIQ_KEY] === uniqueKey);
  }

  /** What became of a message in every group that consumes its topic. */
  async messageTrack(message: FoundMessage, options: RequestOptions = {}): Promise<MessageTrack[]> {
    const groups = await this.groupsOfTopic(message.queue.topic, options);
    const tracks: MessageTrack[] = [];
    // One after the other: a topic may have hundreds of groups, and each asks several requests.
    for (const group of groups) tracks.push(await this.#trackIn(group, message, options));
    return tracks;
  }

  async #trackIn(group: string, message: FoundMessage, options: RequestOptions): Promise<MessageTrack> {
    try {
      const members = await this.consumerConnections(group, options);
      if (members === undefined) return { group, track: 'NOT_ONLINE' };
      if (members.consumeType === 'CONSUME_ACTIVELY') return { group, track: 'PULL' };
      if (members.messageModel === 'BROADCASTING') return { group, track: 'CONSUME_BROADCASTING' };
      if (!(await this.#isConsumed(group, message, options))) return { group, track: 'NOT_CONSUME_YET' };
      const subscription = members.subscriptions.find(({ topic }) => topic === message.queue.topic);
      const tags = subscription?.tagsSet ?? [];
      const wanted = tags.length === 0 || tags.includes(SUBSCRIBE_ALL) || tags.includes(message.tag ?? '');
      return { group, track: wanted ? 'CONSUMED' : 'CONSUMED_BUT_FILTERED' };
    } catch (error) {
      const failure = asRocketMQError(error);
      if (failure.code === 'aborted' || failure.code === 'closed') throw failure;
      return { group, track: 'UNKNOWN', error: failure };
    }
  }

  async #isConsumed(group: string, message: FoundMessage, options: RequestOptions): Promise<boolean> {
    const { topic, queueId, brokerName } = message.queue;
    const { queues } = await this.consumeStats(group, undefined, options);
    return queues.some(
      ({ queue, consumerOffset }) =>
        queue.topic === topic &&
        queue.queueId === queueId &&
        queue.brokerName === brokerName &&
        consumerOffset > message.queueOffset,
    );
  }

  async #query(request: commands.QueryMessageRequest, options: AskedBrokers): Promise<FoundMessage[]> {
    const { topic } = request;
    const parts = await Promise.all(
      (await this.brokersOf(topic, options)).map(async (broker) => {
        const address = readableAddressOf(broker);
        if (address === undefined) return [];
        const stored = (await this.#queryAt(address, request, options)).filter(
          (message) => message.topic === topic,
        );
        return Promise.all(stored.map((message) => this.#found(message, broker.brokerName)));
      }),
    );
    return parts
      .flat()
      .sort((a, b) => a.storeTimestamp - b.storeTimestamp || a.physicalOffset - b.physicalOffset);
  }

  async #queryAt(
    address: string,
    request: commands.QueryMessageRequest,
    options: RequestOptions,
  ): Promise<StoredMessage[]> {
    try {
      const { body } = await this.client.request(address, commands.queryMessage, request, options);
      return decoded(body, 'QUERY_MESSAGE', address);
    } catch (error) {
      if (asRocketMQError(error).responseCode === ResponseCode.QUERY_NOT_FOUND) return [];
      throw error;
    }
  }

  async #found(stored: StoredMessage, brokerName: string): Promise<FoundMessage> {
    const queue = { topic: stored.topic, brokerName, queueId: stored.queueId };
    const { message, bodyError } = await toCachedMessage(stored, queue, this.names.namespace);
    return {
      ...message,
      // As it is stored: a message of a retry topic is shown as one.
      topic: this.names.within(stored.topic),
      offsetMessageId: encodeOffsetMessageId(stored),
      physicalOffset: stored.physicalOffset,
      bornHost: hostText(stored.bornHost),
      storeHost: hostText(stored.storeHost),
      sysFlag: stored.sysFlag,
      bodyCrc: stored.bodyCrc,
      preparedTransactionOffset: stored.preparedTransactionOffset,
      flag: stored.flag,
      sizeBytes: stored.sizeBytes,
      ...(bodyError !== undefined && { bodyError }),
    };
  }

  /** Name of the broker at an address; empty when the cluster has none there. */
  async #brokerAt(address: string, options: RequestOptions): Promise<string> {
    const { brokers } = await this.clusterInfo(options);
    const found = Object.values(brokers).find((broker) =>
      Object.values(broker.brokerAddrs).includes(address),
    );
    return found?.brokerName ?? '';
  }
}

const READ_STATUS: ReadonlyMap<number, ReadMessages['status']> = new Map([
  [ResponseCode.SUCCESS, 'found'],
  [ResponseCode.PULL_RETRY_IMMEDIATELY, 'no-match'],
  [ResponseCode.PULL_NOT_FOUND, 'no-new'],
  [ResponseCode.PULL_OFFSET_MOVED, 'offset-illegal'],
]);

function wantedTags(
  topic: string,
  expression = SUBSCRIBE_ALL,
): { subString: string; tagsSet: readonly string[] } {
  try {
    return subscriptionOf(topic, expression, 0);
  } catch (error) {
    throw invalidOption('expression', expression, `expected TagA || TagB: ${messageOf(error)}`);
  }
}

function nextOffsetOf(response: RemotingCommand, address: string): number {
  try {
    return commands.pullMessage.decodeResponse(response).nextBeginOffset;
  } catch (error) {
    throw new RocketMQError('bad-answer', `PULL_MESSAGE at ${address}: ${messageOf(error)}`, {
      cause: error,
      outcome: 'unknown',
    });
  }
}

function decodedId(id: string): OffsetMessageId {
  try {
    return decodeOffsetMessageId(id);
  } catch {
    throw invalidOption('offsetMessageId', id, 'expected the 32 or 56 hex digits of a broker');
  }
}

function decoded(body: Buffer, request: string, address: string): StoredMessage[] {
  try {
    return decodeStoredMessages(body);
  } catch (error) {
    const text = `${request} at ${address}: ${messageOf(error)}`;
    throw new RocketMQError('bad-answer', text, { cause: error, outcome: 'unknown' });
  }
}

function hostText({ ip, port }: Host): string {
  return isIpv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}`;
}
