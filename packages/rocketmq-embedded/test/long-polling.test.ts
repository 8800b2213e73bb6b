import {
  commands,
  decodeStoredMessages,
  encodeProperties,
  RequestCode,
  ResponseCode,
} from '@dt/rocketmq-protocol';
import { describe, expect, it } from 'vitest';
import { connect, startBroker } from './support/server.ts';

const SUSPEND = 2;
const WITH_SUBSCRIPTION = 4;
const HELD = { consumerGroup: 'G', sysFlag: SUSPEND | WITH_SUBSCRIPTION, suspendTimeoutMillis: 20_000 };

describe('long polling', () => {
  it('answers a held pull when a message comes', async () => {
    const { server, broker } = await startBroker();
    await broker.createTopic('T');
    const pulled = broker.pull({ ...HELD, topic: 'T' });
    const producer = await connect(server.brokerAddress);
    await producer.send({ topic: 'T', body: Buffer.from('now') });
    const response = await pulled;
    expect(response.code).toBe(ResponseCode.SUCCESS);
    expect(decodeStoredMessages(response.body)[0]?.body.toString()).toBe('now');
  });

  it('is not woken by a message with another tag, and is by one with a wanted tag', async () => {
    const { server, broker } = await startBroker();
    await broker.createTopic('T');
    const producer = await connect(server.brokerAddress);
    const sendTagged = (tag: string): Promise<unknown> =>
      producer.send({ topic: 'T', properties: encodeProperties({ TAGS: tag }) });
    let answered = false;
    const pulled = broker.pull({ ...HELD, topic: 'T', subscription: 'Wanted || Other' }).then((response) => {
      answered = true;
      return response;
    });
    await sendTagged('Unwanted');
    await producer.request(
      RequestCode.GET_MAX_OFFSET,
      commands.getMaxOffset.encodeRequest({ topic: 'T', queueId: 0 }),
    );
    expect(answered).toBe(false);
    await sendTagged('Wanted');
    const response = await pulled;
    expect(decodeStoredMessages(response.body).map((message) => message.properties['TAGS'])).toEqual([
      'Wanted',
    ]);
    expect(commands.pullMessage.decodeResponse(response).nextBeginOffset).toBe(2);
  });

  describe('with a condition on properties', () => {
    const byNumber = { ...HELD, topic: 'T', subscription: 'n > 1', expressionType: 'SQL92' };
    const numbered = (n: number): { topic: string; properties: string } => ({
      topic: 'T',
      properties: encodeProperties({ n: String(n) }),
    });

    it('is not woken by what does not fulfil it, and gives only what does', async () => {
      const { server, broker } = await startBroker({ enablePropertyFilter: true });
      await broker.createTopic('T');
      const producer = await connect(server.brokerAddress);
      let answered = false;
      const pulled = broker.pull(byNumber).finally(() => (answered = true));
      for (const n of [0, 1, 0, 1]) {
        await producer.send(numbered(n));
        await producer.request(
          RequestCode.GET_MAX_OFFSET,
          commands.getMaxOffset.encodeRequest({ topic: 'T', queueId: 0 }),
        );
      }
      expect(answered).toBe(false);
      await producer.send(numbered(2));
      const response = await pulled;
      expect(decodeStoredMessages(response.body).map(({ queueOffset }) => queueOffset)).toEqual([4]);
      expect(commands.pullMessage.decodeResponse(response).nextBeginOffset).toBe(5);
    });

    it('tells at the deadline how far it has looked', async () => {
      const { server, broker } = await startBroker({ enablePropertyFilter: true });
      await broker.createTopic('T');
      const producer = await connect(server.brokerAddress);
      const pulled = broker.pull({ ...byNumber, suspendTimeoutMillis: 300 });
      await producer.send(numbered(1));
      const response = await pulled;
      expect(response).toMatchObject({
        code: ResponseCode.PULL_RETRY_IMMEDIATELY,
        remark: 'NO_MATCHED_MESSAGE',
      });
      expect(commands.pullMessage.decodeResponse(response).nextBeginOffset).toBe(1);
    });

    it('is not held when the broker has no property filter', async () => {
      const { broker } = await startBroker();
      await broker.createTopic('T');
      expect(await broker.pull(byNumber)).toMatchObject({
        code: ResponseCode.SYSTEM_ERROR,
        remark: 'The broker does not support consumer to filter message by SQL92',
      });
    });

    it('looks through many messages in steps', async () => {
      const { broker } = await startBroker({ enablePropertyFilter: true });
      await broker.createTopic('T');
      for (let i = 0; i < 1000; i++) await broker.send(numbered(i === 900 ? 2 : 0));
      const first = await broker.pull({ ...byNumber, sysFlag: WITH_SUBSCRIPTION });
      expect(first.code).toBe(ResponseCode.PULL_RETRY_IMMEDIATELY);
      const { nextBeginOffset } = commands.pullMessage.decodeResponse(first);
      expect(nextBeginOffset).toBeGreaterThanOrEqual(800);
      expect(nextBeginOffset).toBeLessThan(900);
      const second = await broker.pull({
        ...byNumber,
        sysFlag: WITH_SUBSCRIPTION,
        queueOffset: nextBeginOffset,
      });
      expect(decodeStoredMessages(second.body).map(({ queueOffset }) => queueOffset)).toEqual([900]);
      expect(commands.pullMessage.decodeResponse(second).nextBeginOffset).toBe(1000);
    });
  });

  it('answers PULL_NOT_FOUND at the deadline', async () => {
    const { broker } = await startBroker();
    await broker.createTopic('T');
    const start = Date.now();
    const response = await broker.pull({ ...HELD, topic: 'T', suspendTimeoutMillis: 200 });
    expect(Date.now() - start).toBeGreaterThanOrEqual(195);
    expect(response).toMatchObject({ code: ResponseCode.PULL_NOT_FOUND, remark: 'NO_MESSAGE_IN_QUEUE' });
  });

  it('moves the offset of a filtered consumer although nothing matched', async () => {
    const { server, broker } = await startBroker();
    await broker.createTopic('T');
    const pulled = broker.pull({ ...HELD, topic: 'T', subscription: 'Wanted', suspendTimeoutMillis: 300 });
    const producer = await connect(server.brokerAddress);
    await producer.send({ topic: 'T', properties: encodeProperties({ TAGS: 'Unwanted' }) });
    const response = await pulled;
    expect(response.code).toBe(ResponseCode.PULL_RETRY_IMMEDIATELY);
    expect(commands.pullMessage.decodeResponse(response).nextBeginOffset).toBe(1);
  });

  it('does not hold a pull that does not allow it', async () => {
    const { broker } = await startBroker();
    await broker.createTopic('T');
    const response = await broker.pull({ consumerGroup: 'G', topic: 'T', suspendTimeoutMillis: 20_000 });
    expect(response.code).toBe(ResponseCode.PULL_NOT_FOUND);
  });

  it('answers at once when too many pulls wait already', async () => {
    const { broker } = await startBroker({ limits: { maxHeldPulls: 1 } });
    await broker.createTopic('T', 2);
    void broker.pull({ ...HELD, topic: 'T' }).catch(() => undefined);
    const response = await broker.pull({ ...HELD, topic: 'T', queueId: 1 });
    expect(response.code).toBe(ResponseCode.PULL_NOT_FOUND);
  });

  it('forgets the pulls of a closed connection', async () => {
    const { server, broker } = await startBroker({ limits: { maxHeldPulls: 1 } });
    await broker.createTopic('T');
    const leaving = await connect(server.brokerAddress);
    void leaving.pull({ ...HELD, topic: 'T' }).catch(() => undefined);
    await leaving.heartBeat('G', 'T');
    leaving.close();
    // The place becomes free: a pull is held again, and ends by its own deadline.
    await expect
      .poll(async () => {
        const start = Date.now();
        await broker.pull({ ...HELD, topic: 'T', suspendTimeoutMillis: 150 });
        return Date.now() - start;
      })
      .toBeGreaterThanOrEqual(140);
  });

  it('tells a held pull that its topic was deleted', async () => {
    const { server, broker } = await startBroker();
    await broker.createTopic('T');
    const pulled = broker.pull({ ...HELD, topic: 'T' });
    const admin = await connect(server.brokerAddress);
    await admin.request(RequestCode.DELETE_TOPIC_IN_BROKER, { extFields: { topic: 'T' } });
    expect((await pulled).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
  });
});
