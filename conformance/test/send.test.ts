import { SendError } from '@dt/rocketmq-client';
import { eventually, protocol, proxyRocketmq, uniqueName } from '@dt/testkit';
import { inflateSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  createTopic,
  readQueue,
  readTopic,
  Received,
  rocketmq,
  startAdmin,
  startConsumer,
  startProducer,
} from './support.ts';

const maxBodyBytes = 4 * 1024 * 1024;

async function failure(work: Promise<unknown>): Promise<SendError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SendError);
  return error as SendError;
}

describe('one message', () => {
  test('is stored as it was given, where the answer says', async () => {
    const topic = await createTopic(4);
    const producer = await startProducer();
    const result = await producer.send({
      topic,
      tag: 'order_settled',
      keys: ['B1:1:order_settled', 'second'],
      shardingKey: 'player-1',
      body: 'Zażółć 玩家 🐉',
      properties: { traceparent: '00-1-2-01', empty: '' },
    });
    expect(result).toMatchObject({
      status: 'SEND_OK',
      queueOffset: 0,
      queue: { topic, brokerName: 'broker-a' },
    });

    const [stored] = await readQueue(topic, result.queue.queueId, { atLeast: 1 });
    expect(stored?.body.toString()).toBe('Zażółć 玩家 🐉');
    expect(stored?.properties).toMatchObject({
      TAGS: 'order_settled',
      KEYS: 'B1:1:order_settled second',
      __SHARDINGKEY: 'player-1',
      UNIQ_KEY: result.messageId,
      traceparent: '00-1-2-01',
    });
    expect(protocol.decodeOffsetMessageId(result.offsetMessageId)).toEqual({
      storeHost: { ip: '127.0.0.1', port: Number(rocketmq.brokerAddress.split(':')[1]) },
      physicalOffset: stored?.physicalOffset,
    });
  });

  test('of a topic nobody has made is taken and makes the topic', async () => {
    const topic = uniqueName('made-by-sending');
    const producer = await startProducer();
    const result = await producer.send({ topic, body: 'x' });
    expect(await readQueue(topic, result.queue.queueId, { atLeast: 1 })).toHaveLength(1);
    const admin = await startAdmin();
    expect(await admin.topicList()).toContain(topic);
  });

  test('may have a body of 4 MiB; one byte more is refused and harms nothing', async () => {
    const topic = await createTopic(1);
    const producer = await startProducer({ sendTimeoutMs: 10_000, compressFromBytes: maxBodyBytes + 1 });
    const largest = Buffer.alloc(maxBodyBytes, 'x');
    await producer.send({ topic, body: largest });
    const [stored] = await readQueue(topic, 0, { atLeast: 1 });
    expect(stored?.body.equals(largest)).toBe(true);

    const error = await failure(producer.send({ topic, body: Buffer.alloc(maxBodyBytes + 1) }));
    expect(error).toMatchObject({ retryable: false });
    expect(error.outcome).not.toBe('unknown');
    expect(await producer.send({ topic, body: 'after' })).toMatchObject({ queueOffset: 1 });
  });

  test('is compressed when it is large, in the form every client reads', async () => {
    const topic = await createTopic(1);
    const producer = await startProducer();
    const body = Buffer.from(JSON.stringify(Array.from({ length: 2000 }, (_, i) => ({ i }))));
    await producer.send({ topic, body });
    const [stored] = await readQueue(topic, 0, { atLeast: 1 });
    expect(stored?.body.length).toBeLessThan(body.length / 2);
    expect(protocol.bodyCompression(stored?.sysFlag ?? 0)).toBe('zlib');
    expect(inflateSync(stored?.body ?? '').equals(body)).toBe(true);
    const received = new Received();
    await startConsumer({ subscriptions: [{ topic, expression: '*' }], handler: received.handler });
    const [message] = await eventually(() => received.messages.length === 1 && received.messages);
    expect(message?.body.equals(body)).toBe(true);
  });

  test('with an empty body is refused and not tried again', async () => {
    const topic = await createTopic(1);
    const producer = await startProducer();
    const error = await failure(producer.send({ topic, body: '' }));
    expect(error.retryable).toBe(false);
    expect(error.outcome).not.toBe('unknown');
    expect(await readQueue(topic, 0)).toEqual([]);
  });

  test.each(['no blanks allowed', 'no/slash', 'ünicode', 'x'.repeat(128)])(
    'of the illegal topic %j is refused and not tried again',
    async (topic) => {
      const producer = await startProducer();
      const error = await failure(producer.send({ topic, body: 'x' }));
      expect(error.retryable).toBe(false);
      expect(error.outcome).not.toBe('unknown');
    },
  );

  test('whose answer never comes has an unknown outcome, and is stored', async () => {
    const topic = await createTopic(1);
    const proxied = await proxyRocketmq(rocketmq);
    onTestFinished(() => proxied[Symbol.asyncDispose]());
    const producer = await startProducer({
      nameServers: proxied.nameServer.address,
      sendTimeoutMs: 1000,
      maxAttempts: 1,
    });
    await producer.send({ topic, body: 'answered' });
    proxied.broker.setMode('drop-answers');
    const error = await failure(producer.send({ topic, body: 'not answered' }));
    expect(error).toMatchObject({ outcome: 'unknown', retryable: true });
    const stored = await readQueue(topic, 0, { atLeast: 2 });
    expect(stored[1]?.body.toString()).toBe('not answered');
    // Its farewell shall not wait for answers, too.
    proxied.broker.setMode('pass');
  });
});

