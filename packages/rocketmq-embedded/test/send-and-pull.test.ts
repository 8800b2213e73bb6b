import {
  commands,
  decodeOffsetMessageId,
  decodeStoredMessages,
  encodeBatchBody,
  encodeProperties,
  RequestCode,
  ResponseCode,
} from '@dt/rocketmq-protocol';
import { describe, expect, it } from 'vitest';
import { connect, startBroker } from './support/server.ts';
import { sendRequest } from './support/wire-client.ts';

describe('send and pull', () => {
  it('stores a message and hands it out with everything the producer and the broker put into it', async () => {
    const { server, broker } = await startBroker();
    const properties = encodeProperties({ TAGS: 'TagA', KEYS: 'k1', UNIQ_KEY: 'U1', mine: 'x' });
    const response = await broker.send({ topic: 'T', properties, body: Buffer.from('hello'), flag: 7 });
    expect(response.code).toBe(ResponseCode.SUCCESS);
    const sent = commands.sendMessageV2.decodeResponse(response);
    expect(sent).toMatchObject({
      queueId: 0,
      queueOffset: 0,
      transactionId: 'U1',
      MSG_REGION: 'DefaultRegion',
      TRACE_ON: 'true',
    });

    const pulled = await broker.pull({ topic: 'T', consumerGroup: 'G' });
    expect(pulled).toMatchObject({ code: ResponseCode.SUCCESS, remark: 'FOUND' });
    expect(commands.pullMessage.decodeResponse(pulled)).toMatchObject({
      nextBeginOffset: 1,
      minOffset: 0,
      maxOffset: 1,
      suggestWhichBrokerId: 0,
    });
    const [message] = decodeStoredMessages(pulled.body);
    expect(message).toMatchObject({
      topic: 'T',
      queueId: 0,
      queueOffset: 0,
      flag: 7,
      reconsumeTimes: 0,
      bornTimestamp: 1_700_000_000_000,
    });
    expect(message?.body.toString()).toBe('hello');
    expect({ ...message?.properties }).toEqual({
      TAGS: 'TagA',
      KEYS: 'k1',
      UNIQ_KEY: 'U1',
      mine: 'x',
      MSG_REGION: 'DefaultRegion',
      TRACE_ON: 'true',
      CLUSTER: 'DefaultCluster',
    });
    const id = decodeOffsetMessageId(sent.msgId);
    expect(id.physicalOffset).toBe(message?.physicalOffset);
    expect(`${id.storeHost.ip}:${id.storeHost.port}`).toBe(server.brokerAddress);
  });

  it('creates an unknown topic with the queues of the template and registers it before it answers', async () => {
    const { server, broker } = await startBroker();
    await broker.send({ topic: 'Fresh', defaultTopicQueueNums: 4 });
    await broker.send({ topic: 'Wide', defaultTopicQueueNums: 100 });
    const nameServer = await connect(server.nameServerAddress);
    const route = async (topic: string): Promise<unknown> =>
      commands.getRouteInfoByTopic.decodeResponse(
        await nameServer.request(
          RequestCode.GET_ROUTEINFO_BY_TOPIC,
          commands.getRouteInfoByTopic.encodeRequest({ topic }),
        ),
      ).queueDatas[0];
    expect(await route('Fresh')).toMatchObject({
      readQueueNums: 4,
      writeQueueNums: 4,
      perm: 6,
      brokerName: 'broker-a',
    });
    expect(await route('Wide')).toMatchObject({ readQueueNums: 8, writeQueueNums: 8 });
  });

  it('stores a batch in one queue without gaps and appends the shared properties to each message', async () => {
    const { broker } = await startBroker();
    const body = encodeBatchBody([
      { body: Buffer.from('one'), properties: { TAGS: 'A', UNIQ_KEY: 'u1' } },
      { body: Buffer.from('two'), properties: { UNIQ_KEY: 'u2' }, flag: 3 },
      { body: Buffer.from('three'), properties: '' },
    ]);
    const response = await broker.request(
      RequestCode.SEND_BATCH_MESSAGE,
      commands.sendBatchMessage.encodeRequest(sendRequest({ topic: 'T', batch: true, body, queueId: 2 })),
    );
    const sent = commands.sendBatchMessage.decodeResponse(response);
    expect(sent).toMatchObject({ queueId: 2, queueOffset: 0 });
    expect(sent.msgId.split(',')).toHaveLength(3);
    const pulled = await broker.pull({ topic: 'T', consumerGroup: 'G', queueId: 2 });
    const messages = decodeStoredMessages(pulled.body);
    expect(
      messages.map((m) => [
        m.queueOffset,
        m.body.toString(),
        m.flag,
        m.properties['UNIQ_KEY'],
        m.properties['CLUSTER'],
      ]),
    ).toEqual([
      [0, 'one', 0, 'u1', 'DefaultCluster'],
      [1, 'two', 3, 'u2', 'DefaultCluster'],
      [2, 'three', 0, undefined, 'DefaultCluster'],
    ]);
    expect(sent.msgId.split(',').map((id) => decodeOffsetMessageId(id).physicalOffset)).toEqual(
      messages.map((message) => message.physicalOffset),
    );
  });
});
