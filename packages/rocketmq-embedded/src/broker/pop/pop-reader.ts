import {
  decodeStoredMessages,
  encodeReceiptHandle,
  encodeStoredMessage,
  MessageProperty,
  POP_ORDER_REVIVE_QUEUE_ID,
  PopInitMode,
  popRetryOfTopic,
  popRetryTopic,
  type commands,
  type PopMessageOffsets,
  type PopOrderCount,
  type PopStartOffset,
  type StoredMessage,
  type TopicConfig,
} from '@dt/rocketmq-protocol';
import type { ReadResult } from '../../store/index.ts';
import type { BrokerContext } from '../context.ts';
import { readFiltered } from '../filtered-read.ts';
import type { Selection } from './pop-checks.ts';

export type PopRequest = commands.PopMessageRequest;

/** What one pop has found, over all its queues. */
export interface PopResult {
  readonly popTime: number;
  readonly reviveQueueId: number;
  readonly bodies: Buffer[];
  readonly startOffsets: PopStartOffset[];
  readonly messageOffsets: PopMessageOffsets[];
  readonly orderCounts: PopOrderCount[];
  count: number;
  bytes: number;
  /** Messages left in the queues. */
  rest: number;
}

/** Entries a pop with a filter looks at in one read. */
const SCAN = 4096;
/** In one of so many pops the messages that come again go first. */
const RETRY_FIRST_EVERY = 5;

/** Takes messages of a topic, and of the group's retry topic for it, out of their queues. */
export class PopReader {
  readonly #broker: BrokerContext;
  readonly #request: PopRequest;
  readonly #topic: TopicConfig;
  readonly #selection: Selection;
  readonly #isClosed: () => boolean;

  constructor(
    broker: BrokerContext,
    request: PopRequest,
    topic: TopicConfig,
    selection: Selection,
    isClosed: () => boolean,
  ) {
    this.#broker = broker;
    this.#request = request;
    this.#topic = topic;
    this.#selection = selection;
    this.#isClosed = isClosed;
  }

  async pop(): Promise<PopResult> {
    const { order = false } = this.#request;
    const result: PopResult = {
      popTime: Date.now(),
      reviveQueueId: order ? POP_ORDER_REVIVE_QUEUE_ID : this.#broker.pop.checkpoints.nextReviveQueue(),
      ...{ bodies: [], startOffsets: [], messageOffsets: [], orderCounts: [], count: 0, bytes: 0, rest: 0 },
    };
    const random = Math.floor(Math.random() * 100);
    const retryFirst = random % RETRY_FIRST_EVERY === 0;
    const queues = this.#queues(random);
    const retry = order ? [] : this.#retryQueues();
    for (const { topic, queueId } of retryFirst ? [...retry, ...queues] : [...queues, ...retry])
      await this.#popQueue(result, topic, queueId);
    return result;
  }

  /** Whether something could be popped right now, and until when queues popped in order are held. */
  state(): { hasMessages: boolean; heldUntil: number | undefined } {
    const { consumerGroup: group, order = false, attemptId } = this.#request;
    let hasMessages = false;
    let heldUntil: number | undefined;
    for (const { topic, queueId } of [...this.#queues(0), ...(order ? [] : this.#retryQueues())]) {
      if (this.#offset(topic, queueId) >= this.#broker.store.maxOffset(topic, queueId)) continue;
      const until = order
        ? this.#broker.pop.orders.blockedUntil(topic, group, queueId, attemptId)
        : undefined;
      if (until === undefined) hasMessages = true;
      else heldUntil = Math.min(heldUntil ?? until, until);
    }
    return { hasMessages, heldUntil };
  }

  #queues(random: number): { topic: string; queueId: number }[] {
    const { topicName: topic, readQueueNums } = this.#topic;
    if (this.#request.queueId >= 0) return [{ topic, queueId: this.#request.queueId }];
    return Array.from({ length: readQueueNums }, (_, i) => ({
      topic,
      queueId: (random + i) % readQueueNums,
    }));
  }

  #retryQueues(): { topic: string; queueId: number }[] {
    const topic = popRetryTopic(this.#request.consumerGroup, this.#topic.topicName);
    const count = this.#broker.topics.get(topic)?.readQueueNums ?? 0;
    return Array.from({ length: count }, (_, queueId) => ({ topic, queueId }));
  }

  #popQueue(result: PopResult, topic: string, queueId: number): Promise<void> {
    const key = `${topic}@${this.#request.consumerGroup}@${queueId}`;
    return this.#broker.pop.mutex.run(key, () => this.#popLocked(result, topic, queueId));
  }

  async #popLocked(result: PopResult, topic: string, queueId: number): Promise<void> {
    const { store, offsets, pop } = this.#broker;
    const { consumerGroup: group, order = false, attemptId, maxMsgNums } = this.#request;
    const offset = this.#offset(topic, queueId, true);
    const isHeld = order && pop.orders.blockedUntil(topic, group, queueId, attemptId) !== undefined;
    if (isHeld || result.count >= maxMsgNums || this.#isClosed()) {
      result.rest += Math.max(0, store.maxOffset(topic, queueId) - offset);
      return;
    }
    const { read, start } = await this.#read(result, topic, queueId, offset);
    result.rest += Math.max(0, read.maxOffset - read.nextOffset);
    if (read.count === 0) return;
    const messages = decodeStoredMessages(read.body);
    const found = messages.map(({ queueOffset }) => queueOffset);
    if (order) this.#noteOrder(result, topic, queueId, found, start);
    else {
      await pop.checkpoints.add({
        ...{ group, topic, queueId, startOffset: start, popTime: result.popTime },
        invisibleTimeMs: this.#request.invisibleTime,
        reviveQueueId: result.reviveQueueId,
        open: new Set(found),
      });
      offsets.commit(group, topic, queueId, read.nextOffset);
    }
    const retry = popRetryOfTopic(topic);
    result.startOffsets.push({ retry, queueId, startOffset: start });
    result.messageOffsets.push({ retry, queueId, offsets: found });
    const isRetry = topic !== this.#topic.topicName;
    const body = isRetry ? this.#withReceipts(result, topic, start, messages) : read.body;
    result.bodies.push(body);
    result.count += read.count;
    result.bytes += body.length;
  }

