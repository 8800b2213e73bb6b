import {
  eventually,
  protocol,
  RawConnection,
  startBroker,
  uniqueName,
  type RunningBroker,
} from '@dt/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  commands,
  done,
  makeTopic,
  pullRequest,
  readQueue,
  readTopic,
  rocketmq,
  sendRequest,
} from './wire.ts';

// A cluster that runs elsewhere cannot be taken away from here.
describe.skipIf(rocketmq.external)('a broker that was away', () => {
  let broker: RunningBroker;
  beforeAll(async () => {
    broker = await startBroker(rocketmq.target);
  });
  afterAll(() => broker.close());

  test('by a crash has every message it has acknowledged, its topics, and goes on counting', async () => {
    await using before = await RawConnection.open(broker.brokerAddress);
    const topic = await makeTopic(before, 3);
    for (let i = 0; i < 300; i += 10) {
      await Promise.all(
        Array.from({ length: 10 }, (_, j) =>
          done(before, commands.sendMessageV2, sendRequest(topic, `m${i + j}`, { queueId: j % 3 })),
        ),
      );
    }
    await broker.killBroker();
    await before.closed;
    await broker.startBroker();

    const queues = await readTopic(topic, 3, { atLeast: 300, brokerAddress: broker.brokerAddress });
    for (const messages of queues) {
      expect(messages.map(({ queueOffset }) => queueOffset)).toEqual(messages.map((_, i) => i));
    }
    const bodies = queues.flat().map(({ body }) => body.toString());
    expect(bodies.sort()).toEqual(Array.from({ length: 300 }, (_, i) => `m${i}`).sort());

    await using after = await RawConnection.open(broker.brokerAddress);
    expect(await done(after, commands.getTopicConfig, { topic })).toMatchObject({
      readQueueNums: 3,
      perm: 6,
    });
    const next = await done(after, commands.sendMessageV2, sendRequest(topic, 'next', { queueId: 1 }));
    expect(next.queueOffset).toBe(queues[1]?.length);
    const { brokerDatas } = protocol.decodeTopicRouteData((await routeOf(topic)).body);
    expect(brokerDatas[0]?.brokerAddrs).toEqual({ 0: broker.brokerAddress });
  });

  test('by an orderly end has the offsets of its groups, too', async () => {
    await using before = await RawConnection.open(broker.brokerAddress);
    const topic = await makeTopic(before, 1);
    const consumerGroup = uniqueName('group');
    for (const body of ['a', 'b', 'c']) await done(before, commands.sendMessageV2, sendRequest(topic, body));
    const { COMMIT_OFFSET, SUBSCRIPTION } = protocol.PullSysFlag;
    await eventually(async () => {
      const pull = pullRequest(topic, {
        consumerGroup,
        queueOffset: 2,
        commitOffset: 2,
        sysFlag: COMMIT_OFFSET | SUBSCRIPTION,
      });
      return done(before, commands.pullMessage, pull).catch(() => undefined);
    });
    await broker.stopBroker();
    await broker.startBroker();
    await using after = await RawConnection.open(broker.brokerAddress);
    expect(await done(after, commands.queryConsumerOffset, { consumerGroup, topic, queueId: 0 })).toEqual({
      offset: 2,
    });
    expect(await readQueue(topic, 0, { atLeast: 3, brokerAddress: broker.brokerAddress })).toHaveLength(3);
  });

  async function routeOf(topic: string): Promise<protocol.RemotingCommand> {
    await using nameServer = await RawConnection.open(broker.nameServer);
    return await nameServer.request(
      commands.getRouteInfoByTopic.code,
      commands.getRouteInfoByTopic.encodeRequest({ topic }),
    );
  }
});
