import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type MetricLabels, type MetricsHook, traceContextOf } from '@dt/rocketmq-client';
import { eventually, protocol, uniqueName } from '@dt/testkit';
import { expect, onTestFinished, test } from 'vitest';
import {
  createTopic,
  readQueue,
  Received,
  rocketmq,
  startConsumer,
  startPopping,
  startProducer,
  startPulling,
} from './support.ts';

const context = {
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE',
};

/** What a hook for metrics is told of a topic. */
function measurements(topic: string) {
  const times = new Map<string, number[]>();
  const gauges = new Map<string, number[]>();
  const note = (table: Map<string, number[]>, name: string, value: number, labels: MetricLabels): void => {
    if (labels['topic'] === topic) table.set(name, [...(table.get(name) ?? []), value]);
  };
  const metrics: MetricsHook = {
    observe: (name, valueMs, labels) => note(times, name, valueMs, labels),
    set: (name, value, labels) => note(gauges, name, value, labels),
  };
  return { times, gauges, metrics };
}

function expectPlausible(times: ReadonlyMap<string, number[]>): void {
  for (const valueMs of [...times.values()].flat()) {
    expect(valueMs).toBeGreaterThanOrEqual(0);
    expect(valueMs).toBeLessThan(60_000);
  }
}

/** The fields of all records in a topic of message traces. */
async function traceRecords(traceTopic: string, atLeast: number): Promise<string[][]> {
  const traces = await readQueue(traceTopic, 0, { atLeast });
  return traces
    .flatMap(({ body }) => body.toString().split('\u0002'))
    .filter((record) => record !== '')
    .map((record) => record.split('\u0001'));
}

