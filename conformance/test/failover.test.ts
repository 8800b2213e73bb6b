import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { RocketMQError } from '@dt/rocketmq-client';
import { eventually, faultProxy, type FaultProxy } from '@dt/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  createTopic,
  proxied,
  readQueue,
  Received,
  rocketmq,
  startConsumer,
  startProducer,
} from './support.ts';

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

  test('may be away altogether: messages come and go, and new topics are found when it is back', async () => {
    const proxy = await nameServerProxy();
    const nameServers = proxy.address;
    // Every timer that asks a NameServer runs out several times meanwhile.
    const quick = { routeRefreshMs: 100, rebalanceIntervalMs: 200, heartbeatMs: 200 };
    const producer = await startProducer({ nameServers, ...quick });
    const topic = await createTopic(2);
    const received = new Received();
    const subscriptions = [{ topic, expression: '*' }];
    const consumer = await startConsumer({
      ...{ nameServers, subscriptions, handler: received.handler },
      ...quick,
    });
    await producer.send({ topic, body: 'before' });
    await eventually(() => received.bodies.includes('before'), { timeoutMs: 30_000 });
    await proxy.refuse();
    const sent: string[] = [];
    for (const end = Date.now() + 2000; Date.now() < end; await pause(50)) {
      sent.push(`away ${sent.length}`);
      await producer.send({ topic, body: `away ${sent.length - 1}` });
    }
    await eventually(() => sent.every((body) => received.bodies.includes(body)), { timeoutMs: 30_000 });
    expect(consumer.queues.filter((queue) => queue.topic === topic)).toHaveLength(2);
    await proxy.accept();
    await producer.send({ topic: await createTopic(1), body: 'x' }, { timeoutMs: 20_000 });
    expect(received.bodies.sort()).toEqual(['before', ...sent].sort());
  });

  test('that an address server gives is asked for, and followed when it changes', async () => {
    const [first, second] = [await nameServerProxy(), await nameServerProxy()];
    let listed = first.address;
    const server = createServer((_, response) => response.end(`${listed}\n`));
    onTestFinished(() => void server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const producer = await startProducer({
      nameServers: `http://127.0.0.1:${port}/rocketmq/nsaddr`,
      nameServerListRefreshMs: 100,
    });
    await producer.send({ topic: await createTopic(1), body: 'x' });
    expect(second.accepted).toBe(0);
    listed = second.address;
    await first.refuse();
    await producer.send({ topic: await createTopic(1), body: 'x' }, { timeoutMs: 20_000 });
    expect(second.accepted).toBeGreaterThan(0);
  });
});

describe('a connection to the broker', () => {
  test('that breaks is made again: sends are tried again, consumers go on', async () => {
    const { nameServer, broker } = await proxied();
    const nameServers = nameServer.address;
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
      broker.cut();
    }
    await eventually(() => sent.every((body) => received.bodies.includes(body)), { timeoutMs: 30_000 });
    expect(broker.accepted).toBeGreaterThanOrEqual(5);
  });
});
