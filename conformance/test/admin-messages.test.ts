import type { FoundMessage } from '@dt/rocketmq-client';
import { eventually, uniqueName } from '@dt/testkit';
import { describe, expect, test } from 'vitest';
import { createTopic, Received, rocketmq, startAdmin, startConsumer, startProducer } from './support.ts';

const queueOf = (topic: string, queueId = 0) => ({ topic, brokerName: 'broker-a', queueId });

/** A message is found by its keys a moment after it is acknowledged. */
function found(search: () => Promise<FoundMessage | undefined>): Promise<FoundMessage> {
  return eventually(async () => (await search()) ?? false, { what: 'a message in the index' });
}

describe('a stored message', () => {
  test('is found by either id, by its keys and by its place', async () => {
    const admin = await startAdmin();
    const producer = await startProducer();
    const topic = await createTopic(2);
    const sent = await producer.send({
      topic,
      tag: 'red',
      keys: ['order-1', 'bill-1'],
      shardingKey: 'player',
      body: 'x'.repeat(10_000),
      properties: { own: 'ünïcode' },
    });
    const byKey = await found(async () => (await admin.messagesByKey(topic, 'order-1'))[0]);
    expect(byKey).toMatchObject({
      topic,
      tag: 'red',
      keys: ['order-1', 'bill-1'],
      messageId: sent.messageId,
      offsetMessageId: sent.offsetMessageId,
      queue: sent.queue,
      queueOffset: sent.queueOffset,
      reconsumeTimes: 0,
      storeHost: rocketmq.brokerAddress,
      bornHost: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as unknown,
      flag: 0,
    });
    expect(byKey.body.toString()).toBe('x'.repeat(10_000));
    expect(byKey.properties['own']).toBe('ünïcode');
    expect(byKey.physicalOffset).toBeGreaterThanOrEqual(0);
    expect(byKey.bodyError).toBeUndefined();

    expect(await admin.messageById(sent.offsetMessageId)).toEqual(byKey);
    expect(await admin.messageByUniqueKey(topic, sent.messageId)).toEqual(byKey);
    expect(await admin.messageByOffset(sent.queue, sent.queueOffset)).toEqual(byKey);
    expect(await admin.messagesByKey(topic, 'bill-1')).toEqual([byKey]);
  });

  test('is found among its likes, oldest first, within a time', async () => {
    const admin = await startAdmin();
    const producer = await startProducer();
    const topic = await createTopic(3);
    for (let i = 0; i < 6; i++) await producer.send({ topic, keys: 'same', body: String(i) });
    const all = await eventually(async () => {
      const messages = await admin.messagesByKey(topic, 'same');
      return messages.length === 6 && messages;
    });
    expect(all.map((message) => message.body.toString())).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(await admin.messagesByKey(topic, 'same', { max: 2 })).toHaveLength(2);
    const last = all.at(-1)?.storeTimestamp ?? 0;
    expect(await admin.messagesByKey(topic, 'same', { begin: last + 60_000 })).toEqual([]);
    expect(await admin.messagesByKey(topic, 'same', { end: last - 3_600_000 })).toEqual([]);
  });

  test('that is not there is not found', async () => {
    const admin = await startAdmin();
    const producer = await startProducer();
    const topic = await createTopic(1);
    const sent = await producer.send({ topic, keys: 'here', body: 'x' });
    await found(async () => (await admin.messagesByKey(topic, 'here'))[0]);
    const far = sent.offsetMessageId.slice(0, 16) + '0000FFFFFFFFFFFF'.slice(0, 16);
    expect(await admin.messageById(far)).toBeUndefined();
    expect(await admin.messageByUniqueKey(topic, '0'.repeat(32))).toBeUndefined();
    expect(await admin.messagesByKey(topic, 'elsewhere')).toEqual([]);
    // Same hash, another text: Java's hash of "Aa" is that of "BB".
    await producer.send({ topic, keys: 'Aa', body: 'x' });
    await found(async () => (await admin.messagesByKey(topic, 'Aa'))[0]);
    expect(await admin.messagesByKey(topic, 'BB')).toEqual([]);
    expect(await admin.messageByOffset(queueOf(topic), 2)).toBeUndefined();
    expect(await admin.messageByOffset(queueOf(topic), 99)).toBeUndefined();
    await expect(admin.messagesByKey(uniqueName('nowhere'), 'k')).rejects.toMatchObject({
      code: 'topic-not-found',
    });
    await expect(admin.messageById('no id')).rejects.toMatchObject({ code: 'options-invalid' });
  });
});