  /** Passes by what the filter does not want: the group goes on behind it. */
  async #read(
    result: PopResult,
    topic: string,
    queueId: number,
    offset: number,
  ): Promise<{ read: ReadResult; start: number }> {
    const { store, offsets, settings } = this.#broker;
    const { consumerGroup: group, maxMsgNums } = this.#request;
    for (let start = offset; ;) {
      const limits = {
        maxCount: maxMsgNums - result.count,
        maxBytes: Math.max(1, settings.maxPullBytes - result.bytes),
        maxScan: SCAN,
        tagHashes: this.#selection.tagHashes,
      };
      const { filter } = this.#selection;
      const read =
        filter === undefined
          ? await store.read(topic, queueId, start, limits)
          : await readFiltered(store, topic, queueId, start, limits, filter);
      const hasMoved = read.nextOffset !== start && read.status !== 'NO_MESSAGE_IN_QUEUE';
      if (read.count > 0 || !hasMoved) return { read, start };
      start = read.nextOffset;
      offsets.commit(group, topic, queueId, start);
      if (start >= read.maxOffset || this.#isClosed()) return { read, start };
    }
  }

  #noteOrder(result: PopResult, topic: string, queueId: number, found: number[], start: number): void {
    const { consumerGroup: group, attemptId, invisibleTime: invisibleTimeMs } = this.#request;
    const { popTime } = result;
    const popped = { attemptId, popTime, invisibleTimeMs, offsets: found };
    result.orderCounts.push(...this.#broker.pop.orders.popped(topic, group, queueId, popped));
    this.#broker.offsets.commit(group, topic, queueId, start);
  }

  /** Messages that come again look as if they came from their own topic; only their receipt tells where they lie. */
  #withReceipts(result: PopResult, topic: string, startOffset: number, messages: StoredMessage[]): Buffer {
    return Buffer.concat(
      messages.map((message) => {
        const receipt = encodeReceiptHandle({
          ...{ startOffset, popTime: result.popTime, invisibleTimeMs: this.#request.invisibleTime },
          reviveQueueId: result.reviveQueueId,
          retry: popRetryOfTopic(topic),
          brokerName: this.#broker.settings.brokerName,
          queueId: message.queueId,
          queueOffset: message.queueOffset,
        });
        const properties = { [MessageProperty.POP_CK]: receipt, ...message.properties };
        return encodeStoredMessage({ ...message, topic: this.#topic.topicName, properties });
      }),
    );
  }

  #offset(topic: string, queueId: number, init = false): number {
    const { offsets, store } = this.#broker;
    const { consumerGroup: group, initMode } = this.#request;
    const reset = init ? offsets.takeReset(group, topic, queueId) : undefined;
    if (reset !== undefined) {
      this.#broker.pop.orders.clear(topic, group, queueId);
      offsets.commit(group, topic, queueId, reset);
    }
    const known = offsets.query(group, topic, queueId);
    if (known !== undefined) return known;
    const min = store.minOffset(topic, queueId);
    if (initMode === PopInitMode.MIN) return min;
    // On a young queue a new group starts at the beginning, wherever it says it wants to start.
    const first = min === 0 ? 0 : Math.max(0, store.maxOffset(topic, queueId) - 1);
    if (init) offsets.commit(group, topic, queueId, first);
    return first;
  }
}