describe('the queue', () => {
  // Hash codes are those of java.lang.String; the queue is |hash % queues|.
  const table: [key: string, hash: number, of4: number, of5: number][] = [
    ['a', 97, 1, 2],
    ['99', 1824, 0, 4],
    ['Aa', 2112, 0, 2],
    ['BB', 2112, 0, 2],
    ['player-1', 1_879_272_517, 1, 2],
    ['player-2', 1_879_272_518, 2, 3],
    ['player-9999', 509_145_516, 0, 1],
    ['round_1732300000000', 2_017_682_141, 1, 1],
    ['order:2024-11-22:7', 1_317_832_169, 1, 4],
    ['polygenelubricants', -2_147_483_648, 0, 3],
    ['玩家一', 29_202_035, 3, 0],
    ['🐉', 1_772_396, 0, 1],
  ];

  test.each([4, 5])('of a sharding key is the one Java chooses, of %i', async (queues) => {
    const topic = await createTopic(queues);
    const producer = await startProducer();
    for (const [key, , of4, of5] of table) {
      const { queue } = await producer.send({ topic, shardingKey: key, body: key });
      expect([key, queue.queueId]).toEqual([key, queues === 4 ? of4 : of5]);
    }
  });

  test('without a sharding key is each in turn', async () => {
    const topic = await createTopic(4);
    const producer = await startProducer();
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 12; i++) {
      const { queue } = await producer.send({ topic, body: String(i) });
      counts[queue.queueId] = (counts[queue.queueId] ?? 0) + 1;
    }
    expect(counts).toEqual([3, 3, 3, 3]);
  });
});

