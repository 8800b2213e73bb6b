import { createRequire } from 'node:module';
import { counter, flood, peer } from './lib/harness.mjs';

const { Producer, Consumer, Message } = createRequire(import.meta.url)('ali-ons');

const nothing = () => undefined;
const logger = { info: nothing, warn: nothing, debug: nothing, error: (...text) => console.error(...text) };
const base = ({ nameServer }) => ({
  nameSrv: nameServer,
  logger,
  accessKeyId: 'unused',
  accessKeySecret: 'unused',
  // For looking up NameServers, which are given here; it insists on having one.
  httpclient: { request: () => Promise.reject(new Error('not used')) },
});

await peer({
  single: async (spec) => {
    const producer = new Producer({ ...base(spec), producerGroup: spec.group });
    producer.on('error', (error) => console.error(error.message));
    await producer.ready();
    const body = Buffer.alloc(spec.sizeBytes, 'x').toString();
    return flood(spec, async () => {
      const result = await producer.send(new Message(spec.topic, '', body));
      if (result.sendStatus !== 'SEND_OK') throw new Error(`status ${result.sendStatus}`);
    });
  },
  consume: async (spec) => {
    const { seen, done } = counter(spec);
    const consumer = new Consumer({
      ...base(spec),
      consumerGroup: spec.group,
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      parallelConsumeLimit: 32,
      // Its flow control waits 5 s once more messages than this are held back.
      pullThresholdForQueue: 1_000_000,
    });
    consumer.on('error', (error) => console.error(error.message));
    consumer.subscribe(spec.topic, '*', async () => seen(1));
    await consumer.ready();
    return done;
  },
});
