import { allocation, type AllocationStrategy, type PushConsumer } from '@dt/rocketmq-client';
import { eventually, uniqueName } from '@dt/testkit';
import { expect, test } from 'vitest';
import { createTopic, Received, startConsumer, startProducer } from './support.ts';

const firstQueues: AllocationStrategy = ({ queues, clientId, clientIds }) =>
  clientId === clientIds[0] ? queues.slice(0, 1) : queues.slice(1);

const strategies: [string, AllocationStrategy, number[][] | undefined][] = [
  [
    'averageByCircle',
    allocation.averageByCircle,
    [
      [0, 2, 4],
      [1, 3],
    ],
  ],
  ['consistentHash', allocation.consistentHash(), undefined],
  [
    'nearbyRoom',
    allocation.nearbyRoom({ roomOfQueue: () => 'here', roomOfClient: () => 'here' }),
    [
      [0, 1, 2],
      [3, 4],
    ],
  ],
  ['a function', firstQueues, [[0], [1, 2, 3, 4]]],
];

const idsOf = (consumer: PushConsumer, topic: string): number[] =>
  consumer.queues.flatMap((queue) => (queue.topic === topic ? [queue.queueId] : [])).sort((a, b) => a - b);

test.each(strategies)(
  'two members share the queues by %s and miss no message',
  async (_, allocate, shares) => {
    const topic = await createTopic(5);
    const group = uniqueName('group');
    const received = new Received();
    const join = () =>
      startConsumer({
        ...{ group, allocate, handler: received.handler },
        subscriptions: [{ topic, expression: '*' }],
      });
    const members = [await join(), await join()].sort((a, b) => (a.clientId < b.clientId ? -1 : 1));
    const held = (): number[][] => members.map((member) => idsOf(member, topic));
    await eventually(
      () => {
        expect(
          held()
            .flat()
            .sort((a, b) => a - b),
        ).toEqual([0, 1, 2, 3, 4]);
        if (shares !== undefined) expect(held()).toEqual(shares);
        return true;
      },
      { timeoutMs: 30_000 },
    );
    const producer = await startProducer();
    await producer.sendBatch(
      Array.from({ length: 50 }, (_, i) => ({ topic, shardingKey: `${i}`, body: `${i}` })),
    );
    await eventually(() => new Set(received.bodies).size === 50);
    expect(received.queueIds).toEqual([0, 1, 2, 3, 4]);
  },
);

test('members with configured queues read those and no others', async () => {
  const topic = await createTopic(3);
  const group = uniqueName('group');
  const received = [new Received(), new Received()];
  const queue = (queueId: number) => ({ topic, brokerName: 'broker-a', queueId });
  const configs = [[queue(0), queue(2)], [queue(1)]];
  for (const [i, queues] of configs.entries())
    await startConsumer({
      ...{
        group,
        allocate: allocation.config(queues),
        handler: received[i]?.handler ?? (async () => undefined),
      },
      subscriptions: [{ topic, expression: '*' }],
    });
  const producer = await startProducer();
  await producer.sendBatch(
    Array.from({ length: 30 }, (_, i) => ({ topic, shardingKey: `${i}`, body: `${i}` })),
  );
  await eventually(() => received.reduce((sum, { messages }) => sum + messages.length, 0) === 30);
  expect(received.map(({ queueIds }) => queueIds)).toEqual([[0, 2], [1]]);
});

test('of a batch only the messages that failed come again', async () => {
  const topic = await createTopic(1);
  const producer = await startProducer();
  await producer.sendBatch(Array.from({ length: 6 }, (_, i) => ({ topic, body: `${i}` })));
  const got: [string, number][] = [];
  await startConsumer({
    subscriptions: [{ topic, expression: '*' }],
    handler: async (messages) => {
      for (const { body, reconsumeTimes } of messages) got.push([body.toString(), reconsumeTimes]);
      return {
        failed: messages.filter(({ body, reconsumeTimes }) => reconsumeTimes === 0 && Number(body) % 3 === 0),
      };
    },
  });
  await eventually(() => got.length === 8, { timeoutMs: 30_000 });
  expect(got.slice(0, 6)).toEqual(Array.from({ length: 6 }, (_, i) => [`${i}`, 0]));
  expect(got.slice(6).sort()).toEqual([
    ['0', 1],
    ['3', 1],
  ]);
});