test('the offsets of a queue are known by number and by time', async () => {
  const admin = await startAdmin();
  const producer = await startProducer();
  const topic = await createTopic(2);
  const empty = queueOf(topic, 1);
  const queue = queueOf(topic, 0);
  const before = Date.now() - 60_000;
  await producer.sendBatch(
    Array.from({ length: 20 }, (_, i) => ({ topic, shardingKey: `k${i}`, body: String(i) })),
  );
  const stats = await eventually(async () => {
    const queues = await admin.topicStats(topic);
    return queues.reduce((sum, { maxOffset }) => sum + maxOffset, 0) === 20 && queues;
  });
  const count = stats[0]?.maxOffset ?? 0;
  expect(count).toBeGreaterThan(0);
  expect(await admin.minOffset(queue)).toBe(0);
  expect(await admin.maxOffset(queue)).toBe(count);
  expect(await admin.offsetByTime(queue, before)).toBe(0);
  expect(await admin.offsetByTime(queue, Date.now() + 60_000)).toBe(count);
  expect(await admin.offsetByTime(queue, Date.now() + 60_000, { boundary: 'UPPER' })).toBe(count - 1);
  expect(await admin.earliestStoreTime(queue)).toBeGreaterThan(before);

  const fresh = await createTopic(1);
  expect(await admin.maxOffset(queueOf(fresh))).toBe(0);
  expect(await admin.offsetByTime(queueOf(fresh), 0)).toBe(0);
  expect(await admin.earliestStoreTime(queueOf(fresh))).toBeUndefined();
  await expect(admin.maxOffset({ ...empty, brokerName: 'broker-x' })).rejects.toMatchObject({
    code: 'broker-not-found',
  });
  await expect(admin.maxOffset({ ...empty, queueId: -1 })).rejects.toMatchObject({ code: 'options-invalid' });
});

test('what became of a message is told for every group', async () => {
  const admin = await startAdmin();
  const producer = await startProducer();
  const topic = await createTopic(1);
  const received = new Received();
  const group = (name: string): string => uniqueName(name);
  const [done, filtered, behind, gone, broadcast] = [
    group('done'),
    group('filtered'),
    group('behind'),
    group('gone'),
    group('broadcast'),
  ];
  const join = (name: string, expression: string, handler = received.handler) =>
    startConsumer({
      group: name,
      subscriptions: [{ topic, expression }],
      handler,
      onError: 'suspend',
      commitIntervalMs: 50,
    });
  await join(done, '*');
  await join(filtered, 'blue');
  await join(behind, '*', async () => {
    throw new Error('not today');
  });
  const leaving = await join(gone, '*');
  await startConsumer({
    group: broadcast,
    model: 'broadcasting',
    offsetStore: { load: async () => undefined, save: async () => undefined },
    subscriptions: [{ topic, expression: '*' }],
    handler: async () => undefined,
  });
  const sent = await producer.send({ topic, tag: 'red', body: 'x' });
  await eventually(() => received.messages.length === 2);
  await leaving.close();
  const message = await found(() => admin.messageById(sent.offsetMessageId));
  await eventually(async () => {
    const tracks = await admin.messageTrack(message);
    expect(Object.fromEntries(tracks.map(({ group: name, track }) => [name, track]))).toEqual({
      [done]: 'CONSUMED',
      [behind]: 'NOT_CONSUME_YET',
      [filtered]: 'CONSUMED_BUT_FILTERED',
      [gone]: 'NOT_ONLINE',
      [broadcast]: 'CONSUME_BROADCASTING',
    });
    return true;
  });
});