test('the trace context of a message comes to its consumer, alone and in a batch', async () => {
  const topic = await createTopic(1);
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

test('a producer measures its requests, by the message', async () => {
  const topic = await createTopic(1);
  const { times, metrics } = measurements(topic);
  const producer = await startProducer({ metrics });
  await producer.send({ topic, body: 'alone' });
  await producer.sendBatch([
    { topic, body: 'first' },
    { topic, body: 'second' },
  ]);
  expect(times.get('rocketmq_send_cost_time')).toHaveLength(3);
  expectPlausible(times);
});

test('connections, requests, sends, deliveries and rebalances are told on their channels', async () => {
  const topic = await createTopic(1);
  const told = new Map<string, Record<string, unknown>[]>();
  for (const name of ['connect', 'disconnect', 'request', 'send', 'receive', 'rebalance']) {
    const note = (fields: unknown): void => {
      told.set(name, [...(told.get(name) ?? []), fields as Record<string, unknown>]);
    };
    subscribe(`rocketmq:${name}`, note);
    onTestFinished(() => void unsubscribe(`rocketmq:${name}`, note));
  }
  const group = uniqueName('group');
  const received = new Received();
  const consumer = await startConsumer({
    ...{ group, subscriptions: [{ topic, expression: '*' }], handler: received.handler },
  });
  const producer = await startProducer();
  const { queue } = await producer.send({ topic, body: 'x' });
  await eventually(() => told.has('receive'), { timeoutMs: 20_000 });
  const pull = await startPulling();
  await pull.assign([queue]);
  await eventually(async () => (await pull.poll()).length > 0);
  await Promise.all([consumer.close(), producer.close(), pull.close()]);

  const number: unknown = expect.any(Number);
  expect(told.get('connect')).toContainEqual({ address: rocketmq.brokerAddress });
  expect(told.get('request')).toContainEqual(
    expect.objectContaining({
      ...{ address: rocketmq.brokerAddress, code: protocol.RequestCode.SEND_MESSAGE_V2, responseCode: 0 },
      durationMs: number,
    }),
  );
  expect(told.get('send')).toEqual([
    expect.objectContaining({ ...queue, messages: 1, sizeBytes: number, durationMs: number }),
  ]);
  expect(told.get('receive')).toEqual([
    expect.objectContaining({ ...queue, group, messages: 1, durationMs: number }),
    expect.objectContaining({ ...queue, messages: 1 }),
  ]);
  expect(told.get('rebalance')).toContainEqual({ group, topic, queues: 1, added: 1, removed: 0 });
  await eventually(() => (told.get('disconnect')?.length ?? 0) >= 3);
});

test('a consumer measures what it is given, by plausible times', async () => {
  const topic = await createTopic(1);
  const { times, metrics } = measurements(topic);
  const received = new Received();
  const producer = await startProducer();
  await startConsumer({
    subscriptions: [{ topic, expression: '*' }],
    handler: received.handler,
    metrics,
  });
  for (let n = 0; n < 5; n++) await producer.send({ topic, body: String(n) });
  await eventually(() => times.get('rocketmq_await_time')?.length === 5, { timeoutMs: 20_000 });
  await eventually(() => (times.get('rocketmq_process_time')?.length ?? 0) > 0);
  expect(times.get('rocketmq_delivery_latency')).toHaveLength(5);
  expectPlausible(times);
});

test('a pull consumer shows what its polls give: trace context, metrics, message traces', async () => {
  const [topic, traceTopic] = await Promise.all([createTopic(1), createTopic(1)]);
  const group = uniqueName('traced');
  const { times, gauges, metrics } = measurements(topic);
  const producer = await startProducer({ traceContext: () => context });
  const sent = [
    await producer.send({ topic, keys: ['k1'], body: 'one' }),
    await producer.send({ topic, body: 'two' }),
  ];
  const consumer = await startPulling({ group, metrics, messageTrace: { topic: traceTopic } });
  await consumer.assign(await consumer.topicQueues(topic));
  await eventually(() => gauges.get('rocketmq_consumer_cached_messages')?.at(-1) === 2);
  const messages = await consumer.poll();
  expect(messages.map(traceContextOf)).toEqual([context, context]);
  for (const name of ['rocketmq_delivery_latency', 'rocketmq_await_time'])
    expect(times.get(name)).toHaveLength(2);
  expectPlausible(times);
  // Whether and how long they are handled nobody here knows.
  expect(times.has('rocketmq_process_time')).toBe(false);
  for (const cached of gauges.values()) expect(cached.at(-1)).toBe(0);
  await consumer.close();

  const records = await traceRecords(traceTopic, 1);
  const digits: unknown = expect.stringMatching(/^\d+$/);
  const begins = records.filter(([type]) => type === 'SubBefore');
  const ends = records.filter(([type]) => type === 'SubAfter');
  expect(begins.map((record) => [record[3], record[5]])).toEqual(
    sent.map(({ messageId }) => [group, messageId]),
  );
  const requestId = begins[0]?.[4];
  expect(ends).toEqual([
    ['SubAfter', requestId, sent[0]?.messageId, digits, 'true', 'k1', '0', digits, group],
    ['SubAfter', requestId, sent[1]?.messageId, digits, 'true', 'null', '0', digits, group],
  ]);
});

test('a pop consumer shows what its handler does, and without one what it gives', async () => {
  const [topic, traceTopic] = await Promise.all([createTopic(1), createTopic(1)]);
  const group = uniqueName('traced');
  const { times, gauges, metrics } = measurements(topic);
  const producer = await startProducer({ traceContext: () => context });
  const good = await producer.send({ topic, keys: ['k1'], body: 'good' });
  const bad = await producer.send({ topic, body: 'bad' });
  const common = {
    metrics,
    messageTrace: { topic: traceTopic },
    subscriptions: [{ topic, expression: '*' }],
  };
  const contexts: unknown[] = [];
  const handling = await startPopping({
    ...{ ...common, group, concurrency: 1, retryDelaysMs: [600_000] },
    handler: async (message) => {
      contexts.push(traceContextOf(message));
      if (message.body.toString() === 'bad') throw new Error('no');
    },
  });
  await eventually(() => times.get('rocketmq_process_time')?.length === 2, { timeoutMs: 20_000 });
  expect(contexts).toEqual([context, context]);
  for (const name of ['rocketmq_delivery_latency', 'rocketmq_await_time'])
    expect(times.get(name)).toHaveLength(2);
  expectPlausible(times);
  expect(gauges.get('rocketmq_consumer_cached_messages')).toContain(1);
  await handling.close();
  for (const cached of gauges.values()) expect(cached.at(-1)).toBe(0);

  const asking = await startPopping(common);
  const messages = await eventually(async () => {
    const popped = await asking.pop({ waitMs: 500 });
    return popped.length > 0 && popped;
  });
  expect(messages.map(traceContextOf)).toContainEqual(context);
  expect(times.get('rocketmq_await_time')).toHaveLength(2 + messages.length);
  expect(times.get('rocketmq_process_time')).toHaveLength(2);
  await asking.ack(messages);
  await asking.close();

  const records = (await traceRecords(traceTopic, 2)).filter((record) => record.includes(group));
  const begins = records.filter(([type]) => type === 'SubBefore');
  const ends = records.filter(([type]) => type === 'SubAfter');
  expect(begins.map((record) => record[4])).toEqual(ends.map((record) => record[1]));
  expect(ends.map((record) => [record[2], record[4], record[6]])).toEqual([
    [good.messageId, 'true', '0'],
    [bad.messageId, 'false', '2'],
  ]);
  const given = (await traceRecords(traceTopic, 2)).filter((record) => !record.includes(group));
  expect(given.filter(([type]) => type === 'SubAfter')).toHaveLength(messages.length);
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
  const records = await traceRecords(traceTopic, traces.length);
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
