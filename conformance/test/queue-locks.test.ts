import type { MessageHandler } from '@dt/rocketmq-client';
import { eventually, protocol, RawConnection, uniqueName } from '@dt/testkit';
import { expect, test } from 'vitest';
import { createTopic, startAdmin, startConsumer, startProducer } from './support.ts';
import { commands, done, openBroker, rocketmq } from './wire.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What all members of a group did, together: who worked where, and in which order each key came. */
class Witness {
  readonly faults: string[] = [];
  readonly bodies: string[] = [];
  readonly #busy = new Map<number, string>();
  readonly #lastOfKey = new Map<string, number>();

  handler(member: string, workMs: number): MessageHandler {
    return async (messages, { queue }) => {
      const other = this.#busy.get(queue.queueId);
      if (other !== undefined) this.faults.push(`${member} on queue ${queue.queueId} of ${other}`);
      this.#busy.set(queue.queueId, member);
      await pause(workMs);
      for (const message of messages) {
        const body = message.body.toString();
        const key = message.shardingKey ?? '';
        const last = this.#lastOfKey.get(key) ?? -1;
        if (Number(body) <= last) this.faults.push(`${key}: ${body} after ${last}`);
        this.#lastOfKey.set(key, Number(body));
        this.bodies.push(body);
      }
      this.#busy.delete(queue.queueId);
    };
  }
}

test('members that come and go never work on a queue together, keep the order and lose nothing', async () => {
  const topic = await createTopic(4);
  const common = {
    ...{ group: uniqueName('group'), subscriptions: [{ topic, expression: '*' }] },
    ...{ queueLocks: true, batchSize: 5 },
  };
  const producer = await startProducer();
  const witness = new Witness();
  const join = (name: string) => startConsumer({ ...common, handler: witness.handler(name, 10) });
  let sent = 0;
  let isOver = false;
  const sending = (async () => {
    while (!isOver) {
      const messages = Array.from({ length: 20 }, () => ({
        topic,
        shardingKey: `player-${sent % 13}`,
        body: String(sent++),
      }));
      const outcomes = await producer.sendBatch(messages);
      expect(outcomes.every((outcome) => outcome.ok)).toBe(true);
      await pause(50);
    }
  })();
  const own = (consumer: { queues: { topic: string }[] }): number =>
    consumer.queues.filter((queue) => queue.topic === topic).length;

  const first = await join('first');
  await eventually(() => witness.bodies.length > 20);
  const second = await join('second');
  await eventually(() => own(first) === 2 && own(second) === 2, { timeoutMs: 30_000, what: 'two each' });
  const third = await join('third');
  await eventually(() => own(first) + own(second) + own(third) === 4 && own(third) > 0, {
    timeoutMs: 30_000,
    what: 'a share for the third',
  });
  await first.close();
  await eventually(() => own(second) === 2 && own(third) === 2, {
    timeoutMs: 30_000,
    what: 'two each again',
  });
  await third.close();
  await eventually(() => own(second) === 4, { timeoutMs: 30_000, what: 'all for the last one' });
  isOver = true;
  await sending;
  await eventually(() => witness.bodies.length >= sent, { timeoutMs: 30_000, what: 'all messages' });
  expect(witness.faults).toEqual([]);
  expect(witness.bodies).toHaveLength(sent);
});

