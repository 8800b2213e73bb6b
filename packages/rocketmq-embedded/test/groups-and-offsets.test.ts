import {
  commands,
  encodeProperties,
  parseFastjson,
  RequestCode,
  ResponseCode,
  type RemotingCommand,
} from '@dt/rocketmq-protocol';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './support/folders.ts';
import { connect, startBroker, startServer } from './support/server.ts';
import type { WireClient } from './support/wire-client.ts';

const offsetOf = (broker: WireClient, consumerGroup: string, topic: string): Promise<RemotingCommand> =>
  broker.request(
    RequestCode.QUERY_CONSUMER_OFFSET,
    commands.queryConsumerOffset.encodeRequest({ consumerGroup, topic, queueId: 0 }),
  );
const commit = (
  broker: WireClient,
  consumerGroup: string,
  topic: string,
  commitOffset: number,
): Promise<RemotingCommand> =>
  broker.request(
    RequestCode.UPDATE_CONSUMER_OFFSET,
    commands.updateConsumerOffset.encodeRequest({ consumerGroup, topic, queueId: 0, commitOffset }),
  );

describe('consumer groups', () => {
  it('hear of members that come and go, before the heartbeat that caused it is answered', async () => {
    const { server, broker } = await startBroker();
    await broker.heartBeat('G', 'T');
    expect(broker.received.map((command) => command.code)).toEqual([
      RequestCode.NOTIFY_CONSUMER_IDS_CHANGED,
      ResponseCode.SUCCESS,
    ]);
    const other = await connect(server.brokerAddress);
    await other.heartBeat('G', 'T');
    await expect.poll(() => broker.pushed.length).toBe(2);
    const list = async (): Promise<number> =>
      commands.getConsumerListByGroup.decodeResponse(
        await broker.request(
          RequestCode.GET_CONSUMER_LIST_BY_GROUP,
          commands.getConsumerListByGroup.encodeRequest({ consumerGroup: 'G' }),
        ),
      ).clientIds.length;
    expect(await list()).toBe(2);
    other.close();
    await expect.poll(() => broker.pushed.length).toBe(3);
    expect(await list()).toBe(1);
  });

  it('get a retry topic with their first heartbeat', async () => {
    const { server, broker } = await startBroker();
    await broker.heartBeat('G', 'T');
    const nameServer = await connect(server.nameServerAddress);
    const route = await nameServer.request(RequestCode.GET_ROUTEINFO_BY_TOPIC, {
      extFields: { topic: '%RETRY%G' },
    });
    expect(commands.getRouteInfoByTopic.decodeResponse(route).queueDatas).toMatchObject([
      { readQueueNums: 1, writeQueueNums: 1, perm: 6 },
    ]);
  });

  it('lose a client that falls silent', async () => {
    const { broker } = await startBroker({ limits: { clientTimeoutMs: 100 } });
    await broker.heartBeat('G', 'T');
    await expect.poll(() => broker.socket.destroyed, { timeout: 3000 }).toBe(true);
  });

  it('filter by the subscription of the heartbeat, and hand out everything while a newer one is on its way', async () => {
    const { broker } = await startBroker();
    for (const TAGS of ['A', 'B']) await broker.send({ topic: 'T', properties: encodeProperties({ TAGS }) });
    await broker.heartBeat('G', 'T', 'B', 10);
    const count = async (subVersion: number): Promise<number> => {
      const response = await broker.pull({ topic: 'T', consumerGroup: 'G', sysFlag: 0, subVersion });
      return response.body.length;
    };
    expect(await count(10)).toBeLessThan(await count(11));
    const unknown = await broker.pull({ topic: 'U', consumerGroup: 'G', sysFlag: 0 });
    expect(unknown.code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    await broker.createTopic('U');
    expect((await broker.pull({ topic: 'U', consumerGroup: 'G', sysFlag: 0 })).code).toBe(
      ResponseCode.SUBSCRIPTION_NOT_EXIST,
    );
    expect((await broker.pull({ topic: 'U', consumerGroup: 'Offline', sysFlag: 0 })).code).toBe(
      ResponseCode.SUBSCRIPTION_NOT_EXIST,
    );
  });

  it('lock queues for one member', async () => {
    const { broker } = await startBroker();
    const queue = { topic: 'T', brokerName: 'broker-a', queueId: 0 };
    const lock = async (clientId: string): Promise<unknown> =>
      commands.lockQueues.decodeResponse(
        await broker.request(
          RequestCode.LOCK_BATCH_MQ,
          commands.lockQueues.encodeRequest({ consumerGroup: 'G', clientId, queues: [queue] }),
        ),
      ).lockedQueues;
    expect(await lock('one')).toEqual([queue]);
    expect(await lock('two')).toEqual([]);
    await broker.request(
      RequestCode.UNLOCK_BATCH_MQ,
      commands.unlockQueues.encodeRequest({ consumerGroup: 'G', clientId: 'two', queues: [queue] }),
    );
    expect(await lock('two')).toEqual([]);
    await broker.request(
      RequestCode.UNLOCK_BATCH_MQ,
      commands.unlockQueues.encodeRequest({ consumerGroup: 'G', clientId: 'one', queues: [queue] }),
    );
    expect(await lock('two')).toEqual([queue]);
  });
});

describe('offsets', () => {
  it('are kept over a restart, with topics and groups', async () => {
    const dataDir = temporaryFolder();
    const server = await startServer({ dataDir });
    const broker = await connect(server.brokerAddress);
    await broker.createTopic('T', 3);
    await broker.heartBeat('G', 'T');
    expect((await commit(broker, 'G', 'T', 42)).code).toBe(ResponseCode.SUCCESS);
    await server.close();
    const second = await startBroker({ dataDir });
    expect((await offsetOf(second.broker, 'G', 'T')).extFields['offset']).toBe('42');
    const config = await second.broker.request(RequestCode.GET_TOPIC_CONFIG, { extFields: { topic: 'T' } });
    expect(commands.getTopicConfig.decodeResponse(config)).toMatchObject({ readQueueNums: 3, perm: 6 });
  });

  it('start at 0 for a new group on a young queue, and are unknown on an empty one', async () => {
    const { broker } = await startBroker();
    await broker.createTopic('T');
    expect((await offsetOf(broker, 'G', 'T')).code).toBe(ResponseCode.QUERY_NOT_FOUND);
    await broker.send({ topic: 'T' });
    expect((await offsetOf(broker, 'G', 'T')).extFields['offset']).toBe('0');
  });

  it('of unknown groups and topics are refused', async () => {
    const { broker } = await startBroker();
    await broker.createTopic('T');
    expect((await commit(broker, 'Unknown', 'T', 1)).code).toBe(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST);
    await broker.heartBeat('G', 'T');
    expect((await commit(broker, 'G', 'Unknown', 1)).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
  });

  it('show how far a group has come, in the dialect of the real server', async () => {
    const { broker } = await startBroker();
    await broker.send({ topic: 'T' });
    await broker.send({ topic: 'T' });
    await broker.heartBeat('G', 'T');
    await commit(broker, 'G', 'T', 1);
    const response = await broker.request(
      RequestCode.GET_CONSUME_STATS,
      commands.getConsumeStats.encodeRequest({ consumerGroup: 'G' }),
    );
    expect(response.body.toString()).toContain('{{"brokerName":"broker-a","queueId":0,"topic":"T"}:{');
    expect(parseFastjson(response.body.toString())).toBeTypeOf('object');
    expect(commands.getConsumeStats.decodeResponse(response).queues[0]).toMatchObject({
      brokerOffset: 2,
      consumerOffset: 1,
    });
  });

  it('are deleted with their topic', async () => {
    const { broker } = await startBroker();
    await broker.send({ topic: 'T' });
    await broker.heartBeat('G', 'T');
    await commit(broker, 'G', 'T', 1);
    await broker.request(RequestCode.DELETE_TOPIC_IN_BROKER, { extFields: { topic: 'T' } });
    expect((await broker.pull({ topic: 'T', consumerGroup: 'G' })).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    const sent = await broker.send({ topic: 'T' });
    expect(sent.extFields['queueOffset']).toBe('0');
    expect((await offsetOf(broker, 'G', 'T')).extFields['offset']).toBe('0');
  });
});

describe('requests', () => {
  it('that are not known are answered with code 3', async () => {
    const { server, broker } = await startBroker();
    const nameServer = await connect(server.nameServerAddress);
    for (const client of [broker, nameServer]) {
      expect(await client.request(9999)).toMatchObject({
        code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
        remark: ' request type 9999 not supported',
      });
    }
  });

  it('with a compact header are answered in JSON', async () => {
    const { broker } = await startBroker();
    const payload = { extFields: { topic: 'SELF_TEST_TOPIC' } };
    const response = await broker.request(RequestCode.GET_TOPIC_CONFIG, payload, {
      serializeType: 'compact',
    });
    expect(commands.getTopicConfig.decodeResponse(response).topicName).toBe('SELF_TEST_TOPIC');
  });

  it('that are one-way are never answered', async () => {
    const { broker } = await startBroker();
    broker.oneway(9999);
    broker.oneway(RequestCode.SEND_MESSAGE_V2);
    await broker.request(RequestCode.GET_BROKER_RUNTIME_INFO);
    expect(broker.received).toHaveLength(1);
  });
});
