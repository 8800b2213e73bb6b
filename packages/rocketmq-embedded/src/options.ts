import path from 'node:path';
import { createSecureContext } from 'node:tls';
import { isValidName } from '@dt/rocketmq-protocol';
import { parseDelayLevels } from './broker/delay-levels.ts';
import { EmbeddedError } from './errors.ts';
import { silentLogger, type Logger } from './logger.ts';
import type { ServerTls } from './server/index.ts';
import type { FlushMode, OnDamage } from './store/index.ts';

/** Bounds that keep one client from using up the process. */
export interface RocketMQLimits {
  /** Longest frame taken, length field included; a longer one closes its connection. @default 16777216 */
  maxFrameBytes?: number;
  /** Largest message body, and largest body of a batch. @default 4194304 */
  maxMessageBytes?: number;
  /** Open connections, for NameServer and broker each; one more gets code 2 and is closed. @default 1024 */
  maxConnections?: number;
  /** Requests of one connection that are worked on at once; the others wait in its socket. @default 128 */
  maxInFlightPerConnection?: number;
  /** From this many unwritten bytes on a connection's requests are left in its socket. @default 1048576 */
  pauseWriteBytes?: number;
  /** A connection with more unwritten bytes is closed. @default 67108864 */
  maxWriteBytes?: number;
  /**
   * Bytes of unfinished frames and unwritten answers of all connections together, for NameServer and broker each. Beyond
   * it those that hold the most are closed. @default 268435456
   */
  maxBufferedBytes?: number;
  /** A connection on which nothing is read and nothing written for so long is closed. @default 120000 */
  idleTimeoutMs?: number;
  /** A client without a heartbeat for so long loses its socket and its groups. @default 120000 */
  clientTimeoutMs?: number;
  /** Pulls that wait for messages; further ones are answered at once. @default 65536 */
  maxHeldPulls?: number;
  /** Pops that wait for messages; further ones get code 209. @default 65536 */
  maxHeldPops?: number;
  /** Pops with messages that are not acknowledged and not given back; further pops get code 2. @default 100000 */
  maxPopCheckpoints?: number;
  /** Half messages whose transaction has not ended; further ones get code 2. @default 100000 */
  maxPendingTransactions?: number;
  /** Messages that wait for a time of their own; further ones get code 1. 16 bytes of memory each. @default 1000000 */
  maxWaitingTimers?: number;
  /** Bytes that may wait for the disk; more sends get code 2. @default 67108864 */
  maxPendingBytes?: number;
  /** Topics, those of retries and dead letters included; further ones get code 1. @default 20000 */
  maxTopics?: number;
  /** Consumer groups; further ones get code 1. @default 10000 */
  maxGroups?: number;
  /**
   * Entries of each other table that clients fill: consumer offsets, queue locks, producers and subscriptions, request
   * modes, texts of the NameServer. What would add more gets code 1. @default 200000
   */
  maxTableEntries?: number;
  /** Brokers of other processes, by name, that the NameServer takes; further ones get code 1. @default 1024 */
  maxRegisteredBrokers?: number;
  /** Topics the NameServer knows of all brokers together; further ones get code 1. @default 100000 */
  maxRegisteredTopics?: number;
  /** Messages in one pull answer. @default 32 */
  maxPullMessages?: number;
  /** Bytes in one pull answer; its first message may be larger. @default 262144 */
  maxPullBytes?: number;
}

