import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Inbox, Relay, rocketmqPublisher, rocketmqReceiver } from '@dt/outbox';
import { Admin, Producer, PullConsumer, PushConsumer } from '@dt/rocketmq-client';
import {
  eventually,
  type FaultProxy,
  protocol,
  proxyRocketmq,
  type RunningBroker,
  uniqueName,
} from '@dt/testkit';
import { expect } from 'vitest';
import { Ledgers } from './ledgers.ts';
import { ReversedAnswers } from './reversed-answers.ts';

export const LEASE_MS = 3000;

const CREDENTIALS = { accessKey: 'rocketmq', secretKey: 'rocketmq123' };

/** Where a fault is brought about. */
export interface FaultyRoad {
  readonly nameServer: FaultProxy;
  readonly broker: FaultProxy;
  readonly answers: ReversedAnswers;
  /** Messages that have had their effect by now. */
  readonly applied: () => Promise<number>;
}

export interface RoadFigures {
  readonly written: number;
  /** Stored by the broker beyond the first of each key. */
  readonly doubles: number;
  /** Requests to store messages of which the producer never learnt what became. */
  readonly unknownSends: number;
}

/** What was going on goes on, at least so far. */
export async function expectFlow({ applied }: FaultyRoad): Promise<void> {
  const before = await applied();
  await eventually(async () => (await applied()) >= before + 200, {
    timeoutMs: 60_000,
    what: '200 more effects',
  });
}

/**
 * Writes all the while, over relay, RocketMQ and inbox, brings `fault` about between the clients and RocketMQ, and asks
 * for everything when it is over: each message is sent, stored in order of its sharding key, and has one effect, in
 * that order, too; the balances of both sides are the same; and what was stored twice has its cause.
 */
export async function expectWholeAfter(
  rocketmq: RunningBroker,
  fault: (road: FaultyRoad) => Promise<void>,
): Promise<RoadFigures> {
  const answers = new ReversedAnswers();
  await using proxies = await proxyRocketmq(rocketmq, answers.ofConnection);
  await using ledgers = await Ledgers.create();
  const topic = uniqueName('faults');
  await createTopic(rocketmq, topic);
  const clients = {
    nameServers: proxies.nameServer.address,
    credentials: CREDENTIALS,
    connectTimeoutMs: 1000,
    requestTimeoutMs: 1000,
    silenceTimeoutMs: 500,
    routeRefreshMs: 500,
    heartbeatMs: 1000,
  };
  await using producer = new Producer({ ...clients, group: uniqueName('producer'), retryPauseMs: 50 });
  const relay = new Relay({
    database: ledgers.database,
    publisher: rocketmqPublisher(producer),
    concurrency: 2,
    batchSize: 100,
    pollMs: 50,
    leaseMs: LEASE_MS,
    retry: { initialMs: 20, maxMs: 100 },
    outage: { initialMs: 20, maxMs: 500 },
  });
  const inbox = new Inbox({
    database: ledgers.database,
    consumerGroup: 'statement',
    handlers: {
      '*': (tx, { messageKey, shardingKey, payload }) =>
        ledgers.apply(tx, messageKey, shardingKey, (payload as { amount: number }).amount),
    },
  });
  await using consumer = new PushConsumer({
    ...clients,
    group: uniqueName('consumer'),
    subscriptions: [{ topic, expression: '*' }],
    from: 'first',
    onError: 'suspend',
    handler: rocketmqReceiver(inbox),
    suspendMs: 100,
    pullRetryPauseMs: 100,
    rebalanceIntervalMs: 1000,
    commitIntervalMs: 500,
  });
  const unknown = countUnknownSends(proxies.broker.address);
  const stop = new AbortController();
  let writing: Promise<readonly string[]> | undefined;
  let written: readonly string[];
  try {
    await producer.start();
    await relay.start();
    inbox.start();
    await consumer.start();
    writing = ledgers.write(topic, relay, stop.signal);
    const applied = (): Promise<number> => ledgers.applied();
    await eventually(async () => (await applied()) >= 100, { timeoutMs: 30_000, what: 'the first effects' });
    await fault({ ...proxies, answers, applied });
    stop.abort();
    written = await writing;
    await eventually(() => ledgers.settled(written.length), {
      timeoutMs: 120_000,
      intervalMs: 50,
      what: 'the arrival of everything',
    });
  } finally {
    stop.abort();
    unknown.end();
    await Promise.allSettled([writing]);
    await consumer.close();
    await Promise.all([relay.close(), inbox.close()]);
  }
  const expected = byPlayer(written);
  expect(byPlayer(await ledgers.effects()), 'order of the effects').toEqual(expected);
  expect(await ledgers.differences(), 'balances that differ').toEqual([]);
  const stored = await readTopic(rocketmq, topic);
  expect(byPlayer([...new Set(stored)]), 'order at the broker').toEqual(expected);
  const figures = {
    written: written.length,
    doubles: stored.length - written.length,
    unknownSends: unknown.count,
  };
  if (figures.unknownSends === 0) expect(figures.doubles, 'doubles without a cause').toBe(0);
  return figures;
}

async function createTopic({ nameServer }: RunningBroker, topic: string): Promise<void> {
  await using admin = new Admin({ nameServers: nameServer, credentials: CREDENTIALS });
  await admin.start();
  await admin.createTopic({ topic, readQueueNums: 4, writeQueueNums: 4 });
}

/** The keys of all that the broker has, in order within a queue. */
async function readTopic({ nameServer }: RunningBroker, topic: string): Promise<string[]> {
  await using reader = new PullConsumer({
    nameServers: nameServer,
    credentials: CREDENTIALS,
    group: uniqueName('reader'),
    from: 'first',
  });
  await reader.start();
  await reader.assign(await reader.topicQueues(topic));
  const keys: string[] = [];
  do {
    const messages = await reader.poll({ maxMessages: 10_000, timeoutMs: 200 });
    keys.push(...messages.map((message) => message.keys[0] ?? ''));
  } while ((await reader.lag()).some(({ lag }) => lag > 0));
  return keys;
}

function countUnknownSends(address: string): { readonly count: number; end(): void } {
  const { RequestCode } = protocol;
  const sends: readonly number[] = [RequestCode.SEND_BATCH_MESSAGE, RequestCode.SEND_MESSAGE_V2];
  const counter = {
    count: 0,
    end: () => void unsubscribe('rocketmq:request', note),
  };
  const note = (event: unknown): void => {
    const request = event as { address: string; code: number; error?: { outcome: string } };
    if (request.address !== address || !sends.includes(request.code)) return;
    if (request.error?.outcome === 'unknown') counter.count++;
  };
  subscribe('rocketmq:request', note);
  return counter;
}

function byPlayer(messageKeys: readonly string[]): Map<string, string[]> {
  const lists = new Map<string, string[]>();
  for (const messageKey of messageKeys) {
    const player = messageKey.split('.')[0] ?? '';
    const list = lists.get(player);
    if (list === undefined) lists.set(player, [messageKey]);
    else list.push(messageKey);
  }
  return lists;
}
