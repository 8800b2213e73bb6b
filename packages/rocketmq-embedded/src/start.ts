import { lookup } from 'node:dns/promises';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { createResponse, ResponseCode, type TopicConfig } from '@dt/rocketmq-protocol';
import type { AccessControl } from './access/index.ts';
import { Broker, firstVersion } from './broker/index.ts';
import { EmbeddedError } from './errors.ts';
import type { Logger } from './logger.ts';
import { KvTable, nameServerHandlers, NameServerConfig, RouteTable } from './nameserver/index.ts';
import { checkOptions, type RocketMQOptions, type Settings } from './options.ts';
import { hostText, RemotingServer, type ConnectionLimits, type RequestHandler } from './server/index.ts';
import { FolderLock, JsonFile } from './store/index.ts';

/** How often the broker tells the NameServer all its topics again, as brokers do. */
const REGISTER_MS = 30_000;
/** How often the NameServer looks for brokers that have been silent for too long. */
const SCAN_MS = 5_000;
const WILDCARDS = new Set(['0.0.0.0', '::', '']);

/** A running NameServer and broker. */
export interface RocketMQServer {
  /** `host:port` for clients. */
  readonly nameServerAddress: string;
  readonly brokerAddress: string;
  /** Stops listening, stores what is on its way, saves all tables, frees ports and folder. May be called again. */
  close(): Promise<void>;
}

/**
 * Starts a RocketMQ NameServer and broker in this process, for one machine: development, demonstrations, tests. There
 * is no replication.
 *
 * @throws EmbeddedError `option-invalid`, `data-dir-locked`, `data-dir-unusable`, `port-in-use`, `store-corrupt`
 */
export async function startRocketMQ(options: RocketMQOptions): Promise<RocketMQServer> {
  const settings = checkOptions(options);
  makeFolders(settings.dataDir);
  const lock = FolderLock.acquire(settings.dataDir);
  const undo: (() => Promise<void> | void)[] = [() => lock.release()];
  try {
    return await open(settings, undo);
  } catch (error) {
    await unwind(undo);
    throw error;
  }
}

async function open(settings: Settings, undo: (() => Promise<void> | void)[]): Promise<RocketMQServer> {
  const { dataDir, host, logger } = settings;
  const advertisedIp = await advertisedAddress(settings);
  const routes = new RouteTable(settings.limits);
  const access = settings.acl === undefined ? undefined : await openAccess(settings.acl, logger);
  if (access !== undefined) undo.push(() => access.close());
  const kvFile = path.join(dataDir, 'config', 'kv.json');
  const kv = new KvTable(new JsonFile(kvFile, settings), settings.limits.maxTableEntries);

  // The broker's port is part of every message id: it must be known before the store opens.
  const parts: { broker?: Broker } = {};
  const brokerServer = new RemotingServer({
    role: 'broker',
    portOption: 'brokerPort (--broker-port)',
    limits: connectionLimits(settings),
    tls: settings.tls,
    maxConnections: settings.limits.maxConnections,
    maxBufferedBytes: settings.limits.maxBufferedBytes,
    handlers: { get: (code) => (parts.broker === undefined ? starting : parts.broker.handlers.get(code)) },
    ...(access && { authorize: (request, connection) => access.check(request, connection) }),
    onClose: (connection) => parts.broker?.disconnected(connection),
    logger,
  });
  undo.push(() => brokerServer.close());
  const brokerPort = await brokerServer.listen(host, settings.brokerPort);
  const brokerAddress = hostText(advertisedIp, brokerPort);
  const register = (topics: Iterable<TopicConfig>): void => {
    const { clusterName, brokerName } = settings;
    const dataVersion = parts.broker?.topics.dataVersion ?? firstVersion();
    routes.register(
      {
        ...{ clusterName, brokerName, brokerAddress, dataVersion },
        brokerId: 0,
        haServerAddress: hostText(advertisedIp, brokerPort + 1),
        topics: [...topics],
      },
      { timeoutMs: Number.POSITIVE_INFINITY },
    );
  };

  const broker = await Broker.open({
    settings,
    advertisedIp,
    brokerPort,
    onTopicChange: (changed) => register([changed]),
  });
  // Before the sockets close: a held pull must not be answered from a closed store.
  undo.push(() => broker.close());
  parts.broker = broker;
  register(broker.topics.all());
  const registering = setInterval(() => register(broker.topics.all()), REGISTER_MS);
  registering.unref();
  undo.push(() => clearInterval(registering));

  const scanning = setInterval(() => routes.removeExpired(), SCAN_MS);
  scanning.unref();
  undo.push(() => clearInterval(scanning));

  const config = new NameServerConfig(settings.nameServerPort, kvFile);
  const nameServer = new RemotingServer({
    role: 'NameServer',
    portOption: 'nameServerPort (--port)',
    limits: connectionLimits(settings),
    tls: settings.tls,
    maxConnections: settings.limits.maxConnections,
    maxBufferedBytes: settings.limits.maxBufferedBytes,
    handlers: nameServerHandlers({ routes, kv, config }),
    onClose: (connection) => routes.disconnected(connection),
    logger,
  });
  undo.push(() => nameServer.close());
  const nameServerPort = await nameServer.listen(host, settings.nameServerPort);
  const nameServerAddress = hostText(advertisedIp, nameServerPort);
  logger.info({ nameServerAddress, brokerAddress, dataDir }, 'rocketmq embedded started');

  let closing: Promise<void> | undefined;
  return { nameServerAddress, brokerAddress, close: () => (closing ??= unwind(undo)) };
}

/** Loaded when asked for: with what reads YAML it is a third of all modules. */
async function openAccess(acl: string, logger: Logger): Promise<AccessControl> {
  const { AccessControl } = await import('./access/index.ts');
  return AccessControl.open(acl, logger);
}

/** While the store opens clients are told to come again. */
const starting: RequestHandler = (request) =>
  createResponse(request, ResponseCode.SERVICE_NOT_AVAILABLE, {
    remark: 'service not available now: the broker is starting',
  });

/** In the reverse order of what was started; all of it, whatever fails. */
async function unwind(undo: (() => Promise<void> | void)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const step of undo.splice(0).reverse()) {
    try {
      await step();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

function connectionLimits({ limits }: Settings): ConnectionLimits {
  return {
    maxFrameBytes: limits.maxFrameBytes,
    maxInFlight: limits.maxInFlightPerConnection,
    pauseWriteBytes: limits.pauseWriteBytes,
    maxWriteBytes: limits.maxWriteBytes,
    idleTimeoutMs: limits.idleTimeoutMs,
  };
}

function makeFolders(dataDir: string): void {
  try {
    fs.mkdirSync(path.join(dataDir, 'config'), { recursive: true });
    fs.accessSync(dataDir, fs.constants.R_OK | fs.constants.W_OK);
  } catch (error) {
    throw new EmbeddedError('data-dir-unusable', `data folder ${dataDir} cannot be used: ${String(error)}`, {
      cause: error,
    });
  }
}

/** An IP address that clients can connect to: it is written into every message. */
async function advertisedAddress(settings: Settings): Promise<string> {
  const name = settings.advertisedHost ?? (WILDCARDS.has(settings.host) ? '127.0.0.1' : settings.host);
  if (net.isIP(name) !== 0) return name;
  try {
    return (await lookup(name)).address;
  } catch (error) {
    throw new EmbeddedError('option-invalid', `advertisedHost: ${JSON.stringify(name)} has no address`, {
      cause: error,
    });
  }
}
