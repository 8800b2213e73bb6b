import { Producer, PushConsumer, SendError } from '@dt/rocketmq-client';
import { eventually, startBroker, uniqueName, type RunningBroker } from '@dt/testkit';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTopic, rocketmq } from './support.ts';

// A cluster that runs elsewhere cannot be taken away from here.
describe.skipIf(rocketmq.external)('a broker that goes away and comes back', () => {
  let broker: RunningBroker;
  beforeAll(async () => {
    // No topic comes by itself here, so that the last test can miss one.
    broker = await startBroker(rocketmq.target, { autoCreateTopics: false });
  });
  afterAll(() => broker.close());

  test.each([
    ['crashes', (): Promise<void> => broker.killBroker()],
    ['is shut down', (): Promise<void> => broker.stopBroker()],
  ])(
    'loses no acknowledged message when it %s while messages are sent and consumed',
    async (_how, takeAway) => {
      const topic = await createTopic(4, broker.brokerAddress);
      const producer = new Producer({
        nameServers: broker.nameServer,
        group: uniqueName('producer'),
        sendTimeoutMs: 2000,
      });
      const consumed = new Set<string>();
      const consumer = new PushConsumer({
        nameServers: broker.nameServer,
        group: uniqueName('group'),
        subscriptions: [{ topic, expression: '*' }],
        from: 'first',
        handler: async (messages) => {
          for (const message of messages) consumed.add(message.body.toString());
        },
      });
      await producer.start();
      await consumer.start();

      const acknowledged: string[] = [];
      const failures: { body: string; error: SendError }[] = [];
      const over = new AbortController();
      const sending = (async () => {
        for (let i = 0; !over.signal.aborted; i += 10) {
          const bodies = Array.from({ length: 10 }, (_, j) => String(i + j));
          const outcomes = await producer.sendBatch(bodies.map((body) => ({ topic, body })));
          for (const [j, outcome] of outcomes.entries()) {
            const body = bodies[j] ?? '';
            if (outcome.ok) acknowledged.push(body);
            else failures.push({ body, error: outcome.error });
          }
          await pause(outcomes.every(({ ok }) => ok) ? 2 : 100);
        }
      })();
      try {
        await eventually(() => acknowledged.length >= 500 && consumed.size >= 200, { timeoutMs: 20_000 });
        await takeAway();
        await eventually(() => failures.length > 0, { timeoutMs: 20_000, what: 'a failed send' });
        const before = acknowledged.length;
        await broker.startBroker();
        await eventually(() => acknowledged.length >= before + 500, {
          timeoutMs: 45_000,
          what: 'sending again',
        });
      } finally {
        over.abort();
        await sending;
      }
      await eventually(() => acknowledged.every((body) => consumed.has(body)), {
        timeoutMs: 45_000,
        what: 'the arrival of every acknowledged message',
      });
      // While nobody is there a message can wait; it is never taken for impossible.
      expect(failures.filter(({ error }) => !error.retryable)).toEqual([]);
      // What came although its send failed, had failed with an outcome that is not known.
      const unsent = failures.filter(({ error }) => error.outcome !== 'unknown');
      expect(unsent.filter(({ body }) => consumed.has(body))).toEqual([]);
      await Promise.all([producer.close(), consumer.close()]);
    },
  );

  test('and makes no topics by itself refuses one that nobody has made', async () => {
    const producer = new Producer({ nameServers: broker.nameServer, group: uniqueName('producer') });
    await producer.start();
    const error: unknown = await producer
      .send({ topic: uniqueName('nowhere'), body: 'x' })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SendError);
    expect(error).toMatchObject({ code: 'topic-not-found' });
    expect((error as SendError).outcome).not.toBe('unknown');
    await producer.close();
  });
});
