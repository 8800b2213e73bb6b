import { protocol } from '@dt/testkit';
import { expect, test } from 'vitest';
import { createTopic, readQueue, readTopic, startProducer } from './support.ts';

test('sends that share requests are stored each with its own id, where their answers say', async () => {
  const topic = await createTopic(4);
  const producer = await startProducer({ lingerMs: 0, maxBatchMessages: 16 });
  const results = await Promise.all(
    Array.from({ length: 200 }, (_, n) =>
      producer.send({ topic, tag: 'T', keys: [`k${n}`], body: `m${n}`, properties: { n: String(n) } }),
    ),
  );
  const stored = (await readTopic(topic, 4, { atLeast: 200 })).flat();
  expect(stored).toHaveLength(200);
  const byId = new Map(stored.map((message) => [message.properties['UNIQ_KEY'], message]));
  for (const [n, { messageId, offsetMessageId, queue, queueOffset }] of results.entries()) {
    const message = byId.get(messageId);
    expect(message).toMatchObject({ queueId: queue.queueId, queueOffset });
    expect(message?.body.toString()).toBe(`m${n}`);
    expect(message?.properties).toMatchObject({ TAGS: 'T', KEYS: `k${n}`, n: String(n) });
    expect(protocol.decodeOffsetMessageId(offsetMessageId).physicalOffset).toBe(message?.physicalOffset);
  }
});

test('sends that share requests keep the order of their sharding key over many requests', async () => {
  const topic = await createTopic(3);
  const producer = await startProducer({ lingerMs: 1, maxBatchMessages: 7 });
  const sends: Promise<unknown>[] = [];
  for (let n = 0; n < 300; n++) {
    sends.push(producer.send({ topic, shardingKey: `key${n % 10}`, body: String(n) }));
    // Some turns of the event loop lie between them.
    if (n % 20 === 0) await sends[n];
  }
  await Promise.all(sends);
  const stored = (await readTopic(topic, 3, { atLeast: 300 })).flat();
  for (let key = 0; key < 10; key++) {
    const bodies = stored
      .filter((message) => message.properties['__SHARDINGKEY'] === `key${key}`)
      .sort((a, b) => a.queueOffset - b.queueOffset)
      .map((message) => Number(message.body.toString()));
    expect(bodies).toEqual(Array.from({ length: 30 }, (_, i) => i * 10 + key));
  }
});

test('a queue chosen by a function is the one that stores, alone, in a batch and where requests are shared', async () => {
  const topic = await createTopic(4);
  const selectQueue = (queues: readonly { topic: string; brokerName: string; queueId: number }[]) =>
    queues.find(({ queueId }) => queueId === 2) ?? { topic, brokerName: '', queueId: -1 };
  for (const options of [{}, { lingerMs: 0 }]) {
    const producer = await startProducer(options);
    await producer.send({ topic, body: 'x' }, { selectQueue });
    // The function comes before the key.
    await producer.send({ topic, shardingKey: 'k', body: 'x' }, { selectQueue });
    const outcomes = await producer.sendBatch(
      [
        { topic, body: 'x' },
        { topic, body: 'x' },
      ],
      { selectQueue },
    );
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
  }
  expect(await readQueue(topic, 2, { atLeast: 8 })).toHaveLength(8);
});