describe('a batch', () => {
  test('stores every message once, in order within its key, and names the place of each', async () => {
    const topic = await createTopic(4);
    const producer = await startProducer();
    const messages = Array.from({ length: 500 }, (_, i) => ({
      topic,
      tag: `tag-${i % 3}`,
      keys: `key-${i}`,
      shardingKey: `player-${i % 17}`,
      body: JSON.stringify({ i }),
    }));
    const outcomes = await producer.sendBatch(messages);
    expect(outcomes).toHaveLength(messages.length);

    const queues = await readTopic(topic, 4, { atLeast: messages.length });
    expect(queues.flat()).toHaveLength(messages.length);
    const lastOffsetOfKey = new Map<string, number>();
    for (const [i, outcome] of outcomes.entries()) {
      if (!outcome.ok) throw outcome.error;
      const { messageId, queue, queueOffset } = outcome.result;
      const stored = queues[queue.queueId]?.[queueOffset];
      expect(stored?.body.toString()).toBe(messages[i]?.body);
      expect(stored?.properties).toMatchObject({
        KEYS: messages[i]?.keys,
        TAGS: messages[i]?.tag,
        UNIQ_KEY: messageId,
        __SHARDINGKEY: messages[i]?.shardingKey,
      });
      const key = messages[i]?.shardingKey ?? '';
      expect(queueOffset).toBeGreaterThan(lastOffsetOfKey.get(key) ?? -1);
      lastOffsetOfKey.set(key, queueOffset);
    }
    expect(new Set(outcomes.map((outcome) => outcome.ok && outcome.result.messageId)).size).toBe(
      messages.length,
    );
  });

  test('larger than one request is split', async () => {
    const topic = await createTopic(1);
    const producer = await startProducer({ sendTimeoutMs: 10_000 });
    const body = Buffer.alloc(1024 * 1024, 'x');
    const outcomes = await producer.sendBatch(
      Array.from({ length: 10 }, (_, i) => ({ topic, keys: String(i), shardingKey: 'one', body })),
    );
    expect(outcomes.every((outcome) => outcome.ok)).toBe(true);
    const stored = await readQueue(topic, 0, { atLeast: 10 });
    expect(stored.map((message) => message.properties['KEYS'])).toEqual(
      Array.from({ length: 10 }, (_, i) => String(i)),
    );
  });

  test('with a message that can never be stored stores the others', async () => {
    const topic = await createTopic(1);
    const producer = await startProducer();
    const outcomes = await producer.sendBatch([
      { topic, shardingKey: 'one', body: 'first' },
      { topic, shardingKey: 'one', body: '' },
      { topic, shardingKey: 'one', body: Buffer.alloc(maxBodyBytes + 1) },
      { topic, shardingKey: 'one', body: 'last' },
    ]);
    expect(outcomes.map((outcome) => outcome.ok)).toEqual([true, false, false, true]);
    for (const outcome of outcomes) {
      if (!outcome.ok) expect(outcome.error).toMatchObject({ retryable: false });
    }
    expect((await readQueue(topic, 0, { atLeast: 2 })).map((message) => message.body.toString())).toEqual([
      'first',
      'last',
    ]);
  });

  test('of messages for several topics goes to each', async () => {
    const topics = [await createTopic(1), await createTopic(1)] as const;
    const producer = await startProducer();
    const outcomes = await producer.sendBatch([
      { topic: topics[0], body: 'a' },
      { topic: topics[1], body: 'b' },
      { topic: topics[0], body: 'c' },
    ]);
    expect(outcomes.map((outcome) => outcome.ok && outcome.result.queue.topic)).toEqual([
      topics[0],
      topics[1],
      topics[0],
    ]);
    expect((await readQueue(topics[0], 0, { atLeast: 2 })).map((message) => message.body.toString())).toEqual(
      ['a', 'c'],
    );
  });

  test('of nothing asks nothing', async () => {
    const producer = await startProducer();
    expect(await producer.sendBatch([])).toEqual([]);
  });
});

describe('one-way messages', () => {
  test('are stored with all they have, those of one key in its queue', async () => {
    const topic = await createTopic(4);
    const producer = await startProducer();
    const numbers = Array.from({ length: 20 }, (_, i) => String(i));
    for (const keys of numbers)
      await producer.sendOneWay({ topic, tag: 'A', keys, shardingKey: 'player-1', body: `body ${keys}` });
    const queues = (await readTopic(topic, 4, { atLeast: 20 })).filter((queue) => queue.length > 0);
    expect(queues).toHaveLength(1);
    const stored = queues.flat();
    // Nobody waits for the one before: a broker may store them in another order.
    expect(stored.map(({ properties }) => properties['KEYS']).sort()).toEqual([...numbers].sort());
    for (const { body, properties } of stored) {
      expect(body.toString()).toBe(`body ${properties['KEYS']}`);
      expect(properties).toMatchObject({ TAGS: 'A', __SHARDINGKEY: 'player-1' });
    }
  });

  test('are on their way before the producer is closed', async () => {
    const topic = await createTopic(1);
    const producer = await startProducer({ compressFromBytes: 10_000_000 });
    const body = Buffer.alloc(1024 * 1024, 'x');
    for (let i = 0; i < 5; i++) await producer.sendOneWay({ topic, body }, { timeoutMs: 10_000 });
    await producer.close();
    expect(await readQueue(topic, 0, { atLeast: 5 })).toHaveLength(5);
  });

  test('that a broker refuses are lost in silence, and the connection goes on', async () => {
    // A topic of the broker's own, to which nobody may send.
    const closed = 'OFFSET_MOVED_EVENT';
    const producer = await startProducer();
    const error: unknown = await producer
      .send({ topic: closed, body: 'x' })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'broker-error', outcome: 'rejected' });
    await producer.sendOneWay({ topic: closed, body: 'x' });
    const topic = await createTopic(1);
    await producer.send({ topic, body: 'after it' });
    expect(await readQueue(closed, 0)).toEqual([]);
  });
});
