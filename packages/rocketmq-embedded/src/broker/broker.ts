import { randomInt } from 'node:crypto';
import path from 'node:path';
import { createUniqueKeyFactory, type TopicConfig } from '@dt/rocketmq-protocol';
import type { Logger } from '../logger.ts';
import type { Settings } from '../options.ts';
import { encodeHost, readingLeniently, type Connection, type Handlers } from '../server/index.ts';
import { JsonFile, MessageStore } from '../store/index.ts';
import { BrokerConfig } from './broker-config.ts';
import { brokerInfoHandlers } from './broker-info-handlers.ts';
import { clientHandlers, notifyMembers } from './client-handlers.ts';
import { ClientRegistry } from './client-registry.ts';
import type { BrokerContext } from './context.ts';
import { DelayLevels } from './delay-levels.ts';
import { Filters } from './filters.ts';
import { groupHandlers } from './group-handlers.ts';
import { groupProgressHandlers } from './group-progress-handlers.ts';
import { GroupTable } from './group-table.ts';
import { HeldPulls } from './held-pulls.ts';
import { housekeepingHandlers } from './housekeeping-handlers.ts';
import { inspectionHandlers } from './inspection-handlers.ts';
import { offsetHandlers } from './offset-handlers.ts';
import { offsetIdsOf } from './offset-ids.ts';
import { OffsetTable } from './offset-table.ts';
import {
  assignmentHandlers,
  Checkpoints,
  lookHandlers,
  Pop,
  popHandlers,
  receiptHandlers,
} from './pop/index.ts';
import { pullHandlers } from './pull-handlers.ts';
import { queryHandlers } from './query-handlers.ts';
import { QueueLocks } from './queue-locks.ts';
import { resetHandlers } from './reset-handlers.ts';
import { replyHandlers } from './reply-handlers.ts';
import { sendBackHandlers } from './send-back-handlers.ts';
import { sendHandlers } from './send-handlers.ts';
import { BrokerStats } from './stats.ts';
import { reviveTopic, SCHEDULE_TOPIC } from './system-topics.ts';
import { topicHandlers } from './topic-handlers.ts';
import { TopicTable } from './topic-table.ts';
import { TransactionChecks } from './transaction-checks.ts';
import { timerHandlers } from './timer-handlers.ts';
import { Timers } from './timers.ts';
import { transactionHandlers } from './transaction-handlers.ts';
import { Transactions } from './transactions.ts';

const REGION = 'DefaultRegion';
const CLIENT_SCAN_MS = 10_000;
const STATS_MS = 1_000;
const REVIVE_MS = 100;

export interface BrokerOptions {
  settings: Settings;
  advertisedIp: string;
  brokerPort: number;
  onTopicChange: (changed: TopicConfig) => void;
}

/** Store, tables and timers of a broker; `handlers` answers its requests. */
export class Broker {
  readonly handlers: Handlers;
  readonly topics: TopicTable;
  readonly #context: BrokerContext;
  readonly #settings: Settings;
  readonly #timers: NodeJS.Timeout[] = [];

