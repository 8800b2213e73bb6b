import { eventually, protocol, RawConnection, uniqueName } from '@dt/testkit';
import { describe, expect, test } from 'vitest';
import {
  ask,
  commands,
  done,
  makeTopic,
  openBroker,
  pullRequest,
  ResponseCode,
  rocketmq,
  sendRequest,
} from './wire.ts';

function heartbeat(
  clientId: string,
  group: string,
  topics: string[],
  subVersion = Date.now(),
): protocol.HeartbeatData {
  return {
    clientId,
    producerGroups: ['CLIENT_INNER_PRODUCER'],
    consumers: [
      {
        groupName: group,
        consumeType: 'CONSUME_PASSIVELY',
        messageModel: 'CLUSTERING',
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        unitMode: false,
        subscriptions: topics.map((topic) => protocol.subscriptionOf(topic, '*', subVersion)),
      },
    ],
  };
}

const notifications = (connection: RawConnection, group: string): number =>
  connection.requestsOfPeer.filter(
    ({ code, extFields }) =>
      code === protocol.RequestCode.NOTIFY_CONSUMER_IDS_CHANGED && extFields['consumerGroup'] === group,
  ).length;

describe('the members of a group', () => {
  test('are listed, and told when somebody comes, leaves or breaks off', async () => {
    const first = await openBroker();
    const second = await openBroker();
    const third = await RawConnection.open(rocketmq.brokerAddress);
    const topic = await makeTopic(first, 1);
    const group = uniqueName('group');
    const members = async (): Promise<string[]> => {
      const { clientIds } = await done(first, commands.getConsumerListByGroup, { consumerGroup: group });
      return clientIds.sort();
    };

    await done(first, commands.heartBeat, heartbeat('client-1', group, [topic]));
    expect(await members()).toEqual(['client-1']);
    // Its own arrival is news to it, too.
    await eventually(() => notifications(first, group) === 1);

    await done(second, commands.heartBeat, heartbeat('client-2', group, [topic]));
    await eventually(() => notifications(first, group) === 2);
    await done(third, commands.heartBeat, heartbeat('client-3', group, [topic]));
    await eventually(() => notifications(first, group) === 3);
    expect(await members()).toEqual(['client-1', 'client-2', 'client-3']);

    await done(second, commands.unregisterClient, { clientID: 'client-2', consumerGroup: group });
    await eventually(() => notifications(first, group) === 4);
    third.close();
    await eventually(() => notifications(first, group) === 5);
    expect(await members()).toEqual(['client-1']);
  });

  test('are listed once a connection', async () => {
    const first = await openBroker();
    const second = await openBroker();
    const group = uniqueName('group');
    const ours = heartbeat('client', group, [await makeTopic(first, 1)]);
    await done(first, commands.heartBeat, ours);
    await done(second, commands.heartBeat, ours);
    const { clientIds } = await done(first, commands.getConsumerListByGroup, { consumerGroup: group });
    expect(clientIds).toEqual(['client', 'client']);
  });

  test('that are not there are an error', async () => {
    const broker = await openBroker();
    const list = await ask(broker, commands.getConsumerListByGroup, { consumerGroup: uniqueName('nobody') });
    expect(list.code).toBe(ResponseCode.SYSTEM_ERROR);
    const connections = await ask(broker, commands.getConsumerConnectionList, {
      consumerGroup: uniqueName('nobody'),
    });
    expect(connections.code).toBe(ResponseCode.CONSUMER_NOT_ONLINE);
  });

  test('get a retry topic with the first heartbeat', async () => {
    const broker = await openBroker();
    const group = uniqueName('group');
    await done(broker, commands.heartBeat, heartbeat('client', group, [await makeTopic(broker, 1)]));
    const retry = await done(broker, commands.getTopicConfig, { topic: `%RETRY%${group}` });
    expect(retry).toMatchObject({
      topicName: `%RETRY%${group}`,
      readQueueNums: 1,
      writeQueueNums: 1,
      perm: 6,
    });
  });
});

