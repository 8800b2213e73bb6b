import {
  Inbox,
  Notifier,
  Relay,
  rocketmqPublisher,
  rocketmqReceiver,
  type Database,
  type Handlers,
} from '@dt/outbox';
import { PushConsumer } from '@dt/rocketmq-client';
import type { Config } from '../config/index.ts';
import { Failures, type Log } from '../log/index.ts';
import { untilItWorks } from './backoff.ts';
import { clientOptions } from './client-options.ts';
import { dropReporter } from './dropped.ts';
import type { MessagingMetrics } from './metrics.ts';
import { messagingMode, type MessagingMode } from './mode.ts';
import { startProducer } from './producer.ts';
import { startRetention } from './retention.ts';
import { ensureTopic } from './topic.ts';

const relayFailed = 'outbox: relay failed, trying again';
const consumerFailed = 'rocketmq: consumer start failed';

export interface MessagingOptions {
  config: Config['rocketmq'];
  outbox: Config['outbox'];
  inbox: Config['inbox'];
  database: Database;
  /** Effects by tag, each run inside the inbox's transaction. */
  handlers: Handlers;
  log: Log;
  /** Told what happens. */
  metrics?: MessagingMetrics;
  /** Sends outbox rows. @default true */
  relay?: boolean;
  /** Receives messages into the inbox. @default true */
  consumer?: boolean;
}

export interface Messaging {
  readonly mode: MessagingMode;
  /** Tells the relays, of this process or another, that a transaction with outbox rows has just committed. Never blocks, never throws. */
  committed(): void;
  /** Lets go of lanes and queues, in bounded time. */
  close(): Promise<void>;
}

/**
 * Carries rows from the outbox through RocketMQ to the inbox. Returns at once: a broker that cannot be reached
 * is tried again in the background while the server serves and rows wait.
 */
export function startMessaging(options: MessagingOptions): Messaging {
  const { config, log } = options;
  const mode = messagingMode(config);
  if (mode === 'silent') return { mode, committed: () => undefined, close: async () => undefined };
  if (mode === 'disabled') {
    log.warn('rocketmq disabled: missing access/secret key while endpoint present');
    return { mode, committed: dropReporter(log, config.topic_settle), close: async () => undefined };
  }
  return startEnabled(options);
}

function startEnabled({
  config,
  outbox,
  inbox: inboxConfig,
  database,
  handlers,
  log,
  metrics,
  relay: sends = true,
  consumer: receives = true,
}: MessagingOptions): Messaging {
  const stop = new AbortController();
  const { signal } = stop;
  // What has been opened, in order; closed in the opposite order.
  const opened: { close(): Promise<void> }[] = [];
  const failures = new Failures({ log });
  let relay: Relay | undefined;
  let notifier: Notifier | undefined;
  if (!sends) {
    const onError = (err: unknown): void =>
      log.debug({ err }, 'outbox: waking the relays failed, they will look by themselves');
    notifier = new Notifier({ database, onError });
    opened.push(notifier);
  }

  const open = async (): Promise<void> => {
    if (sends) {
      const producer = await startProducer(config, log, signal);
      if (producer === undefined) return;
      opened.push(producer);
      await ensureTopic(config, log, signal);
      relay = new Relay({
        database,
        publisher: rocketmqPublisher(producer),
        onBatch: (batch) => {
          metrics?.sent(batch);
          // It was claimed, sent and marked.
          if (batch.sent > 0)
            for (const during of ['claim', 'publish', 'mark']) failures.over(relayFailed, { during });
        },
        onError: (err, during) => {
          metrics?.relayFailed(during);
          failures.warn({ during, err }, relayFailed);
        },
      });
      await relay.start();
      opened.push(relay);
    }
    if (receives && !signal.aborted) {
      const inbox = new Inbox({
        database,
        consumerGroup: config.consumer_group,
        handlers,
        onBatch: (batch) => metrics?.received(batch),
        onError: (err, message) => {
          if (message !== undefined) metrics?.handlerFailed();
          // One message's own failure is told for each of them, at the pace of its tries.
          const told = message === undefined ? failures : log;
          told.warn({ ...message, err }, 'inbox: applying failed, trying again');
        },
      });
      inbox.start();
      opened.push(inbox);
      const consumer = await startConsumer(config, inbox, log, signal);
      if (consumer !== undefined) opened.push(consumer);
    }
    if ((sends || receives) && !signal.aborted) {
      const retention = await startRetention({
        config,
        outbox,
        inbox: inboxConfig,
        database,
        log,
        metrics,
      });
      if (retention !== undefined) opened.push(retention);
    }
  };
  const opening = open().catch((error: unknown) => {
    if (!signal.aborted) log.error({ err: error }, 'rocketmq: messaging stopped, rows wait in the outbox');
  });

  return {
    mode: 'enabled',
    committed: () => (sends ? relay?.kick() : notifier?.committed()),
    async close() {
      stop.abort();
      await opening;
      for (const part of opened.reverse()) {
        await part.close().catch((error: unknown) => log.warn({ err: error }, 'rocketmq: close failed'));
      }
    },
  };
}

async function startConsumer(
  config: Config['rocketmq'],
  inbox: Inbox,
  log: Log,
  signal: AbortSignal,
): Promise<PushConsumer | undefined> {
  const { consumer_group: group, topic_settle: topic } = config;
  const shared = clientOptions(config, log);
  const failures = new Failures({ log });
  const consumer = await untilItWorks(
    async () => {
      const consumer = new PushConsumer({
        ...shared,
        group,
        subscriptions: [{ topic, expression: '*' }],
        from: 'first',
        batchSize: 256,
        // The inbox keeps failed effects itself and retries them in key order; what can still fail here is the
        // database, and then this queue waits for it instead of sending its messages out of order.
        onError: 'suspend',
        handler: rocketmqReceiver(inbox),
      });
      await consumer.start();
      return consumer;
    },
    {
      signal,
      onFailure: (err, retryInMs) => failures.error({ group, err, retryInMs }, consumerFailed),
    },
  );
  if (consumer !== undefined) {
    failures.over(consumerFailed);
    log.info({ group, topic }, 'rocketmq: consumer started');
  }
  return consumer;
}