export interface RocketMQOptions {
  /** Folder for everything that is kept. Made when absent; one process at a time. */
  dataDir: string;
  /** Address to listen on. @default '127.0.0.1' */
  host?: string;
  /** Address clients are told, and that stands in message ids. @default host, or 127.0.0.1 when that is a wildcard */
  advertisedHost?: string;
  /** 0 takes a free port. @default 9876 */
  nameServerPort?: number;
  /** 0 takes a free port. @default 10911 */
  brokerPort?: number;
  /**
   * When a message counts as stored. `async`: when the operating system has it: every acknowledged message survives
   * the death of this process, the last ones may be lost with the machine. `sync`: when the disk has it, one fsync
   * for all messages that wait.
   * @default 'async'
   */
  flush?: FlushMode;
  /**
   * What happens when a file does not hold its checksum. `serve-rest`: the start names in the log what is lost and
   * goes on with everything else. `refuse`: the start reads all of the log, and ends with `store-corrupt`.
   * @default 'serve-rest'
   */
  onDamage?: OnDamage;
  /** @default 'DefaultCluster' */
  clusterName?: string;
  /** @default 'broker-a' */
  brokerName?: string;
  /** Whether a topic is made when a producer first sends to it. @default true */
  autoCreateTopics?: boolean;
  /**
   * File in the format of RocketMQ's plain_acl.yml: the broker then answers only requests signed by an account in it,
   * as far as its rights go. A change of the file counts within two seconds; the NameServer has no access control.
   * @default none, everybody may do everything
   */
  acl?: string;
  /** NameServer and broker then take TLS connections only. @default plain ones */
  tls?: ServerTls;
  /**
   * Whether consumers may choose messages by their properties, with SQL92 expressions. Off, as in RocketMQ's own
   * configuration: a program that works here is not refused by a broker nobody has changed. @default false
   */
  enablePropertyFilter?: boolean;
  /**
   * Whether the broker itself sets a group to other offsets (`useServerSideResetOffset` of a real broker), or has the
   * members do it that are connected. @default true
   */
  serverSideResetOffset?: boolean;
  /** Delays of levels 1 to 18. @default '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h' */
  messageDelayLevel?: string;
  /**
   * Age from which a half message is asked about (`transactionTimeOut` of a real broker); a message's own
   * CHECK_IMMUNITY_TIME_IN_SECONDS can only be longer. @default 6000
   */
  transactionTimeOutMs?: number;
  /** How often half messages are looked at (`transactionCheckInterval`). @default 30000 */
  transactionCheckIntervalMs?: number;
  /**
   * Questions about a half message before it goes to TRANS_CHECK_MAX_TIME_TOPIC (`transactionCheckMax`). They count
   * also while no producer is there to answer. @default 15
   */
  transactionCheckMax?: number;
  /** Size of a log file; a file is removed as a whole. 8 MiB to 128 MiB. @default 67108864 */
  segmentBytes?: number;
  /** Log files whose newest message is older are removed, consumed or not. @default 259200000 (72 h) */
  retentionMs?: number;
  /** The oldest log files are removed while the log is larger, consumed or not. @default unlimited */
  maxLogBytes?: number;
  /** How often consumer offsets are saved. @default 5000 */
  offsetSaveIntervalMs?: number;
  /** How often old log files are looked for. @default 10000 */
  retentionIntervalMs?: number;
  limits?: RocketMQLimits;
  /** @default silent */
  logger?: Logger;
}

/** The options with every default filled in and every value checked. */
export interface Settings extends Required<
  Omit<RocketMQOptions, 'limits' | 'acl' | 'tls' | 'advertisedHost' | 'messageDelayLevel'>
> {
  advertisedHost: string | undefined;
  /** Absolute. */
  acl: string | undefined;
  tls: ServerTls | undefined;
  messageDelayLevel: string;
  delayLevels: number[];
  limits: Required<RocketMQLimits>;
}

const MIB = 1024 * 1024;
const HOUR_MS = 3_600_000;
const DEFAULT_DELAY_LEVELS = '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h';

/** Throws option-invalid, naming field, value and what is allowed. */
export function checkOptions(options: RocketMQOptions): Settings {
  const messageDelayLevel = options.messageDelayLevel ?? DEFAULT_DELAY_LEVELS;
  const limits = checkLimits(options.limits ?? {});
  const settings: Settings = {
    dataDir: path.resolve(text('dataDir', options.dataDir)),
    host: text('host', options.host ?? '127.0.0.1'),
    advertisedHost:
      options.advertisedHost === undefined ? undefined : text('advertisedHost', options.advertisedHost),
    nameServerPort: integer('nameServerPort', options.nameServerPort ?? 9876, 0, 65_535),
    brokerPort: integer('brokerPort', options.brokerPort ?? 10_911, 0, 65_535),
    flush: oneOf('flush', options.flush ?? 'async', ['sync', 'async']),
    onDamage: oneOf('onDamage', options.onDamage ?? 'serve-rest', ['serve-rest', 'refuse']),
    clusterName: name('clusterName', options.clusterName ?? 'DefaultCluster'),
    brokerName: name('brokerName', options.brokerName ?? 'broker-a'),
    autoCreateTopics: oneOf('autoCreateTopics', options.autoCreateTopics ?? true, [true, false]),
    serverSideResetOffset: oneOf('serverSideResetOffset', options.serverSideResetOffset ?? true, [
      true,
      false,
    ]),
    enablePropertyFilter: oneOf('enablePropertyFilter', options.enablePropertyFilter ?? false, [true, false]),
    acl: options.acl === undefined ? undefined : path.resolve(text('acl', options.acl)),
    tls: options.tls === undefined ? undefined : checkTls(options.tls),
    messageDelayLevel,
    delayLevels: parseDelayLevels(messageDelayLevel),
    transactionTimeOutMs: integer(
      'transactionTimeOutMs',
      options.transactionTimeOutMs ?? 6_000,
      1,
      24 * HOUR_MS,
    ),
    transactionCheckIntervalMs: integer(
      'transactionCheckIntervalMs',
      options.transactionCheckIntervalMs ?? 30_000,
      10,
      24 * HOUR_MS,
    ),
    transactionCheckMax: integer('transactionCheckMax', options.transactionCheckMax ?? 15, 1, 1_000_000),
    segmentBytes: integer('segmentBytes', options.segmentBytes ?? 64 * MIB, 8 * MIB, 128 * MIB),
    retentionMs: integer('retentionMs', options.retentionMs ?? 72 * HOUR_MS, 1, Number.MAX_SAFE_INTEGER),
    maxLogBytes: integer(
      'maxLogBytes',
      options.maxLogBytes ?? Number.MAX_SAFE_INTEGER,
      1,
      Number.MAX_SAFE_INTEGER,
    ),
    offsetSaveIntervalMs: integer('offsetSaveIntervalMs', options.offsetSaveIntervalMs ?? 5_000, 10, HOUR_MS),
    retentionIntervalMs: integer('retentionIntervalMs', options.retentionIntervalMs ?? 10_000, 10, HOUR_MS),
    limits,
    logger: options.logger ?? silentLogger,
  };
  if (settings.nameServerPort !== 0 && settings.nameServerPort === settings.brokerPort) {
    throw invalid('brokerPort', settings.brokerPort, 'another port than nameServerPort');
  }
  return settings;
}

