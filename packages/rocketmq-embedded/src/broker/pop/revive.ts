import { decodeStoredMessage, encodeProperties, MessageProperty, popRetryTopic } from '@dt/rocketmq-protocol';
import type { Logger } from '../../logger.ts';
import type { MessageStore, NewMessage } from '../../store/index.ts';
import { copyOf } from '../delay-levels.ts';
import type { GroupTable } from '../group-table.ts';
import type { OffsetTable } from '../offset-table.ts';
import type { TopicTable } from '../topic-table.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Checkpoints } from './checkpoints.ts';

export interface ReviveOptions {
  store: MessageStore;
  topics: TopicTable;
  groups: GroupTable;
  offsets: OffsetTable;
  checkpoints: Checkpoints;
  /** Told when messages of a topic can be popped again by a group. */
  onRevived: (topic: string, group: string) => void;
  logger: Logger;
}

/** A message as it lies in its queue; alone, whatever its size. */
const ONE = { maxCount: 1, maxBytes: 1, maxScan: 1 };

/**
 * Puts popped messages that were not acknowledged in time into the retry topic of their group and topic. How often
 * is not counted against any limit: like a real broker this one leaves it to consumers to give a message up.
 */
export class Revive {
  readonly #options: ReviveOptions;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: ReviveOptions) {
    this.#options = options;
  }

  /** One round over everything that is due. A round that still runs is waited for instead. */
  run(): Promise<void> {
    this.#running ??= this.#round().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running?.catch(() => undefined);
  }

  async #round(): Promise<void> {
    const { checkpoints, logger } = this.#options;
    const due = checkpoints.due(Date.now());
    for (const checkpoint of due) {
      try {
        // What is left over at the end is found again at the next start.
        if (!this.#closed) await this.#revive(checkpoint);
      } catch (error) {
        checkpoints.putOff(checkpoint);
        logger.error({ err: error }, 'rocketmq popped messages could not be given back, trying again');
      }
    }
  }

  async #revive(checkpoint: Checkpoint): Promise<void> {
    const { store, topics, groups, checkpoints } = this.#options;
    const { group } = checkpoint;
    const topic = normalTopic(checkpoint.topic, group);
    if (!topics.has(topic) || !groups.has(group)) return checkpoints.close(checkpoint, [...checkpoint.open]);

    const copies = new Map<number, NewMessage>();
    for (const offset of checkpoint.open) {
      const copy = await this.#copyAt(checkpoint, offset);
      if (copy !== undefined) copies.set(offset, copy);
    }
    // Some may have been acknowledged meanwhile. From here to the notes nothing else runs: a crash between them
    // brings a message twice, never loses one.
    const open = [...checkpoint.open];
    if (open.length === 0) return;
    const retry = this.#retryTopic(group, topic);
    for (const offset of open) {
      const copy = copies.get(offset);
      if (copy !== undefined) store.append(retry, copy);
      checkpoints.close(checkpoint, [offset]);
    }
    await store.committed();
    this.#options.onRevived(topic, group);
  }

  /** Undefined when retention has taken the message. */
  async #copyAt({ topic, queueId, popTime }: Checkpoint, offset: number): Promise<NewMessage | undefined> {
    const read = await this.#options.store.read(topic, queueId, offset, ONE);
    if (read.status !== 'FOUND') return undefined;
    const message = decodeStoredMessage(read.body);
    if (message.queueOffset !== offset) return undefined;
    const { properties, reconsumeTimes } = message;
    if (reconsumeTimes === 0 || properties[MessageProperty.FIRST_POP_TIME] === undefined)
      properties[MessageProperty.FIRST_POP_TIME] = String(popTime);
    return copyOf(message, 0, encodeProperties(properties), reconsumeTimes + 1);
  }

  #retryTopic(group: string, topic: string): string {
    const { topics, offsets } = this.#options;
    const retry = popRetryTopic(group, topic);
    if (topics.has(retry)) return retry;
    topics.createOwn(retry, 1);
    offsets.begin(group, retry, 0);
    return retry;
  }
}

/** The topic the messages of a topic of this group were sent to. */
function normalTopic(topic: string, group: string): string {
  const prefix = popRetryTopic(group, '');
  return topic.startsWith(prefix) ? topic.slice(prefix.length) : topic;
}
