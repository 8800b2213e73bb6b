import { setTimeout as pause } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { gameRules, type Config } from './config/index.ts';
import { createDatabase, migrate } from './database/index.ts';
import { startDemo } from './demo/index.ts';
import { createGame } from './game/index.ts';
import { BetLimiter, buildHttp, checkListen, listen, type HttpOptions } from './http/index.ts';
import { Failures, type Log } from './log/index.ts';
import {
  BacklogWatch,
  messagingMode,
  MessagingMetrics,
  outboxHealth,
  startMessaging,
} from './messaging/index.ts';
import { every } from './operations/interval.ts';
import { checkDatabase, openPostgres } from './operations/postgres.ts';
import { startEmbeddedRocketMQ } from './operations/rocketmq.ts';
import { projectionHandlers } from './projections/index.ts';
import { createWallet, seedDemoPlayer } from './wallet/index.ts';

/** What one instance does. All of them on one machine; spread over several in a larger house. */
export const roles = ['http', 'relay', 'consumer'] as const;
export type Role = (typeof roles)[number];

export interface ServerOptions {
  config: Config;
  log: Log;
  /** @default all */
  roles?: ReadonlySet<Role>;
  /** Start PostgreSQL and RocketMQ here where none is configured or answers. @default false */
  embedded?: boolean;
  /** Run a table whose rounds settle live. Needs the role http. @default false */
  demo?: boolean;
  /** Where embedded parts keep their data. @default 'data' */
  dataDir?: string;
  /** What `/metrics` shows. @default one of its own */
  registry?: Registry;
}

export interface Server {
  /** Where HTTP answers: players and dealers with the role http, else who watches the instance; absent for nobody. */
  readonly url?: string;
  /** Takes the settings that are `live` in the schema; the others stay as they were at the start. */
  configure(config: Config): void;
  /** Stops everything this process started, the newest first, in bounded time. */
  close(): Promise<void>;
}

/** Rounds past their deadline are sealed within this time; bets are refused from the deadline on all the same. */
const sealEveryMs = 500;

/** Puts the parts together: the only place that knows them all. What was opened before a failure is closed again. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const {
    config,
    log,
    embedded = false,
    demo = false,
    dataDir = 'data',
    registry = new Registry(),
  } = options;
  const has = (role: Role): boolean => options.roles?.has(role) ?? true;
  const opened: { name: string; close(): Promise<unknown> }[] = [];
  const close = async (): Promise<void> => {
    for (let part = opened.pop(); part !== undefined; part = opened.pop()) {
      await part.close().catch((err: unknown) => log.warn({ part: part?.name, err }, 'close failed'));
    }
  };

  const takers: ((changed: Config) => void)[] = [(changed) => (log.level = changed.server.log_level)];
  const configure = (changed: Config): void => {
    for (const take of takers) take(changed);
  };

  // Instances on one machine share their settings: one that takes no calls must not take the port of one that does.
  const port = has('http') ? config.server.port : config.server.health_port;
  const place = port === undefined ? undefined : { host: config.server.host, port };
  // Before anything is opened: a second start beside a running one must not touch what that one uses.
  if (place !== undefined) await checkListen(place);
  try {
    const postgres = await openPostgres(config.database, {
      embedded: embedded ? 'start' : 'never',
      dataDir,
      log,
    });
    opened.push({ name: 'postgres', close: () => postgres.close() });
    const mode = messagingMode(config.rocketmq);
    if (embedded && mode === 'enabled') {
      const rocketmq = await startEmbeddedRocketMQ(config.rocketmq, dataDir, log);
      if (rocketmq !== undefined) opened.push({ name: 'rocketmq', close: () => rocketmq.close() });
    }

    const database = createDatabase({
      connection: postgres.connection,
      maxConnections: config.database.max_connections,
    });
    opened.push({ name: 'database', close: () => database.close() });
    await checkDatabase(database, postgres);
    const applied = await migrate(database);
    if (applied.length > 0) log.info({ applied }, 'database: migrated');

    const failures = new Failures({ log });
    const watch = new BacklogWatch(database, (err) =>
      failures.warn({ err }, 'outbox: what waits could not be read'),
    );
    const backlog = () => watch.read();
    const metrics = new MessagingMetrics({
      registry,
      consumerGroup: config.rocketmq.consumer_group,
      backlog,
    });
    const messaging = startMessaging({
      config: config.rocketmq,
      outbox: config.outbox,
      inbox: config.inbox,
      database,
      handlers: projectionHandlers(),
      log,
      metrics,
      relay: has('relay'),
      consumer: has('consumer'),
    });
    opened.push({ name: 'messaging', close: () => messaging.close() });
    const openGame = async (): Promise<Pick<HttpOptions, 'calls' | 'limiter'>> => {
      const wallet = createWallet({ database });
      const game = createGame({
        database,
        config: gameRules(config.game),
        topic: config.rocketmq.topic_settle,
        onCommitted: () => messaging.committed(),
      });
      takers.push((changed) => game.configure(gameRules(changed.game)));
      if (config.auth.demo_mode) await seedDemoPlayer(database);
      const sealer = every(
        sealEveryMs,
        async () => {
          await game.sealDue();
          failures.over('rounds: sealing failed');
        },
        (err) => failures.warn({ err }, 'rounds: sealing failed'),
      );
      opened.push({ name: 'sealer', close: () => sealer.close() });
      const limiter = new BetLimiter(config.rate_limit);
      takers.push((changed) => limiter.configure(changed.rate_limit));
      return { calls: { game, wallet }, limiter };
    };

    if (place === undefined) return { configure, close };
    const http = buildHttp({
      config,
      ...(has('http') && (await openGame())),
      database,
      log,
      registry,
      outboxHealth: async () =>
        outboxHealth(
          await backlog(),
          messaging.mode === 'silent' ? 0 : config.outbox.oldest_pending_limit_seconds,
        ),
    });
    // Without calls nobody has to look elsewhere first.
    const drainMs = has('http') ? config.server.drain_seconds * 1000 : 0;
    opened.push({ name: 'http', close: () => stopHttp(http, drainMs) });
    const url = await listen(http, place);
    log.info({ url }, 'http: listening');

    if (demo && has('http')) {
      const table = startDemo({ baseUrl: url, config, database, log });
      opened.push({ name: 'demo', close: () => table.close() });
    }
    return { url, configure, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Load balancers get time to see that this instance goes; until then it answers as before. */
async function stopHttp(http: ReturnType<typeof buildHttp>, drainMs: number): Promise<void> {
  http.drain();
  if (drainMs > 0) await pause(drainMs);
  await http.close();
}