function checkTls(tls: ServerTls): ServerTls {
  if (tls.requestCert === true && tls.ca === undefined)
    throw new EmbeddedError('option-invalid', 'tls.ca: missing, requestCert needs to know whom to trust');
  try {
    createSecureContext({ cert: tls.cert, key: tls.key, ...(tls.ca !== undefined && { ca: tls.ca }) });
  } catch (error) {
    // The values stay out of the message: one is a private key.
    throw new EmbeddedError(
      'option-invalid',
      'tls: cert, key or ca cannot be used, allowed is PEM that fits',
      {
        cause: error,
      },
    );
  }
  return tls;
}

function checkLimits(limits: RocketMQLimits): Required<RocketMQLimits> {
  const field = (key: keyof RocketMQLimits, byDefault: number, min: number, max: number): number =>
    integer(`limits.${key}`, limits[key] ?? byDefault, min, max);
  return {
    maxFrameBytes: field('maxFrameBytes', 16 * MIB, 1024, 1024 * MIB),
    // A record must fit a segment of the smallest size.
    maxMessageBytes: field('maxMessageBytes', 4 * MIB, 1, 7 * MIB),
    maxConnections: field('maxConnections', 1024, 1, 1_000_000),
    maxInFlightPerConnection: field('maxInFlightPerConnection', 128, 1, 100_000),
    pauseWriteBytes: field('pauseWriteBytes', MIB, 1, 1024 * MIB),
    maxWriteBytes: field('maxWriteBytes', 64 * MIB, 1, 4096 * MIB),
    maxBufferedBytes: field('maxBufferedBytes', 256 * MIB, MIB, 65_536 * MIB),
    idleTimeoutMs: field('idleTimeoutMs', 120_000, 10, 24 * HOUR_MS),
    clientTimeoutMs: field('clientTimeoutMs', 120_000, 10, 24 * HOUR_MS),
    maxHeldPulls: field('maxHeldPulls', 65_536, 0, 10_000_000),
    maxHeldPops: field('maxHeldPops', 65_536, 0, 10_000_000),
    maxPopCheckpoints: field('maxPopCheckpoints', 100_000, 1, 10_000_000),
    maxPendingTransactions: field('maxPendingTransactions', 100_000, 1, 10_000_000),
    maxWaitingTimers: field('maxWaitingTimers', 1_000_000, 0, 100_000_000),
    maxPendingBytes: field('maxPendingBytes', 64 * MIB, 8 * MIB, 4096 * MIB),
    maxTopics: field('maxTopics', 20_000, 1, 1_000_000),
    maxGroups: field('maxGroups', 10_000, 1, 1_000_000),
    maxTableEntries: field('maxTableEntries', 200_000, 1, 100_000_000),
    maxRegisteredBrokers: field('maxRegisteredBrokers', 1024, 1, 1_000_000),
    maxRegisteredTopics: field('maxRegisteredTopics', 100_000, 1, 10_000_000),
    maxPullMessages: field('maxPullMessages', 32, 1, 100_000),
    maxPullBytes: field('maxPullBytes', 256 * 1024, 1, 8 * MIB),
  };
}

function text(field: string, value: unknown): string {
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw invalid(field, value, 'a text that is not empty');
}

function name(field: string, value: unknown): string {
  if (typeof value === 'string' && isValidName(value, 100)) return value;
  throw invalid(field, value, '1 to 100 of the characters A-Z a-z 0-9 _ - % |');
}

function integer(field: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw invalid(field, value, `an integer from ${min} to ${max}`);
}

function oneOf<T>(field: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  throw invalid(field, value, allowed.map(String).join(' or '));
}

function invalid(field: string, value: unknown, allowed: string): EmbeddedError {
  return new EmbeddedError(
    'option-invalid',
    `${field}: ${typeof value === 'number' ? String(value) : JSON.stringify(value)}, allowed is ${allowed}`,
  );
}