  private constructor(
    options: BrokerOptions,
    store: MessageStore,
    transactions: Transactions,
    timers: Timers,
    checkpoints: Checkpoints,
    stats: BrokerStats,
  ) {
    const { settings, advertisedIp, brokerPort } = options;
    const { dataDir, clusterName, brokerName, logger, limits } = settings;
    const file = (name: string): JsonFile => configFile(settings, name);
    const clients = new ClientRegistry(notifyMembers, limits.maxTableEntries);
    this.#settings = settings;
    this.topics = new TopicTable({
      file: file('topics.json'),
      clusterName,
      brokerName,
      autoCreateTopics: settings.autoCreateTopics,
      max: limits.maxTopics,
      onChange: options.onTopicChange,
    });
    this.topics.restore(store.topics());
    const groups = new GroupTable(file('subscription-groups.json'), limits.maxGroups);
    const offsets = new OffsetTable(file('consumer-offsets.json'), limits.maxTableEntries);
    this.#context = {
      settings: {
        clusterName,
        brokerName,
        advertisedIp,
        brokerPort,
        maxMessageBytes: limits.maxMessageBytes,
        maxPullMessages: limits.maxPullMessages,
        maxPullBytes: limits.maxPullBytes,
        regionId: REGION,
        serverSideResetOffset: settings.serverSideResetOffset,
      },
      store,
      topics: this.topics,
      groups,
      offsets,
      clients,
      locks: new QueueLocks(limits.maxTableEntries),
      held: new HeldPulls(limits.maxHeldPulls, (topic, queueId) => store.maxOffset(topic, queueId)),
      filters: new Filters(settings.enablePropertyFilter),
      delays: new DelayLevels({
        levels: settings.delayLevels,
        store,
        file: file('delay-offsets.json'),
        onDelivered: (topic, { sizeBytes }) => stats.put(topic, 1, sizeBytes),
        logger,
      }),
      pop: new Pop({
        ...{ checkpoints, store, topics: this.topics, groups, offsets, logger },
        ordersFile: file('pop-orders.json'),
        modesFile: file('message-request-modes.json'),
        maxHeldPops: limits.maxHeldPops,
        maxRequestModes: limits.maxTableEntries,
      }),
      transactions,
      timers,
      transactionChecks: new TransactionChecks({
        transactions,
        clients,
        topics: this.topics,
        brokerName,
        timeOutMs: settings.transactionTimeOutMs,
        max: settings.transactionCheckMax,
        logger,
      }),
      stats,
      logger,
      nextUniqueKey: createUniqueKeyFactory({
        ip: advertisedIp,
        pid: process.pid,
        instance: randomInt(0x7fffffff),
        now: Date.now,
      }),
      offsetIds: offsetIdsOf(encodeHost(advertisedIp, brokerPort)),
    };
    this.handlers = readingLeniently([
      ...sendHandlers(this.#context),
      ...replyHandlers(this.#context),
      ...pullHandlers(this.#context),
      ...popHandlers(this.#context),
      ...receiptHandlers(this.#context),
      ...lookHandlers(this.#context),
      ...assignmentHandlers(this.#context),
      ...sendBackHandlers(this.#context),
      ...transactionHandlers(this.#context),
      ...timerHandlers(this.#context),
      ...clientHandlers(this.#context),
      ...offsetHandlers(this.#context),
      ...resetHandlers(this.#context),
      ...inspectionHandlers(this.#context),
      ...topicHandlers(this.#context),
      ...groupHandlers(this.#context),
      ...queryHandlers(this.#context),
      ...groupProgressHandlers(this.#context),
      ...housekeepingHandlers(this.#context),
      ...brokerInfoHandlers(this.#context, dataDir, new BrokerConfig(this.#publicConfig())),
    ]);
    this.#start();
  }

  static async open(options: BrokerOptions): Promise<Broker> {
    const { settings } = options;
    const store = await MessageStore.open({
      folder: path.join(settings.dataDir, 'log'),
      storeHost: encodeHost(options.advertisedIp, options.brokerPort),
      flush: settings.flush,
      segmentBytes: settings.segmentBytes,
      maxPendingBytes: settings.limits.maxPendingBytes,
      retentionMs: settings.retentionMs,
      maxLogBytes: settings.maxLogBytes,
      onDamage: settings.onDamage,
      logger: settings.logger,
    });
    try {
      const transactions = await Transactions.open({
        store,
        file: configFile(settings, 'transactions.json'),
        maxPending: settings.limits.maxPendingTransactions,
        logger: settings.logger,
      });
      const checkpoints = await Checkpoints.open({
        store,
        file: configFile(settings, 'pop-progress.json'),
        reviveTopic: reviveTopic(settings.clusterName),
        max: settings.limits.maxPopCheckpoints,
        logger: settings.logger,
      });
      const stats = new BrokerStats(settings.clusterName, settings.limits.maxTopics);
      const timers = await Timers.open({
        store,
        file: configFile(settings, 'timers.json'),
        maxWaiting: settings.limits.maxWaitingTimers,
        onDelivered: (topic, { sizeBytes }) => stats.put(topic, 1, sizeBytes),
        logger: settings.logger,
      });
      return new Broker(options, store, transactions, timers, checkpoints, stats);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  disconnected(connection: Connection): void {
    this.#context.held.drop(connection);
    this.#context.pop.drop(connection);
    this.#context.clients.removeConnection(connection);
  }

  /** Everything acknowledged is stored and everything known is saved when this returns. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#context.held.close();
    await this.#context.delays.close();
    await this.#context.timers.close();
    await this.#context.transactionChecks.close();
    await this.#context.pop.close();
    try {
      await this.#context.store.close();
    } finally {
      await this.#context.offsets.save();
    }
  }

  #start(): void {
    const { store, held, delays, timers, pop, transactions, transactionChecks } = this.#context;
    const { offsets, clients, locks, stats, logger } = this.#context;
    store.pinFrom(() =>
      Math.min(
        delays.pinnedOffset(),
        timers.pinnedOffset(),
        transactions.pinnedOffset(),
        pop.checkpoints.pinnedOffset(),
      ),
    );
    store.onReadable((queue, fromOffset) => {
      if (queue.topic === SCHEDULE_TOPIC) delays.arrived(queue.queueId + 1);
      if (held.isHeldFor(queue.topic, queue.queueId)) {
        held.arrived(queue.topic, queue.queueId, fromOffset, queue.newTagHashes(fromOffset));
      }
      pop.arrived(queue.topic, queue.queueId, () => queue.newTagHashes(fromOffset));
    });
    delays.start();
    timers.start();
    this.#every(this.#settings.offsetSaveIntervalMs, logger, () => offsets.save());
    this.#every(this.#settings.offsetSaveIntervalMs, logger, () => pop.save());
    this.#every(REVIVE_MS, logger, () => pop.revive());
    this.#every(this.#settings.retentionIntervalMs, logger, () => store.removeExpired());
    this.#every(Math.min(CLIENT_SCAN_MS, this.#settings.limits.clientTimeoutMs), logger, () => {
      clients.closeSilent(Date.now() - this.#settings.limits.clientTimeoutMs);
      locks.sweep();
    });
    this.#every(this.#settings.transactionCheckIntervalMs, logger, () => transactionChecks.run());
    this.#every(STATS_MS, logger, () => stats.tick());
  }

  #every(intervalMs: number, logger: Logger, work: () => void | Promise<void>): void {
    const run = async (): Promise<void> => {
      try {
        await work();
      } catch (error) {
        logger.error({ err: error }, 'rocketmq background work failed');
      }
    };
    const timer = setInterval(() => void run(), intervalMs);
    timer.unref();
    this.#timers.push(timer);
  }

  #publicConfig(): Record<string, string> {
    const { settings } = this.#context;
    return {
      brokerClusterName: settings.clusterName,
      brokerName: settings.brokerName,
      brokerId: '0',
      brokerIP1: settings.advertisedIp,
      listenPort: String(settings.brokerPort),
      autoCreateTopicEnable: String(this.#settings.autoCreateTopics),
      autoCreateSubscriptionGroup: 'true',
      defaultTopicQueueNums: '8',
      brokerPermission: '6',
      brokerRole: 'ASYNC_MASTER',
      flushDiskType: this.#settings.flush === 'sync' ? 'SYNC_FLUSH' : 'ASYNC_FLUSH',
      messageDelayLevel: this.#settings.messageDelayLevel,
      maxMessageSize: String(settings.maxMessageBytes),
      useServerSideResetOffset: String(this.#settings.serverSideResetOffset),
      enablePropertyFilter: String(this.#settings.enablePropertyFilter),
      timerWheelEnable: 'true',
      rejectTransactionMessage: 'false',
      transactionTimeOut: String(this.#settings.transactionTimeOutMs),
      transactionCheckInterval: String(this.#settings.transactionCheckIntervalMs),
      transactionCheckMax: String(this.#settings.transactionCheckMax),
      storePathRootDir: this.#settings.dataDir,
    };
  }
}

function configFile(settings: Settings, name: string): JsonFile {
  return new JsonFile(path.join(settings.dataDir, 'config', name), settings);
}