test('a member that is gone without a word keeps its queues locked until the broker frees them', async () => {
  const topic = await createTopic(2);
  const group = uniqueName('group');
  const clientId = '0-gone';
  const gone = await RawConnection.open(rocketmq.brokerAddress);
  await done(gone, commands.heartBeat, {
    clientId,
    producerGroups: [],
    consumers: [
      {
        ...{ groupName: group, consumeType: 'CONSUME_PASSIVELY', messageModel: 'CLUSTERING' },
        ...{ consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', unitMode: false },
        subscriptions: [topic, `%RETRY%${group}`].map((of) => protocol.subscriptionOf(of, '*', 1)),
      },
    ],
  });
  const queue = { topic, brokerName: 'broker-a', queueId: 0 };
  const { lockedQueues } = await done(gone, commands.lockQueues, {
    ...{ consumerGroup: group, clientId, queues: [queue] },
  });
  expect(lockedQueues).toEqual([queue]);
  const lockedAt = Date.now();

  const producer = await startProducer();
  const sent = await producer.sendBatch(
    Array.from({ length: 20 }, (_, i) => ({ topic, shardingKey: `key-${i}`, body: String(i) })),
  );
  const ofLocked = sent.flatMap((outcome) =>
    outcome.ok && outcome.result.queue.queueId === 0 ? [outcome.result.queueOffset] : [],
  );
  // Both queues have messages.
  expect([0, 20]).not.toContain(ofLocked.length);
  const got: { queueId: number; offset: number; afterMs: number }[] = [];
  const consumer = await startConsumer({
    ...{ group, subscriptions: [{ topic, expression: '*' }], queueLocks: true },
    handler: async (messages) => {
      for (const { queue: of, queueOffset: offset } of messages) {
        got.push({ queueId: of.queueId, offset, afterMs: Date.now() - lockedAt });
      }
    },
  });
  gone.close();
  await eventually(() => got.length >= 20, { timeoutMs: 100_000, intervalMs: 100, what: 'all messages' });
  expect(got).toHaveLength(20);
  const late = got.filter(({ queueId }) => queueId === 0);
  expect(late.map(({ offset }) => offset)).toEqual(ofLocked.sort((a, b) => a - b));
  expect(Math.min(...late.map(({ afterMs }) => afterMs))).toBeGreaterThan(55_000);
  expect(Math.max(...got.filter(({ queueId }) => queueId === 1).map(({ afterMs }) => afterMs))).toBeLessThan(
    55_000,
  );
  await consumer.close();
}, 120_000);

test('a lock that another client took ends the handler, and what it did does not count', async () => {
  const topic = await createTopic(1);
  const group = uniqueName('group');
  const producer = await startProducer();
  await producer.send({ topic, body: 'x' });
  const calls: { signal: AbortSignal; end: () => void }[] = [];
  const consumer = await startConsumer({
    ...{ group, subscriptions: [{ topic, expression: '*' }], queueLocks: true },
    ...{ lockRenewMs: 200, commitIntervalMs: 50 },
    handler: (_, { signal }) => new Promise((resolve) => calls.push({ signal, end: resolve })),
  });
  await eventually(() => calls.length === 1);

  const broker = await openBroker();
  const queues = [{ topic, brokerName: 'broker-a', queueId: 0 }];
  // As after 60 s without a renewal: the lock is free, and somebody is faster.
  await done(broker, commands.unlockQueues, { consumerGroup: group, clientId: consumer.clientId, queues });
  const thief = { consumerGroup: group, clientId: 'thief', queues };
  await eventually(async () => {
    await done(broker, commands.unlockQueues, { ...thief, clientId: consumer.clientId });
    return (await done(broker, commands.lockQueues, thief)).lockedQueues.length === 1;
  });
  await eventually(() => calls[0]?.signal.aborted === true, { what: 'the signal' });
  calls[0]?.end();
  await eventually(() => consumer.queues.every((queue) => queue.topic !== topic));
  await pause(1500);
  expect(calls).toHaveLength(1);

  await done(broker, commands.unlockQueues, thief);
  await eventually(() => calls.length === 2, { timeoutMs: 30_000, what: 'the same message again' });
  calls[1]?.end();
  const admin = await startAdmin();
  await eventually(async () => {
    const { queues: stats } = await admin.consumeStats(group, topic);
    return stats.some(({ consumerOffset }) => consumerOffset === 1);
  });
  await consumer.close();
  // The lock was given back.
  expect((await done(broker, commands.lockQueues, thief)).lockedQueues).toHaveLength(1);
});
