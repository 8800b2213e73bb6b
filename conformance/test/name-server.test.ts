import { askOnce, eventually, protocol, RawConnection, uniqueName } from '@dt/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  ask,
  commands,
  done,
  makeTopic,
  openBroker,
  ResponseCode,
  rocketmq,
  sendRequest,
  topicRequest,
} from './wire.ts';

async function openNameServer(): Promise<RawConnection> {
  const connection = await RawConnection.open(rocketmq.nameServer);
  onTestFinished(() => connection.close());
  return connection;
}

describe('the NameServer', () => {
  test('knows the cluster, its broker and the address clients are to use', async () => {
    const nameServer = await openNameServer();
    const info = await done(nameServer, commands.getBrokerClusterInfo, {});
    expect(info).toEqual({
      brokers: {
        'broker-a': expect.objectContaining({
          cluster: 'DefaultCluster',
          brokerName: 'broker-a',
          brokerAddrs: { 0: rocketmq.brokerAddress },
        }) as unknown,
      },
      clusters: { DefaultCluster: ['broker-a'] },
    });
  });

  test('gives the route of a topic as soon as the broker has answered its creation', async () => {
    const broker = await openBroker();
    const nameServer = await openNameServer();
    const topic = await makeTopic(broker, 5);
    const route = await done(nameServer, commands.getRouteInfoByTopic, { topic });
    expect(route.queueDatas).toEqual([
      expect.objectContaining({ brokerName: 'broker-a', readQueueNums: 5, writeQueueNums: 5, perm: 6 }),
    ]);
    expect(route.brokerDatas).toEqual([
      expect.objectContaining({
        cluster: 'DefaultCluster',
        brokerName: 'broker-a',
        brokerAddrs: { 0: rocketmq.brokerAddress },
      }),
    ]);
  });

  test('says which topic it has no route for', async () => {
    const topic = uniqueName('nowhere');
    const answer = await ask(await openNameServer(), commands.getRouteInfoByTopic, { topic });
    expect(answer.code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    expect(answer.remark).toContain(`No topic route info in name server for the topic: ${topic}`);
  });

  test('has a route to the template that new topics are made after', async () => {
    const route = await done(await openNameServer(), commands.getRouteInfoByTopic, { topic: 'TBW102' });
    expect(route.queueDatas).toMatchObject([{ perm: 7, readQueueNums: 8, writeQueueNums: 8 }]);
  });

  test('lists the topics, those of the system too', async () => {
    const topic = await makeTopic(await openBroker(), 1);
    const { topics } = await done(await openNameServer(), commands.getAllTopicList, {});
    expect(topics).toEqual(
      expect.arrayContaining([
        topic,
        'TBW102',
        'SELF_TEST_TOPIC',
        'DefaultCluster',
        'broker-a',
        'SCHEDULE_TOPIC_XXXX',
      ]),
    );
  });
});

describe('a topic', () => {
  test('can be changed, and its route with it', async () => {
    const broker = await openBroker();
    const nameServer = await openNameServer();
    const topic = await makeTopic(broker, 2);
    await done(broker, commands.updateAndCreateTopic, topicRequest(topic, { queues: 6, perm: 4 }));
    const route = await done(nameServer, commands.getRouteInfoByTopic, { topic });
    expect(route.queueDatas).toMatchObject([{ readQueueNums: 6, writeQueueNums: 6, perm: 4 }]);
  });

  test('counts its messages queue by queue', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 3);
    const before = Date.now();
    for (let i = 0; i < 5; i++)
      await done(broker, commands.sendMessageV2, sendRequest(topic, 'x', { queueId: i % 2 }));
    const { queues } = await eventually(async () => {
      const stats = await done(broker, commands.getTopicStatsInfo, { topic });
      return stats.queues.reduce((sum, { maxOffset }) => sum + maxOffset, 0) === 5 && stats;
    });
    const sorted = queues.sort((a, b) => a.queue.queueId - b.queue.queueId);
    expect(sorted).toMatchObject([
      { queue: { topic, brokerName: 'broker-a', queueId: 0 }, minOffset: 0, maxOffset: 3 },
      { queue: { topic, brokerName: 'broker-a', queueId: 1 }, minOffset: 0, maxOffset: 2 },
      {
        queue: { topic, brokerName: 'broker-a', queueId: 2 },
        minOffset: 0,
        maxOffset: 0,
        lastUpdateTimestamp: 0,
      },
    ]);
    expect(sorted[0]?.lastUpdateTimestamp).toBeGreaterThanOrEqual(before - 1);
    const nowhere = await ask(broker, commands.getTopicStatsInfo, { topic: uniqueName('nowhere') });
    expect(nowhere.code).toBe(ResponseCode.TOPIC_NOT_EXIST);
  });

  test('can be deleted, and made again with nothing in it', async () => {
    const broker = await openBroker();
    const nameServer = await openNameServer();
    const topic = await makeTopic(broker, 1);
    await done(broker, commands.sendMessageV2, sendRequest(topic, 'x'));
    // A real broker can crash when a topic is deleted milliseconds after a message was stored in it.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await done(broker, commands.deleteTopicInBroker, { topic });
    await done(nameServer, commands.deleteTopicInNameServer, { topic });
    expect((await ask(nameServer, commands.getRouteInfoByTopic, { topic })).code).toBe(
      ResponseCode.TOPIC_NOT_EXIST,
    );
    expect((await ask(broker, commands.getTopicConfig, { topic })).code).toBe(ResponseCode.TOPIC_NOT_EXIST);

    await done(broker, commands.updateAndCreateTopic, topicRequest(topic));
    expect(await done(broker, commands.getMaxOffset, { topic, queueId: 0 })).toEqual({ offset: 0 });
    expect(await done(broker, commands.sendMessageV2, sendRequest(topic, 'y'))).toMatchObject({
      queueOffset: 0,
    });
  });

  test('that is not there is deleted without a fault, one of the system never', async () => {
    const broker = await openBroker();
    expect((await ask(broker, commands.deleteTopicInBroker, { topic: uniqueName('nowhere') })).code).toBe(
      ResponseCode.SUCCESS,
    );
    for (const topic of ['TBW102', 'SCHEDULE_TOPIC_XXXX', 'broker-a', 'rmq_sys_anything']) {
      expect([topic, (await ask(broker, commands.deleteTopicInBroker, { topic })).code]).toEqual([
        topic,
        ResponseCode.SYSTEM_ERROR,
      ]);
    }
  });

  test.each(['no blanks allowed', 'no/slash', 'x'.repeat(128), 'TBW102', 'broker-a', 'rmq_sys_anything'])(
    'cannot be made with the name %j',
    async (topic) => {
      const answer = await ask(await openBroker(), commands.updateAndCreateTopic, topicRequest(topic));
      expect(answer.code).toBe(ResponseCode.SYSTEM_ERROR);
      expect(answer.remark).toBeTruthy();
    },
  );
});

test('the older form of a route is given to older clients', async () => {
  // Without a version that knows better, broker ids are bare numbers, which is not JSON.
  const topic = await makeTopic(await openBroker(), 1);
  const route = await askOnce(rocketmq.nameServer, protocol.RequestCode.GET_ROUTEINFO_BY_TOPIC, {
    extFields: { topic },
  });
  expect(protocol.parseFastjson(route.body.toString())).toMatchObject({
    queueDatas: [{ brokerName: 'broker-a' }],
  });
});
