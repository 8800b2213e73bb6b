import { traceContextOf } from '@dt/rocketmq-client';
import { eventually, uniqueName } from '@dt/testkit';
import { expect, test } from 'vitest';
import { createTopic, readQueue, Received, rocketmq, startConsumer, startProducer } from './support.ts';

test('the trace context of a message comes to its consumer, alone and in a batch', async () => {
  const topic = await createTopic(1);
  const context = {
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    tracestate: 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE',
  };
  const received = new Received();
  await startConsumer({ subscriptions: [{ topic, expression: '*' }], handler: received.handler });
  const producer = await startProducer({ traceContext: () => context });
  await producer.send({ topic, body: 'alone' });
  await producer.sendBatch([
    { topic, body: 'first' },
    { topic, body: 'second' },
  ]);
  await eventually(() => received.messages.length === 3, { timeoutMs: 20_000 });
  expect(received.messages.map(traceContextOf)).toEqual([context, context, context]);
});

test('a consumer measures what it is given, by plausible times', async () => {
  const topic = await createTopic(1);
  const times = new Map<string, number[]>();
  const received = new Received();
  const producer = await startProducer();
  await startConsumer({
    subscriptions: [{ topic, expression: '*' }],
    handler: received.handler,
    metrics: {
      observe: (name, valueMs, labels) => {
        if (labels['topic'] === topic) times.set(name, [...(times.get(name) ?? []), valueMs]);
      },
      set: () => undefined,
    },
  });
  for (let n = 0; n < 5; n++) await producer.send({ topic, body: String(n) });
  await eventually(() => times.get('rocketmq_await_time')?.length === 5, { timeoutMs: 20_000 });
  await eventually(() => (times.get('rocketmq_process_time')?.length ?? 0) > 0);
  expect(times.get('rocketmq_delivery_latency')).toHaveLength(5);
  for (const valueMs of [...times.values()].flat()) {
    expect(valueMs).toBeGreaterThanOrEqual(0);
    expect(valueMs).toBeLessThan(60_000);
  }
});

test('message traces of a producer and a consumer lie in the trace topic, found by the ids and keys of the messages', async () => {
  const [topic, traceTopic] = await Promise.all([createTopic(1), createTopic(1)]);
  const messageTrace = { topic: traceTopic };
  const group = uniqueName('traced');
  const received = new Received();
  const producer = await startProducer({ group, messageTrace });
  const consumer = await startConsumer({
    ...{ group, messageTrace, subscriptions: [{ topic, expression: '*' }] },
    handler: async (messages) => {
      await received.handler(messages);
      if (messages.some(({ body }) => body.toString() === 'bad')) throw new Error('no');
    },
    onError: 'suspend',
    suspendMs: 60_000,
    batchSize: 1,
  });
  const sent = [
    await producer.send({ topic, tag: 'A', keys: ['k1', 'k2'], body: 'good' }),
    await producer.send({ topic, body: 'bad' }),
  ];
  await eventually(() => received.messages.length === 2, { timeoutMs: 20_000 });
  await Promise.all([producer.close(), consumer.close()]);

  const traces = await readQueue(traceTopic, 0, { atLeast: 2 });
  const keys = traces.flatMap(({ properties }) => properties['KEYS']?.split(' ') ?? []);
  for (const key of ['k1', 'k2', ...sent.map(({ messageId }) => messageId)]) expect(keys).toContain(key);
  const records = traces
    .flatMap(({ body }) => body.toString().split('\u0002'))
    .filter((record) => record !== '')
    .map((record) => record.split('\u0001'));
  const [good, bad] = sent;
  const published = records.filter(([type]) => type === 'Pub');
  expect(published).toHaveLength(2);
  const digits: unknown = expect.stringMatching(/^\d+$/);
  expect(published[0]).toEqual([
    ...['Pub', digits, 'DefaultRegion', group, topic, good?.messageId, 'A', 'k1 k2'],
    ...[rocketmq.brokerAddress, '4', digits, '0', good?.offsetMessageId, 'true'],
  ]);
  const ends = records.filter(([type]) => type === 'SubAfter');
  const begins = records.filter(([type]) => type === 'SubBefore');
  // A handler call each: began under the id under which it ended, one good and one by exception.
  expect(begins.map((record) => record[4])).toEqual(ends.map((record) => record[1]));
  expect(ends.map((record) => [record[2], record[4], record[6]])).toEqual([
    [good?.messageId, 'true', '0'],
    [bad?.messageId, 'false', '2'],
  ]);
});

test('message traces go to the topic of the system where none is named', async () => {
  const topic = await createTopic(1);
  const body = uniqueName('traced');
  const producer = await startProducer({ messageTrace: true });
  const traces = new Received();
  const { messageId } = await producer.send({ topic, body });
  await producer.close();
  await startConsumer({
    subscriptions: [{ topic: 'RMQ_SYS_TRACE_TOPIC', expression: '*' }],
    handler: traces.handler,
  });
  await eventually(() => traces.bodies.some((trace) => trace.includes(messageId)), { timeoutMs: 30_000 });
});