describe('a pull with the subscription of the heartbeat', () => {
  const bySubscription = { sysFlag: 0, subscription: undefined, expressionType: undefined };

  test('is refused for a group that is not there, and for a topic it has not subscribed', async () => {
    const broker = await openBroker();
    const group = uniqueName('group');
    const [topic, other] = [await makeTopic(broker, 1), await makeTopic(broker, 1)];
    const pull = (of: string) =>
      ask(
        broker,
        commands.pullMessage,
        pullRequest(of, { ...bySubscription, consumerGroup: group, subVersion: 1000 }),
      );
    expect((await pull(topic)).code).toBe(ResponseCode.SUBSCRIPTION_NOT_EXIST);
    await done(broker, commands.heartBeat, heartbeat('client', group, [topic], 1000));
    expect((await pull(topic)).code).toBe(ResponseCode.PULL_NOT_FOUND);
    expect((await pull(other)).code).toBe(ResponseCode.SUBSCRIPTION_NOT_EXIST);

    // A topic that is no longer in the heartbeat is no longer subscribed.
    await done(broker, commands.heartBeat, heartbeat('client', group, [other], 2000));
    expect((await pull(topic)).code).toBe(ResponseCode.SUBSCRIPTION_NOT_EXIST);
    expect((await pull(other)).code).toBe(ResponseCode.PULL_NOT_FOUND);
  });
});

describe('the offset of a group', () => {
  test('is 0 for a new group on a young queue, not found on an empty one, and what was stored later', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 2);
    await done(broker, commands.sendMessageV2, sendRequest(topic, 'x'));
    const consumerGroup = uniqueName('group');
    const query = (queueId: number, setZeroIfNotFound?: boolean) =>
      ask(broker, commands.queryConsumerOffset, { consumerGroup, topic, queueId, setZeroIfNotFound });

    // The queue is filled a moment after the message is stored.
    await eventually(async () => (await query(0)).code === ResponseCode.SUCCESS);
    expect((await query(0)).response()).toEqual({ offset: 0 });
    expect((await query(0, false)).code).toBe(ResponseCode.QUERY_NOT_FOUND);
    expect((await query(1)).code).toBe(ResponseCode.QUERY_NOT_FOUND);

    await done(broker, commands.heartBeat, heartbeat('client', consumerGroup, [topic]));
    await done(broker, commands.updateConsumerOffset, { consumerGroup, topic, queueId: 0, commitOffset: 1 });
    expect((await query(0)).response()).toEqual({ offset: 1 });
    expect((await query(0, false)).response()).toEqual({ offset: 1 });
    const stats = await done(broker, commands.getConsumeStats, { consumerGroup, topic });
    expect(stats.queues.find(({ queue }) => queue.queueId === 0)).toMatchObject({
      brokerOffset: 1,
      consumerOffset: 1,
    });
  });

  test('is stored by a pull that says so', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 1);
    for (const body of ['a', 'b', 'c']) await done(broker, commands.sendMessageV2, sendRequest(topic, body));
    const consumerGroup = uniqueName('group');
    const { COMMIT_OFFSET, SUBSCRIPTION } = protocol.PullSysFlag;
    await ask(
      broker,
      commands.pullMessage,
      pullRequest(topic, {
        consumerGroup,
        queueOffset: 2,
        commitOffset: 2,
        sysFlag: COMMIT_OFFSET | SUBSCRIPTION,
      }),
    );
    const stored = await done(broker, commands.queryConsumerOffset, { consumerGroup, topic, queueId: 0 });
    expect(stored).toEqual({ offset: 2 });
  });

  test('of a topic that does not exist is refused', async () => {
    const broker = await openBroker();
    const consumerGroup = uniqueName('group');
    await done(broker, commands.heartBeat, heartbeat('client', consumerGroup, [await makeTopic(broker, 1)]));
    const answer = await ask(broker, commands.updateConsumerOffset, {
      consumerGroup,
      topic: uniqueName('nowhere'),
      queueId: 0,
      commitOffset: 1,
    });
    expect(answer.code).toBe(ResponseCode.TOPIC_NOT_EXIST);
  });

  test('of a group that is not known has no statistics', async () => {
    const broker = await openBroker();
    const stats = await done(broker, commands.getConsumeStats, { consumerGroup: uniqueName('nobody') });
    expect(stats.queues).toEqual([]);
  });
});

