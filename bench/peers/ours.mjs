import { Producer, PushConsumer } from '@dt/rocketmq-client';
import { counter, flood, oneByOne, peer } from './lib/harness.mjs';

const quiet = { sendTimeoutMs: 30_000 };

async function producerOf({ nameServer, group }, options = {}) {
  const producer = new Producer({ nameServers: nameServer, group, ...quiet, ...options });
  await producer.start();
  return producer;
}

const messageOf = ({ topic, sizeBytes }) => ({ topic, body: Buffer.alloc(sizeBytes, 'x') });

async function consume(spec, options = {}) {
  const { seen, done } = counter(spec);
  const consumer = new PushConsumer({
    nameServers: spec.nameServer,
    group: spec.group,
    subscriptions: [{ topic: spec.topic, expression: '*' }],
    from: 'first',
    handler: async (messages) => seen(messages.length),
    ...options,
  });
  await consumer.start();
  const figures = await done;
  await consumer.close();
  return figures;
}

await peer({
  single: async (spec) => {
    const producer = await producerOf(spec);
    const message = messageOf(spec);
    return flood(spec, () => producer.send(message));
  },
  linger: async (spec) => {
    const producer = await producerOf(spec, { lingerMs: 1 });
    const message = messageOf(spec);
    return flood(spec, () => producer.send(message));
  },
  batch: async (spec) => {
    const producer = await producerOf(spec);
    const message = messageOf(spec);
    const messages = Array.from({ length: spec.batchSize }, () => message);
    const send = async () => {
      const failed = (await producer.sendBatch(messages)).find((outcome) => !outcome.ok);
      if (failed !== undefined) throw failed.error;
    };
    return flood(spec, send, spec.batchSize);
  },
  latency: async (spec) => {
    const producer = await producerOf(spec);
    const message = messageOf(spec);
    return oneByOne(spec, () => producer.send(message));
  },
  consume: (spec) => consume(spec),
  orderly: (spec) => consume(spec, { queueLocks: true, onError: 'suspend' }),
});
