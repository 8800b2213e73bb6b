import { SendError } from '@dt/rocketmq-client';
import { eventually, protocol, proxyRocketmq, type Rewrite } from '@dt/testkit';
import { expect, test } from 'vitest';
import {
  createTopic,
  proxied,
  readQueue,
  readTopic,
  Received,
  rocketmq,
  startConsumer,
  startProducer,
} from './support.ts';

/** What an answer to a send has and no other. */
function isSendAnswer(frame: Buffer): boolean {
  const command = protocol.decodeFrame(frame.subarray(4));
  return protocol.isResponse(command) && command.extFields['queueOffset'] !== undefined;
}

test('answers that come twice and in another order reach who asked, over one connection', async () => {
  const waveSize = 20;
  let held: Buffer[] = [];
  const { nameServer, broker } = await proxied(() => (frame) => {
    if (!isSendAnswer(frame)) return Buffer.concat([frame, frame]);
    held.push(frame);
    if (held.length < waveSize) return Buffer.alloc(0);
    const reversed = held.reverse();
    held = [];
    return Buffer.concat(reversed.flatMap((answer) => [answer, answer]));
  });
  const nameServers = nameServer.address;
  const topic = await createTopic(4);
  const producer = await startProducer({ nameServers });
  const results = [];
  for (let wave = 0; wave < 10; wave++) {
    const bodies = Array.from({ length: waveSize }, (_, n) => `${wave}-${n}`);
    const sends = bodies.map(async (body) => ({ body, ...(await producer.send({ topic, body })) }));
    results.push(...(await Promise.all(sends)));
  }
  expect(broker.accepted).toBe(1);
  const stored = await readTopic(topic, 4, { atLeast: results.length });
  for (const { body, messageId, queue, queueOffset } of results) {
    const message = stored[queue.queueId]?.[queueOffset];
    expect(message?.body.toString()).toBe(body);
    expect(message?.properties['UNIQ_KEY']).toBe(messageId);
  }
  const received = new Received();
  await startConsumer({
    nameServers,
    subscriptions: [{ topic, expression: '*' }],
    handler: received.handler,
  });
  await eventually(() => received.messages.length >= results.length, { timeoutMs: 30_000 });
  expect(received.bodies.sort()).toEqual(results.map(({ body }) => body).sort());
});

test('an answer that is cut at any byte leaves the fate of its message unknown, and no other’s', async () => {
  const topic = await createTopic(1);
  let answerBytes = 0;
  const sendThrough = async (body: string, changeAnswer: Rewrite): Promise<unknown> => {
    await using proxies = await proxyRocketmq(rocketmq, () => changeAnswer);
    const producer = await startProducer({ nameServers: proxies.nameServer.address, maxAttempts: 1 });
    return await producer.send({ topic, body }, { timeoutMs: 20_000 }).catch((error: unknown) => error);
  };
  const whole = await sendThrough('whole', (frame) => {
    if (isSendAnswer(frame)) answerBytes = frame.length;
    return frame;
  });
  expect(whole).toMatchObject({ status: 'SEND_OK' });
  const cuts = Array.from({ length: answerBytes }, (_, cut) => cut);
  while (cuts.length > 0) {
    const some = cuts.splice(0, 25);
    const errors = await Promise.all(
      some.map((cut) =>
        sendThrough(`cut at ${cut}`, (frame) =>
          isSendAnswer(frame) ? { last: frame.subarray(0, cut) } : frame,
        ),
      ),
    );
    for (const error of errors) {
      expect(error).toBeInstanceOf(SendError);
      expect(error).toMatchObject({ code: 'connection-lost', outcome: 'unknown', retryable: true });
    }
  }
  // All of them were: that is why nothing else may be said.
  const bodies = (await readQueue(topic, 0, { atLeast: answerBytes + 1 })).map(({ body }) => body.toString());
  expect(new Set(bodies).size).toBe(answerBytes + 1);
  expect(bodies).toHaveLength(answerBytes + 1);
});
