import { popRetryTopic } from '@dt/rocketmq-protocol';
import type { Logger } from '../../logger.ts';
import type { Connection } from '../../server/index.ts';
import type { JsonFile, MessageStore } from '../../store/index.ts';
import type { GroupTable } from '../group-table.ts';
import type { OffsetTable } from '../offset-table.ts';
import type { TopicTable } from '../topic-table.ts';
import type { Checkpoints } from './checkpoints.ts';
import { HeldPops } from './held-pops.ts';
import { KeyedMutex } from './keyed-mutex.ts';
import { PopOrders } from './pop-orders.ts';
import { RequestModes } from './request-modes.ts';
import { Revive } from './revive.ts';

export interface PopOptions {
  checkpoints: Checkpoints;
  store: MessageStore;
  topics: TopicTable;
  groups: GroupTable;
  offsets: OffsetTable;
  maxRequestModes: number;
  ordersFile: JsonFile;
  modesFile: JsonFile;
  /** Pops that wait; as many requests for a notice may wait, too. */
  maxHeldPops: number;
  logger: Logger;
}

/** Everything the broker keeps for groups that pop. */
export class Pop {
  readonly checkpoints: Checkpoints;
  readonly orders: PopOrders;
  readonly modes: RequestModes;
  readonly held: HeldPops;
  /** Requests that only want to be told of messages. */
  readonly notices: HeldPops;
  /** By topic, group and queue: who reads where a group stands also moves it. */
  readonly mutex = new KeyedMutex();
  readonly #revive: Revive;

  constructor(options: PopOptions) {
    this.checkpoints = options.checkpoints;
    this.orders = new PopOrders(options.ordersFile);
    this.modes = new RequestModes(options.modesFile, options.maxRequestModes);
    this.held = new HeldPops(options.maxHeldPops);
    this.notices = new HeldPops(options.maxHeldPops);
    this.#revive = new Revive({ ...options, onRevived: (topic, group) => this.wake(topic, group) });
  }

  /** Messages of a queue can be read. */
  arrived(topic: string, queueId: number, tagHashes: () => ArrayLike<number>): void {
    for (const held of [this.held, this.notices])
      if (held.isHeldFor(topic)) held.arrived(topic, queueId, tagHashes());
  }

  /** There may be messages of the topic for this group. */
  wake(topic: string, group: string, queueId = -1): void {
    this.held.wakeFirst(topic, group, queueId);
    this.notices.wakeFirst(topic, group, queueId);
  }

  /** Gives back what was not acknowledged in time. */
  revive(): Promise<void> {
    return this.#revive.run();
  }

  /** Its groups' pop retry topics go with a topic. */
  topicDeleted(topic: string): void {
    this.orders.deleteTopic(topic);
    this.held.wakeAll(topic);
    this.notices.wakeAll(topic);
  }

  drop(connection: Connection): void {
    this.held.drop(connection);
    this.notices.drop(connection);
  }

  async save(): Promise<void> {
    await this.orders.save();
    await this.checkpoints.save();
  }

  /** Before the store closes. */
  async close(): Promise<void> {
    this.held.close();
    this.notices.close();
    await this.#revive.close();
    await this.save();
  }
}

/** The pop retry topics of these groups for a topic. */
export function popRetryTopics(topic: string, groups: readonly string[]): string[] {
  return groups.map((group) => popRetryTopic(group, topic));
}