describe('the lock of a queue', () => {
  test('has one owner within a group until it is given back', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 2);
    const consumerGroup = uniqueName('group');
    const queues = [0, 1].map((queueId) => ({ topic, brokerName: 'broker-a', queueId }));
    const lock = async (clientId: string, wanted: typeof queues): Promise<number[]> => {
      const { lockedQueues } = await done(broker, commands.lockQueues, {
        consumerGroup,
        clientId,
        queues: wanted,
      });
      return lockedQueues.map(({ queueId }) => queueId).sort();
    };
    expect(await lock('client-1', queues)).toEqual([0, 1]);
    expect(await lock('client-2', queues)).toEqual([]);
    expect(await lock('client-1', queues)).toEqual([0, 1]);
    // A lock that somebody else holds cannot be given back.
    await done(broker, commands.unlockQueues, { consumerGroup, clientId: 'client-2', queues });
    expect(await lock('client-2', queues)).toEqual([]);
    await done(broker, commands.unlockQueues, {
      consumerGroup,
      clientId: 'client-1',
      queues: queues.slice(0, 1),
    });
    expect(await lock('client-2', queues)).toEqual([0]);
  });
});

describe('a message given back', () => {
  test('that does not exist is an error', async () => {
    const broker = await openBroker();
    const group = uniqueName('group');
    await done(broker, commands.heartBeat, heartbeat('client', group, [await makeTopic(broker, 1)]));
    const answer = await ask(broker, commands.consumerSendMessageBack, {
      offset: 9_000_000_000_000,
      group,
      delayLevel: 0,
      originTopic: 'nowhere',
      originMsgId: '',
    });
    expect(answer.code).toBe(ResponseCode.SYSTEM_ERROR);
  });

  test('comes to the retry topic with its history after its delay, or to the dead letters at once', async () => {
    const broker = await openBroker();
    const group = uniqueName('group');
    const topic = await makeTopic(broker, 1);
    await done(broker, commands.heartBeat, heartbeat('client', group, [topic]));
    const properties = protocol.encodeProperties({ TAGS: 'red', KEYS: 'k1', UNIQ_KEY: 'AB'.repeat(16) });
    const sent = await done(broker, commands.sendMessageV2, sendRequest(topic, 'x', { properties }));
    const { physicalOffset } = protocol.decodeOffsetMessageId(sent.msgId);
    const giveBack = (delayLevel: number) =>
      done(broker, commands.consumerSendMessageBack, {
        offset: physicalOffset,
        group,
        delayLevel,
        originMsgId: sent.msgId,
        originTopic: topic,
        maxReconsumeTimes: 16,
      });
    const first = (of: string) =>
      eventually(
        async () => {
          const { code, response } = await ask(
            broker,
            commands.pullMessage,
            pullRequest(of, { consumerGroup: group }),
          );
          return code === ResponseCode.SUCCESS && protocol.decodeStoredMessages(response().body)[0];
        },
        { timeoutMs: 10_000 },
      );

    const start = Date.now();
    await giveBack(1);
    await giveBack(-1);
    const dead = await first(`%DLQ%${group}`);
    expect(dead.body.toString()).toBe('x');
    expect(dead.properties).toMatchObject({
      RETRY_TOPIC: topic,
      ORIGIN_MESSAGE_ID: sent.msgId,
      TAGS: 'red',
      KEYS: 'k1',
    });

    const retried = await first(`%RETRY%${group}`);
    expect(Date.now() - start).toBeGreaterThanOrEqual(900);
    expect(retried.reconsumeTimes).toBe(1);
    expect(retried.body.toString()).toBe('x');
    expect(retried.properties).toMatchObject({
      RETRY_TOPIC: topic,
      ORIGIN_MESSAGE_ID: sent.msgId,
      UNIQ_KEY: 'AB'.repeat(16),
      TAGS: 'red',
      KEYS: 'k1',
    });
  });
});
