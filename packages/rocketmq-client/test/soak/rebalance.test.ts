import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Admin, Producer, PushConsumer, type ReceivedMessage } from '@dt/rocketmq-client';
import { brokerTargetFromEnvironment, eventually, type RunningBroker, startBroker } from '@dt/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Deliveries } from './deliveries.ts';
import { growthOf } from './growth.ts';

// Members of one group come and go all the time, and somebody sends all the time. ROCKETMQ_TARGET chooses the broker;
// ROCKETMQ_SOAK_SECONDS how long it goes on: 60 unless told, 3600 for the full run.
const seconds = Number(process.env['ROCKETMQ_SOAK_SECONDS'] ?? 60);
const REBALANCE_EVERY_MS = 10_000;
const QUEUES = 8;
const BATCH = 50;
const PAUSE_MS = 50;
const MAX_MESSAGES = Math.ceil((seconds * 1000) / PAUSE_MS + 1) * BATCH;
/** What a flat line may rise from its first to its last second. */
const MAX_GROWTH_BYTES = 8 * 1_048_576;

const topic = 'soak-rebalance';
const group = 'soak-group';

let broker: RunningBroker;
const members: PushConsumer[] = [];

beforeAll(async () => {
  broker = await startBroker(brokerTargetFromEnvironment());
  await using admin = new Admin({ nameServers: [broker.nameServer] });
  await admin.start();
  await admin.createTopic({ topic, readQueueNums: QUEUES, writeQueueNums: QUEUES });
});
afterAll(async () => {
  await Promise.all(members.map((member) => member.close()));
  await broker.close();
});

setFlagsFromString('--expose_gc');
const collectGarbage = runInNewContext('gc') as () => void;

it(
  'keeps memory flat and loses nothing while members come and go, and doubles only what changed hands',
  async () => {
    const deliveries = new Deliveries(MAX_MESSAGES, QUEUES);
    const producer = new Producer({
      nameServers: [broker.nameServer],
      group: 'soak-producers',
      maxAttempts: 1,
    });
    await producer.start();
    let memberNumber = 0;
    const join = async (): Promise<void> => {
      const number = ++memberNumber;
      const member = new PushConsumer({
        ...{ nameServers: [broker.nameServer], group, from: 'first' },
        // A start that fails would end the run: on a machine that does more, a connection may take its time.
        connectTimeoutMs: 30_000,
        subscriptions: [{ topic, expression: '*' }],
        handler: async (messages: readonly ReceivedMessage[]) => {
          for (const { body, queue } of messages) deliveries.received(Number(body), queue.queueId, number);
        },
      });
      members.push(member);
      await member.start();
    };
    const leave = async (): Promise<void> => members.shift()?.close();
    await join();

    const startedAt = performance.now();
    const isOver = (): boolean => performance.now() - startedAt >= seconds * 1000;
    const send = async (): Promise<void> => {
      while (!isOver() && deliveries.next + BATCH <= MAX_MESSAGES) {
        const numbers = Array.from({ length: BATCH }, () => deliveries.sending());
        const outcomes = await producer.sendBatch(numbers.map((number) => ({ topic, body: String(number) })));
        outcomes.forEach(({ ok }, i) => {
          const number = numbers[i];
          if (ok && number !== undefined) deliveries.sent(number);
        });
        await sleep(PAUSE_MS);
      }
    };
    const samples: { second: number; bytes: number }[] = [];
    const rebalance = async (): Promise<void> => {
      for (let turn = 0; !isOver(); turn++) {
        await sleep(
          Math.min(REBALANCE_EVERY_MS, Math.max(0, seconds * 1000 - (performance.now() - startedAt))),
        );
        if (isOver()) return;
        // One, two, three members, two, one: never none, and the oldest goes first.
        await (turn % 4 < 2 ? join() : leave());
      }
    };
    const measure = async (): Promise<void> => {
      while (!isOver()) {
        await sleep(2500);
        collectGarbage();
        const second = (performance.now() - startedAt) / 1000;
        samples.push({ second, bytes: process.memoryUsage().heapUsed });
      }
    };
    await Promise.all([send(), rebalance(), measure()]);
    await eventually(() => deliveries.missing() === 0, { timeoutMs: 60_000, intervalMs: 200 }).catch(
      () => undefined,
    );
    await producer.close();

    // The first fifth fills caches and is compiled.
    const settled = samples.filter(({ second }) => second > seconds / 5);
    const growthBytes = growthOf(settled.map(({ second, bytes }) => [second, bytes]));
    const report = {
      ...{ target: broker.target, seconds, members: memberNumber, ...deliveries.report() },
      heapMebibytes: Number(((samples.at(-1)?.bytes ?? 0) / 1_048_576).toFixed(1)),
      heapGrowthMebibytes: Number((growthBytes / 1_048_576).toFixed(2)),
    };
    process.stdout.write(`${JSON.stringify(report)}\n`);
    expect(report.sent).toBeGreaterThan(seconds * 50);
    expect(report.missing).toBe(0);
    expect(report.doubledWithoutCause).toBe(0);
    expect(growthBytes).toBeLessThan(MAX_GROWTH_BYTES);
  },
  (seconds + 180) * 1000,
);
