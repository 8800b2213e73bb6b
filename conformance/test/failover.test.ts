import { RocketMQError } from '@dt/rocketmq-client';
import { eventually, faultProxy, type FaultProxy, proxyRocketmq } from '@dt/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createTopic, readQueue, Received, rocketmq, startConsumer, startProducer } from './support.ts';

/** Nothing listens there: port 1 of loopback is never given out. */
const nobody = '127.0.0.1:1';

async function nameServerProxy(): Promise<FaultProxy> {
  const proxy = await faultProxy({ target: rocketmq.nameServer });
  onTestFinished(() => proxy.close());
  return proxy;
}

describe('a list of NameServers', () => {
  test('works when only one of them is there, wherever it stands', async () => {
    const topic = await createTopic(1);
    for (const nameServers of [
      [nobody, rocketmq.nameServer],
      [rocketmq.nameServer, nobody],
      `${nobody};${rocketmq.nameServer}`,
    ]) {
      const producer = await startProducer({ nameServers });
      await producer.send({ topic, body: 'x' });
    }
    expect(await readQueue(topic, 0, { atLeast: 3 })).toHaveLength(3);
  });

  test('of which none is there fails the start by name, soon', async () => {
    const start = performance.now();
    const error: unknown = await startProducer({ nameServers: [nobody] }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RocketMQError);
    expect(error).toMatchObject({ code: 'name-server-unreachable', retryable: true });
    expect((error as Error).message).toContain(nobody);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  test('is gone through when the one in use goes away', async () => {
    const [first, second] = [await nameServerProxy(), await nameServerProxy()];
    const producer = await startProducer({ nameServers: [first.address, second.address] });
    const topics = await Promise.all([createTopic(1), createTopic(1), createTopic(1)]);
    await producer.send({ topic: topics[0], body: 'x' });
    // Whichever it uses: one after the other goes away and comes back.
    await first.refuse();
    await producer.send({ topic: topics[1], body: 'x' });
    await first.accept();
    await second.refuse();
    await producer.send({ topic: topics[2], body: 'x' });
    for (const topic of topics) expect(await readQueue(topic, 0, { atLeast: 1 })).toHaveLength(1);
  });

  test('with one that takes connections and says nothing is gone through, too', async () => {
    const [first, second] = [await nameServerProxy(), await nameServerProxy()];
    const producer = await startProducer({
      nameServers: [first.address, second.address],
      requestTimeoutMs: 500,
      sendTimeoutMs: 5000,
    });
    const topics = await Promise.all([createTopic(1), createTopic(1)]);
    first.setMode('stall');
    await producer.send({ topic: topics[0], body: 'x' });
    first.setMode('pass');
    second.setMode('stall');
    await producer.send({ topic: topics[1], body: 'x' });
  });

  test('may be away altogether while the routes in use stay good', async () => {
    const proxy = await nameServerProxy();
    const producer = await startProducer({ nameServers: proxy.address });
    const topic = await createTopic(1);
    await producer.send({ topic, body: 'x' });
    await proxy.refuse();
    for (let i = 0; i < 5; i++) await producer.send({ topic, body: 'x' });
    expect(await readQueue(topic, 0, { atLeast: 6 })).toHaveLength(6);
  });
});

describe('a connection to the broker', () => {
  test('that breaks is made again: sends are tried again, consumers go on', async () => {
    const proxied = await proxyRocketmq(rocketmq);
    onTestFinished(() => proxied[Symbol.asyncDispose]());
    const nameServers = proxied.nameServer.address;
    const topic = await createTopic(2);
    const producer = await startProducer({ nameServers });
    const received = new Received();
    await startConsumer({
      nameServers,
      subscriptions: [{ topic, expression: '*' }],
      handler: received.handler,
    });
    const sent: string[] = [];
    for (let i = 0; i < 5; i++) {
      for (let j = 0; j < 10; j++) {
        sent.push(`${i}-${j}`);
        await producer.send({ topic, body: `${i}-${j}` });
      }
      proxied.broker.cut();
    }
    await eventually(() => sent.every((body) => received.bodies.includes(body)), { timeoutMs: 30_000 });
    expect(proxied.broker.accepted).toBeGreaterThanOrEqual(5);
  });
});
