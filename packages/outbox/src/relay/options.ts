import { hostname } from 'node:os';
import { type BackoffOptions } from '../backoff.ts';
import { type Database } from '../database/database.ts';
import { backoffOption, choiceOption, integerOption, nameOption, requireMethod } from '../options.ts';
import { type Tables, tablesOf } from '../schema/tables.ts';
import { type Publisher } from './publisher.ts';
import { type RelayActivity, type RelayBatch } from './round.ts';

export interface RelayOptions {
  readonly database: Database;
  readonly publisher: Publisher;
  /** @default 'public' */
  readonly schema?: string;
  /** Shown in `outbox_relays`; need not be unique. @default '<host>:<pid>' */
  readonly instanceId?: string;
  /** Most messages of one call of the publisher. @default 500 */
  readonly batchSize?: number;
  /** Most bytes (payloads and headers) of one call of the publisher, unless a single message is larger. @default 4194304 */
  readonly batchBytes?: number;
  /** Rounds (claim, publish, mark) that may run side by side, each on lanes of its own. @default 4 */
  readonly concurrency?: number;
  /** Longest wait between two looks for new rows. @default 500 */
  readonly pollMs?: number;
  /** A relay that has not renewed for so long has lost its lanes; renewed every sixth of it. @default 6000 */
  readonly leaseMs?: number;
  /** Every lane without a backlog is walked from the start so often, for rows that came back behind its position. @default 30000 */
  readonly fullScanMs?: number;
  /** @default 30000 */
  readonly publishTimeoutMs?: number;
  /** @default 15000 */
  readonly queryTimeoutMs?: number;
  /** `close()` waits so long for batches under way. @default 10000 */
  readonly closeTimeoutMs?: number;
  /** Delay of a message after its own failure: doubled each time, with a random part. @default 1000 up to 60000 */
  readonly retry?: Partial<BackoffOptions>;
  /** Pause of the relay after the publisher failed as a whole. @default 100 up to 5000 */
  readonly outage?: Partial<BackoffOptions>;
  /** Attempts after which a message is set aside as dead. @default Infinity */
  readonly maxAttempts?: number;
  /** Deaths of the sending process during attempts of a message, after which it is set aside. @default 10 */
  readonly maxCrashes?: number;
  /**
   * What becomes of the later messages of a sharding key when one is dead: refused for good, or given up. `continue`
   * sends them. `hold` lets them wait until that one is replayed or skipped, which costs speed: a key's messages then go
   * one at a time. All relays of a database must have the same. @default 'continue'
   */
  readonly onDead?: 'continue' | 'hold';
  /** After each call of the publisher, with what it came to. */
  readonly onBatch?: (batch: RelayBatch) => void;
  /** What went wrong and is being tried again. @default nothing */
  readonly onError?: (error: unknown, during: RelayActivity) => void;
}

export interface CheckedRelayOptions {
  readonly database: Database;
  readonly publisher: Publisher;
  readonly tables: Tables;
  readonly instanceId: string;
  readonly batchSize: number;
  readonly batchBytes: number;
  readonly concurrency: number;
  readonly pollMs: number;
  readonly leaseMs: number;
  readonly fullScanMs: number;
  readonly publishTimeoutMs: number;
  readonly queryTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly retry: BackoffOptions;
  readonly outage: BackoffOptions;
  readonly maxAttempts: number;
  readonly maxCrashes: number;
  readonly holdsKeys: boolean;
  readonly onBatch: (batch: RelayBatch) => void;
  readonly onError: (error: unknown, during: RelayActivity) => void;
}

/** @throws OutboxError `invalid-option` */
export function checkRelayOptions(options: RelayOptions): CheckedRelayOptions {
  requireMethod('Relay', 'database', options.database, 'query');
  requireMethod('Relay', 'publisher', options.publisher, 'publish');
  const integer = (name: keyof RelayOptions, fallback: number, min: number, max?: number): number =>
    integerOption('Relay', name, options[name] as number | undefined, fallback, min, max);
  const onDead = choiceOption('Relay', 'onDead', options.onDead ?? 'continue', ['continue', 'hold']);
  return {
    database: options.database,
    publisher: options.publisher,
    tables: tablesOf(options.schema),
    instanceId: nameOption('Relay', 'instanceId', options.instanceId ?? `${hostname()}:${process.pid}`),
    batchSize: integer('batchSize', 500, 1, 10_000),
    batchBytes: integer('batchBytes', 4 * 1024 * 1024, 1),
    concurrency: integer('concurrency', 4, 1, 64),
    pollMs: integer('pollMs', 500, 10, 60_000),
    leaseMs: integer('leaseMs', 6000, 600, 600_000),
    fullScanMs: integer('fullScanMs', 30_000, 100),
    publishTimeoutMs: integer('publishTimeoutMs', 30_000, 1),
    queryTimeoutMs: integer('queryTimeoutMs', 15_000, 100),
    closeTimeoutMs: integer('closeTimeoutMs', 10_000, 0),
    retry: backoffOption('Relay', 'retry', options.retry, { initialMs: 1000, maxMs: 60_000 }),
    outage: backoffOption('Relay', 'outage', options.outage, { initialMs: 100, maxMs: 5000 }),
    maxAttempts: options.maxAttempts === Infinity ? Infinity : integer('maxAttempts', Infinity, 1),
    maxCrashes: integer('maxCrashes', 10, 1, 30_000),
    holdsKeys: onDead === 'hold',
    onBatch: options.onBatch ?? ((): void => {}),
    onError: options.onError ?? ((): void => {}),
  };
}
