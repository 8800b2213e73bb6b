import { commands, RequestCode, ResponseCode, topicConfigOf } from '@dt/rocketmq-protocol';
import { describe, expect, it } from 'vitest';
import { pop, popSoon } from './pop/support.ts';
import { connect, startBroker } from './support/server.ts';
import { type WireClient } from './support/wire-client.ts';

const FULL = ResponseCode.SYSTEM_ERROR;

function commit(client: WireClient, queueId: number): ReturnType<WireClient['request']> {
  const offset = { consumerGroup: 'G', topic: 'T', queueId, commitOffset: 1 };
  return client.request(
    RequestCode.UPDATE_CONSUMER_OFFSET,
    commands.updateConsumerOffset.encodeRequest(offset),
  );
}

function lock(client: WireClient, queueId: number): ReturnType<WireClient['request']> {
  const queues = [{ topic: 'T', brokerName: 'broker-a', queueId }];
  return client.request(
    RequestCode.LOCK_BATCH_MQ,
    commands.lockQueues.encodeRequest({ consumerGroup: 'G', clientId: 'c', queues }),
  );
}

function join(client: WireClient, producerGroups: string[]): ReturnType<WireClient['request']> {
  const heartbeat = { clientId: 'c', producerGroups, consumers: [] };
  return client.request(RequestCode.HEART_BEAT, commands.heartBeat.encodeRequest(heartbeat));
}

describe('tables that clients fill', () => {
  it('take no more topics than they may, and go on with those they have', async () => {
    const { broker } = await startBroker({ limits: { maxTopics: 40 } });
    const codes = [];
    for (let i = 0; i < 60; i++) codes.push((await broker.send({ topic: `T${i}` })).code);
    expect(codes[0]).toBe(ResponseCode.SUCCESS);
    expect(codes.at(-1)).toBe(FULL);
    expect((await broker.createTopic('new')).remark).toContain('no room for more than 40 topics');
    expect((await broker.send({ topic: 'T0' })).code).toBe(ResponseCode.SUCCESS);
  });

  it('take no more groups than they may, and serve those they have', async () => {
    const { broker } = await startBroker({ limits: { maxGroups: 12 } });
    await broker.send({ topic: 'T' });
    const codes = [];
    for (let i = 0; i < 12; i++) codes.push((await broker.pull({ topic: 'T', consumerGroup: `G${i}` })).code);
    expect(codes[0]).toBe(ResponseCode.SUCCESS);
    expect(codes.at(-1)).toBe(FULL);
    expect((await broker.pull({ topic: 'T', consumerGroup: 'G0' })).code).toBe(ResponseCode.SUCCESS);
  });

  it('take no more offsets, locks and producers than they may, and have room again for what leaves', async () => {
    const { server, broker } = await startBroker({ limits: { maxTableEntries: 3 } });
    await broker.send({ topic: 'T' });
    await broker.pull({ topic: 'T', consumerGroup: 'G' });
    for (const use of [commit, lock]) {
      const codes = [];
      for (const queueId of [0, 1, 2, 3, 0]) codes.push((await use(broker, queueId)).code);
      expect(codes).toEqual([0, 0, 0, FULL, 0]);
    }
    const other = await connect(server.brokerAddress);
    expect((await join(other, ['A', 'B', 'C'])).code).toBe(ResponseCode.SUCCESS);
    expect((await join(broker, ['A'])).code).toBe(FULL);
    other.close();
    await expect.poll(async () => (await join(broker, ['A'])).code).toBe(ResponseCode.SUCCESS);
  });

  it('of the NameServer take no more brokers and topics of others than they may', async () => {
    const { server } = await startBroker({ limits: { maxRegisteredBrokers: 2, maxRegisteredTopics: 40 } });
    const nameServer = await connect(server.nameServerAddress);
    const register = async (brokerName: string, topics: string[]): Promise<number> => {
      const request = commands.registerBroker.encodeRequest({
        ...{ brokerName, brokerAddr: `${brokerName}:1`, clusterName: 'C', haServerAddr: '', brokerId: 0 },
        dataVersion: { counter: 1, stateVersion: 0, timestamp: 1 },
        topics: topics.map((topic) => topicConfigOf(topic)),
      });
      return (await nameServer.request(RequestCode.REGISTER_BROKER, request)).code;
    };
    expect(await register('other', ['A', 'B'])).toBe(ResponseCode.SUCCESS);
    // One is its own broker.
    expect(await register('third', ['A', 'B'])).toBe(ResponseCode.SYSTEM_ERROR);
    const many = Array.from({ length: 40 }, (_, i) => `T${i}`);
    expect(await register('other', many)).toBe(ResponseCode.SYSTEM_ERROR);
    expect(await register('other', ['A', 'B'])).toBe(ResponseCode.SUCCESS);
  });

  it('of the NameServer take no more texts than they may', async () => {
    const { server } = await startBroker({ limits: { maxTableEntries: 2 } });
    const client = await connect(server.nameServerAddress);
    const codes = [];
    for (const key of ['a', 'b', 'c', 'a'])
      codes.push(
        (await client.request(RequestCode.PUT_KV_CONFIG, { extFields: { namespace: 'N', key, value: 'v' } }))
          .code,
      );
    expect(codes).toEqual([0, 0, FULL, 0]);
  });
});

describe('popped messages', () => {
  it('come again when no topic and no offset has room any more, even with the highest count', async () => {
    const { server, broker } = await startBroker({ limits: { maxTableEntries: 1 } });
    await broker.createTopic('T');
    await broker.send({ topic: 'T', reconsumeTimes: 2 ** 31 - 1 });
    expect((await pop(broker, 'T', { invisibleTime: 200 })).map(({ body }) => body)).toEqual(['hello']);
    await commit(broker, 0);
    const [again] = await popSoon(broker, 'T', { invisibleTime: 60_000 });
    expect(again?.message.reconsumeTimes).toBe(2 ** 31 - 1);
    await server.close();
  });
});
