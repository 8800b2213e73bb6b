// The official client speaks gRPC to a proxy only.
import { Producer } from 'rocketmq-client-nodejs';
import { flood, peer } from './lib/harness.mjs';

const nothing = () => undefined;
const logger = { info: nothing, warn: nothing, debug: nothing, error: (...text) => console.error(...text) };

await peer({
  single: async (spec) => {
    const producer = new Producer({ endpoints: spec.proxy, namespace: '', topic: spec.topic, logger });
    await producer.startup();
    const body = Buffer.alloc(spec.sizeBytes, 'x');
    return flood(spec, () => producer.send({ topic: spec.topic, body }));
  },
});
