import { eventually } from '@dt/testkit';
import { expect, test } from 'vitest';
import { createTopic, Received, startConsumer, startProducer } from './support.ts';

test('a paused consumer lets messages wait, tells its lag, and gets each once when it goes on', async () => {
  const topic = await createTopic(2);
  const producer = await startProducer();
  const received = new Received();
  const consumer = await startConsumer({
    subscriptions: [{ topic, expression: '*' }],
    handler: received.handler,
  });
  const send = (from: number, to: number) =>
    producer.sendBatch(
      Array.from({ length: to - from }, (_, i) => ({ topic, shardingKey: `${i}`, body: `${from + i}` })),
    );
  const lag = async (): Promise<number> =>
    (await consumer.lag())
      .filter(({ queue }) => queue.topic === topic)
      .reduce((sum, part) => sum + part.lag, 0);
  await send(0, 40);
  await eventually(async () => received.messages.length === 40 && (await lag()) === 0);

  consumer.pause();
  await send(40, 100);
  await eventually(async () => (await lag()) === 60);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect([received.messages.length, await lag()]).toEqual([40, 60]);

  const [first, second] = consumer.queues.filter((queue) => queue.topic === topic);
  if (first === undefined || second === undefined) throw new Error('both queues belong to this consumer');
  received.messages.length = 0;
  consumer.resume([first]);
  await eventually(() => received.messages.length > 0);
  await eventually(async () => {
    const lags = await consumer.lag();
    return lags.find(({ queue }) => queue.topic === topic && queue.queueId === first.queueId)?.lag === 0;
  });
  expect(received.queueIds).toEqual([first.queueId]);
  consumer.resume();
  await eventually(async () => received.messages.length === 60 && (await lag()) === 0);
  expect(received.bodies.map(Number).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 60 }, (_, i) => 40 + i),
  );
});
