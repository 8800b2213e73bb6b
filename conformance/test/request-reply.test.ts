import type { ReceivedMessage } from '@dt/rocketmq-client';
import { eventually, protocol, uniqueName } from '@dt/testkit';
import { expect, test } from 'vitest';
import { createTopic, Received, startConsumer, startProducer } from './support.ts';
import { ask, commands, done, openBroker, ResponseCode, sendRequest } from './wire.ts';

const REPLY_TOPIC = 'DefaultCluster_REPLY_TOPIC';

/** A consumer that answers every message. */
async function startService(
  topic: string,
  answer: (message: ReceivedMessage) => string | Buffer,
): Promise<void> {
  const producer = await startProducer();
  await startConsumer({
    subscriptions: [{ topic, expression: '*' }],
    handler: async (messages) => {
      for (const message of messages) await producer.reply(message, answer(message));
    },
  });
}

test('each request gets its own reply, also when many are under way', async () => {
  const topic = await createTopic(2);
  await startService(topic, ({ body }) => `${body.toString()} to you`);
  const producer = await startProducer();
  const questions = Array.from({ length: 20 }, (_, i) => `hello ${i}`);
  const replies = await Promise.all(
    questions.map((body) => producer.request({ topic, body, properties: { a: 'b' } }, { timeoutMs: 20_000 })),
  );
  expect(replies.map(({ body }) => body.toString())).toEqual(questions.map((text) => `${text} to you`));
  expect(replies[0]?.properties).toMatchObject({ MSG_TYPE: 'reply', REPLY_TO_CLIENT: producer.clientId });
  expect(replies[0]?.bornHost).toMatch(/^127\.0\.0\.1:\d+$/);
});

test('a large reply is compressed on its way', async () => {
  const topic = await createTopic(1);
  await startService(topic, () => Buffer.alloc(100_000, 'x'));
  const producer = await startProducer();
  const { body } = await producer.request({ topic, body: 'how much?' }, { timeoutMs: 20_000 });
  expect(body.equals(Buffer.alloc(100_000, 'x'))).toBe(true);
});

test('a request nobody answers ends by its time, and a reply that comes later is taken and dropped', async () => {
  const topic = await createTopic(1);
  const received = new Received();
  await startConsumer({ subscriptions: [{ topic, expression: '*' }], handler: received.handler });
  const producer = await startProducer();
  const request = producer.request({ topic, body: 'anybody?' }, { timeoutMs: 1000 });
  await expect(request).rejects.toMatchObject({ code: 'timeout', outcome: 'unknown' });
  const [message] = await eventually(() => received.messages.length === 1 && received.messages);
  const replier = await startProducer();
  await replier.reply(message as ReceivedMessage, 'too late');
  // The one who asks has taken no harm.
  await producer.send({ topic, body: 'next' });
});

test('a reply to who has left is refused, and one to no request is not sent', async () => {
  const topic = await createTopic(1);
  const received = new Received();
  await startConsumer({ subscriptions: [{ topic, expression: '*' }], handler: received.handler });
  const producer = await startProducer();
  const request = producer.request({ topic, body: 'bye' }, { timeoutMs: 500 });
  await expect(request).rejects.toMatchObject({ code: 'timeout' });
  await producer.send({ topic, body: 'no request' });
  await producer.close();
  const messages = await eventually(() => received.messages.length === 2 && received.messages);
  const replier = await startProducer();
  await expect(replier.reply(messages[0] as ReceivedMessage, 'x')).rejects.toMatchObject({
    code: 'broker-error',
    responseCode: ResponseCode.SYSTEM_ERROR,
  });
  await expect(replier.reply(messages[1] as ReceivedMessage, 'x')).rejects.toMatchObject({
    code: 'message-invalid',
  });
});

test('replies of a hand-made peer are handed on, and kept in the reply topic', async () => {
  const broker = await openBroker();
  const requester = await openBroker();
  const clientId = uniqueName('client');
  await done(requester, commands.heartBeat, {
    clientId,
    producerGroups: [uniqueName('group')],
    consumers: [],
  });
  const { offset: before } = await done(broker, commands.getMaxOffset, { topic: REPLY_TOPIC, queueId: 0 });
  const properties = { CORRELATION_ID: uniqueName('id'), REPLY_TO_CLIENT: clientId, MSG_TYPE: 'reply' };
  const reply = (given: Record<string, string>) =>
    sendRequest(REPLY_TOPIC, 'answer', { properties: protocol.encodeProperties(given) });
  const answering = ask(broker, commands.sendReplyMessageV2, reply(properties), { timeoutMs: 15_000 });
  const pushed = await eventually(() =>
    requester.requestsOfPeer.find(
      (request) => request.code === protocol.RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT,
    ),
  );
  const given = commands.pushReplyMessageToClient.decodeRequest(pushed);
  expect(given.topic).toBe(REPLY_TOPIC);
  expect(given.storeHost).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(given.body.toString()).toBe('answer');
  const handedOn = protocol.decodeProperties(given.properties ?? '');
  expect(handedOn).toMatchObject(properties);
  expect(handedOn['PUSH_REPLY_TIME']).toMatch(/^\d+$/);
  // Who replied hears what the requester answered.
  const taken = protocol.createResponse(pushed, ResponseCode.SUCCESS, {});
  requester.write(protocol.encodeCommand(taken, { serializeType: 'json' }));
  expect((await answering).code).toBe(ResponseCode.SUCCESS);
  const nobody = await ask(broker, commands.sendReplyMessageV2, reply({ CORRELATION_ID: 'c' }));
  expect(nobody.code).toBe(ResponseCode.SYSTEM_ERROR);
  expect(nobody.remark).toContain('REPLY_TO_CLIENT');
  await eventually(
    async () =>
      (await done(broker, commands.getMaxOffset, { topic: REPLY_TOPIC, queueId: 0 })).offset >= before + 2,
  );
});
