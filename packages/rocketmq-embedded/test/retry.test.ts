import {
  commands,
  decodeStoredMessages,
  encodeProperties,
  RequestCode,
  ResponseCode,
  type RemotingCommand,
  type StoredMessage,
} from '@dt/rocketmq-protocol';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './support/folders.ts';
import { connect, startBroker, startServer } from './support/server.ts';
import type { WireClient } from './support/wire-client.ts';

const QUICK = { messageDelayLevel: '50ms 100ms 150ms 200ms 250ms' };

async function queue(broker: WireClient, topic: string, queueId = 0): Promise<StoredMessage[]> {
  const response = await broker.pull({ topic, queueId, consumerGroup: 'Reader' });
  return response.code === ResponseCode.SUCCESS ? decodeStoredMessages(response.body) : [];
}

function sendBack(
  broker: WireClient,
  message: StoredMessage,
  options: { delayLevel?: number; maxReconsumeTimes?: number } = {},
): Promise<RemotingCommand> {
  return broker.request(
    RequestCode.CONSUMER_SEND_MSG_BACK,
    commands.consumerSendMessageBack.encodeRequest({
      offset: message.physicalOffset,
      group: 'G',
      delayLevel: 0,
      originMsgId: message.properties['UNIQ_KEY'] ?? '',
      originTopic: message.topic,
      unitMode: false,
      maxReconsumeTimes: 2,
      ...options,
    }),
  );
}

describe('failed messages', () => {
  it('come again through the retry topic and end in the dead letter topic', async () => {
    const { broker } = await startBroker(QUICK);
    await broker.send({
      topic: 'T',
      body: Buffer.from('x'),
      properties: encodeProperties({ UNIQ_KEY: 'U', TAGS: 'A' }),
    });
    let [current] = await queue(broker, 'T');
    const first = current as StoredMessage;
    for (let times = 1; times <= 2; times++) {
      expect((await sendBack(broker, current as StoredMessage)).code).toBe(ResponseCode.SUCCESS);
      await expect.poll(async () => (await queue(broker, '%RETRY%G')).length).toBe(times);
      current = (await queue(broker, '%RETRY%G'))[times - 1];
      expect(current).toMatchObject({
        reconsumeTimes: times,
        bornTimestamp: first.bornTimestamp,
        bornHost: first.bornHost,
      });
      expect(current?.properties).toMatchObject({
        RETRY_TOPIC: 'T',
        TAGS: 'A',
        UNIQ_KEY: 'U',
        REAL_TOPIC: '%RETRY%G',
        DELAY: String(2 + times),
      });
      expect(current?.properties['ORIGIN_MESSAGE_ID']).toMatch(/^[0-9A-F]{32}$/);
    }
    expect((await sendBack(broker, current as StoredMessage)).code).toBe(ResponseCode.SUCCESS);
    const [dead] = await queue(broker, '%DLQ%G');
    expect(dead).toMatchObject({ reconsumeTimes: 3 });
    expect(dead?.properties).toMatchObject({ RETRY_TOPIC: 'T', UNIQ_KEY: 'U' });
    expect(dead?.body.toString()).toBe('x');
  });

  it('go to the dead letter topic at once with a negative delay level', async () => {
    const { broker } = await startBroker(QUICK);
    await broker.send({ topic: 'T' });
    const [message] = await queue(broker, 'T');
    await sendBack(broker, message as StoredMessage, { delayLevel: -1 });
    expect(await queue(broker, '%DLQ%G')).toHaveLength(1);
  });

  it('are looked for by physical offset: one that is not there is refused', async () => {
    const { broker } = await startBroker(QUICK);
    await broker.send({ topic: 'T' });
    const [message] = await queue(broker, 'T');
    const wrong = {
      ...(message as StoredMessage),
      physicalOffset: (message as StoredMessage).physicalOffset + 1,
    };
    expect(await sendBack(broker, wrong)).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: `look message by offset failed, ${wrong.physicalOffset}`,
    });
  });

  it('sent by the consumer itself go to the dead letter topic when they had their tries', async () => {
    const { broker } = await startBroker(QUICK);
    const sendRetry = (reconsumeTimes: number): Promise<RemotingCommand> =>
      broker.send({
        topic: '%RETRY%G',
        reconsumeTimes,
        maxReconsumeTimes: 3,
        properties: encodeProperties({ UNIQ_KEY: `${reconsumeTimes}` }),
      });
    await sendRetry(3);
    await sendRetry(4);
    expect((await queue(broker, '%RETRY%G')).map((each) => each.properties['UNIQ_KEY'])).toEqual(['3']);
    expect((await queue(broker, '%DLQ%G')).map((each) => each.properties['UNIQ_KEY'])).toEqual(['4']);
  });
});

describe('delayed messages', () => {
  it('are delivered when their time has come, in order', async () => {
    const { broker } = await startBroker(QUICK);
    await broker.createTopic('T', 2);
    const start = Date.now();
    for (const body of ['a', 'b']) {
      await broker.send({
        topic: 'T',
        queueId: 1,
        body: Buffer.from(body),
        properties: encodeProperties({ DELAY: '3', TAGS: 'X' }),
      });
    }
    expect(await queue(broker, 'T', 1)).toEqual([]);
    await expect
      .poll(async () => (await queue(broker, 'T', 1)).map((each) => each.body.toString()))
      .toEqual(['a', 'b']);
    const [message] = await queue(broker, 'T', 1);
    expect((message as StoredMessage).storeTimestamp - start).toBeGreaterThanOrEqual(150);
    expect(message?.properties).toMatchObject({ DELAY: '3', REAL_TOPIC: 'T', REAL_QID: '1', TAGS: 'X' });
  });

  it('survive a restart', async () => {
    const dataDir = temporaryFolder();
    const options = { dataDir, messageDelayLevel: '400ms' };
    const server = await startServer(options);
    const broker = await connect(server.brokerAddress);
    await broker.send({
      topic: 'T',
      body: Buffer.from('later'),
      properties: encodeProperties({ DELAY: '1' }),
    });
    await server.close();
    const second = await startBroker(options);
    await expect
      .poll(async () => (await queue(second.broker, 'T')).map((each) => each.body.toString()), {
        timeout: 5000,
      })
      .toEqual(['later']);
  });
});
