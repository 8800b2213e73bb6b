import { expect, test } from 'vitest';
import { createTopic, failure, proxied, readQueue, startAdmin, startProducer } from './support.ts';

async function storedBodies(topic: string, atLeast: number): Promise<string[]> {
  return (await readQueue(topic, 0, { atLeast })).map(({ body }) => body.toString());
}

test('a broker that takes nothing in makes producers wait at their limits, or fail at once if they are to', async () => {
  const { nameServer, broker } = await proxied();
  const nameServers = nameServer.address;
  const topic = await createTopic(1);
  const waiting = await startProducer({ nameServers, maxPendingMessages: 2, sendTimeoutMs: 60_000 });
  const failing = await startProducer({ nameServers, maxPendingBytes: 10, whenFull: 'error' });
  await waiting.send({ topic, body: 'w' });
  await failing.send({ topic, body: 'f' });
  broker.setMode('stall');
  const sends = Array.from({ length: 6 }, (_, n) => waiting.send({ topic, body: `w${n}` }));
  // Alone it goes, whatever its size; a second one has no room.
  const large = failing.send({ topic, body: 'f'.repeat(11) }, { timeoutMs: 60_000 });
  expect(await failure(failing.send({ topic, body: 'x' }))).toMatchObject({
    ...{ code: 'overloaded', outcome: 'not-sent', retryable: true },
  });
  expect(await failure(waiting.send({ topic, body: 'x' }, { timeoutMs: 300 }))).toMatchObject({
    ...{ code: 'overloaded', outcome: 'not-sent', retryable: true },
  });
  broker.setMode('pass');
  await Promise.all([...sends, large]);
  const bodies = await storedBodies(topic, 9);
  expect(bodies.sort()).toEqual(['f', 'f'.repeat(11), 'w', 'w0', 'w1', 'w2', 'w3', 'w4', 'w5'].sort());
});

test('a send that is given up says what is known of its message', async () => {
  const { nameServer, broker } = await proxied();
  const topic = await createTopic(1);
  const producer = await startProducer({ nameServers: nameServer.address });
  await producer.send({ topic, body: 'first' });
  const before = failure(producer.send({ topic, body: 'before' }, { signal: AbortSignal.abort() }));
  expect(await before).toMatchObject({ code: 'aborted', outcome: 'not-sent' });
  broker.setMode('drop-answers');
  const caller = new AbortController();
  const given = [
    failure(producer.send({ topic, body: 'under way' }, { signal: caller.signal })),
    failure(
      producer.sendBatch([{ topic, body: 'batch' }], { signal: caller.signal }).then(([outcome]) => {
        if (outcome?.ok === false) throw outcome.error;
      }),
    ),
  ];
  // Stored, and only its answer is kept back.
  await storedBodies(topic, 3);
  caller.abort();
  for (const error of await Promise.all(given))
    expect(error).toMatchObject({ code: 'aborted', outcome: 'unknown' });
  broker.setMode('pass');
  await producer.send({ topic, body: 'last' }, { timeoutMs: 20_000 });
  expect((await storedBodies(topic, 4)).sort()).toEqual(['batch', 'first', 'last', 'under way']);
});

test('behind a request of unknown fate the rest of a batch is held back', async () => {
  const { nameServer, broker } = await proxied();
  const topic = await createTopic(1);
  const producer = await startProducer({
    ...{ nameServers: nameServer.address, maxBatchMessages: 2, maxAttempts: 1 },
  });
  await producer.send({ topic, body: 'first' });
  broker.setMode('drop-answers');
  const outcomes = await producer.sendBatch(
    Array.from({ length: 6 }, (_, n) => ({ topic, body: String(n) })),
    { timeoutMs: 1000 },
  );
  const known = outcomes.map((outcome) => !outcome.ok && [outcome.error.code, outcome.error.outcome]);
  expect(known).toEqual([
    ...[0, 1].map(() => ['timeout', 'unknown']),
    ...[2, 3, 4, 5].map(() => ['held-back', 'not-sent']),
  ]);
  expect(await storedBodies(topic, 3)).toEqual(['first', '0', '1']);
  broker.setMode('pass');
});

test('a producer is known to the broker by an id that ends with its unit', async () => {
  const topic = await createTopic(1);
  const group = `unit-${topic}`;
  const producer = await startProducer({ group, unitName: 'north' });
  await producer.send({ topic, body: 'x' });
  const admin = await startAdmin();
  const ids = (await admin.producerConnections(group, topic)).map(({ clientId }) => clientId);
  expect(ids).toEqual([producer.clientId]);
  expect(producer.clientId).toMatch(/^[\d.]+@\d+#\w+@north$/);
});
