import { eventually } from '@dt/testkit';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, onTestFinished, test } from 'vitest';
import {
  createTopic,
  failure,
  proxied,
  readQueue,
  Received,
  startConsumer,
  startProducer,
} from './support.ts';

/** Addresses of connections that end. */
function disconnects(): string[] {
  const addresses: string[] = [];
  const note = (message: unknown): void => void addresses.push((message as { address: string }).address);
  subscribe('rocketmq:disconnect', note);
  onTestFinished(() => void unsubscribe('rocketmq:disconnect', note));
  return addresses;
}

test('an answer that comes after the time-out is dropped, and the connection stays in step', async () => {
  const { nameServer, broker } = await proxied();
  const topic = await createTopic(1);
  const producer = await startProducer({ nameServers: nameServer.address, maxAttempts: 1 });
  await producer.send({ topic, body: '0' });
  const { accepted } = broker;
  broker.setDelay(300);
  for (let n = 1; n <= 3; n++) {
    const error = await failure(producer.send({ topic, body: String(n) }, { timeoutMs: 100 }));
    expect(error).toMatchObject({ code: 'timeout', outcome: 'unknown', retryable: true });
  }
  broker.setDelay(0);
  // Their answers may still come: none of them is taken for this one's.
  const { queueOffset } = await producer.send({ topic, body: 'last' }, { timeoutMs: 5000 });
  const stored = await readQueue(topic, 0, { atLeast: queueOffset + 1 });
  expect(stored[queueOffset]?.body.toString()).toBe('last');
  expect(broker.accepted).toBe(accepted);
});

test('a connection that is cut without a word is found, and traffic goes on over a new one', async () => {
  const { nameServer, broker } = await proxied();
  const topic = await createTopic(1);
  const received = new Received();
  const lost = disconnects();
  const nameServers = nameServer.address;
  await startConsumer({
    nameServers,
    silenceTimeoutMs: 1000,
    requestTimeoutMs: 1000,
    subscriptions: [{ topic, expression: '*' }],
    handler: received.handler,
  });
  const producer = await startProducer({ nameServers });
  await producer.send({ topic, body: 'before' });
  await eventually(() => received.bodies.includes('before'), { timeoutMs: 20_000 });
  broker.setMode('stall');
  // 1 s of silence, 3 s for a sign of life.
  await eventually(() => lost.includes(broker.address), { timeoutMs: 15_000, what: 'the end of it' });
  broker.cut();
  broker.setMode('pass');
  await producer.send({ topic, body: 'after' }, { timeoutMs: 20_000 });
  await eventually(() => received.bodies.includes('after'), { timeoutMs: 30_000 });
});

test('with every server gone sends fail as retryable, and go on when they are back', async () => {
  const { nameServer, broker } = await proxied();
  const topic = await createTopic(2);
  const received = new Received();
  const nameServers = nameServer.address;
  await startConsumer({
    nameServers,
    subscriptions: [{ topic, expression: '*' }],
    handler: received.handler,
  });
  const producer = await startProducer({ nameServers, sendTimeoutMs: 1000, retryPauseMs: 50 });
  await producer.send({ topic, body: 'before' });
  await Promise.all([nameServer.refuse(), broker.refuse()]);
  const lost = ['lost', 'lost'].map((body) => failure(producer.send({ topic, body })));
  for (const error of await Promise.all(lost)) expect(error).toMatchObject({ retryable: true });
  await Promise.all([nameServer.accept(), broker.accept()]);
  await producer.send({ topic, body: 'after' }, { timeoutMs: 20_000 });
  await eventually(() => ['before', 'after'].every((body) => received.bodies.includes(body)), {
    timeoutMs: 30_000,
  });
  expect(received.bodies).not.toContain('lost');
});

test('answers that never come leave the fate of a message unknown, and it may be stored', async () => {
  const { nameServer, broker } = await proxied();
  const topic = await createTopic(1);
  const producer = await startProducer({ nameServers: nameServer.address, maxAttempts: 1 });
  await producer.send({ topic, body: 'first' });
  broker.setMode('drop-answers');
  const error = await failure(producer.send({ topic, body: 'second' }, { timeoutMs: 500 }));
  expect(error).toMatchObject({ code: 'timeout', outcome: 'unknown' });
  expect(await readQueue(topic, 0, { atLeast: 2 })).toHaveLength(2);
  broker.setMode('pass');
  await producer.send({ topic, body: 'third' }, { timeoutMs: 10_000 });
});
