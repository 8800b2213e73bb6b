import type { Logger } from '../logger.ts';
import type { MessageStore } from '../store/index.ts';
import type { ClientRegistry } from './client-registry.ts';
import type { DelayLevels } from './delay-levels.ts';
import type { Filters } from './filters.ts';
import type { GroupTable } from './group-table.ts';
import type { HeldPulls } from './held-pulls.ts';
import type { OffsetTable } from './offset-table.ts';
import type { Pop } from './pop/index.ts';
import type { QueueLocks } from './queue-locks.ts';
import type { BrokerStats } from './stats.ts';
import type { Timers } from './timers.ts';
import type { TopicTable } from './topic-table.ts';
import type { TransactionChecks } from './transaction-checks.ts';
import type { Transactions } from './transactions.ts';

export interface BrokerSettings {
  clusterName: string;
  brokerName: string;
  /** Address given to clients, and in message ids. */
  advertisedIp: string;
  brokerPort: number;
  maxMessageBytes: number;
  maxPullMessages: number;
  maxPullBytes: number;
  regionId: string;
  serverSideResetOffset: boolean;
}

/** What the handlers of the broker work with. */
export interface BrokerContext {
  readonly settings: BrokerSettings;
  readonly store: MessageStore;
  readonly topics: TopicTable;
  readonly groups: GroupTable;
  readonly offsets: OffsetTable;
  readonly clients: ClientRegistry;
  readonly locks: QueueLocks;
  readonly held: HeldPulls;
  readonly filters: Filters;
  readonly delays: DelayLevels;
  readonly pop: Pop;
  readonly timers: Timers;
  readonly transactions: Transactions;
  readonly transactionChecks: TransactionChecks;
  readonly stats: BrokerStats;
  readonly logger: Logger;
  /** An unused message id, for messages whose producer set none. */
  readonly nextUniqueKey: () => string;
  /** The ids of messages by where they are stored, separated by commas. */
  readonly offsetIds: (physicalOffsets: readonly number[]) => string;
}
