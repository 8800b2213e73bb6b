import { traceContextOf } from '@dt/rocketmq-client';
import { eventually } from '@dt/testkit';
import { expect, test } from 'vitest';
import { createTopic, Received, startConsumer, startProducer } from './support.ts';

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
